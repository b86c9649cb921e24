"""Whisper's words before they are whole: their tokens, what else may have been said, their punctuation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from faster_whisper.transcribe import merge_punctuations

from podcast_pipeline.transcript.names.spelling import MIN_LOG_LIKELIHOOD_RATIO, SpellingChecker
from podcast_pipeline.transcription.engine import EngineWord

PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
CONTEXT_TOKENS = 448  # tokens: of Whisper's text
LOOKAHEAD_TOKENS = 4  # tokens that tell how well a word fits what follows it
Likelihoods = Callable[[Sequence[int], Sequence[Sequence[int]]], list[float]]


class TimedWord(NamedTuple):
    """A word as its tokens spell it, with the space before it; seconds from the window's first sample."""

    text: str
    tokens: tuple[int, ...]
    start_s: float
    end_s: float
    confidence: float


def replace_nonwords(
    words: Sequence[TimedWord],
    prompt_tokens: Sequence[int],
    spelling: SpellingChecker,
    *,
    encode: Callable[[str], list[int]],
    log_likelihoods: Likelihoods,
) -> Iterator[TimedWord]:
    """Yield the words of a window, real ones in place of those that do not exist.

    Args:
        start: tokens before the first word.
        encode: text to tokens.
        likelihoods: of endings after such tokens; see `Lane.likelihoods`.
    """
    said = list(prompt_tokens)
    for place, word in enumerate(words):
        rivals = spelling.homophones(word.text.strip(), word.confidence)
        if rivals:
            after = [token for later in words[place + 1 :] for token in later.tokens][:LOOKAHEAD_TOKENS]
            spelled = [_spelled(word, rival, encode) for rival in rivals]
            word = _likeliest(word, spelled, said, after, log_likelihoods)
        said.extend(word.tokens)
        yield word


def _spelled(word: TimedWord, rival: str, encode: Callable[[str], list[int]]) -> TimedWord:
    text = word.text.replace(word.text.strip(), rival)
    return word._replace(text=text, tokens=tuple(encode(text)))


def _likeliest(
    word: TimedWord,
    spelled: Sequence[TimedWord],
    said: Sequence[int],
    after: Sequence[int],
    likelihoods: Likelihoods,
) -> TimedWord:
    """Return the likeliest spelling where it is likely enough, else the word; also where there is no room."""
    endings = [(*one.tokens, *after) for one in (word, *spelled)]
    if len(said) + max(map(len, endings)) > CONTEXT_TOKENS:
        return word
    own, *others = likelihoods(said, endings)
    best = max(range(len(others)), key=others.__getitem__)
    return spelled[best] if others[best] - own >= MIN_LOG_LIKELIHOOD_RATIO else word


def merge_punctuation(words: Iterable[TimedWord]) -> Iterator[EngineWord]:
    """Yield the words with the punctuation beside them."""
    pieces: list[dict[str, Any]] = [{"word": word.text, "tokens": [], "written": word} for word in words]
    merge_punctuations(pieces, PREPENDED, APPENDED)
    for piece in pieces:
        _, _, start_s, end_s, confidence = piece["written"]
        yield EngineWord(piece["word"], start_s, end_s, confidence)
