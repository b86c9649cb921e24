"""An object on its way into a bucket, and the big ones in parts: parallel, each part with its MD5, resumable.

`upload_file` of boto3 takes neither ContentMD5 nor conditions, so the calls below it are made here.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from podcast_pipeline.files import sha256_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedMultipartUploadTypeDef,
        CompletedPartTypeDef,
        MultipartUploadTypeDef,
        PartTypeDef,
    )

PART_BYTES = 8 * 1024 * 1024  # S3 wants at least 5 MiB and at most 10,000 parts
MAX_PARTS = 10_000
PART_THREADS = 4
ABORT_AFTER = timedelta(days=1)
PRECONDITION_STATUSES = (409, 412)


@dataclass(frozen=True)
class S3Upload:
    """What goes where.

    Attributes:
        bucket, name: the place; name = storage.prefix + key.
        put_id: of this very call, stored with the object: when the answer to a conditional write was lost and
            the retry finds the condition broken, it tells our own object from somebody else's.
        conditions: IfNoneMatch or IfMatch as botocore takes them.
    """

    key: str
    bucket: str
    name: str
    body: bytes | Path
    content_type: str
    cache_control: str
    conditions: dict[str, Any]
    sha256: str = field(init=False)
    size_bytes: int = field(init=False)
    put_id: str = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.body, bytes):
            size, sha256 = len(self.body), hashlib.sha256(self.body).hexdigest()
        else:
            size, sha256 = self.body.stat().st_size, sha256_of(self.body)
        object.__setattr__(self, "size_bytes", size)
        object.__setattr__(self, "sha256", sha256)
        object.__setattr__(self, "put_id", uuid4().hex)

    @property
    def location(self) -> dict[str, Any]:
        """Bucket and Key as every call wants them."""
        return {"Bucket": self.bucket, "Key": self.name}

    @property
    def headers(self) -> dict[str, Any]:
        """What is stored with the object."""
        return {
            "ContentType": self.content_type,
            "CacheControl": self.cache_control,
            "Metadata": {"sha256": self.sha256, "put-id": self.put_id},
        }

    @property
    def part_bytes(self) -> int:
        """Bytes in every part but the last; a function of the size only, so that a resumed run agrees."""
        return max(PART_BYTES, -(-self.size_bytes // MAX_PARTS))

    @property
    def is_multipart(self) -> bool:
        """Whether it is too big for one request."""
        return self.size_bytes > PART_BYTES

    @property
    def is_content_addressed(self) -> bool:
        """Whether the key holds the hash of the bytes, so that any upload to it has the same bytes."""
        return self.sha256[:16] in self.key

    def read(self, start: int, size: int) -> bytes:
        """Return a slice of the body."""
        if isinstance(self.body, bytes):
            return self.body[start : start + size]
        with self.body.open("rb") as file:
            file.seek(start)
            return file.read(size)


def put_single(client: "S3Client", upload: S3Upload) -> str:
    """Put an object in one request; return its etag, quoted."""
    body = upload.read(0, upload.size_bytes)
    answer = client.put_object(
        Body=body,
        ContentMD5=_md5(body),
        **upload.location,
        **upload.headers,
        **upload.conditions,
    )
    return answer["ETag"]


def put_multipart(client: "S3Client", upload: S3Upload) -> str:
    """Put an object in parts, those that an interrupted run has sent already are not sent again.

    Returns:
        The etag, quoted.
    """
    upload_id, sent = _resume(client, upload)
    if upload_id is None:
        upload_id = client.create_multipart_upload(**upload.location, **upload.headers)["UploadId"]
    starts = range(0, upload.size_bytes, upload.part_bytes)

    def send(part: tuple[int, int]) -> "CompletedPartTypeDef":
        number, start = part
        body = upload.read(start, upload.part_bytes)
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        if sent.get(number) != (etag, len(body)):
            etag = client.upload_part(
                Body=body, ContentMD5=_md5(body), PartNumber=number, UploadId=upload_id, **upload.location
            )["ETag"]
        return {"PartNumber": number, "ETag": etag}

    with ThreadPoolExecutor(PART_THREADS) as pool:
        parts: CompletedMultipartUploadTypeDef = {"Parts": list(pool.map(send, enumerate(starts, start=1)))}
    try:
        return client.complete_multipart_upload(
            UploadId=upload_id, MultipartUpload=parts, **upload.location, **upload.conditions
        )["ETag"]
    except client.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in PRECONDITION_STATUSES:
            client.abort_multipart_upload(UploadId=upload_id, **upload.location)
        raise


def _resume(client: "S3Client", upload: S3Upload) -> tuple[str | None, dict[int, tuple[str, int]]]:
    """Return the newest unfinished upload of the same bytes and its parts as number -> (etag, size).

    Uploads that nobody touched for a day are aborted: what they hold is paid for and never seen.
    """
    found = None
    for upload_id, started_at in _unfinished(client, upload):
        if upload.is_content_addressed and found is None:
            found = upload_id
        elif datetime.now(UTC) - started_at > ABORT_AFTER:
            client.abort_multipart_upload(UploadId=upload_id, **upload.location)
    if found is None:
        return None, {}
    parts = _parts(client, {"UploadId": found, **upload.location})
    return found, {part["PartNumber"]: (part["ETag"], part["Size"]) for part in parts}


def _unfinished(client: "S3Client", upload: S3Upload) -> Iterator[tuple[str, datetime]]:
    ours = [
        item
        for item in list_multipart_uploads(client, upload.bucket, upload.name)
        if item["Key"] == upload.name
    ]
    for item in sorted(ours, key=lambda item: item["Initiated"], reverse=True):
        yield item["UploadId"], item["Initiated"]


def list_multipart_uploads(
    client: "S3Client", bucket: str, prefix: str
) -> Iterator["MultipartUploadTypeDef"]:
    """Yield the uploads in parts that were begun and not ended, of names that begin with `prefix`."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Uploads", ())


def received_parts(client: "S3Client", bucket: str, upload: "MultipartUploadTypeDef") -> tuple[int, datetime]:
    """Return the bytes of an upload that are there, and when the last of them came."""
    place = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    parts = _parts(client, place)
    return sum(part["Size"] for part in parts), max(
        [upload["Initiated"], *(part["LastModified"] for part in parts)]
    )


def _parts(client: "S3Client", place: dict[str, Any]) -> list["PartTypeDef"]:
    pages = client.get_paginator("list_parts").paginate(**place)
    return [part for page in pages for part in page.get("Parts", ())]


def _md5(body: bytes) -> str:
    return b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
