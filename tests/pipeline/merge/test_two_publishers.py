"""Two publishers as real processes, killed at any time: no edit of either is lost or undone."""

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from podcast_pipeline.model.catalog import catalog_from_json, transcript_from_json
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import (
    BucketShow,
    Objects,
    objects,
    replace_folder,
    restore_objects,
    show_in_bucket,
    soak_amounts,
)
from tests.support.databases import PROCESSES
from tests.support.producers import NOW, Producer, set_numbered_words
from tests.support.s3 import S3Server
from tests.support.show import SLUG, ShowFolder

LONGEST_S = 1.5
RUNS = 6


@dataclass(frozen=True)
class Newsroom:
    """Two producers, their store, and the state in which both have what is published."""

    store: Store
    shows: tuple[BucketShow, BucketShow]
    folder: Path
    before: Objects

    def set_up(self) -> tuple[Producer, Producer]:
        """Restore the store and both folders."""
        restore_objects(self.store, self.before)
        for show in self.shows:
            replace_folder(self.folder / "origin", show.folder)
            if not self.store.remote:
                (show.folder / ".podcast").mkdir()
                (show.folder / ".podcast" / "store").symlink_to(self.folder / "store")
        first, second = self.shows
        return Producer(ShowFolder(first.folder)), Producer(ShowFolder(second.folder))

    def publish_at_once(self, random: Random) -> None:
        """Publish from both folders at once, and kill one or both of the processes."""
        gate = PROCESSES.Barrier(2)
        processes = [show.publisher(SLUG, gate) for show in self.shows]
        for process in processes:
            process.start()
        for process in random.choice((processes[:1], processes[1:], processes)):
            process.join(random.uniform(0.1, LONGEST_S))
            process.kill()
        for process in processes:
            process.join()

    def finish(self, show: BucketShow) -> str:
        """Run the same command until it is done; return its error line, "" without one."""
        line = ""
        for _ in range(RUNS):
            process = show.publisher(SLUG)
            process.start()
            process.join()
            line = show.error_line()
            if "meanwhile" not in line:
                break
        return line

    def published(self) -> tuple[str, str, str]:
        """Return title, notes and words."""
        catalog = catalog_from_json(self.store.get("private/catalog.json")[1])
        (episode,) = catalog.episodes
        assert episode.transcript is not None
        key = episode.transcript.document_key
        return episode.title, episode.notes, transcript_from_json(self.store.get(key)[1], key).text


@pytest.fixture(scope="module", params=["local", "s3"])
def newsroom(
    request: pytest.FixtureRequest, published: ShowFolder, tmp_path_factory: pytest.TempPathFactory
) -> Newsroom:
    """Two producers with one folder store, and with one bucket."""
    folder = tmp_path_factory.mktemp("newsroom")
    shutil.copytree(published.folder, folder / "origin", symlinks=True)
    origin = ShowFolder(folder / "origin")
    for name in ("base.json", "published.json"):
        (origin.episode / name).unlink()
    store: Store
    if request.param == "local":
        shutil.rmtree(origin.bucket)
        (folder / "store").mkdir()
        origin.bucket.symlink_to(folder / "store")
        store = LocalStore(folder / "store", base_url="http://127.0.0.1:8080/public")
        show = BucketShow(origin.folder, {}, NOW)
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        store = S3Store(server.fresh_bucket(), session=server.session)
        show = show_in_bucket(origin.folder, store, NOW)
    show.publish()
    set_numbered_words(origin)
    show.publish()
    shutil.rmtree(origin.folder / ".podcast")
    shutil.rmtree(origin.episode / "build")
    later = NOW + timedelta(minutes=1)
    shows = replace(show, folder=folder / "a"), replace(show, folder=folder / "b", now=later)
    return Newsroom(store, shows, folder, objects(store))


@soak_amounts(share=2, full=100)
def test_no_edit_of_two_killed_publishers_is_lost(newsroom: Newsroom, amount: int) -> None:
    """After all runs were repeated every edit is out; a word that both changed is refused with both."""
    for seed in range(amount):
        random = Random(seed)
        a, b = newsroom.set_up()
        a.set_title("Title of A")
        a.correct("w5", "west")
        b.correct("w9", "north")
        (b.folder / "notes.md").write_text("Notes of B.\n", encoding="utf-8")
        clash = seed % 2 == 1
        if clash:
            a.correct("w13", "one")
            b.correct("w13", "two")
        newsroom.publish_at_once(random)
        lines = [newsroom.finish(show) for show in (*newsroom.shows, newsroom.shows[0])]
        title, notes, words = newsroom.published()
        if clash:
            refused = [line for line in lines if line]
            assert refused, seed
            assert all("“one”" in line and "“two”" in line for line in refused), seed
            assert ("one" in words.split()) != ("two" in words.split())
            has_a = "one" in words
            assert ("west" in words, "north" in words) == (has_a, not has_a), seed
        else:
            assert (lines[0], lines[1], lines[2]) == ("", "", ""), seed
            assert (title, notes) == ("Title of A", "Notes of B.\n"), seed
            assert all(word in words for word in ("west", "north")), seed
