"""Correct non-words by likelier homophones, and give a name one spelling in a recording. Pure.

Whisper writes syllables, so an unknown word becomes a non-word such as "proflogacy". A real homophone needs
only a fraction of the non-word's likelihood to be the better choice; the engine rates both in context.
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

SHORTEST = 6  # letters: shorter words have too many homophones
TRUSTED_CONFIDENCE = 0.9  # from here on a word is left as it is
ALIKE = 0.7  # share of letters in common with a real word
RIVALS, CONSIDERED = 5, 40
LONGER = 2  # difference in letters, either way
MIN_LOG_LIKELIHOOD_RATIO = math.log(1 / 20)  # of a real homophone to the non-word
COMMON = 1e-6  # share of all written words; engines spell such words right
SURE = 0.75  # confidence from which a name keeps its spelling
OFTEN = 2  # occurrences of a spelling before others are changed to it
NAME = re.compile(rf"(?<![^\W_])[A-Z][a-z]{{{SHORTEST - 1},}}(?![^\W_])")
NAMED = 0.5  # share of letters in common with an expected name


@dataclass(frozen=True)
class SpellingChecker:
    """Tests on the spelling of a word.

    Attributes:
        language: ISO 639-1; only "en" has tests.
        names: expected names, real words or not.
    """

    language: str = ""
    names: tuple[str, ...] = ()

    def homophones(self, word: str, confidence: float) -> tuple[str, ...]:
        """Return the real homophones of a non-word, most similar spelling first; empty for a real word."""
        if confidence >= TRUSTED_CONFIDENCE or not self._is_written_at_most(0, word):
            return ()
        similar = process.extract(
            word.lower(),
            [real for length in _lengths(word) for real in _real_words().get((word[0].lower(), length), ())],
            scorer=OSA.normalized_similarity,
            score_cutoff=ALIKE,
            limit=CONSIDERED,
        )
        homophones = [real for real, *_ in similar if sounds_like(real, word)]
        return tuple(real.capitalize() if word[0].isupper() else real for real in homophones[:RIVALS])

    def is_rare_name(self, word: str) -> bool:
        """Return whether a capitalised word is neither a common word nor left to the glossary."""
        return self._is_written_at_most(COMMON, word)

    def _is_written_at_most(self, frequency: float, word: str) -> bool:
        return (
            self.language == "en"
            and len(word) >= SHORTEST
            and word.isascii()
            and word.isalpha()
            and word[1:].islower()
            and _frequency(word) <= frequency
            and not self._may_be_expected(word)
        )

    def _may_be_expected(self, word: str) -> bool:
        parts = (letters_of(part) for name in self.names for part in (name, *name.split()))
        return any(Levenshtein.normalized_similarity(part, word.lower()) >= NAMED for part in parts)


def unify_spelling(units: Iterable[Unit], spelling: SpellingChecker) -> Iterator[NameFix]:
    """Yield fixes that give a name the spelling that is most frequent in the recording.

    Only a rare name with low confidence is changed, to a homophone with at least OFTEN occurrences.
    """
    found = [(unit, name) for unit in units if (name := NAME.search(unit.text))]
    counts = Counter(name[0] for _, name in found)
    usual: dict[str, str] = {}
    for often, _ in counts.most_common():  # of equally frequent spellings the first
        usual.setdefault(_homophone_key(often), often)
    for unit, name in found:
        often = usual[_homophone_key(name[0])]
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
    """Return whether two words are homophones, with th and t alike."""
    return _homophone_key(one) == _homophone_key(other) and len(_homophone_key(one)) >= MIN_PHONETIC_KEY


def _homophone_key(word: str) -> str:
    return phonetic_key(word.lower().replace("cious", "tious")).replace("0", "T")


def _lengths(word: str) -> range:
    return range(len(word) - LONGER, len(word) + LONGER + 1)


def _frequency(word: str) -> float:
    return _real_words().get((word[0].lower(), len(word)), {}).get(word.lower(), 0)


def load_word_frequencies() -> None:
    """Load the word list before threads need it, so that it is read once."""
    _real_words()


@cache
def _real_words() -> dict[tuple[str, int], dict[str, float]]:
    """Return (first letter, length) -> word -> frequency: 270,000 English words of wordfreq."""
    from wordfreq import get_frequency_dict  # lazy: reading the list takes time

    found: dict[tuple[str, int], dict[str, float]] = {}
    for word, frequency in get_frequency_dict("en", "large").items():
        if len(word) >= SHORTEST - LONGER and word.isascii() and word.isalpha():
            found.setdefault((word[0], len(word)), {})[word] = frequency
    return found
