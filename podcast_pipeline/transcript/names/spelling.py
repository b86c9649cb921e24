"""Words that an engine made up, which real ones it may have heard; names that it spells in two ways. Pure.

Whisper writes syllables, so what it has never read comes out as "proflogacy". Nobody says that: a real word
that sounds the same needs only a fraction of its likelihood. The engine says how likely each is where it
stands.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

from podcast_pipeline.transcript.edits.record import NameFix
from podcast_pipeline.transcript.edits.units import Unit, join_units
from podcast_pipeline.transcript.names.matching import MIN_PHONETIC_KEY, letters_of, phonetic_key

SHORTEST = 6  # letters: short words sound like too many others
BELIEVED = 0.9  # confidence from which the engine knows what it wrote
ALIKE = 0.7  # share of letters that a real word has in common
RIVALS, CONSIDERED = 5, 40
LONGER = 2  # letters, or shorter
MIN_LOG_LIKELIHOOD_RATIO = math.log(
    1 / 20
)  # the likelihood of a real word, over that of a made-up one that sounds the same
COMMON = 1e-6  # of all that is written; the engine knows how to spell such words
SURE = 0.75  # confidence from which a name is spelled as it is
OFTEN = 2  # times that a name is spelled the same before others are
NAME = re.compile(rf"(?<![^\W_])[A-Z][a-z]{{{SHORTEST - 1},}}(?![^\W_])")
NAMED = 0.5  # share of letters by which a word may be a name that is expected


@dataclass(frozen=True)
class SpellingChecker:
    """What can be said about a word without hearing it.

    Attributes:
        language: ISO 639-1; only English is known.
        names: that may be said, real words or not.
    """

    language: str = ""
    names: tuple[str, ...] = ()

    def homophones(self, word: str, confidence: float) -> tuple[str, ...]:
        """Return the real words that sound like one that does not exist, the most alike first."""
        if confidence >= BELIEVED or not self._is_written_at_most(0, word):
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

    def is_rare_name(self, word: str) -> bool:
        """Tell whether a capitalised word is no common one, and none that the glossary puts right."""
        return self._is_written_at_most(COMMON, word)

    def _is_written_at_most(self, frequency: float, word: str) -> bool:
        return (
            self.language == "en"
            and len(word) >= SHORTEST
            and word.isascii()
            and word.isalpha()
            and word[1:].islower()
            and _frequency(word) <= frequency
            and not self._may_be_named(word)
        )

    def _may_be_named(self, word: str) -> bool:
        parts = (letters_of(part) for name in self.names for part in (name, *name.split()))
        return any(Levenshtein.normalized_similarity(part, word.lower()) >= NAMED for part in parts)


def unify_spelling(units: Iterable[Unit], spelling: SpellingChecker) -> Iterator[NameFix]:
    """Yield what spells a name of a recording as it is spelled there most often.

    Only a rare name that was badly heard is changed, to another that was heard OFTEN and sounds the same.
    """
    found = [(unit, name) for unit in units if (name := NAME.search(unit.text))]
    counts = Counter(name[0] for _, name in found)
    usual: dict[str, str] = {}
    for often, _ in counts.most_common():  # of equally frequent ones the first
        usual.setdefault(_sound(often), often)
    for unit, name in found:
        often = usual[_sound(name[0])]
        if (
            often != name[0]
            and counts[often] >= OFTEN
            and unit.confidence < SURE
            and sounds_like(often, name[0])
            and OSA.normalized_similarity(often, name[0]) >= ALIKE
            and spelling.is_rare_name(often)
            and spelling.is_rare_name(name[0])
        ):
            yield NameFix(
                before=join_units([unit.text]),
                after=join_units([f"{unit.text[: name.start()]}{often}{unit.text[name.end() :]}"]),
                start_s=unit.start_s,
                end_s=unit.end_s,
                confidence=unit.confidence,
                term=often,
            )


def sounds_like(one: str, other: str) -> bool:
    """Tell whether two words sound the same, to somebody who does not tell th from t."""
    return _sound(one) == _sound(other) and len(_sound(one)) >= MIN_PHONETIC_KEY


def _sound(word: str) -> str:
    return phonetic_key(word.lower().replace("cious", "tious")).replace("0", "T")


def _lengths(word: str) -> range:
    return range(len(word) - LONGER, len(word) + LONGER + 1)


def _frequency(word: str) -> float:
    return _real_words().get((word[0].lower(), len(word)), {}).get(word.lower(), 0)


def load_word_frequencies() -> None:
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
