"""Another recording for a published episode: asked first, the same episode for every app, twice the same."""

import re
from pathlib import Path

import pytest

from podcast_pipeline import Context
from podcast_pipeline.cli.commands.episodes import _status
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import EpisodeError, GateClosed
from podcast_pipeline.pipeline.maintain import remove_orphaned_objects, unpublish
from podcast_pipeline.pipeline.publish import publish
from podcast_pipeline.pipeline.replace import replace_recording
from tests.support.pipeline import context_of, edit, episode, feed
from tests.support.show import SLUG, ShowFolder, copy_show_folder, run_ffmpeg

CUT_S = 4.0
LONG_WORD = re.compile(r"\b[a-z]{8,}\b")


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A published show to change."""
    return copy_show_folder(published, tmp_path / "show")


@pytest.fixture
def recording(show: ShowFolder, tmp_path: Path) -> Path:
    """The sample's recording without its first four seconds."""
    path = tmp_path / "cut.flac"
    run_ffmpeg("-ss", str(CUT_S), "-i", show.episode / "source.flac", path)
    return path


def test_it_is_the_same_episode_with_other_audio(show: ShowFolder, recording: Path) -> None:
    """What apps do and marks that moved ask first; then only the audio is new."""
    before, published_feed, context = episode(show), feed(show), context_of(show)
    markdown = show.episode / "transcript.md"
    word = LONG_WORD.findall(markdown.read_text(encoding="utf-8"))[-1]
    markdown.write_text(markdown.read_text(encoding="utf-8").replace(word, "Zwieback"), encoding="utf-8")
    assert replace_recording(context, SLUG, recording).old_files == ("source.flac",)
    with pytest.raises(GateClosed, match="keep the old audio") as apps:
        publish(context, SLUG)
    with pytest.raises(GateClosed, match=r"at 29\.4 s, whose words begin at 25\.\d s now") as marks:
        publish(context, SLUG, allow={"new-audio"})
    assert (apps.value.gate, marks.value.gate, feed(show)) == ("new-audio", "marks", published_feed)
    for old_s in (29.4, 57.2, 38.6):
        edit(show, f"start_s = {old_s}", f"start_s = {old_s - CUT_S:.1f}")
    publish(context, SLUG, allow={"new-audio"})
    after = episode(show)
    assert (after.guid, after.slug, after.publish_at) == (before.guid, before.slug, before.publish_at)
    assert after.enclosure.key != before.enclosure.key
    assert str(after.enclosure.key).removeprefix("public/") in feed(show).decode()
    assert after.transcript is not None
    assert (after.transcript.version, after.transcript.note[:23]) == (2, "The audio was replaced;")
    assert "Zwieback" in markdown.read_text(encoding="utf-8")
    assert replace_recording(context, SLUG, recording).old_files == ()
    assert not publish(context, SLUG).changed
    assert "keep the audio of then" in str(_status(session_of(context), after)["apps"])
    orphans = {one.key: one.verdict for one in remove_orphaned_objects(context, remove=False)}
    assert orphans[str(before.enclosure.key)] == "kept for now"


def session_of(context: Context) -> CliSession:
    session = CliSession(context.config.folder, Output(quiet=True))
    vars(session)["context"] = context
    return session


def test_an_episode_that_is_gone_gets_no_audio(show: ShowFolder, recording: Path) -> None:
    """An unpublished episode is refused before anything is written."""
    context = context_of(show)
    unpublish(context, SLUG)
    with pytest.raises(EpisodeError, match="cannot come back"):
        replace_recording(context, SLUG, recording)
    assert "source.flac" in (show.episode / "episode.toml").read_text(encoding="utf-8")
