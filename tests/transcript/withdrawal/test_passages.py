"""A passage is found as a reader quotes it, and removed without moving a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model import MediaSpan, Receipt, Segment, Transcript, Word
from podcast_pipeline.transcript.withdrawal.passages import (
    TokenIndex,
    find_quote,
    has_same_times,
    places_of,
    span_of,
    tokens_at,
    without_words,
    words_in_span,
)
from tests.support.transcripts import spoken

TALK = spoken(
    ("S0", "So tell me what he said."),
    ("S1", "Off the record, the minister took the money. He didn't deny it."),
    ("S0", "And then?"),
)


def text_at(transcript: Transcript, quote: str) -> list[str]:
    """Return the words of every place of a quote."""
    words = transcript.words
    return [
        "".join(word.text for word in words[place.start : place.end]).strip()
        for place in find_quote(transcript, quote)
    ]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("off the record … the money", ["Off the record, the minister took the money."]),
        ("Off the RECORD... took", ["Off the record, the minister took"]),
        ("he didnt deny it", ["He didn't deny it."]),
        ("he didn’t deny it.", ["He didn't deny it."]),
        ("ministre … money", []),
        ("the", ["the", "the", "the"]),
        ("the … it", ["the record, the minister took the money. He didn't deny it.", *[""] * 2]),
        ("the money … off the record", []),
    ],
)
def test_a_quote(quote: str, found: list[str]) -> None:
    """Case, accents, apostrophes and punctuation do not matter; every place is found."""
    places = text_at(TALK, quote)
    assert len(places) == len(found)
    assert all(place == text for place, text in zip(places, found, strict=True) if text)


@pytest.mark.parametrize("quote", ["", "…", "words …", "a … b … c", "--", "... no"])
def test_a_quote_without_words(quote: str) -> None:
    """A quote without first or last words is refused with the way to write it."""
    with pytest.raises(ConfigError, match="first words"):
        find_quote(TALK, quote)


def test_words_that_engines_divide() -> None:
    """An engine's "Ann" and "'s" are one word for whoever quotes it."""
    parts = [" Ann", "'s", " wall", ",", " measured"]
    words = tuple(Word(text=text, start_s=n, end_s=n + 0.5) for n, text in enumerate(parts))
    transcript = Transcript(language="en", duration_s=9, segments=(Segment(words=words),))
    assert text_at(transcript, "Ann's wall") == ["Ann's wall,"]
    assert TokenIndex.of(transcript).tokens == ("anns", "wall", "measured")


def test_a_script_without_spaces() -> None:
    """In Japanese every character is a word, and the passage ends where it was said to."""
    transcript = spoken((None, "これは記録に残さないでください。次へ"), spaces=False)
    assert text_at(transcript, "記録に残さない … ください") == ["記録に残さないでください。"]


def test_the_span_has_a_margin_that_takes_the_edge_of_a_neighbour() -> None:
    """The silence reaches up to 0.25 s beyond the passage, and takes less than half of a neighbour's word."""
    (place,) = find_quote(TALK, "off the record … the money")
    span, words = span_of(TALK, place), TALK.words
    before, after = words[place.start - 1], words[place.end]
    assert span.start_s == pytest.approx(
        max(before.end_s - 0.4 * length_s(before), words[place.start].start_s - 0.25)
    )
    assert span.end_s == pytest.approx(
        min(after.start_s + 0.4 * length_s(after), words[place.end - 1].end_s + 0.25)
    )
    assert words_in_span(TALK, span) == places_of(place)


def test_the_span_of_words_without_a_pause_around_them() -> None:
    """Word times are not exact: where a neighbour follows at once, 40 % of its word is silenced too."""
    words = tuple(Word(text=f" w{n}", start_s=n, end_s=n + 1.0) for n in range(3))
    transcript = Transcript(language="en", duration_s=3, segments=(Segment(words=words),))
    (place,) = find_quote(transcript, "w1")
    span = span_of(transcript, place)
    assert (span.start_s, span.end_s) == (0.75, 2.25)
    short = tuple(Word(text=f" w{n}", start_s=n / 5, end_s=(n + 1) / 5) for n in range(3))
    span = span_of(transcript.model_copy(update={"segments": (Segment(words=short),)}), place)
    assert [span.start_s, span.end_s] == pytest.approx([0.12, 0.48])


def length_s(word: Word) -> float:
    """Return the length of a word."""
    return word.end_s - word.start_s


def test_removal_moves_no_time() -> None:
    """What stays has its times, its speakers and its segments; an empty segment is gone."""
    (place,) = find_quote(TALK, "off the record … deny it")
    rest = without_words(TALK, places_of(place))
    assert rest.text == "So tell me what he said. And then?"
    assert [s.speaker for s in rest.segments] == ["S0", "S0"]
    assert set(rest.words) <= set(TALK.words)
    assert rest.duration_s == TALK.duration_s


@given(st.data())
def test_every_passage_is_found_by_its_words_and_gone_after_removal(data: st.DataObject) -> None:
    """Whatever words are taken, the rest is the transcript without just them."""
    count = len(TALK.words)
    start = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(start + 1, count))
    places = frozenset(range(start, end))
    rest = without_words(TALK, places)
    assert rest.words == TALK.words[:start] + TALK.words[end:]
    quoted = "".join(word.text for word in TALK.words[start:end])
    assert places in {places_of(place) for place in find_quote(TALK, quoted)}
    assert tokens_at(TALK, places) == list(
        TokenIndex.of(without_words(TALK, set(range(count)) - places)).tokens
    )


@given(st.floats(0, 20), st.floats(0.01, 20))
def test_a_span_takes_the_words_whose_middle_is_inside(start_s: float, length_s: float) -> None:
    """A word belongs to the span that holds its middle, so no word is in two spans."""
    span = MediaSpan(start_s=start_s, end_s=start_s + length_s)
    for n, word in enumerate(TALK.words):
        inside = span.start_s <= (word.start_s + word.end_s) / 2 < span.end_s
        assert (n in words_in_span(TALK, span)) == inside


def test_times_are_compared_within_one_recording_only() -> None:
    """After another recording the same seconds hold other words."""
    receipt = Receipt(
        engine="e", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256="1" * 64
    )
    one = TALK.model_copy(update={"receipt": receipt, "media_sha256": "2" * 64})
    silenced = one.model_copy(update={"media_sha256": "3" * 64})
    other = one.model_copy(update={"receipt": receipt.model_copy(update={"audio_sha256": "4" * 64})})
    longer = one.model_copy(update={"duration_s": one.duration_s + 7})
    assert has_same_times(one, silenced)
    assert not has_same_times(one, other)
    assert not has_same_times(one, longer)
