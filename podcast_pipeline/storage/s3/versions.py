"""Remove an object with every version of it that a bucket with versioning keeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from podcast_pipeline.storage.s3.errors import error_from_response

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_VERSIONED = "null"
"""The id of an object's only version in a bucket that never kept versions."""

UNSUPPORTED_CODES = ("NotImplemented", "MethodNotAllowed")


@dataclass(frozen=True)
class StoredVersion:
    """A version of an object, or a delete marker, which has no bytes."""

    id: str
    is_latest: bool


def purge_versions(client: "S3Client", location: dict[str, Any], *, keep_current: bool) -> tuple[str, ...]:
    """Remove every version and delete marker of an object.

    Args:
        location: Bucket and Key.
        keep_current: leave the version that a GET returns.

    Returns:
        What could not be removed, one line each, without the key.
    """
    try:
        found = list(_versions(client, location))
    except ClientError as error:
        if error.response["Error"]["Code"] in UNSUPPORTED_CODES:  # such a store keeps no versions
            return () if keep_current else _delete(client, location)
        unlisted = f"older versions cannot be listed: {_reason(error)}"
        return (unlisted,) if keep_current else (*_delete(client, location), unlisted)
    if all(version.id == NOT_VERSIONED for version in found):
        return () if keep_current else _delete(client, location)
    doomed = [version for version in found if not (keep_current and version.is_latest)]
    return tuple(
        f"version {version.id}: {line}"
        for version in doomed
        for line in _delete(client, {**location, "VersionId": version.id})
    )


def _versions(client: "S3Client", location: dict[str, Any]) -> Iterator[StoredVersion]:
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=location["Bucket"], Prefix=location["Key"]
    )
    for page in pages:
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            if item["Key"] == location["Key"]:
                yield StoredVersion(item["VersionId"], item["IsLatest"])


def _delete(client: "S3Client", location: dict[str, Any]) -> tuple[str, ...]:
    try:
        client.delete_object(**location)
    except ClientError as error:
        return (_reason(error),)
    return ()


def _reason(error: ClientError) -> str:
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    return error_from_response("", error.response["Error"]["Code"], status).message
