"""Secret text in public bytes: runs of eight words of a transcript, in whatever encoding they hide.

Source: docs/access.md: a run of 8 transcript words that is neither in the teaser nor in what the
producer wrote for everybody is a leak.
"""

import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import Self

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.leaks.decoders import BLOCK_SEPARATOR, decoded_texts, unescaped_variants
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.text.scripts import is_spaceless
from podcast_pipeline.transcript.text.turns import join_words, transcript_turns

TEASER_SHARE = 3  # one word in three may be in the teaser, or a short episode would be free
SHINGLE_WORDS = 8
"""A run of this many words is a shingle."""

SHINGLE_CHARACTERS = 2 * SHINGLE_WORDS
"""The same for scripts without spaces, in characters: a word there has two on average. With eight, one
long name would be a leak."""

_LINK_TARGET = re.compile(r"(?<=\])\([^)]*\)")


@dataclass(frozen=True)
class Leak:
    """A secret run of words found where everybody can read it.

    Attributes:
        where: what the bytes were: a key, a URL, a file.
        words: the run, normalised.
    """

    location: str
    words: str


@dataclass(frozen=True)
class DecodedWords:
    """The words of a text that some bytes may be meant as.

    Attributes:
        words: normalised.
        borders: before which of them a block of a page begins.
    """

    words: list[str]
    block_starts: frozenset[int]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the words of a reading, whose blocks have a BORDER between them."""
        words: list[str] = []
        borders = set()
        for block in text.split(BLOCK_SEPARATOR):
            borders.add(len(words))
            words += normalized_words(block)
        return cls(words, frozenset(borders))

    def without_numbers(self) -> Self:
        """Return the same without numbers: captions have times and counts between the words."""
        places = list(accumulate((not word.isdecimal() for word in self.words), initial=0))
        words = [word for word in self.words if not word.isdecimal()]
        return type(self)(words, frozenset(places[border] for border in self.block_starts))


@dataclass(frozen=True)
class Shingles:
    """The secret runs of words of one or many transcripts; made once, asked often.

    Attributes:
        windows: normalised runs, joined by a space, by their length in tokens.
        seams: of a run in which public text ends or begins, before which of its words. Where a block of a
            page ends there too, the next one may go on with the same word by chance, and the run says
            nothing: eight words that are all secret have no seam.
    """

    windows: Mapping[int, frozenset[str]]
    public_boundaries: Mapping[str, frozenset[int]]

    @classmethod
    def of(cls, secret: Transcript | Iterable[str], *, public_text: Iterable[str]) -> Self:
        """Return the shingles of a transcript, or of its words, that are not in any public text."""
        text = secret.text if isinstance(secret, Transcript) else " ".join(secret)
        said = normalized_words(text)
        size = _size(said)
        public = frozenset(chain.from_iterable(_public_windows(text, size) for text in public_text))
        runs = [list(_windows(words, size)) for words in _both(said)]
        seams = _together(pair for form in runs for pair in _seams(form, public, size))
        return cls({size: frozenset(chain.from_iterable(runs)) - public}, seams)

    @classmethod
    def union(cls, many: Iterable[Self]) -> Self:
        """Return the shingles of many transcripts as one."""
        parts = list(many)
        sets = [pair for shingles in parts for pair in shingles.windows.items()]
        sizes = {size for size, _ in sets}
        windows = {size: frozenset().union(*(w for s, w in sets if s == size)) for size in sizes}
        return cls(
            windows, _together(pair for shingles in parts for pair in shingles.public_boundaries.items())
        )

    def find_in(self, data: bytes) -> list[str]:
        """Return the secret runs that the bytes hold in any encoding, each once; empty when clean."""
        return list(
            dict.fromkeys(chain.from_iterable(self.find_in_words(words) for words in decoded_words(data)))
        )

    def find_in_words(self, text: DecodedWords) -> Iterator[str]:
        """Yield the secret runs in one of the readings of `heard`."""
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
        """Yield the runs of words that all occur in a secret, and where they begin: few, in foreign text."""
        known, vocabulary = 0, self._vocabulary
        if sum(map(vocabulary.__contains__, words)) < size:
            return
        for end, word in enumerate(words, start=1):
            known = known + 1 if word in vocabulary else 0
            if known >= size:
                yield end - size, " ".join(words[end - size : end])


def decoded_words(data: bytes) -> Iterator[DecodedWords]:
    """Yield the words of every text that the bytes may be meant as; made once, shown to many shingles."""
    for reading in decoded_texts(data):
        text = DecodedWords.of(reading)
        yield text
        if any(map(str.isdecimal, text.words)):
            yield text.without_numbers()


def find_leaks(
    secret: Transcript | Iterable[str], public_text: Iterable[str], data: bytes, *, location: str
) -> tuple[Leak, ...]:
    """Return what of a transcript the bytes give away.

    Args:
        secret: a transcript, or its words in order.
        public_text: the teaser and what the producer wrote or approved for everybody.
        data: anything that somebody without a subscription can get.
        where: what the data is, for the report.
    """
    found = Shingles.of(secret, public_text=public_text).find_in(data)
    return tuple(Leak(location, words) for words in found)


def teaser_word_count(transcript: Transcript, max_words: int) -> int:
    """Return how many words everybody may read: `at_most`, and of a short transcript a third."""
    written_count = sum(len(s.words) for turn in transcript_turns(transcript) for s in turn.sentences)
    return min(max_words, written_count // TEASER_SHARE)


def teaser(transcript: Transcript, word_count: int) -> str:
    """Return exactly the first `word_count` written words, all of them when there are fewer."""
    words = [piece for turn in transcript_turns(transcript) for s in turn.sentences for piece in s.words]
    return join_words(words[:word_count])


def _size(said: list[str]) -> int:
    characters = sum(is_spaceless(token) for token in said)
    return SHINGLE_CHARACTERS if 2 * characters > len(said) else SHINGLE_WORDS


def _windows(words: list[str], size: int) -> Iterator[str]:
    yield from (" ".join(words[n : n + size]) for n in range(len(words) - size + 1))


def _both(words: list[str]) -> Iterator[list[str]]:
    """Yield the words as they are, and without numbers, where they have some."""
    yield words
    without = [word for word in words if not word.isdecimal()]
    if len(without) < len(words):
        yield without


def _seams(runs: list[str], public: frozenset[str], size: int) -> Iterator[tuple[str, frozenset[int]]]:
    """Yield the runs around each end of public text, and which of their words stands behind that end."""
    shown = {n for n, run in enumerate(runs) if run in public}
    ends = {n + size for n in shown if n + 1 not in shown} | {n for n in shown if n - 1 not in shown}
    for end in ends:
        for start in range(max(end - size + 1, 0), min(end, len(runs))):
            yield runs[start], frozenset({end - start})


def _together(seams: Iterable[tuple[str, frozenset[int]]]) -> dict[str, frozenset[int]]:
    joined: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    for run, places in seams:
        joined[run] |= places
    return dict(joined)


def _public_windows(text: str, size: int) -> Iterator[str]:
    for form in (text, _LINK_TARGET.sub("", text), html.escape(text)):  # an escaped apostrophe parts a word
        for spelled in unescaped_variants(form):
            for words in _both(normalized_words(spelled)):
                yield from _windows(words, size)
