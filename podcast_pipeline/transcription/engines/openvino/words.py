"""Finish Whisper's words: replace non-words by likelier homophones, merge punctuation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from faster_whisper.transcribe import merge_punctuations

from podcast_pipeline.transcript.names.spelling import MIN_LOG_LIKELIHOOD_RATIO, SpellingChecker
from podcast_pipeline.transcription.engine import EngineWord

PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
CONTEXT_TOKENS = 448  # of Whisper's decoder
LOOKAHEAD_TOKENS = 4  # after a word, to measure how well the word fits
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
    """Yield the words of a window, with non-words replaced by homophones that are likely enough.

    Args:
        prompt_tokens: tokens before the first word.
        encode: text to tokens.
        log_likelihoods: of endings after a prefix; see `InferenceWorker.log_likelihoods`.
    """
    prefix = list(prompt_tokens)
    for place, word in enumerate(words):
        homophones = spelling.homophones(word.text.strip(), word.confidence)
        if homophones:
            following = [token for later in words[place + 1 :] for token in later.tokens][:LOOKAHEAD_TOKENS]
            alternatives = [_respelled(word, homophone, encode) for homophone in homophones]
            word = _likeliest(word, alternatives, prefix, following, log_likelihoods)
        prefix.extend(word.tokens)
        yield word


def _respelled(word: TimedWord, homophone: str, encode: Callable[[str], list[int]]) -> TimedWord:
    text = word.text.replace(word.text.strip(), homophone)
    return word._replace(text=text, tokens=tuple(encode(text)))


def _likeliest(
    word: TimedWord,
    alternatives: Sequence[TimedWord],
    prefix: Sequence[int],
    following: Sequence[int],
    log_likelihoods: Likelihoods,
) -> TimedWord:
    """Return the likeliest alternative if it is likely enough and the context has room, else the word."""
    endings = [(*candidate.tokens, *following) for candidate in (word, *alternatives)]
    if len(prefix) + max(map(len, endings)) > CONTEXT_TOKENS:
        return word
    own, *others = log_likelihoods(prefix, endings)
    best = max(range(len(others)), key=others.__getitem__)
    return alternatives[best] if others[best] - own >= MIN_LOG_LIKELIHOOD_RATIO else word


def merge_punctuation(words: Iterable[TimedWord]) -> Iterator[EngineWord]:
    """Yield the words, each merged with the punctuation beside it."""
    pieces: list[dict[str, Any]] = [{"word": word.text, "tokens": [], "timed": word} for word in words]
    merge_punctuations(pieces, PREPENDED, APPENDED)
    for piece in pieces:
        _, _, start_s, end_s, confidence = piece["timed"]
        yield EngineWord(piece["word"], start_s, end_s, confidence)
