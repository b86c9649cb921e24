"""Any S3: one bucket or two, through boto3. The only room that imports it.

botocore retries (standard mode: jitter, a bounded number of attempts, bounded time-outs); what it does not
retry, a body that breaks off while it is read, goes on here from the byte where it broke.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore import UNSIGNED
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from podcast_pipeline.config import Config
from podcast_pipeline.errors import NotFound, PreconditionFailed, StoreError
from podcast_pipeline.storage import CHUNK_BYTES, ObjectInfo, ObjectReader, UnfinishedUpload
from podcast_pipeline.storage.conditional import check_preconditions
from podcast_pipeline.storage.keys import check_key, check_prefix, public_url
from podcast_pipeline.storage.public_reader import PublicUrlReader
from podcast_pipeline.storage.s3.errors import error_from_exception, error_from_response
from podcast_pipeline.storage.s3.multipart import (
    PART_THREADS,
    S3Upload,
    list_multipart_uploads,
    put_multipart,
    put_single,
    received_parts,
)
from podcast_pipeline.storage.s3.presets import S3Settings, s3_settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

CONNECTIONS = 4 * PART_THREADS


def open_client(session: boto3.session.Session, settings: S3Settings, *, signed: bool = True) -> "S3Client":
    """Return a client; with the credentials of boto3's usual chain, or with none."""
    config = ClientConfig(
        signature_version="s3v4" if signed else UNSIGNED,
        s3={"addressing_style": "path" if settings.path_style else "auto"},
        request_checksum_calculation=settings.checksums,
        response_checksum_validation=settings.checksums,
        retries={"mode": "standard", "total_max_attempts": settings.attempts},
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        max_pool_connections=CONNECTIONS,
    )
    return session.client(
        "s3", endpoint_url=settings.endpoint_url, region_name=settings.region, config=config
    )


