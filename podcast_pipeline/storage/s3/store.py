"""S3 storage with boto3, in one bucket or two. Only this package imports boto3.

botocore retries requests (standard mode: jitter, limited attempts and time-outs). It does not retry a
truncated body; that is resumed here from the byte where the connection broke.
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
from podcast_pipeline.storage.s3.versions import purge_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

CONNECTIONS = 4 * PART_THREADS


def open_client(session: boto3.session.Session, settings: S3Settings, *, signed: bool = True) -> "S3Client":
    """Return a client, with the credentials of boto3's usual chain or unsigned."""
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
    """Reads the buckets of `settings` with the permissions of `client`."""

    def __init__(self, settings: S3Settings, client: "S3Client") -> None:
        self.settings = settings
        self.client = client

    def head(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""
        return _info(key, self._head(key))

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return a whole object."""
        response = self._get(key)
        info = _info(key, response)
        return info, b"".join(self._chunks(key, response, 0, info.size_bytes))

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
        with _store_errors(prefix):
            items = [item for page in pages for item in page.get("Contents", ())]
        for item in sorted(items, key=lambda item: item["Key"]):  # SeaweedFS lists folder by folder
            key = item["Key"][len(name) - len(prefix) :]
            yield ObjectInfo(key, item["Size"], "", "", item["ETag"].strip('"'), None, item["LastModified"])

    def _location(self, key: str) -> dict[str, Any]:
        bucket, name = self.settings.bucket_and_name(check_key(key))
        return {"Bucket": bucket, "Key": name}

    def _head(self, key: str) -> "HeadObjectOutputTypeDef":
        with _store_errors(key):
            return self.client.head_object(**self._location(key))

    def _get(self, key: str, start: int = 0, end: int | None = None, **more: Any) -> "GetObjectOutputTypeDef":
        if end is not None:
            more["Range"] = f"bytes={start}-{end - 1}"
        with _store_errors(key):
            return self.client.get_object(**self._location(key), **more)

    def _chunks(self, key: str, response: "GetObjectOutputTypeDef", start: int, end: int) -> Iterator[bytes]:
        """Yield the body; after a broken connection, request the rest of the same object."""
        for attempt in range(self.settings.attempts):
            if attempt:
                response = self._get(key, start, end, IfMatch=response["ETag"])
            try:
                with closing(response["Body"]) as body:
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
        session: can be shared by stores; a new one takes a third of a second.
    """

    remote = True

    def __init__(self, settings: S3Settings, *, session: boto3.session.Session | None = None) -> None:
        self._session = session or boto3.session.Session()
        super().__init__(settings, open_client(self._session, settings))

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Return the store configured in [storage]."""
        with _store_errors("storage"):
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
        """Write an object atomically; see Store.

        For a store without conditional writes the preconditions are checked before the write, which is safe
        only while the publisher holds a lease.
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
        """Delete an object; no error if there is none."""
        with _store_errors(key):
            self.client.delete_object(**self._location(key))

    def purge(self, key: str, *, keep_current: bool = False) -> tuple[str, ...]:
        """Remove an object with all its versions and unfinished uploads; see Store."""
        with _store_errors(key):
            kept = purge_versions(self.client, self._location(key), keep_current=keep_current)
            if not keep_current:
                for upload in [one for one in self.unfinished_uploads(key) if one.key == key]:
                    self.abort_upload(upload)
        return tuple(f"{key}: {line}" for line in kept)

    def unfinished_uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """Yield the unfinished multipart uploads; see Store."""
        bucket, name = self.settings.bucket_and_name(check_prefix(prefix))
        with _store_errors(prefix):
            uploads = list(list_multipart_uploads(self.client, bucket, name))
        for item in uploads:
            key = item["Key"][len(name) - len(prefix) :]
            with suppress(PreconditionFailed, NotFound), _store_errors(key):  # completed or aborted meanwhile
                size, at = received_parts(self.client, bucket, item)
                yield UnfinishedUpload(key, item["UploadId"], size, at)

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Abort a multipart upload; the store deletes the received parts."""
        with suppress(PreconditionFailed, NotFound), _store_errors(upload.key):
            self.client.abort_multipart_upload(UploadId=upload.id, **self._location(upload.key))

    def url(self, key: str) -> str:
        """Return the address of a key under `public/`."""
        return public_url(self.settings.base_url, key)

    def presigned_url(self, key: str, seconds: int) -> str:
        """Return an address for anybody to GET a key for `seconds`."""
        with _store_errors(key):
            return self.client.generate_presigned_url(
                "get_object", Params=self._location(key), ExpiresIn=seconds
            )

    def anonymous(self) -> ObjectReader:
        """Return an unsigned reader, or a reader by public URL if the endpoint requires signatures."""
        return self._anonymous_reader

    @cached_property
    def _anonymous_reader(self) -> ObjectReader:
        if not self.settings.unsigned_reads:
            return PublicUrlReader(self.settings.base_url)
        return S3Reader(self.settings, open_client(self._session, self.settings, signed=False))

    def _send(self, upload: S3Upload) -> ObjectInfo:
        send = put_multipart if upload.is_multipart else put_single
        try:
            with _store_errors(upload.key):
                etag = send(self.client, upload)
        except (PreconditionFailed, NotFound) as error:
            # after a lost response, the retry can fail its condition because of our own object
            stored = self._stored_by(upload)
            if stored is None:
                raise PreconditionFailed(upload.key, error.message) from error
            etag = stored["ETag"]
        return self._read_back(upload, etag.strip('"'))

    def _stored_by(self, upload: S3Upload) -> "HeadObjectOutputTypeDef | None":
        try:
            response = self._head(upload.key)
        except NotFound:
            return None
        return response if response["Metadata"].get("put-id") == upload.put_id else None

    def _read_back(self, upload: S3Upload, etag: str) -> ObjectInfo:
        response = self._head(upload.key)
        info = _info(upload.key, response)
        ours = ObjectInfo(
            upload.key,
            upload.size_bytes,
            upload.content_type,
            upload.cache_control,
            etag,
            upload.sha256,
            info.modified_at,
        )
        replaced = info.etag != etag and response["Metadata"].get("put-id") != upload.put_id
        if not replaced and (info != ours or response.get("ContentEncoding")):
            raise StoreError(
                upload.key,
                f"reads back differently, with {_headers(response)}; check the proxies in front of the store",
            )
        return ours


def _conditions(*, if_absent: bool, if_match: str | None) -> dict[str, Any]:
    if if_absent:
        return {"IfNoneMatch": "*"}
    return {} if if_match is None else {"IfMatch": f'"{if_match}"'}


def _info(key: str, response: "HeadObjectOutputTypeDef | GetObjectOutputTypeDef") -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size_bytes=response["ContentLength"],
        content_type=response.get("ContentType", ""),
        cache_control=response.get("CacheControl", ""),
        etag=response["ETag"].strip('"'),
        sha256=response["Metadata"].get("sha256"),
        modified_at=response["LastModified"].astimezone(UTC),
    )


def _headers(response: "HeadObjectOutputTypeDef") -> str:
    names = ("ContentLength", "ContentType", "ContentEncoding", "CacheControl", "ETag")
    return ", ".join(f"{name} {value}" for name, value in response.items() if name in names)


@contextmanager
def _store_errors(key: str) -> Iterator[None]:
    """Translate the exceptions of boto3 into our errors."""
    try:
        yield
    except ClientError as error:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        raise error_from_response(key, error.response["Error"]["Code"], status) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise error_from_exception(key, type(error).__name__) from error
