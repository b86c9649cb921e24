"""Withdrawn words are taken out of transcript.json, transcript.md and edits.json; edits elsewhere stay."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from podcast_pipeline.episodes import edits
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.episodes.withdrawn_words import clean_episode_text, holds_withdrawn_words
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import Cut, Transcript, Withdrawal
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.names.glossary import Glossary
from podcast_pipeline.transcript.withdrawal.word_hashes import hash_passage
from tests.support.killed_withdrawal import build_small_show
from tests.support.show import SLUG
from tests.support.transcripts import spoken

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NAMES = {"S0": "Ann", "S1": "Bob"}
SAID = "the minister took the money in his car"


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    """An episode's folder with the words of two speakers."""
    show = build_small_show(tmp_path / "show")
    made = Library(show / "episodes", language="en").folder(SLUG)
    old = made.load_transcript()
    assert old
    words = spoken(
        ("S0", "So tell us what you saw there."),
        ("S1", f"I say {SAID} and left."),
        ("S0", "And then nothing happened for a very long time."),
        names=NAMES,
    )
    made.transcript_json.write_bytes(to_json(words.model_copy(update={"receipt": old.receipt})))
    merge(made)
    return made


def merge(folder: EpisodeFolder) -> Transcript:
    """Write transcript.md and edits.json, and return the edited words."""
    transcript = folder.load_transcript()
    assert transcript
    done = edits.merge_edits(
        folder, folder.load_draft(), transcript, glossary=Glossary(), in_catalog=True, now=NOW
    )
    return done.transcript


def write(folder: EpisodeFolder, old: str, new: str) -> None:
    """Edit transcript.md as a person does."""
    text = folder.transcript_md.read_text(encoding="utf-8")
    assert old in text
    folder.transcript_md.write_text(text.replace(old, new), encoding="utf-8")
    merge(folder)


def withdrawal(words: str = SAID, *muted: Cut) -> Withdrawal:
    """Return the withdrawal of a passage."""
    hashes = hash_passage(normalized_words(words), elsewhere=(), salt="0" * 32)
    digest = "0" * 64
    return Withdrawal(kind="passage", withdrawn_at=NOW, words=hashes, muted=muted, source_sha256=digest)


def texts(folder: EpisodeFolder) -> str:
    """Return the text files of the folder as one."""
    paths = (folder.transcript_json, folder.transcript_md, folder.edits_json)
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.exists())


@pytest.mark.parametrize(
    ("old", "new", "rest"),
    [
        ("And then", "But then", "I say and left. But then nothing"),  # far from the passage
        ("and left", "and drove off", "I say and drove off. And then nothing"),  # beside it
        ("the money in", "some money in", "I say and left. And then nothing"),  # in the middle of it
        (f"I say {SAID} and left.", "I say.", "I say. And then nothing"),  # deleted before
        (f"{SAID} and", "[removed] and", "I say and left. And then nothing"),  # written in its place
    ],
)
def test_edits_stay_and_the_passage_goes(folder: EpisodeFolder, old: str, new: str, rest: str) -> None:
    """Engine's words, edited words and the context of edits have none of it; what else was edited stays."""
    write(folder, old, new)
    words = folder.load_transcript()
    assert words
    start, end = words.words[9].start_s, words.words[16].end_s
    digest = words.receipt.audio_sha256 if words.receipt else ""
    taken = withdrawal(SAID, Cut(start_s=start, end_s=end)).model_copy(update={"source_sha256": digest})
    assert holds_withdrawn_words(folder, [taken])
    assert clean_episode_text(folder, [taken], now=NOW)
    assert not holds_withdrawn_words(folder, [taken])
    assert clean_episode_text(folder, [taken], now=NOW) == ()
    before = texts(folder)
    assert rest in merge(folder).text
    assert texts(folder) == before
    assert "minister" not in before
    assert "money" not in before


def test_words_that_came_from_elsewhere(folder: EpisodeFolder) -> None:
    """Without times, as after another recording, the hashes alone find the words."""
    taken = withdrawal()
    clean_episode_text(folder, [taken], now=NOW)
    assert "minister" not in texts(folder)
    assert "I say and left." in merge(folder).text


def test_other_withdrawals_change_nothing(folder: EpisodeFolder) -> None:
    """A passage that the folder does not have, and a withdrawn version, leave every byte."""
    before = texts(folder)
    version = withdrawal().model_copy(update={"kind": "version"})
    assert (
        clean_episode_text(folder, [withdrawal("nobody said these words here at all ever"), version], now=NOW)
        == ()
    )
    assert texts(folder) == before


def test_a_file_of_other_words(folder: EpisodeFolder) -> None:
    """A transcript.md of other words is no file that can be cleaned; it is named and left."""
    text = folder.transcript_md.read_text(encoding="utf-8")
    folder.transcript_md.write_text(text.replace("base: ", "base: 0123", 1)[:-4], encoding="utf-8")
    lines = folder.transcript_md.read_text(encoding="utf-8").splitlines()
    lines[1] = "base: 0123456789abcdef"
    folder.transcript_md.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(EpisodeError, match="belongs to other words"):
        clean_episode_text(folder, [withdrawal()], now=NOW)
    assert transcript_from_json(folder.transcript_json.read_bytes(), "x").words
