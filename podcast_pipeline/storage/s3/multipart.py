"""Upload an object: small ones in one request, big ones in parallel parts, with MD5 and resumable.

boto3's `upload_file` supports neither ContentMD5 nor conditional writes, so its lower-level calls are used.
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

PART_BYTES = 8 * 1024 * 1024  # S3 requires at least 5 MiB and at most 10,000 parts
MAX_PARTS = 10_000
PART_THREADS = 4
ABORT_AFTER = timedelta(days=1)
PRECONDITION_STATUSES = (409, 412)


@dataclass(frozen=True)
class S3Upload:
    """An object and its destination.

    Attributes:
        bucket, name: the destination; name = storage.prefix + key.
        put_id: unique for this call and stored with the object. If the response to a conditional write is
            lost and the retry fails its condition, the put_id shows whether the stored object is ours.
        conditions: IfNoneMatch or IfMatch for botocore.
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
        """The Bucket and Key arguments of every call."""
        return {"Bucket": self.bucket, "Key": self.name}

    @property
    def headers(self) -> dict[str, Any]:
        """The headers and metadata to store with the object."""
        return {
            "ContentType": self.content_type,
            "CacheControl": self.cache_control,
            "Metadata": {"sha256": self.sha256, "put-id": self.put_id},
        }

    @property
    def part_bytes(self) -> int:
        """Size of every part but the last; depends only on the object's size, for resumed uploads."""
        return max(PART_BYTES, -(-self.size_bytes // MAX_PARTS))

    @property
    def is_multipart(self) -> bool:
        """Whether the object is too big for one request."""
        return self.size_bytes > PART_BYTES

    @property
    def is_content_addressed(self) -> bool:
        """Whether the key contains the hash of the bytes, so that all its uploads have the same bytes."""
        return self.sha256[:16] in self.key

    def read(self, start: int, size: int) -> bytes:
        """Return a slice of the body."""
        if isinstance(self.body, bytes):
            return self.body[start : start + size]
        with self.body.open("rb") as file:
            file.seek(start)
            return file.read(size)


def put_single(client: "S3Client", upload: S3Upload) -> str:
    """Put an object in one request. Returns the etag, quoted."""
    body = upload.read(0, upload.size_bytes)
    response = client.put_object(
        Body=body,
        ContentMD5=_md5(body),
        **upload.location,
        **upload.headers,
        **upload.conditions,
    )
    return response["ETag"]


def put_multipart(client: "S3Client", upload: S3Upload) -> str:
    """Put an object in parts; parts that an interrupted run has sent are not sent again.

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

    Other uploads that are older than a day are aborted, as their invisible parts cost money.
    """
    resumed = None
    for upload_id, started_at in _unfinished(client, upload):
        if upload.is_content_addressed and resumed is None:
            resumed = upload_id
        elif datetime.now(UTC) - started_at > ABORT_AFTER:
            client.abort_multipart_upload(UploadId=upload_id, **upload.location)
    if resumed is None:
        return None, {}
    parts = _parts(client, {"UploadId": resumed, **upload.location})
    return resumed, {part["PartNumber"]: (part["ETag"], part["Size"]) for part in parts}


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
    """Yield the unfinished multipart uploads of names that begin with `prefix`."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Uploads", ())


def received_parts(client: "S3Client", bucket: str, upload: "MultipartUploadTypeDef") -> tuple[int, datetime]:
    """Return the number of received bytes of an upload, and the time of the last received part."""
    location = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    parts = _parts(client, location)
    return sum(part["Size"] for part in parts), max(
        [upload["Initiated"], *(part["LastModified"] for part in parts)]
    )


def _parts(client: "S3Client", location: dict[str, Any]) -> list["PartTypeDef"]:
    pages = client.get_paginator("list_parts").paginate(**location)
    return [part for page in pages for part in page.get("Parts", ())]


def _md5(body: bytes) -> str:
    return b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
