"""Tokenizes text into words that compare equal regardless of case and accents. Pure.

Folding happens here and not in the database: PostgreSQL's `unaccent` may not be installed, FTS5's folding
is that of Unicode 6.1, and the two must agree. The index contains words with single spaces between them.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import regex

from podcast_pipeline.transcript.text.scripts import SPACELESS, has_spaceless

# Scripts written without spaces: every letter is a word, and a run of them asked for is a phrase.
WORD = regex.compile(
    rf"([[\p{{L}}\p{{N}}]&&[{SPACELESS}]]\p{{M}}*|(?:[[\p{{L}}\p{{N}}]--[{SPACELESS}]]\p{{M}}*)+)", regex.V1
)
# Text without such letters needs no set operations: a third of the time for Russian.
SPACED_WORD = regex.compile(r"([\p{L}\p{N}][\p{L}\p{N}\p{M}]*)")
# Most text needs none of that, and Python's own engine finds the same words there several times faster.
PLAIN_TEXT = re.compile("[\x00-\u02ff\u2000-\u206f]*")
PLAIN_WORD = re.compile(r"([^\W_]+)")
NOT_IN_A_WORD = regex.compile(r"[^\p{L}\p{N}\p{M}]+")
ACCENTS = regex.compile(r"[\u0300-\u036f]+")  # of Latin, Greek, Cyrillic; elsewhere marks are letters
UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i"}) | (
    str.maketrans({"æ": "ae", "œ": "oe", "þ": "th"})
)
LONGEST_WORD = 64  # characters; longer ones are not spoken, and databases have limits
CACHED_WORDS = 100_000  # about the vocabulary of an archive


def normalize_text(text: str) -> str:
    """Return text as the index stores it: in NFC, and without NUL, which PostgreSQL refuses."""
    return unicodedata.normalize("NFC", text.replace("\x00", ""))


def split_words(text: str) -> list[str]:
    """Split normalized text into alternating separators and words; first and last is a separator."""
    if PLAIN_TEXT.fullmatch(text):
        return PLAIN_WORD.split(text)
    return (WORD if has_spaceless(text) else SPACED_WORD).split(text)


def folded_words(text: str) -> Iterator[str]:
    """Yield the folded words of normalized text."""
    return map(fold_word, split_words(text)[1::2])


@lru_cache(CACHED_WORDS)
def fold_word(word: str) -> str:
    """Return a word without case and accents; never empty, never with a space in it."""
    if word.isascii():
        return word.lower()[:LONGEST_WORD]
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    unaccented = ACCENTS.sub("", decomposed).translate(UNDECOMPOSED)
    folded = unicodedata.normalize("NFC", NOT_IN_A_WORD.sub("", unaccented))
    return folded[:LONGEST_WORD] or word[:LONGEST_WORD]
