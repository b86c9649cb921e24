"""Secret text in public bytes: runs of eight words of a transcript, in whatever encoding they hide.

Source: docs/access.md: a run of 8 transcript words that is neither in the teaser nor in what the
producer wrote for everybody is a leak.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Self

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.encodings import readings, spellings
from podcast_pipeline.transcript.text import turns, written
from podcast_pipeline.transcript.tokens import is_character, tokens

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

    where: str
    words: str


@dataclass(frozen=True)
class Shingles:
    """The secret runs of words of one or many transcripts; made once, asked often.

    Attributes:
        windows: normalised runs, joined by a space, by their length in tokens.
    """

    windows: Mapping[int, frozenset[str]]

    @classmethod
    def of(cls, secret: Transcript | Iterable[str], *, public_text: Iterable[str]) -> Self:
        """Return the shingles of a transcript, or of its words, that are not in any public text."""
        text = secret.text if isinstance(secret, Transcript) else " ".join(secret)
        said = tokens(text)
        size = _size(said)
        public = chain.from_iterable(_public_windows(text, size) for text in public_text)
        return cls({size: frozenset(_windows(said, size)).difference(public)})

    @classmethod
    def union(cls, many: Iterable[Self]) -> Self:
        """Return the shingles of many transcripts as one."""
        sets = [pair for shingles in many for pair in shingles.windows.items()]
        sizes = {size for size, _ in sets}
        return cls({size: frozenset().union(*(w for s, w in sets if s == size)) for size in sizes})

    def found_in(self, data: bytes) -> list[str]:
        """Return the secret runs that the bytes hold in any encoding, each once; empty when clean."""
        return list(dict.fromkeys(chain.from_iterable(self.found_in_words(words) for words in heard(data))))

    def found_in_words(self, words: list[str]) -> Iterator[str]:
        """Yield the secret runs in one of the readings of `heard`."""
        for size, secret in self.windows.items():
            yield from (run for run in self._candidates(words, size) if run in secret)

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(word for runs in self.windows.values() for run in runs for word in run.split())

    def _candidates(self, words: list[str], size: int) -> Iterator[str]:
        """Yield the runs of words that all occur in a secret: few, in foreign text."""
        known, vocabulary = 0, self._vocabulary
        if sum(map(vocabulary.__contains__, words)) < size:
            return
        for end, word in enumerate(words, start=1):
            known = known + 1 if word in vocabulary else 0
            if known >= size:
                yield " ".join(words[end - size : end])


def heard(data: bytes) -> Iterator[list[str]]:
    """Yield the words of every text that the bytes may be meant as; made once, shown to many shingles."""
    for text in readings(data):
        yield from _both(tokens(text))


def leaks(
    secret: Transcript | Iterable[str], public_text: Iterable[str], data: bytes, *, where: str
) -> tuple[Leak, ...]:
    """Return what of a transcript the bytes give away.

    Args:
        secret: a transcript, or its words in order.
        public_text: the teaser and what the producer wrote or approved for everybody.
        data: anything that somebody without a subscription can get.
        where: what the data is, for the report.
    """
    found = Shingles.of(secret, public_text=public_text).found_in(data)
    return tuple(Leak(where, words) for words in found)


def teaser_length(transcript: Transcript, at_most: int) -> int:
    """Return how many words everybody may read: `at_most`, and of a short transcript a third."""
    written_count = sum(len(s.pieces) for turn in turns(transcript) for s in turn.sentences)
    return min(at_most, written_count // TEASER_SHARE)


def teaser(transcript: Transcript, word_count: int) -> str:
    """Return exactly the first `word_count` written words, all of them when there are fewer."""
    words = [piece for turn in turns(transcript) for s in turn.sentences for piece in s.pieces]
    return written(words[:word_count])


def _size(said: list[str]) -> int:
    characters = sum(is_character(token) for token in said)
    return SHINGLE_CHARACTERS if 2 * characters > len(said) else SHINGLE_WORDS


def _windows(words: list[str], size: int) -> Iterator[str]:
    for kept in _both(words):
        yield from (" ".join(kept[n : n + size]) for n in range(len(kept) - size + 1))


def _both(words: list[str]) -> Iterator[list[str]]:
    """Yield the words as they are, and without numbers: captions have times and counts between them."""
    yield words
    without = [word for word in words if not word.isdecimal()]
    if len(without) < len(words):
        yield without


def _public_windows(text: str, size: int) -> Iterator[str]:
    for form in (text, _LINK_TARGET.sub("", text), html.escape(text)):  # an escaped apostrophe parts a word
        for spelled in spellings(form):
            yield from _windows(tokens(spelled), size)
