"""Objects are removed with every version that the bucket keeps, on a real S3 server."""

import pytest
from botocore.exceptions import ClientError

from podcast_pipeline.errors import NotFound
from podcast_pipeline.storage.s3.store import S3Store
from podcast_pipeline.storage.s3.versions import purge_versions
from tests.support.s3 import S3Server

KEY = "public/audio/a-talk.0123456789abcdef.mp3"


@pytest.fixture
def store(s3_server: S3Server) -> S3Store:
    """A store in a bucket that keeps versions."""
    made = S3Store(s3_server.fresh_bucket(), session=s3_server.session)
    made.client.put_bucket_versioning(
        Bucket=made.settings.public_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return made


def put(store: S3Store, body: bytes) -> None:
    store.put(KEY, body, content_type="audio/mpeg", cache_control="no-cache")


def versions_of(store: S3Store, key: str = KEY) -> list[str]:
    """Return the ids of all versions and delete markers of a key."""
    bucket, name = store.settings.bucket_and_name(key)
    page = store.client.list_object_versions(Bucket=bucket, Prefix=name)
    found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    return [item["VersionId"] for item in found if item["Key"] == name]


def test_a_delete_keeps_the_bytes_and_a_purge_does_not(store: S3Store) -> None:
    """After a delete the old bytes can still be had by their version; after a purge there is no version."""
    put(store, b"first")
    put(store, b"second")
    store.delete(KEY)
    assert len(versions_of(store)) == 3
    assert store.purge(KEY) == ()
    assert versions_of(store) == []
    with pytest.raises(NotFound):
        store.head(KEY)


def test_older_versions_go_and_the_current_one_stays(store: S3Store) -> None:
    """With keep_current the object is as it was, and nothing is behind it."""
    for body in (b"first", b"second", b"third"):
        put(store, body)
    assert store.purge(KEY, keep_current=True) == ()
    assert store.get(KEY)[1] == b"third"
    assert len(versions_of(store)) == 1


class RefusingClient:
    """A client with one locked version; everything else is the real client's."""

    def __init__(self, store: S3Store, *, refused: str, code: str) -> None:
        self._client = store.client
        self._refused = refused
        self._error = ClientError(
            {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 403}},  # type: ignore[typeddict-item]
            "DeleteObject",
        )

    def get_paginator(self, name: str) -> object:
        """Return a paginator, or raise where listing is refused."""
        if self._refused == name:
            raise self._error
        return self._client.get_paginator(name)  # type: ignore[call-overload]

    def delete_object(self, **location: str) -> object:
        """Delete, unless the version is locked."""
        if location.get("VersionId") == self._refused:
            raise self._error
        return self._client.delete_object(**location)  # type: ignore[arg-type]


def test_a_locked_version_is_named_and_the_others_go(store: S3Store) -> None:
    """What object lock keeps is named by its version; the rest is removed all the same."""
    put(store, b"first")
    put(store, b"second")
    locked = versions_of(store)[0]
    bucket, name = store.settings.bucket_and_name(KEY)
    client = RefusingClient(store, refused=locked, code="AccessDenied")
    lines = purge_versions(client, {"Bucket": bucket, "Key": name}, keep_current=False)  # type: ignore[arg-type]
    assert [line.split(":")[0] for line in lines] == [f"version {locked}"]
    assert versions_of(store) == [locked]


@pytest.mark.parametrize(("code", "named"), [("NotImplemented", 0), ("AccessDenied", 1)])
def test_versions_that_cannot_be_listed(store: S3Store, code: str, named: int) -> None:
    """A store without versions needs no line; without the permission to list them there is one."""
    put(store, b"first")
    bucket, name = store.settings.bucket_and_name(KEY)
    client = RefusingClient(store, refused="list_object_versions", code=code)
    lines = purge_versions(client, {"Bucket": bucket, "Key": name}, keep_current=False)  # type: ignore[arg-type]
    assert len(lines) == named
    with pytest.raises(NotFound):
        store.head(KEY)
