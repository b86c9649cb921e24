"""Segments are whole sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Word
from podcast_pipeline.transcription.segments import MAX_SEGMENT_S, to_segments


def words(text: str, *, gap_s: float = 0.1) -> list[Word]:
    return [
        Word(text=f" {token}", start_s=i * (0.3 + gap_s), end_s=i * (0.3 + gap_s) + 0.3)
        for i, token in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rained. We went home.", ["It rained.", "We went home."]),
        ("Is it? Yes! Good…", ["Is it?", "Yes!", "Good…"]),
        ("Mr. Lee met Dr. Ann Wu.", ["Mr. Lee met Dr. Ann Wu."]),
        ("The U.S. Senate said no. J. R. agreed.", ["The U.S. Senate said no.", "J. R. agreed."]),
        ("It costs 3.5 dollars. Or 4.", ["It costs 3.5 dollars.", "Or 4."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Wait... what is it?", ["Wait... what is it?"]),
        ("终于来了。 他说好。", ["终于来了。", "他说好。"]),
        ("هل جاء؟ نعم جاء.", ["هل جاء؟", "نعم جاء."]),
    ],
)
def test_sentences_end_at_full_stops(text: str, expected: list[str]) -> None:
    """Full stops end sentences; titles, initials, numbers and three dots do not."""
    assert [segment.text for segment in to_segments(words(text))] == expected


def test_a_long_pause_begins_a_phrase() -> None:
    """Two seconds of silence separate phrases without a full stop."""
    assert len(to_segments(words("one two", gap_s=2.1))) == 2
    assert len(to_segments(words("one two", gap_s=1.5))) == 1


def test_a_capital_after_a_pause_begins_a_phrase() -> None:
    """Without a full stop, a pause of a second and a capital begin a phrase."""
    assert len(to_segments(words("foolishness And", gap_s=1.2))) == 2


def test_no_segment_is_endless() -> None:
    """Text without a full stop is split into segments of readable length."""
    segments = to_segments(words(" ".join(["word"] * 2000)))
    assert all(segment.end_s - segment.start_s <= MAX_SEGMENT_S for segment in segments)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1), max_size=60)
)
def test_no_word_is_lost(tokens: list[str]) -> None:
    """Segments hold the words they were made from, in order."""
    given_words = [Word(text=f" {t}", start_s=i, end_s=i + 0.5) for i, t in enumerate(tokens)]
    assert [word for segment in to_segments(given_words) for word in segment.words] == given_words


def test_a_segment_has_the_doubts_of_its_words() -> None:
    """The reasons of its words, each once; the others have none."""
    segments = to_segments(
        words("It rained. We went went went home. Good."), {3: "loop", 4: "loop", 6: "silence"}
    )
    assert [segment.doubts for segment in segments] == [(), ("loop", "silence"), ()]
