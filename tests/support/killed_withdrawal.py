"""A show of ten seconds, from which a passage is withdrawn in child processes that tests kill."""

import json
import os
import shutil
import signal
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

from podcast_pipeline.errors import NothingToWithdraw
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Receipt, Transcript
from podcast_pipeline.model.catalog import CATALOG_KEY, catalog_from_json, to_json
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.withdraw import withdraw as pipeline
from podcast_pipeline.pipeline.withdraw.plan import Selection
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import FEED_KEY
from podcast_pipeline.transcription import choose_engine
from tests.support.bucket_show import (
    BucketShow,
    Objects,
    files,
    object_urls,
    objects,
    open_bucket_show,
    publish_here,
    replace_folder,
)
from tests.support.databases import PROCESSES
from tests.support.show import MODEL, SLUG, build_show_folder
from tests.support.sounds import tune, write_wav
from tests.support.transcripts import spoken

FIRST = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUOTE = "the minister … his car"
SECRET = b"the money in the back of his car"


def build_small_show(folder: Path) -> Path:
    """Return the folder of a show with an episode of ten seconds and its words, not published yet."""
    show = build_show_folder(folder)
    for path in show.episode.glob("source.*"):
        path.unlink()
    write_wav(show.episode / "source.wav", tune(12.0))
    digest = sha256_of(show.episode / "source.wav")
    (show.episode / "episode.toml").write_text(
        f'id = "6f1a9a5e-3f0a-4c2e-9a54-0f2f6a0d1b11"\nguid = "small"\nslug = "{SLUG}"\n'
        f'title = "Small"\nsource = "source.wav"\nsource_sha256 = "{digest}"\n',
        encoding="utf-8",
    )
    (show.episode / "notes.md").write_text("Notes.\n", encoding="utf-8")
    (show.episode / "edits.json").unlink(missing_ok=True)
    (show.episode / "transcript.json").write_bytes(to_json(_transcript(digest)))
    return show.folder


def _transcript(digest: str) -> Transcript:
    words = spoken(
        (None, "So tell us what you saw there on that day."),
        (None, "Off the record, the minister took the money in the back of his car."),
        (None, "And then nothing happened for a long time."),
    )
    receipt = Receipt(
        engine=choose_engine("auto"),
        engine_version="1",
        model=MODEL,
        weights_sha256="0" * 64,
        audio_sha256=digest,
    )
    return words.model_copy(update={"receipt": receipt, "duration_s": 12.0})


@dataclass(frozen=True)
class KillAtSync:
    """kill -9 of this process at one of its calls of fsync, before or after it.

    Attributes:
        number: from 1; 0 counts the calls and kills nothing.
    """

    number: int
    after: bool = False

    def install(self, count_file: Path) -> None:
        """Replace os.fsync; the number of calls so far is in `count_file`."""
        fsync, numbers = os.fsync, iter(range(1, 1_000_000))

        def counted(handle: int) -> None:
            mine = next(numbers)
            if self.number == 0:
                count_file.write_text(str(mine), encoding="utf-8")
            if mine == self.number and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            fsync(handle)
            if mine == self.number:
                os.kill(os.getpid(), signal.SIGKILL)

        patch("os.fsync", counted).start()


