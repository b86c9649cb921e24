"""Whisper's words before they are whole: their tokens, what else may have been said, their punctuation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from faster_whisper.transcribe import merge_punctuations

from podcast_pipeline.transcript.names.spelling import LEAST, Spelling
from podcast_pipeline.transcription.engine import Heard

PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
CONTEXT = 448  # tokens: of Whisper's text
AFTER = 4  # tokens that tell how well a word fits what follows it
Likelihoods = Callable[[Sequence[int], Sequence[Sequence[int]]], list[float]]


class Written(NamedTuple):
    """A word as its tokens spell it, with the space before it; seconds from the window's first sample."""

    text: str
    tokens: tuple[int, ...]
    start_s: float
    end_s: float
    confidence: float


def respelled(
    words: Sequence[Written],
    start: Sequence[int],
    spelling: Spelling,
    *,
    encode: Callable[[str], list[int]],
    likelihoods: Likelihoods,
) -> Iterator[Written]:
    """Yield the words of a window, real ones in place of those that do not exist.

    Args:
        start: tokens before the first word.
        encode: text to tokens.
        likelihoods: of endings after such tokens; see `Lane.likelihoods`.
    """
    said = list(start)
    for place, word in enumerate(words):
        rivals = spelling.rivals(word.text.strip(), word.confidence)
        if rivals:
            after = [token for later in words[place + 1 :] for token in later.tokens][:AFTER]
            spelled = [_spelled(word, rival, encode) for rival in rivals]
            word = _likeliest(word, spelled, said, after, likelihoods)
        said.extend(word.tokens)
        yield word


def _spelled(word: Written, rival: str, encode: Callable[[str], list[int]]) -> Written:
    text = word.text.replace(word.text.strip(), rival)
    return word._replace(text=text, tokens=tuple(encode(text)))


def _likeliest(
    word: Written,
    spelled: Sequence[Written],
    said: Sequence[int],
    after: Sequence[int],
    likelihoods: Likelihoods,
) -> Written:
    """Return the likeliest spelling where it is likely enough, else the word; also where there is no room."""
    endings = [(*one.tokens, *after) for one in (word, *spelled)]
    if len(said) + max(map(len, endings)) > CONTEXT:
        return word
    own, *others = likelihoods(said, endings)
    best = max(range(len(others)), key=others.__getitem__)
    return spelled[best] if others[best] - own >= LEAST else word


def merged(words: Iterable[Written]) -> Iterator[Heard]:
    """Yield the words with the punctuation beside them."""
    pieces: list[dict[str, Any]] = [{"word": word.text, "tokens": [], "written": word} for word in words]
    merge_punctuations(pieces, PREPENDED, APPENDED)
    for piece in pieces:
        _, _, start_s, end_s, confidence = piece["written"]
        yield Heard(piece["word"], start_s, end_s, confidence)
