"""A withdrawal from a bucket that keeps versions leaves none with the words."""

from collections.abc import Iterator
from pathlib import Path

from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import publish_here, show_in_bucket
from tests.support.databases import PROCESSES
from tests.support.killed_withdrawal import FIRST, build_small_show, withdraw_here
from tests.support.s3 import S3Server
from tests.support.show import SLUG

TEASER = b"what you saw there on that day"


def stored_versions(store: S3Store) -> Iterator[tuple[str, bytes]]:
    """Yield the key and the bytes of every version of every object."""
    bucket = store.settings.private_bucket
    pages = store.client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for item in (item for page in pages for item in page.get("Versions", ())):
        found = store.client.get_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
        yield item["Key"], found["Body"].read()


def test_no_version_is_left(s3_server: S3Server, tmp_path: Path) -> None:
    """Words of the teaser were in old versions of the catalog, too; after the withdrawal they are in none."""
    store = S3Store(s3_server.fresh_bucket(), session=s3_server.session)
    bucket = store.settings.private_bucket
    store.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    show = show_in_bucket(build_small_show(tmp_path / "show"), store, FIRST)
    for target, arguments in (
        (publish_here, (show, SLUG, None)),
        (withdraw_here, (show, "so tell us … day")),
    ):
        before = {key for key, body in stored_versions(store) if TEASER in body}
        process = PROCESSES.Process(target=target, args=arguments)
        process.start()
        process.join()
        assert process.exitcode == 0
    assert "private/catalog.json" in before
    after = dict(stored_versions(store))
    assert {key for key, body in after.items() if TEASER in body} == set()
    assert len([key for key in after if key.startswith(f"public/audio/{SLUG}.")]) == 1
