"""Words that an engine made up: which real ones it may have heard. Pure.

Whisper writes syllables, so what it has never read comes out as "proflogacy". Nobody says that: a real word
that sounds the same needs only a fraction of its likelihood. The engine says how likely each is where it
stands.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.likeness import SHORTEST_SOUND, letters_of, sound_of

SHORTEST = 6  # letters: short words sound like too many others
BELIEVED = 0.9  # confidence from which the engine knows what it wrote
ALIKE = 0.7  # share of letters that a real word has in common
RIVALS, CONSIDERED = 5, 40
LONGER = 2  # letters, or shorter
LEAST = math.log(1 / 20)  # the likelihood of a real word, over that of a made-up one that sounds the same
COMMON = 1e-6  # of all that is written; the engine knows how to spell such words
SURE = 0.75  # confidence from which a name is spelled as it is
OFTEN = 2  # times that a name is spelled the same before others are
NAME = re.compile(rf"[A-Z][a-z]{{{SHORTEST - 1},}}(?![^\W_])")
NAMED = 0.5  # share of letters by which a word may be a name that is expected


@dataclass(frozen=True)
class Spelling:
    """What can be said about a word without hearing it.

    Attributes:
        language: ISO 639-1; only English is known.
        names: that may be said, real words or not.
    """

    language: str = ""
    names: tuple[str, ...] = ()

    def rivals(self, word: str, confidence: float) -> tuple[str, ...]:
        """Return the real words that sound like one that does not exist, the most alike first."""
        if confidence >= BELIEVED or not self._made_up(word):
            return ()
        near = process.extract(
            word.lower(),
            [real for length in _lengths(word) for real in _real_words().get((word[0].lower(), length), ())],
            scorer=OSA.normalized_similarity,
            score_cutoff=ALIKE,
            limit=CONSIDERED,
        )
        alike = [real for real, *_ in near if sounds_like(real, word)]
        return tuple(real.capitalize() if word[0].isupper() else real for real in alike[:RIVALS])

    def is_name(self, word: str) -> bool:
        """Tell whether a capitalised word is a rare name, and none that is expected and put right later."""
        return self._is_ours(word) and _frequency(word) < COMMON

    def _made_up(self, word: str) -> bool:
        return self._is_ours(word) and word[1:].islower() and not _frequency(word)

    def _is_ours(self, word: str) -> bool:
        return (
            self.language == "en"
            and len(word) >= SHORTEST
            and word.isascii()
            and word.isalpha()
            and not self._may_be_named(word)
        )

    def _may_be_named(self, word: str) -> bool:
        parts = (letters_of(part) for name in self.names for part in (name, *name.split()))
        return any(Levenshtein.normalized_similarity(part, word.lower()) >= NAMED for part in parts)


def in_one_way(words: Sequence[Word], spelling: Spelling) -> list[Word]:
    """Return the words of a recording, names that sound the same spelled as most often.

    Only a name that was badly heard is changed, and to one that was heard OFTEN.
    """
    written = [NAME.search(word.text) for word in words]
    counts = Counter(name[0] for name in written if name)
    usual: dict[str, str] = {}
    for name, count in counts.most_common():  # of equally frequent ones the first
        if count >= OFTEN and spelling.is_name(name):
            usual.setdefault(_sound(name), name)
    return [
        _renamed(word, name, usual[_sound(name[0])])
        if name and _sound(name[0]) in usual and word.confidence < SURE and spelling.is_name(name[0])
        else word
        for word, name in zip(words, written, strict=True)
    ]


def _renamed(word: Word, old: re.Match[str], name: str) -> Word:
    text = f"{word.text[: old.start()]}{name}{word.text[old.end() :]}"
    return word.model_copy(update={"text": text})


def sounds_like(one: str, other: str) -> bool:
    """Tell whether two words sound the same, to somebody who does not tell th from t."""
    return _sound(one) == _sound(other) and len(_sound(one)) >= SHORTEST_SOUND


def _sound(word: str) -> str:
    return sound_of(word.lower().replace("cious", "tious")).replace("0", "T")


def _lengths(word: str) -> range:
    return range(len(word) - LONGER, len(word) + LONGER + 1)


def _frequency(word: str) -> float:
    return _real_words().get((word[0].lower(), len(word)), {}).get(word.lower(), 0)


def prepare() -> None:
    """Read the list of words, so that two threads do not."""
    _real_words()


@cache
def _real_words() -> dict[tuple[str, int], dict[str, float]]:
    """Return by first letter and length what people have written: 270,000 words of wordfreq's."""
    from wordfreq import get_frequency_dict  # read by who needs it

    found: dict[tuple[str, int], dict[str, float]] = {}
    for word, frequency in get_frequency_dict("en", "large").items():
        if len(word) >= SHORTEST - LONGER and word.isascii() and word.isalpha():
            found.setdefault((word[0], len(word)), {})[word] = frequency
    return found
