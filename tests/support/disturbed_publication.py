"""Publications to a real S3 server for tests that kill them or inject faults."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podcast_pipeline.episodes.base import BASE_FILE
from podcast_pipeline.model.catalog import CATALOG_KEY
from podcast_pipeline.storage.objects import FEED_KEY
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import (
    BucketShow,
    Objects,
    files,
    keys_of,
    objects,
    replace_folder,
    restore_objects,
    show_in_bucket,
    verified_feed_and_catalog,
)
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.s3 import S3Server
from tests.support.show import SLUG, ShowFolder, build_show_folder

__all__ = ["bucket", "corrected", "first", "mastered", "proxy", "recording"]

FIRST = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Scenario:
    """A publication to interrupt, and the outcome of an uninterrupted run.

    Attributes:
        show: the show that is published; `set_up` restores its folder and bucket.
        origin: the show's folder before the publication.
        before, after: the objects before, and after an uninterrupted run.
        folder_after: the episode's files after an uninterrupted run.
        requests: the number of requests of an uninterrupted run.
        seconds: the duration of an uninterrupted run.
    """

    show: BucketShow
    store: S3Store
    proxy: FaultyProxy
    origin: Path
    before: Objects
    after: Objects
    folder_after: dict[str, bytes]
    requests: int
    seconds: float

    def set_up(self) -> None:
        """Restore folder and bucket to their state before the publication."""
        self.proxy.clear()
        replace_folder(self.origin, self.show.folder)
        restore_objects(self.store, self.before)

    def assert_outcome(self) -> None:
        """Assert a consistent feed and catalog, and that the same command then completes the publication."""
        self.proxy.clear()
        feed, written = verified_feed_and_catalog(self.show, self.store)
        assert feed in (body_of(self.before, FEED_KEY), body_of(self.after, FEED_KEY))
        assert written in (body_of(self.before, CATALOG_KEY), body_of(self.after, CATALOG_KEY))
        done = {FEED_KEY: feed, CATALOG_KEY: written}
        there = {key for key in keys_of(self.store) if done.get(key) in (None, body_of(self.after, key))}
        self.proxy.requests.clear()
        self.show.publish()
        again = {line.partition(" ")[2] for line in self.proxy.requests if line.startswith("PUT")}
        assert {key for key in there for path in again if f"/{key}" in path} == set()
        assert objects(self.store) == self.after
        assert files(self.show.folder / "episodes" / SLUG) == self.folder_after


def body_of(stored: Objects, key: str) -> bytes | None:
    """Return the bytes of a stored object, or None."""
    return stored[key][0] if key in stored else None


def record_scenario(
    origin: Path, folder: Path, store: S3Store, proxy: FaultyProxy, before: Objects, now: datetime
) -> Scenario:
    """Run a publication without interruption and record its outcome."""
    show = show_in_bucket(folder, store, now, proxy.url)
    scenario = Scenario(show, store, proxy, origin, before, {}, {}, 0, 0.0)
    scenario.set_up()
    show.publish()  # warms the caches of this machine
    scenario.set_up()
    began = time.monotonic()
    show.publish()
    return replace(
        scenario,
        seconds=time.monotonic() - began,
        requests=len(proxy.requests),
        after=objects(store),
        folder_after=files(folder / "episodes" / SLUG),
    )


@pytest.fixture(scope="module")
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.url) as running:
        yield running


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> S3Store:
    return S3Store(s3_server.fresh_bucket(), session=s3_server.session)


@pytest.fixture(scope="module")
def recording(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show with a recording and its transcript, and nothing else."""
    show = build_show_folder(tmp_path_factory.mktemp("recording") / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    return show.folder


@pytest.fixture(scope="module")
def mastered(
    recording: Path, tmp_path_factory: pytest.TempPathFactory, bucket: S3Store, proxy: FaultyProxy
) -> Scenario:
    """The first publication of a show, mastering included."""
    folder = tmp_path_factory.mktemp("mastered") / "show"
    return record_scenario(recording, folder, bucket, proxy, {}, FIRST)


@pytest.fixture(scope="module")
def first(mastered: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The first publication of a show whose audio has been mastered."""
    origin = tmp_path_factory.mktemp("first") / "show"
    mastered.set_up()
    mastered.show.publish()
    shutil.copytree(mastered.show.folder, origin)
    shutil.rmtree(origin / "episodes" / SLUG)
    shutil.copytree(mastered.origin / "episodes" / SLUG, origin / "episodes" / SLUG)
    shutil.copytree(mastered.show.folder / "episodes" / SLUG / "build", origin / "episodes" / SLUG / "build")
    return record_scenario(origin, origin.with_name("run"), mastered.store, mastered.proxy, {}, FIRST)


@pytest.fixture(scope="module")
def corrected(first: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A correction of a published episode: title, chapter and transcript."""
    origin = tmp_path_factory.mktemp("corrected") / "show"
    shutil.copytree(first.origin, origin)
    shutil.copy(first.show.folder / "episodes" / SLUG / BASE_FILE, origin / "episodes" / SLUG)
    for name, old, new in (
        ("episode.toml", "Two winters and a will", "Two winters, one will"),
        ("episode.toml", "Good years, bad years", "Bad years, good years"),
        ("transcript.json", "best", "finest"),
    ):
        path = origin / "episodes" / SLUG / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    folder = origin.with_name("run")
    return record_scenario(origin, folder, first.store, first.proxy, first.after, FIRST + timedelta(hours=1))
