"""Real words replace non-words if the engine finds them likely enough."""

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
    """Return the text if every homophone is likelier by `gain`, and the arguments of each call."""
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
    """The engine compares once, with the text before the word and the beginning of the text after it."""
    text, asked = spelled("signs of proflogacy at ten", gain=gain)
    assert text == f"signs of {word} at ten"
    assert asked == [
        (" signs of", [f" {either}{' at ten'[:LOOKAHEAD_TOKENS]}" for either in ("proflogacy", "profligacy")])
    ]


def test_words_are_compared_after_the_replacements_before_them() -> None:
    """The prefix has the tokens of the replacement, not of the non-word."""
    _, asked = spelled("proflogacy and frited", gain=0)
    assert [said for said, _ in asked] == ["", " profligacy and"]


def test_existing_words_are_not_compared() -> None:
    """Words in the word list cost no call of the engine."""
    assert spelled("signs of profligacy at ten", gain=9) == ("signs of profligacy at ten", [])


def test_without_room_in_the_context_a_word_stays() -> None:
    """A prefix that fills Whisper's context is not extended by a word."""
    start = (*START, *[0] * (CONTEXT_TOKENS - len("proflogacy") - 2))
    words = replace_nonwords(
        written("proflogacy"), start, SpellingChecker("en"), encode=encode, log_likelihoods=unasked
    )
    assert [word.text for word in words] == [" proflogacy"]


def unasked(said: Sequence[int], endings: Sequence[Sequence[int]]) -> list[float]:
    raise AssertionError(f"{len(said)} tokens and {len(endings)} endings")


def test_a_changed_word_keeps_its_time_and_its_confidence() -> None:
    """The low confidence stays, so that the review lists the word."""
    (word,) = replace_nonwords(
        written("proflogacy"),
        START,
        SpellingChecker("en"),
        encode=encode,
        log_likelihoods=lambda _, endings: [0.0] * len(endings),
    )
    assert (word.text, word.start_s, word.end_s, word.confidence) == (" profligacy", 0, 1, 0.6)


def test_punctuation_belongs_to_the_word_beside_it() -> None:
    """Punctuation is merged as by faster-whisper."""
    words = [
        TimedWord(' "', (1,), 0, 1, 0.2),
        TimedWord("ten", (2,), 1, 2, 0.6),
        TimedWord(".", (3,), 2, 3, 0.3),
    ]
    assert [word for word in merge_punctuation(words) if word.text] == [EngineWord(' "ten.', 1, 2, 0.6)]