@dataclass(frozen=True)
class WithdrawalScenario:
    """A withdrawal to interrupt, and the outcome of an uninterrupted one.

    Attributes:
        show: its folder; `set_up` restores it and the store.
        origin: the folder before.
        before, after: the objects.
        folder_after: the episode's files after.
        seconds: the duration of an uninterrupted run.
    """

    show: BucketShow
    store: Store
    origin: Path
    before: Objects
    after: Objects
    folder_after: dict[str, bytes]
    seconds: float

    def set_up(self) -> None:
        """Restore folder and objects to their state before the withdrawal."""
        replace_folder(self.origin, self.show.folder)
        for key in set(objects(self.store)) - set(self.before):
            self.store.delete(key)
        for key, (body, content_type, cache_control) in self.before.items():
            self.store.put(key, body, content_type=content_type, cache_control=cache_control)

    def process(self, kill: KillAtSync | None = None) -> BaseProcess:
        """Return a process, not started, that withdraws the passage."""
        return PROCESSES.Process(target=withdraw_here, args=(self.show, QUOTE, kill))

    def count_syncs(self) -> int:
        """Return the number of calls of fsync in an uninterrupted run."""
        self.set_up()
        process = self.process(KillAtSync(0))
        process.start()
        process.join()
        assert process.exitcode == 0
        return int(self.show.folder.with_name("syncs").read_text(encoding="utf-8"))

    def run(self) -> None:
        """Withdraw in a child process."""
        process = self.process()
        process.start()
        process.join()
        assert process.exitcode == 0

    def assert_outcome(self) -> bool:
        """Assert that nothing is half done for a reader, and that the same command completes the withdrawal.

        Returns:
            Whether the catalog had been replaced.
        """
        stored = objects(self.store)
        catalog = catalog_from_json(stored[CATALOG_KEY][0])
        (episode,) = catalog.episodes
        for version in episode.readable_versions:
            assert version.keys <= set(stored)
            assert not episode.withdrawals or not any(SECRET in stored[key][0] for key in version.keys)
        media = self.show.address
        for url, _ in object_urls(stored[FEED_KEY][0]):
            assert not url.startswith(media) or f"public{url.removeprefix(media)}" in stored
        self.run()
        assert objects(self.store) == self.after
        assert files(self.show.folder / "episodes" / SLUG) == self.folder_after
        assert not list((self.show.folder / ".podcast").glob("withdraw-*"))
        return bool(episode.withdrawals)


def withdraw_here(show: BucketShow, quote: str = QUOTE, kill: KillAtSync | None = None) -> None:
    """Withdraw the passage as the command does, with a salt that is the same in every run."""
    if kill:
        kill.install(show.folder.with_name("syncs"))
    context = open_bucket_show(show)
    finished = pipeline.finish_withdrawal(context, SLUG)
    try:
        with patch("secrets.token_hex", lambda size: "5a" * size):
            planned = pipeline.plan_withdrawal(context, SLUG, Selection(quote=quote))
    except NothingToWithdraw:
        if finished.did_nothing and not _is_done(context):
            raise
        return
    pipeline.withdraw(context, planned)


def _is_done(context: Context) -> bool:
    """Tell whether the killed run had come to its end, as the hint of the error says."""
    catalog = context.catalog()
    return bool(catalog and catalog.episodes[0].withdrawals)


def record_withdrawal(show: BucketShow, store: Store) -> WithdrawalScenario:
    """Publish the show, and withdraw from it once without interruption."""
    process = PROCESSES.Process(target=publish_here, args=(show, SLUG, None))
    process.start()
    process.join()
    assert process.exitcode == 0, show.error_line()
    origin = show.folder.with_name(f"{show.folder.name}.origin")
    shutil.copytree(show.folder, origin, symlinks=True)
    later = replace(show, now=show.now + timedelta(hours=1))
    scenario = WithdrawalScenario(later, store, origin, objects(store), {}, {}, 0.0)
    began = time.monotonic()
    scenario.run()
    scenario = replace(
        scenario,
        after=objects(store),
        folder_after=files(show.folder / "episodes" / SLUG),
        seconds=time.monotonic() - began,
    )
    texts = [body for key, (body, *_) in scenario.after.items() if not key.startswith("public/a")]
    assert not any(SECRET in body for body in [*texts, *scenario.folder_after.values()])
    assert any(SECRET in body for body, *_ in scenario.before.values())
    assert json.loads(scenario.after[CATALOG_KEY][0])["episodes"][0]["withdrawals"][0]["pending_keys"] == []
    return scenario
