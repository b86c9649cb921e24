"""When words are said, as pages tell their script."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.web import view


def rendered_times(*sentences: tuple[tuple[str, float, float], ...]) -> str:
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
        (((" One", 1, 1.2), (" two.", 1.25, 2)), "25 75"),
        (((" One", 0.004, 0.9),), "90"),
        (((" twenty", 1, 1.2), ("-five", 1.3, 1.5), (" x", 1.6, 2)), "30:6 30 40"),
        ((("川", 1, 2), ("が", 2, 3)), "100:1 100"),
        (((" 👋🏽", 1, 2), ("!", 2, 3)), "100:4 100"),
        (((" a\u00a0b", 1, 2), (" c\ufeffd", 2, 3)), "100:3 100:4"),
    ],
)
def test_times_of_a_sentence(sentence: tuple[tuple[str, float, float], ...], times: str) -> None:
    """How long each word lasts, and its length where spaces do not say it."""
    assert rendered_times(sentence) == times


def test_a_group_for_each_sentence() -> None:
    """Groups are in the order of the page, whatever turns and paragraphs they stand in."""
    assert (
        rendered_times(((" One.", 1, 2),), ((" Two", 3, 4), (" three.", 4, 5)), ((" Four.", 6, 6.5),))
        == "100,100 100,50"
    )


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(0, 20_000_000))
def test_words_come_back_to_the_centisecond(lasts_ms: list[int], start_ms: int) -> None:
    """The id and the sum of what is told are each word's start, as `fragment` writes it."""
    starts = [(start_ms + sum(lasts_ms[:n])) / 1000 for n in range(len(lasts_ms) + 1)]
    words = tuple((" x", start, end) for start, end in pairwise(starts))
    at = round(float(view.media_fragment(starts[0]).removeprefix("t=")) * 100)
    for word, lasts in zip(words, rendered_times(words).split(" "), strict=True):
        assert view.media_fragment(at / 100) == view.media_fragment(word[1])
        assert re.fullmatch(r"\d+", lasts)
        at += int(lasts)
    assert view.media_fragment(at / 100) == view.media_fragment(words[-1][2])
