"""Two simultaneous publishers, as real processes: no episode is lost, and none is published twice."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from podcast_pipeline.episodes.create import create_episode
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model.catalog import catalog_from_json
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.objects import FEED_KEY
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import (
    BucketShow,
    restore_objects,
    show_in_bucket,
    soak_amounts,
    verified_feed_and_catalog,
)
from tests.support.databases import PROCESSES
from tests.support.s3 import S3Server
from tests.support.show import SLUG, ShowFolder, build_show_folder, run_ffmpeg

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OTHER = "a-quieter-winter"


@dataclass(frozen=True)
class Contest:
    """A show and the store that several publishers write at once."""

    show: BucketShow
    store: Store

    def publish_at_once(self, *publishers: tuple[BucketShow, str]) -> list[int]:
        """Publish simultaneously and return the exit codes."""
        restore_objects(self.store, {})
        gate = PROCESSES.Barrier(len(publishers))
        processes: list[BaseProcess] = [show.publisher(slug, gate) for show, slug in publishers]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        return [process.exitcode or 0 for process in processes]

    def published_guids(self) -> tuple[list[str], list[str]]:
        """Return the guids in the catalog and in the feed."""
        catalog = catalog_from_json(self.store.get("private/catalog.json")[1])
        items = parse_rss(self.store.get(FEED_KEY)[1]).channel.findall("item")
        return [e.guid for e in catalog.episodes], [item.findtext("guid") or "" for item in items]


@pytest.fixture(scope="module")
def show(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show of two episodes, transcribed and mastered but not published."""
    folder = tmp_path_factory.mktemp("races") / "show"
    show = build_show_folder(folder)
    shutil.copy(published.episode / "transcript.json", show.episode)
    quieter = folder / "quieter.flac"
    run_ffmpeg("-i", show.episode / "source.flac", "-af", "volume=0.9", quieter)
    library = Library(folder / "episodes", language="en")
    create_episode(quieter, library, title="A quieter winter", slug=OTHER)
    transcript = json.loads((show.episode / "transcript.json").read_bytes())
    transcript["receipt"]["audio_sha256"] = sha256_of(quieter)
    (folder / "episodes" / OTHER / "transcript.json").write_text(json.dumps(transcript), encoding="utf-8")
    rehearsal = BucketShow(folder, {}, NOW)
    rehearsal.publish(SLUG)
    rehearsal.publish(OTHER)
    shutil.rmtree(folder / ".podcast" / "store")
    return folder


@pytest.fixture(params=["local", "s3"])
def contest(request: pytest.FixtureRequest, show: Path, tmp_path: Path) -> Iterator[Contest]:
    """The show on a local store, and on S3."""
    folder = tmp_path / "show"
    shutil.copytree(show, folder)
    if request.param == "local":
        store = LocalStore(folder / ".podcast" / "store", base_url="http://127.0.0.1:8080/public")
        yield Contest(BucketShow(folder, {}, NOW), store)
        return
    server: S3Server = request.getfixturevalue("s3_server")
    bucket = S3Store(server.fresh_bucket(), session=server.session)
    yield Contest(show_in_bucket(folder, bucket, NOW), bucket)


@soak_amounts(share=3, full=50)
def test_two_episodes_published_at_once_are_both_out(contest: Contest, amount: int) -> None:
    """The second compare-and-swap keeps the first publisher's episode, in catalog and feed."""
    for _ in range(amount):
        codes = contest.publish_at_once((contest.show, SLUG), (contest.show, OTHER))
        assert codes == [0, 0], (contest.show.error_line(SLUG), contest.show.error_line(OTHER))
        in_catalog, in_feed = contest.published_guids()
        assert (len(in_catalog), sorted(in_feed)) == (2, sorted(in_catalog))
        if contest.store.remote:
            verified_feed_and_catalog(contest.show, contest.store)


@pytest.mark.parametrize("contest", ["s3"], indirect=True)  # two machines do not share a local store
@soak_amounts(share=3, full=50)
def test_one_episode_published_twice_at_once_goes_out_once(
    contest: Contest, amount: int, tmp_path: Path
) -> None:
    """On two machines one publisher wins; the other exits with an error, or finds nothing to do."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(contest.show.folder, elsewhere)
    other = replace(contest.show, folder=elsewhere, now=NOW + timedelta(minutes=1))
    refused = 0
    for _ in range(amount):
        codes = contest.publish_at_once((contest.show, SLUG), (other, SLUG))
        lines = [line for line in (contest.show.error_line(), other.error_line()) if line]
        assert sorted(codes) == [0] * (2 - len(lines)) + [1] * len(lines)
        assert all("by somebody else meanwhile" in line and "\n" not in line for line in lines)
        in_catalog, in_feed = contest.published_guids()
        assert (len(in_catalog), in_feed) == (1, in_catalog)
        refused += len(lines)
    assert 0 < refused <= amount


@soak_amounts(share=3, full=50)
def test_one_folder_published_twice_at_once_is_one_publication(contest: Contest, amount: int) -> None:
    """On one machine the second publisher exits with an error at once, as the folder is locked."""
    refusals = 0
    for _ in range(amount):
        codes = contest.publish_at_once((contest.show, SLUG), (contest.show, SLUG))
        in_catalog, in_feed = contest.published_guids()
        assert (codes.count(0) >= 1, len(in_catalog), in_feed) == (True, 1, in_catalog)
        refusals += codes.count(1)
    assert refusals
