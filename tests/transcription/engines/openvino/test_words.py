"""Real words in place of made-up ones, by what the engine says of both."""

from collections.abc import Sequence

import pytest

from podcast_pipeline.transcript.names.spelling import MIN_LOG_LIKELIHOOD_RATIO, SpellingChecker
from podcast_pipeline.transcription.engine import EngineWord
from podcast_pipeline.transcription.engines.openvino.words import (
    CONTEXT_TOKENS,
    LOOKAHEAD_TOKENS,
    TimedWord,
    merge_punctuation,
    replace_nonwords,
)

START = (1, 2)


def encode(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def written(text: str, confidence: float = 0.6) -> list[TimedWord]:
    words = (f" {word}" for word in text.split())
    return [TimedWord(word, tuple(encode(word)), i, i + 1, confidence) for i, word in enumerate(words)]


def spelled(text: str, *, gain: float) -> tuple[str, list[tuple[str, list[str]]]]:
    """Return the text of an engine to which every rival is so much likelier, and what it was asked."""
    asked: list[tuple[str, list[str]]] = []

    def likelihoods(said: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:
        assert tuple(said[:2]) == START
        texts = ["".join(map(chr, tokens)) for tokens in (said[2:], *endings)]
        asked.append((texts[0], texts[1:]))
        return [-5.0, *(-5 + gain for _ in endings[1:])]

    words = replace_nonwords(
        written(text), START, SpellingChecker("en"), encode=encode, log_likelihoods=likelihoods
    )
    return "".join(word.text for word in words).strip(), asked


@pytest.mark.parametrize(
    ("gain", "word"),
    [(MIN_LOG_LIKELIHOOD_RATIO + 0.1, "profligacy"), (MIN_LOG_LIKELIHOOD_RATIO - 0.1, "proflogacy")],
)
def test_a_real_word_needs_a_part_of_the_likelihood(gain: float, word: str) -> None:
    """The engine is asked once, with what stands before and the beginning of what comes after."""
    text, asked = spelled("signs of proflogacy at ten", gain=gain)
    assert text == f"signs of {word} at ten"
    assert asked == [
        (" signs of", [f" {either}{' at ten'[:LOOKAHEAD_TOKENS]}" for either in ("proflogacy", "profligacy")])
    ]


def test_a_word_is_asked_after_what_was_put_right_before() -> None:
    """Its tokens stand in the place of the others."""
    _, asked = spelled("proflogacy and frited", gain=0)
    assert [said for said, _ in asked] == ["", " profligacy and"]


def test_nothing_is_asked_of_words_that_exist() -> None:
    """The engine has better things to do."""
    assert spelled("signs of profligacy at ten", gain=9) == ("signs of profligacy at ten", [])


def test_where_there_is_no_room_a_word_stays() -> None:
    """Whisper has places for so many tokens; a longer text would be a fault of ours."""
    start = (*START, *[0] * (CONTEXT_TOKENS - len("proflogacy") - 2))
    words = replace_nonwords(
        written("proflogacy"), start, SpellingChecker("en"), encode=encode, log_likelihoods=unasked
    )
    assert [word.text for word in words] == [" proflogacy"]


def unasked(said: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:
    raise AssertionError(f"{len(said)} tokens and {len(endings)} endings")


def test_a_changed_word_keeps_its_time_and_its_confidence() -> None:
    """So that a review still sees it."""
    (word,) = replace_nonwords(
        written("proflogacy"),
        START,
        SpellingChecker("en"),
        encode=encode,
        log_likelihoods=lambda _, endings: [0.0] * len(endings),
    )
    assert (word.text, word.start_s, word.end_s, word.confidence) == (" profligacy", 0, 1, 0.6)


def test_punctuation_belongs_to_the_word_beside_it() -> None:
    """As faster-whisper has it."""
    words = [
        TimedWord(' "', (1,), 0, 1, 0.2),
        TimedWord("ten", (2,), 1, 2, 0.6),
        TimedWord(".", (3,), 2, 3, 0.3),
    ]
    assert [word for word in merge_punctuation(words) if word.text] == [EngineWord(' "ten.', 1, 2, 0.6)]
