"""A new episode is mastered while its words are made."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import Progress
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.media import build_media, mastering_beside
from tests.support.pipeline import context_of
from tests.support.show import SLUG, build_show_folder

LONGEST_S = 60


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A show whose episode was never published."""
    return context_of(build_show_folder(tmp_path / "show"))


@pytest.fixture
def folder(context: Context) -> Iterator[EpisodeFolder]:
    """The episode's folder, locked."""
    with context.library.open(SLUG) as opened:
        yield opened


def masters(folder: EpisodeFolder) -> list[Path]:
    return sorted(folder.build.glob("master.*.mp3"))


def test_the_master_is_there_when_the_words_are(context: Context, folder: EpisodeFolder) -> None:
    """It is begun with the block and used after it, and every step is told by one thread at a time."""
    told = list[Progress]()
    context = replace(context, report=told.append)
    draft = folder.load_draft()
    with mastering_beside(folder, draft, None, context):
        before = masters(folder)
    made = [path.stat().st_mtime_ns for path in masters(folder)]
    steps = {event.step for event in told}
    media = build_media(folder, draft, None, context.clock(), context)
    assert (before, len(made), "master" in steps) == ([], 1, True)
    assert [path.stat().st_mtime_ns for path in masters(folder)] == made
    assert media.mastering is not None


def test_an_error_of_the_words_gives_up_mastering(context: Context, folder: EpisodeFolder) -> None:
    """What the block raises is the error; nothing of the master stays."""
    told = list[Progress]()
    context = replace(context, report=told.append)

    def fail() -> None:
        end_s = time.monotonic() + LONGEST_S
        while not told and time.monotonic() < end_s:
            time.sleep(0.01)
        raise AudioError("words", "are not to be had")

    with (
        pytest.raises(AudioError, match="words: are not to be had"),
        mastering_beside(folder, folder.load_draft(), None, context),
    ):
        fail()
    assert [path.name for path in folder.build.glob("*master*")] == []


def test_an_error_of_mastering_is_raised(context: Context, folder: EpisodeFolder) -> None:
    """At the end of the block, with its own line."""
    config = context.config.model_copy(
        update={"audio": context.config.audio.model_copy(update={"intro": "none.wav"})}
    )
    with (
        pytest.raises(AudioError, match=r"none\.wav: cannot be read"),
        mastering_beside(folder, folder.load_draft(), None, replace(context, config=config)),
    ):
        pass
