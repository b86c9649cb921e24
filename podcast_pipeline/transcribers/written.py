"""Whisper's words before they are whole: their tokens, what else may have been said, their punctuation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from faster_whisper.transcribe import merge_punctuations

from podcast_pipeline.transcribers.engine import Heard
from podcast_pipeline.transcript.spelling import LEAST, Spelling

PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
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
        written = word.text.strip()
        rivals = spelling.rivals(written, word.confidence)
        if rivals:
            after = [token for later in words[place + 1 :] for token in later.tokens][:AFTER]
            spelled = [tuple(encode(word.text.replace(written, rival))) for rival in rivals]
            own, *others = likelihoods(said, [(*tokens, *after) for tokens in (word.tokens, *spelled)])
            best = max(range(len(rivals)), key=others.__getitem__)
            if others[best] - own >= LEAST:
                word = word._replace(text=word.text.replace(written, rivals[best]), tokens=spelled[best])
        said.extend(word.tokens)
        yield word


def merged(words: Iterable[Written]) -> Iterator[Heard]:
    """Yield the words with the punctuation beside them."""
    pieces: list[dict[str, Any]] = [{"word": word.text, "tokens": [], "written": word} for word in words]
    merge_punctuations(pieces, PREPENDED, APPENDED)
    for piece in pieces:
        _, _, start_s, end_s, confidence = piece["written"]
        yield Heard(piece["word"], start_s, end_s, confidence)
