"""Find leaked transcript text in public bytes: runs of eight words (shingles), in any encoding.

Source: docs/explanation/access.md: a run of 8 transcript words that is neither in the teaser nor in
text that the producer wrote for everybody is a leak.
"""

import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import Self

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.leaks.decoders import BLOCK_SEPARATOR, decoded_texts, unescaped_variants
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.text.scripts import is_spaceless
from podcast_pipeline.transcript.text.turns import join_words, transcript_turns

TEASER_SHARE = 3  # at most a third of the words: else a short episode would be free
SHINGLE_WORDS = 8
"""Number of words in a shingle."""

SHINGLE_CHARACTERS = 2 * SHINGLE_WORDS
"""Number of characters in a shingle of a script without spaces: a word has two on average, and with eight
one long name would be a leak."""

_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")


@dataclass(frozen=True)
class Leak:
    """A members-only run of words found in public data.

    Attributes:
        location: of the data: a key, a URL, a file.
        words: the run, normalised.
    """

    location: str
    words: str


@dataclass(frozen=True)
class DecodedWords:
    """The words of a decoded text.

    Attributes:
        words: normalised.
        block_starts: indices of words at which an HTML block begins.
    """

    words: list[str]
    block_starts: frozenset[int]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the words of a text with BLOCK_SEPARATOR between its blocks."""
        words: list[str] = []
        block_starts = set()
        for block in text.split(BLOCK_SEPARATOR):
            block_starts.add(len(words))
            words += normalized_words(block)
        return cls(words, frozenset(block_starts))

    def without_numbers(self) -> Self:
        """Return the words without numbers: captions have times and cue numbers between the words."""
        words = [word for word in self.words if not word.isdecimal()]
        if len(self.block_starts) == 1:
            return type(self)(words, self.block_starts)
        new_indices = list(accumulate((not word.isdecimal() for word in self.words), initial=0))
        return type(self)(words, frozenset(new_indices[index] for index in self.block_starts))


@dataclass(frozen=True)
class Shingles:
    """The members-only shingles of one or many transcripts, for many searches.

    Attributes:
        windows: length in words -> normalised runs, joined by spaces.
        public_boundaries: run -> indices of its words at which public text begins or ends. If an HTML block
            begins at such a word too, the next block may begin with the same word by chance, so the match
            does not count. A run without public words has no such index.
    """

    windows: Mapping[int, frozenset[str]]
    public_boundaries: Mapping[str, frozenset[int]]

    @classmethod
    def of(cls, secret: Transcript | Iterable[str], *, public_text: Iterable[str]) -> Self:
        """Return the shingles of a transcript, or of its words, that are in no public text."""
        text = secret.text if isinstance(secret, Transcript) else " ".join(secret)
        words = normalized_words(text)
        size = shingle_size(words)
        public = frozenset(chain.from_iterable(_public_windows(text, size) for text in public_text))
        runs = [list(_windows(form, size)) for form in with_and_without_numbers(words)]
        boundaries = _merged(pair for form in runs for pair in _public_boundaries(form, public, size))
        return cls({size: frozenset(chain.from_iterable(runs)) - public}, boundaries)

    @classmethod
    def union(cls, shingles: Iterable[Self]) -> Self:
        """Return the shingles of many transcripts as one."""
        parts = list(shingles)
        sets = [pair for part in parts for pair in part.windows.items()]
        sizes = {size for size, _ in sets}
        windows = {size: frozenset().union(*(w for s, w in sets if s == size)) for size in sizes}
        return cls(windows, _merged(pair for part in parts for pair in part.public_boundaries.items()))

    def find_in(self, data: bytes) -> list[str]:
        """Return the members-only runs in the bytes, in any encoding, each once; empty without a leak."""
        return list(
            dict.fromkeys(chain.from_iterable(self.find_in_words(words) for words in decoded_words(data)))
        )

    def find_in_words(self, text: DecodedWords) -> Iterator[str]:
        """Yield the members-only runs in one of the texts of `decoded_words`."""
        for size, secret in self.windows.items():
            for start, run in self._candidates(text.words, size):
                if run in secret and not any(
                    start + at in text.block_starts for at in self.public_boundaries.get(run, ())
                ):
                    yield run

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(word for runs in self.windows.values() for run in runs for word in run.split())

    def _candidates(self, words: list[str], size: int) -> Iterator[tuple[int, str]]:
        """Yield (start, run) for runs whose words all occur in the shingles: few in unrelated text."""
        known, run = bytes(map(self._vocabulary.__contains__, words)), b"\1" * size
        start = known.find(run)
        while start >= 0:
            yield start, " ".join(words[start : start + size])
            start = known.find(run, start + 1)


def decoded_words(data: bytes) -> Iterator[DecodedWords]:
    """Yield the words of every text that the bytes may encode, for comparison with many shingles."""
    for text in decoded_texts(data):
        decoded = DecodedWords.of(text)
        yield decoded
        if any(map(str.isdecimal, decoded.words)):
            yield decoded.without_numbers()


def find_leaks(
    secret: Transcript | Iterable[str], public_text: Iterable[str], data: bytes, *, location: str
) -> tuple[Leak, ...]:
    """Return the members-only runs of a transcript that occur in public bytes.

    Args:
        secret: a transcript, or its words in order.
        public_text: the teaser and the text that the producer wrote or approved for everybody.
        data: any data that is served without a subscription.
        location: of the data, for the report.
    """
    found = Shingles.of(secret, public_text=public_text).find_in(data)
    return tuple(Leak(location, words) for words in found)


def teaser_word_count(transcript: Transcript, max_words: int) -> int:
    """Return the number of words in the teaser: `max_words`, or a third of a short transcript."""
    written_count = sum(len(s.words) for turn in transcript_turns(transcript) for s in turn.sentences)
    return min(max_words, written_count // TEASER_SHARE)


def teaser(transcript: Transcript, word_count: int) -> str:
    """Return exactly the first `word_count` written words, all of them when there are fewer."""
    words = [word for turn in transcript_turns(transcript) for s in turn.sentences for word in s.words]
    return join_words(words[:word_count])


def shingle_size(words: Sequence[str]) -> int:
    """Return the number of words in a shingle of a text: more where a character is a word."""
    characters = sum(is_spaceless(word) for word in words)
    return SHINGLE_CHARACTERS if 2 * characters > len(words) else SHINGLE_WORDS


def _windows(words: list[str], size: int) -> Iterator[str]:
    yield from (" ".join(words[n : n + size]) for n in range(len(words) - size + 1))


def with_and_without_numbers(words: list[str]) -> Iterator[list[str]]:
    """Yield the words and, if there are numbers among them, the words without numbers."""
    yield words
    without = [word for word in words if not word.isdecimal()]
    if len(without) < len(words):
        yield without


def _public_boundaries(
    runs: list[str], public: frozenset[str], size: int
) -> Iterator[tuple[str, frozenset[int]]]:
    """Yield the runs across each boundary of public text, with the index of the word after the boundary."""
    public_places = {n for n, run in enumerate(runs) if run in public}
    ends = {n + size for n in public_places if n + 1 not in public_places} | {
        n for n in public_places if n - 1 not in public_places
    }
    for end in ends:
        for start in range(max(end - size + 1, 0), min(end, len(runs))):
            yield runs[start], frozenset({end - start})


def _merged(boundaries: Iterable[tuple[str, frozenset[int]]]) -> dict[str, frozenset[int]]:
    joined: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    for run, indices in boundaries:
        joined[run] |= indices
    return dict(joined)


def _public_windows(text: str, size: int) -> Iterator[str]:
    for form in (
        text,
        _LINK_TARGET.sub("", text),
        html.escape(text),
    ):  # an escaped apostrophe separates words
        for variant in unescaped_variants(form):
            for words in with_and_without_numbers(normalized_words(variant)):
                yield from _windows(words, size)
