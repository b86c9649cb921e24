"""Edits of a folder that have no place in its words, beside what others have published since."""

from datetime import UTC, datetime

import pytest

from podcast_pipeline.episodes.edits import EditedTranscript
from podcast_pipeline.model import Transcript
from podcast_pipeline.pipeline.merge.words import FolderWords, merge_words
from podcast_pipeline.transcript.edits import apply_edits, extract_edits
from podcast_pipeline.transcript.edits.record import Edit, EditConflict, Edits
from podcast_pipeline.transcript.markdown import parse_markdown, to_markdown
from tests.support.transcripts import spoken

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINES = (("S0", "Welcome to this long programme. Then the wind came from there."), ("S1", "Indeed it did."))
NAMES = {"S0": "Ann", "S1": "Bo"}


def edit_of(old: str, new: str) -> tuple[Edit, Transcript]:
    """Return the edit that changes a word of the engine's, and the edited words."""
    engine = spoken(*LINES, names=NAMES)
    document = parse_markdown(to_markdown(engine, base="0" * 16, title="A title").replace(old, new))
    (edit,) = extract_edits(document, engine, NOW)
    return edit, apply_edits((edit,), engine).transcript


@pytest.mark.parametrize(
    ("published_word", "is_kept"),
    [("south", False), ("east", True)],
    ids=["changed since", "as it was published"],
)
def test_a_kept_edit_that_others_have_changed_since_is_dropped(published_word: str, is_kept: bool) -> None:
    """It would find its place after the next transcription, and undo what was published."""
    kept, base = edit_of("there", "east")
    _, published = edit_of("there", published_word)
    published = published.model_copy(update={"segments": (*published.segments[:1], *base.segments[1:])})
    conflict = EditConflict(edit=kept, at_s=1, reason="begin or end of the passage is unclear")
    engine = spoken(*LINES, names=NAMES)
    folder = FolderWords(engine, EditedTranscript(engine, "", Edits(conflicts=(conflict,))), "A title")
    merged = merge_words(folder, base, published, now=NOW)
    assert merged.edited.edits.conflicts == ((conflict,) if is_kept else ())