class S3Reader:
    """Reads the buckets of `settings` with the rights of `client`."""

    def __init__(self, settings: S3Settings, client: "S3Client") -> None:
        self.settings = settings
        self.client = client

    def head(self, key: str) -> ObjectInfo:
        """Return what the store says of an object."""
        return _info(key, self._head(key))

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return an object whole."""
        answer = self._get(key)
        info = _info(key, answer)
        return info, b"".join(self._chunks(key, answer, 0, info.size_bytes))

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`; errors come with the first chunk."""
        size = self.head(key).size_bytes
        end = size if end is None else min(end, size)
        if start < end:
            yield from self._chunks(key, self._get(key, start, end), start, end)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, in order of key."""
        bucket, name = self.settings.bucket_and_name(check_prefix(prefix))
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=name)
        with _saying(prefix):
            items = [item for page in pages for item in page.get("Contents", ())]
        for item in sorted(items, key=lambda item: item["Key"]):  # SeaweedFS lists folder by folder
            key = item["Key"][len(name) - len(prefix) :]
            yield ObjectInfo(key, item["Size"], "", "", item["ETag"].strip('"'), None, item["LastModified"])

    def _place(self, key: str) -> dict[str, Any]:
        bucket, name = self.settings.bucket_and_name(check_key(key))
        return {"Bucket": bucket, "Key": name}

    def _head(self, key: str) -> "HeadObjectOutputTypeDef":
        with _saying(key):
            return self.client.head_object(**self._place(key))

    def _get(self, key: str, start: int = 0, end: int | None = None, **more: Any) -> "GetObjectOutputTypeDef":
        if end is not None:
            more["Range"] = f"bytes={start}-{end - 1}"
        with _saying(key):
            return self.client.get_object(**self._place(key), **more)

    def _chunks(self, key: str, answer: "GetObjectOutputTypeDef", start: int, end: int) -> Iterator[bytes]:
        """Yield the body; where it breaks off, ask for the rest of the same object."""
        for attempt in range(self.settings.attempts):
            if attempt:
                answer = self._get(key, start, end, IfMatch=answer["ETag"])
            try:
                with closing(answer["Body"]) as body:
                    for chunk in body.iter_chunks(CHUNK_BYTES):
                        yield chunk
                        start += len(chunk)
            except BotoCoreError:
                continue
            return
        raise error_from_exception(key, "IncompleteReadError")


class S3Store(S3Reader):
    """One bucket, or one for `public/` and one for `private/`.

    Args:
        session: to be shared by stores; a new one takes a third of a second.
    """

    remote = True

    def __init__(self, settings: S3Settings, *, session: boto3.session.Session | None = None) -> None:
        self._session = session or boto3.session.Session()
        super().__init__(settings, open_client(self._session, settings))

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Return the store of [storage]."""
        with _saying("storage"):
            return cls(s3_settings(config))

    def put(
        self,
        key: str,
        body: bytes | Path,
        *,
        content_type: str,
        cache_control: str,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """Write an object, whole or not at all; see Store.

        Where the store has no conditional writes the conditions are looked at before, which is enough
        only for who holds a lease.
        """
        conditions = _conditions(if_absent=if_absent, if_match=if_match)
        native = self.settings.conditional_writes
        upload = S3Upload(
            key,
            *self.settings.bucket_and_name(check_key(key)),
            body,
            content_type,
            cache_control,
            conditions if native else {},
        )
        if upload.is_multipart or not native:
            check_preconditions(self, key, if_absent=if_absent, if_match=if_match)
        return self._send(upload)

    def delete(self, key: str) -> None:
        """Remove an object; not an error when there is none."""
        with _saying(key):
            self.client.delete_object(**self._place(key))

    def unfinished_uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """Yield the uploads in parts that were begun and not ended; see Store."""
        bucket, name = self.settings.bucket_and_name(check_prefix(prefix))
        with _saying(prefix):
            found = list(list_multipart_uploads(self.client, bucket, name))
        for item in found:
            key = item["Key"][len(name) - len(prefix) :]
            with suppress(PreconditionFailed, NotFound), _saying(key):  # ended since
                size, at = received_parts(self.client, bucket, item)
                yield UnfinishedUpload(key, item["UploadId"], size, at)

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Abort an upload in parts; the store forgets what has arrived."""
        with suppress(PreconditionFailed, NotFound), _saying(upload.key):
            self.client.abort_multipart_upload(UploadId=upload.id, **self._place(upload.key))

    def url(self, key: str) -> str:
        """Return the address of a key under `public/`."""
        return public_url(self.settings.base_url, key)

    def presigned_url(self, key: str, seconds: int) -> str:
        """Return an address at which anybody may GET a key for so long."""
        with _saying(key):
            return self.client.generate_presigned_url(
                "get_object", Params=self._place(key), ExpiresIn=seconds
            )

    def anonymous(self) -> ObjectReader:
        """Return the same reads, unsigned; or by public URL where the endpoint wants signatures."""
        return self._anybody

    @cached_property
    def _anybody(self) -> ObjectReader:
        if not self.settings.unsigned_reads:
            return PublicUrlReader(self.settings.base_url)
        return S3Reader(self.settings, open_client(self._session, self.settings, signed=False))

    def _send(self, upload: S3Upload) -> ObjectInfo:
        send = put_multipart if upload.is_multipart else put_single
        try:
            with _saying(upload.key):
                etag = send(self.client, upload)
        except (PreconditionFailed, NotFound) as error:
            # a retry after a lost answer finds the condition broken by our own object
            answer = self._landed(upload)
            if answer is None:
                raise PreconditionFailed(upload.key, error.message) from error
            etag = answer["ETag"]
        return self._read_back(upload, etag.strip('"'))

    def _landed(self, upload: S3Upload) -> "HeadObjectOutputTypeDef | None":
        try:
            answer = self._head(upload.key)
        except NotFound:
            return None
        return answer if answer["Metadata"].get("put-id") == upload.put_id else None

    def _read_back(self, upload: S3Upload, etag: str) -> ObjectInfo:
        answer = self._head(upload.key)
        info = _info(upload.key, answer)
        ours = ObjectInfo(
            upload.key,
            upload.size_bytes,
            upload.content_type,
            upload.cache_control,
            etag,
            upload.sha256,
            info.modified_at,
        )
        replaced = info.etag != etag and answer["Metadata"].get("put-id") != upload.put_id
        if not replaced and (info != ours or answer.get("ContentEncoding")):
            raise StoreError(
                upload.key, f"reads back as {_told(answer)} instead of as it was put; check what is between"
            )
        return ours


def _conditions(*, if_absent: bool, if_match: str | None) -> dict[str, Any]:
    if if_absent:
        return {"IfNoneMatch": "*"}
    return {} if if_match is None else {"IfMatch": f'"{if_match}"'}


def _info(key: str, answer: "HeadObjectOutputTypeDef | GetObjectOutputTypeDef") -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size_bytes=answer["ContentLength"],
        content_type=answer.get("ContentType", ""),
        cache_control=answer.get("CacheControl", ""),
        etag=answer["ETag"].strip('"'),
        sha256=answer["Metadata"].get("sha256"),
        modified_at=answer["LastModified"].astimezone(UTC),
    )


def _told(answer: "HeadObjectOutputTypeDef") -> str:
    names = ("ContentLength", "ContentType", "ContentEncoding", "CacheControl", "ETag")
    said = {name: value for name, value in answer.items() if name in names}
    return ", ".join(f"{name} {value}" for name, value in said.items())


@contextmanager
def _saying(key: str) -> Iterator[None]:
    """Turn what boto3 raises into our errors."""
    try:
        yield
    except ClientError as error:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        raise error_from_response(key, error.response["Error"]["Code"], status) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise error_from_exception(key, type(error).__name__) from error
