"""A show whose store is a bucket of the real S3 server, published in child processes."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from podcast_pipeline import Context, open_show, publish
from podcast_pipeline.errors import NotFound, PodcastError
from podcast_pipeline.feed import conformance
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.model.catalog import CATALOG_KEY, catalog_from_json
from podcast_pipeline.pipeline.assemble import referenced_keys
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.databases import PROCESSES
from tests.support.show import SLUG, clean_environment

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testkey",
    "AWS_SECRET_ACCESS_KEY": "testsecret",
    "AWS_EC2_METADATA_DISABLED": "true",
}

Objects = dict[str, tuple[bytes, str, str]]
"""Key -> (bytes, content type, cache control)."""


def soak_amounts(*, share: int, full: int) -> pytest.MarkDecorator:
    """Parametrize a test with `amount`: `share` in the suite, `full` with --soak."""
    soak = pytest.param(full, marks=pytest.mark.soak, id=f"all-{full}")
    return pytest.mark.parametrize("amount", [pytest.param(share, id=str(share)), soak])


@dataclass(frozen=True)
class BucketShow:
    """A show's folder, and the environment variables that name its bucket."""

    folder: Path
    environment: dict[str, str]
    now: datetime

    @property
    def address(self) -> str:
        """The public address of `public/`."""
        return self.environment["PODCAST_URLS_MEDIA"]

    def publisher(self, slug: str = SLUG, gate: "Barrier | None" = None) -> BaseProcess:
        """Return a process, not started, that publishes once all processes wait at the gate."""
        return PROCESSES.Process(target=publish_here, args=(self, slug, gate))

    def error_line(self, slug: str = SLUG) -> str:
        """Return the error line of the last publisher, "" after a success."""
        return (self.folder / f"{slug}.error").read_text(encoding="utf-8")

    def publish(self, slug: str = SLUG) -> None:
        """Publish in a child process."""
        process = self.publisher(slug)
        process.start()
        process.join()
        assert process.exitcode == 0


def show_in_bucket(folder: Path, store: S3Store, now: datetime, endpoint: str | None = None) -> BucketShow:
    """Return a show that publishes to the bucket of `store` through `endpoint`."""
    bucket = store.settings.public_bucket
    url = endpoint or store.settings.endpoint_url
    environment = {
        **CREDENTIALS,
        "PODCAST_STORAGE_KIND": "s3",
        "PODCAST_STORAGE_PRESET": "seaweedfs",
        "PODCAST_STORAGE_PUBLIC_BUCKET": bucket,
        "PODCAST_STORAGE_ENDPOINT_URL": str(url),
        "PODCAST_URLS_MEDIA": f"{url}/{bucket}/public",
    }
    return BucketShow(folder, environment, now)


def open_bucket_show(show: BucketShow) -> Context:
    """Open the show, with a clock that stands still; changes the environment of this (child) process."""
    os.environ.update({**clean_environment(), **show.environment})
    return open_show(show.folder, clock=lambda: show.now)


def publish_here(show: BucketShow, slug: str, gate: "Barrier | None") -> None:
    """Publish in this process; exit 1 when that is refused."""
    context, error_file = open_bucket_show(show), show.folder / f"{slug}.error"
    if gate:
        gate.wait()
    error_file.write_text("", encoding="utf-8")
    try:
        publish(context, slug)
    except PodcastError as error:
        error_file.write_text(str(error), encoding="utf-8")
        raise SystemExit(1) from None


def objects(store: Store) -> Objects:
    """Return all stored objects."""
    found: Objects = {}
    for prefix in ("public/", "private/"):
        for listed in store.list(prefix):
            info, body = store.get(listed.key)
            found[listed.key] = (body, info.content_type, info.cache_control)
    return found


def restore_objects(store: Store, expected: Objects) -> None:
    """Replace the contents of the bucket with these objects."""
    for prefix in ("public/", "private/"):
        for info in store.list(prefix):
            store.delete(info.key)
    for key, (body, content_type, cache_control) in expected.items():
        store.put(key, body, content_type=content_type, cache_control=cache_control)


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of an episode's folder without build/."""
    paths = (path for path in folder.rglob("*") if path.is_file() and "build" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def replace_folder(origin: Path, folder: Path) -> None:
    """Replace `folder` with a copy of `origin`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(origin, folder)


def verified_feed_and_catalog(show: BucketShow, store: Store) -> tuple[bytes | None, bytes | None]:
    """Return feed and catalog after asserting that every object they name exists with its hash."""
    feed = _get(f"{show.address}/feed.xml", missing=None)
    if feed is not None:
        assert [f for f in conformance.check_feed(feed) if f.severity == "error"] == []
        for url, size in object_urls(feed):
            body = _get(url)
            assert body is not None
            assert size in (None, len(body))
            assert hashlib.sha256(body).hexdigest()[:16] in url
    return feed, _catalog(store)


def object_urls(feed: bytes) -> list[tuple[str, int | None]]:
    """Return (URL, declared length or None) of every object of ours that a feed names."""
    document = parse_rss(feed)
    named = [
        *((e.get("url"), int(e.get("length", "0"))) for e in document.root.iter("enclosure")),
        *((e.get("url"), None) for e in document.root.iter("{*}chapters")),
        *((e.get("href"), None) for e in document.root.iter("{*}image")),
    ]
    return [(url, size) for url, size in named if url]


def _get(url: str, missing: object = NotFound) -> bytes | None:
    answer = httpx.get(url, timeout=30)
    if answer.status_code == httpx.codes.NOT_FOUND and missing is None:
        return None
    answer.raise_for_status()
    return answer.content


def _catalog(store: Store) -> bytes | None:
    there = keys_of(store)
    if CATALOG_KEY not in there:
        return None
    written = store.get(CATALOG_KEY)[1]
    named = {key for episode in catalog_from_json(written).episodes for key in referenced_keys(episode)}
    assert named <= there
    return written


def keys_of(store: Store) -> set[str]:
    """Return the keys of all objects."""
    return {info.key for prefix in ("public/", "private/") for info in store.list(prefix)}
