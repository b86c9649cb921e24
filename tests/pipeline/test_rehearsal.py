"""A new recording is rehearsed without a folder, a slug or an id that stays; tracks name the guests."""

import re
from pathlib import Path

import pytest

from podcast_pipeline.audio.tracks import Track
from podcast_pipeline.cli.commands.publish import PublishOptions, ingest_recording
from podcast_pipeline.config import ReviewTable
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import Person
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.publish import guests_of, ingest
from podcast_pipeline.pipeline.rehearsal import ingested_for_rehearsal
from tests.support.pipeline import context_of
from tests.support.show import build_show_folder
from tests.support.sounds import noise, write_wav

HOSTS = [Person(name="Ann Example")]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A show with one episode and an empty store."""
    return context_of(build_show_folder(tmp_path / "show"))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording that is no episode yet."""
    return write_wav(tmp_path / "Low tide.wav", noise(2))


def test_nothing_of_a_new_recording_stays(context: Context, recording: Path) -> None:
    """It has a folder with its title while it is rehearsed; the show never has one."""
    before = sorted(context.library.root.rglob("*"))
    with ingested_for_rehearsal(context, lambda show: ingest(show, recording)) as (rehearsal, slug):
        folder = rehearsal.library.folder(slug)
        assert (slug, folder.table.title, folder.source.is_file()) == ("low-tide", "Low tide", True)
        assert rehearsal.store is context.store
        assert sorted(context.library.root.rglob("*")) == before
    assert not folder.path.exists()
    assert sorted(context.library.root.rglob("*")) == before


def test_a_known_recording_is_its_own_episode(context: Context, recording: Path) -> None:
    """The rehearsal of a recording that was ingested is that of its episode, edits included."""
    known = ingest(context, recording, slug="known-one")
    with ingested_for_rehearsal(context, lambda show: ingest(show, recording)) as (rehearsal, slug):
        assert (rehearsal, slug) == (context, known)


def test_what_ingest_refuses_is_refused(context: Context, recording: Path, tmp_path: Path) -> None:
    """A slug that is taken, and other words for an episode that is there."""
    other = write_wav(tmp_path / "other.wav", noise(3))
    ingest(context, other, slug="low-tide")
    with (
        pytest.raises(EpisodeError, match="low-tide: is the slug of another recording"),
        ingested_for_rehearsal(context, lambda show: ingest(show, recording)),
    ):
        pass
    with (
        pytest.raises(EpisodeError, match="has other title"),
        ingested_for_rehearsal(context, lambda show: ingest(show, other, title="Else")),
    ):
        pass


def test_the_options_of_a_recording_reach_its_rehearsal(context: Context, recording: Path) -> None:
    """Title, slug and guest of the command line are those of the rehearsed episode."""
    options = PublishOptions("High water", "high", ("Mara Quill",), None)
    with ingested_for_rehearsal(context, lambda show: ingest_recording(show, recording, options)) as found:
        table = found[0].library.folder(found[1]).table
        assert (found[1], table.title, table.guests[0].name) == ("high", "High water", "Mara Quill")


def test_a_rehearsed_episode_has_the_shows_language_and_mark(tmp_path: Path, recording: Path) -> None:
    """Where episode.toml says nothing, `language` and `explicit` are those that the publication will have."""
    show = build_show_folder(tmp_path / "show")
    path = show.folder / "show.toml"
    text = path.read_text(encoding="utf-8").replace("explicit = false", "")
    text = re.sub('(?m)^language = ".*"$', 'language = "pt-BR"\nexplicit = true', text, count=1)
    path.write_text(text, encoding="utf-8")
    context = context_of(show)
    with ingested_for_rehearsal(context, lambda show: ingest(show, recording)) as (rehearsal, slug):
        draft = rehearsal.library.folder(slug).load_draft()
    assert (draft.language, draft.explicit) == ("pt-BR", True)


@pytest.mark.parametrize(
    ("names", "guests"),
    [
        (("ann example", "Mara Quill"), ("Mara Quill",)),
        (("Mara Quill", "Al", "Jo", "Mara Quill"), ("Mara Quill", "Al", "Jo")),
        (("Host", "guest", "Guest 2", "speaker_b", "mic-1", "A", "s2", "left", "Track 01"), ()),
        (("Guestner", "Mic Jagger", "Lefty"), ("Guestner", "Mic Jagger", "Lefty")),
    ],
    ids=["a host", "short names", "nobody's names", "names that begin so"],
)
def test_a_track_names_a_guest(names: tuple[str, ...], guests: tuple[str, ...]) -> None:
    """Whoever is no host of the show is a guest, once; a microphone's name is nobody's."""
    assert guests_of([Track(name, Path("a.wav")) for name in names], HOSTS) == guests


def test_a_policy_without_blocks_keeps_the_rest() -> None:
    """Blocks become warnings; what is off stays off."""
    policy = ReviewTable(unknown_names="block", numbers="off", low_confidence=0.3)
    assert policy.without_blocks() == ReviewTable(unknown_names="warn", numbers="off", low_confidence=0.3)
