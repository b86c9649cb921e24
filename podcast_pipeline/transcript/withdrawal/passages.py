"""Find a passage of a transcript by its first and last words or by its times, and remove it."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model import MediaSpan, Segment, Transcript, Word
from podcast_pipeline.transcript.leaks.tokens import normalized_words

ELLIPSIS = re.compile(r"…|\.{3,}")
MARGIN_S = 0.25  # of silence beyond the first and the last word: engines' word times are that exact
NEIGHBOUR_SHARE = 0.4  # of a neighbour's word that the margin may take: better its edge than a secret sound
OTHER_AUDIO_S = 1.0  # transcripts of audio whose lengths differ by more have other times


@dataclass(frozen=True)
class Passage:
    """Words of a transcript, by their places; `end` is excluded."""

    start: int
    end: int


@dataclass(frozen=True)
class TokenIndex:
    """The normalised words of a transcript, and the place of the engine's words that each stands in.

    Attributes:
        tokens: of the whole text, in order.
        places: for each token the first and the last of its words in `Transcript.words`.
    """

    tokens: tuple[str, ...]
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, transcript: Transcript) -> Self:
        """Return the index of a transcript."""
        found: list[tuple[str, tuple[int, int]]] = []
        first = 0
        for segment in transcript.segments:
            for chunk in _chunks(segment.words):
                found += _chunk_tokens(chunk, first)
                first += len(chunk)
        return cls(tuple(token for token, _ in found), tuple(place for _, place in found))

    def passage(self, start: int, end: int) -> Passage:
        """Return the words of the tokens from `start` up to, not including, `end`."""
        return Passage(self.places[start][0], self.places[end - 1][1] + 1)

    def starts_of(self, run: Sequence[str], *, after: int = 0) -> list[int]:
        """Return the places where a run of tokens begins, from `after` on."""
        size, run = len(run), tuple(run)
        return [n for n in range(after, len(self.tokens) - size + 1) if self.tokens[n : n + size] == run]


def parse_quote(quote: str) -> tuple[list[str], list[str]]:
    """Return the first and the last words of a passage, normalised; no last ones where all are quoted.

    Args:
        quote: `first words … last words`, or the whole passage.

    Raises:
        ConfigError: there are no words, or more than one ellipsis.
    """
    parts = [normalized_words(part) for part in ELLIPSIS.split(quote)]
    if len(parts) > 2 or not all(parts):
        raise ConfigError(
            "--quote", 'is no passage; write the whole of it, or "its first words … its last words"'
        )
    return parts[0], parts[1] if len(parts) == 2 else []


def find_quote(transcript: Transcript, quote: str) -> tuple[Passage, ...]:
    """Return every place that a quote may mean, whatever its case, accents and punctuation.

    Raises:
        ConfigError: the quote has no words.
    """
    first, last = parse_quote(quote)
    index = TokenIndex.of(transcript)
    starts = index.starts_of(first)
    if not last:
        return tuple(index.passage(start, start + len(first)) for start in starts)
    return tuple(
        index.passage(start, end + len(last))
        for start in starts
        for end in index.starts_of(last, after=start + len(first))
    )


def span_of(transcript: Transcript, passage: Passage) -> MediaSpan:
    """Return the times of a passage with a margin, which takes the edge of a neighbour's word at most."""
    words = transcript.words
    inside = words[passage.start : passage.end]
    start_s, end_s = min(word.start_s for word in inside), max(word.end_s for word in inside)
    before = max(
        (w.end_s - NEIGHBOUR_SHARE * (w.end_s - w.start_s) for w in words if w.end_s <= start_s), default=0.0
    )
    after = min(
        (w.start_s + NEIGHBOUR_SHARE * (w.end_s - w.start_s) for w in words if w.start_s >= end_s),
        default=transcript.duration_s,
    )
    start_s, end_s = max(before, start_s - MARGIN_S), min(max(after, end_s), end_s + MARGIN_S)
    return MediaSpan(start_s=max(start_s, 0.0), end_s=max(end_s, start_s + 0.001))


def words_in_span(transcript: Transcript, span: MediaSpan) -> frozenset[int]:
    """Return the places of the words whose middle is in a span of the audio."""
    return frozenset(n for n, word in enumerate(transcript.words) if _is_inside(word, span))


def places_of(passage: Passage) -> frozenset[int]:
    """Return the places of the words of a passage."""
    return frozenset(range(passage.start, passage.end))


def tokens_at(transcript: Transcript, places: Collection[int]) -> list[str]:
    """Return the normalised words of the words at some places, in order."""
    kept = _keep(transcript, lambda n: n in places)
    return normalized_words(kept.text)


def without_words(transcript: Transcript, places: Collection[int]) -> Transcript:
    """Return a transcript without the words at some places; no time moves, empty segments are dropped."""
    return _keep(transcript, lambda n: n not in places)


def has_same_times(one: Transcript, other: Transcript) -> bool:
    """Tell whether two transcripts are of the same audio, so that their times can be compared."""
    recordings = [t.receipt.audio_sha256 if t.receipt else t.media_sha256 for t in (one, other)]
    return recordings[0] == recordings[1] and abs(one.duration_s - other.duration_s) < OTHER_AUDIO_S


def _is_inside(word: Word, span: MediaSpan) -> bool:
    return span.start_s <= (word.start_s + word.end_s) / 2 < span.end_s


def _keep(transcript: Transcript, is_kept: Callable[[int], bool]) -> Transcript:
    segments: list[Segment] = []
    first = 0
    for segment in transcript.segments:
        words = tuple(word for n, word in enumerate(segment.words, start=first) if is_kept(n))
        first += len(segment.words)
        if len(words) == len(segment.words):
            segments.append(segment)
        elif words:
            segments.append(segment.model_copy(update={"words": words}))
    return transcript.model_copy(update={"segments": tuple(segments)})


def _chunks(words: tuple[Word, ...]) -> Iterator[list[Word]]:
    """Yield words in groups that no space divides: "Ann", "'s" is one word for everybody who quotes it."""
    chunk: list[Word] = []
    for word in words:
        if chunk and word.text[:1].isspace():
            yield chunk
            chunk = []
        chunk.append(word)
    if chunk:
        yield chunk


def _chunk_tokens(chunk: list[Word], first: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the tokens of a group with their words; punctuation belongs to the token before it."""
    tokens = normalized_words("".join(word.text for word in chunk))
    if len(chunk) == 1:
        yield from ((token, (first, first)) for token in tokens)
        return
    counts = [len(normalized_words("".join(w.text for w in chunk[: n + 1]))) for n in range(len(chunk))]
    starts = [next(n for n, count in enumerate(counts) if count > number) for number in range(len(tokens))]
    ends = [max(start, after - 1) for start, after in zip(starts, [*starts[1:], len(chunk)], strict=True)]
    for token, start, end in zip(tokens, starts, ends, strict=True):
        yield token, (first + start, first + end)
