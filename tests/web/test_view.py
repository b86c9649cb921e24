"""Word times for the page's script."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import (
    Enclosure,
    Episode,
    ErrorRate,
    Segment,
    Transcript,
    TranscriptProvenance,
    Word,
)
from podcast_pipeline.web import view
from tests.support.site import transcript_of


def encoded_times(*sentences: tuple[tuple[str, float, float], ...]) -> str:
    """Return the times of sentences of (text, start, end)."""
    segments = tuple(
        Segment(words=tuple(Word(text=text, start_s=start, end_s=end) for text, start, end in sentence))
        for sentence in sentences
    )
    return view.encode_word_times(
        view.speaker_turns(Transcript(language="en", duration_s=99, segments=segments))
    )


@pytest.mark.parametrize(
    ("sentence", "times"),
    [
        (((" One", 1, 1.2), (" two.", 1.25, 2)), "Mm"),
        (((" One", 0.004, 0.9),), "t"),
        (((" One", 1, 3.1),), "--B"),
        (((" twenty", 1, 1.2), ("-five", 1.3, 1.5), (" x", 1.6, 2)), "P6PU"),
        ((("川", 1, 2), ("が", 2, 3)), "y1y"),
        (((" 👋🏽", 1, 2), ("!", 2, 3)), "y4y"),
        (((" a\u00a0b", 1, 2), (" c\ufeffd", 2, 3)), "y3y4"),
    ],
)
def test_times_of_a_sentence(sentence: tuple[tuple[str, float, float], ...], times: str) -> None:
    """The duration of each word, and its length if spaces do not delimit it."""
    assert encoded_times(sentence) == times


def test_a_group_for_each_sentence() -> None:
    """Groups are in the order of the sentences, across turns and paragraphs."""
    assert (
        encoded_times(((" One.", 1, 2),), ((" Two", 3, 4), (" three.", 4, 5)), ((" Four.", 6, 6.5),))
        == "y,yy,Z"
    )


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(0, 20_000_000))
def test_words_come_back_within_half_a_step(lasts_ms: list[int], start_ms: int) -> None:
    """The id plus the summed steps gives each word's start, however many words are before it."""
    starts = [(start_ms + sum(lasts_ms[:n])) / 1000 for n in range(len(lasts_ms) + 1)]
    for found, true in zip(decoded(starts), starts, strict=True):
        assert found == pytest.approx(100 * true, abs=1 + 0.51)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(0, 2_000_000))
def test_words_on_the_grid_of_whisper_come_back_exactly(steps: list[int], start_cs: int) -> None:
    """Words that are multiples of 20 ms apart have the very centisecond that `media_fragment` shows."""
    starts = [(start_cs + 2 * sum(steps[:n])) / 100 for n in range(len(steps) + 1)]
    assert [view.media_fragment(at / 100) for at in decoded(starts)] == [
        view.media_fragment(start) for start in starts
    ]


def decoded(starts: list[float]) -> list[int]:
    """Return where words begin and the last one ends, in centiseconds, as the page's script reads them."""
    words = tuple((" x", start, end) for start, end in pairwise(starts))
    at = round(float(view.media_fragment(starts[0]).removeprefix("t=")) * 100)
    found = [at]
    for hyphens, letter in re.findall("(-*)([A-Za-z])", encoded_times(words)):
        at += view.WORD_STEP_CS * (len(hyphens) * len(view.LETTERS) + view.LETTERS.index(letter))
        found.append(at)
    return found


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (17.6, "18 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (90, "2 min"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
    ],
)
def test_a_duration(seconds: float, shown: str) -> None:
    """Under a minute it has seconds, over that minutes."""
    assert view.long_duration(seconds) == shown


@pytest.mark.parametrize(
    ("provenance", "reviewed_by", "line"),
    [
        (None, "Ann", ""),
        ("machine", "", "Transcribed by machine, not checked by a person."),
        ("machine", "Ann", "Transcribed by machine, read by Ann."),
        ("person", "", "Transcribed by a person."),
        ("person", "Ann", "Transcribed by a person, read by Ann."),
    ],
)
def test_the_label_of_a_transcript(
    provenance: Literal["machine", "person"] | None, reviewed_by: str, line: str
) -> None:
    """It says who wrote the words down and who read them; nothing where it is not known."""
    assert view.provenance_line(labelled(provenance, reviewed_by)) == line


def test_the_label_has_the_measured_share() -> None:
    """The share of wrong words has its interval, to a tenth of a percent."""
    errors = ErrorRate(value=0.0112, low=0.005, high=0.0199)
    assert view.provenance_line(labelled("machine", "Ann", errors)) == (
        "Transcribed by machine, read by Ann; 1.1 % of words wrong (0.5 to 2.0 %)."
    )


def labelled(
    made_by: Literal["machine", "person"] | None, reviewed_by: str, errors: ErrorRate | None = None
) -> Episode:
    """Return an episode whose words are by a machine or a person, or by nobody knows whom."""
    now = datetime(2026, 3, 10, tzinfo=UTC)
    return Episode(
        id=UUID(int=1),
        guid="1",
        slug="one",
        title="One",
        language="en",
        state="published",
        publish_at=now,
        content_changed_at=now,
        enclosure=Enclosure(
            external_url="https://a.example/1.mp3", size_bytes=1, type="audio/mpeg", duration_s=1
        ),
        reviewed_by=reviewed_by,
        provenance=TranscriptProvenance(made_by=made_by, word_errors=errors) if made_by else None,
    )


def test_a_teaser_by_turns() -> None:
    """The words of a teaser are each given to their speaker, with the time; not one word is added."""
    words = transcript_of("Ann: One two. Three.\nBo: Four five six.\nAnn: Seven.", duration_s=8)
    turns = view.teaser_turns(words, "One two. Three. Four")
    assert [(turn.start_s, turn.speaker, turn.text) for turn in turns] == [
        (0, "Ann", "One two. Three."),
        (3, "Bo", "Four"),
    ]


@pytest.mark.parametrize("teaser", ["", "One two. Thr", "One three.", "Another show."])
def test_another_teaser_has_no_turns(teaser: str) -> None:
    """A teaser that is not exactly the first words of this transcript is not divided."""
    assert view.teaser_turns(transcript_of("Ann: One two. Three.", duration_s=4), teaser) == ()
