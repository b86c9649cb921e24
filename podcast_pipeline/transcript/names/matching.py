"""Match transcribed letters with known names: near misses by sound, then by spelling."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jellyfish
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from podcast_pipeline.transcript.names.word_lists import is_ordinary

SOUNDS_ALIKE = 0.7  # share of letters in common, with the same phonetic key
LOOKS_ALIKE = 0.85  # with another key, only at low confidence
SHORTEST_PART = 5  # letters of a surname that is searched on its own
SHORTEST_FIRST = 4  # letters of a first name that makes a surname likely beside it
MIN_PHONETIC_KEY = 3  # consonants of a phonetic key worth comparing
SHORTENED = (
    ("saint", "st"),
    ("doctor", "dr"),
    ("professor", "prof"),
    ("mister", "mr"),
    ("missus", "mrs"),
    ("mount", "mt"),
    ("fort", "ft"),
    ("general", "gen"),
    ("captain", "capt"),
    ("senator", "sen"),
)
"""Titles that English writes in full or shortened; they sound the same."""
LONG_FORMS = {short: long for long, short in SHORTENED}
OTHER_WAY = {**LONG_FORMS, **dict(SHORTENED)}


@dataclass(frozen=True)
class GlossaryTerm:
    """A name or term as written, and the misspellings that an engine writes for it."""

    name: str
    sounds_like: tuple[str, ...] = ()


@dataclass(frozen=True)
class NameCandidate:
    """A possible correction of some words.

    Attributes:
        words: as written.
        letters: without case, accents, spaces and apostrophes.
        declared: whether the letters are a `sounds_like` of the glossary, or the name's other way to write
            Saint or Doctor.
    """

    term: GlossaryTerm
    words: tuple[str, ...]
    letters: str
    declared: bool = False


class NameIndex:
    """Names, long parts of names and their `sounds_like`, by letters and by sound.

    Attributes:
        by_letters: letters -> the candidate with exactly these letters.
        first_names: first names of full names; beside one of them a near miss is likely.
        max_words: number of words of the longest name.
    """

    def __init__(self, terms: Sequence[GlossaryTerm], language: str) -> None:
        targets = dict.fromkeys(target for term in terms for target in _targets(term, language))
        self.by_letters: dict[str, NameCandidate] = {}
        self._by_sound: dict[str, list[NameCandidate]] = defaultdict(list)
        self._long = [target for target in targets if len(target.letters) > SHORTEST_PART]
        self._spelled = [target.letters for target in self._long]
        self.max_words = max((len(target.words) for target in targets), default=0)
        whole = (letters_of(term.name.split()[0]) for term in terms if len(term.name.split()) > 1)
        self.first_names = {first for first in whole if len(first) >= SHORTEST_FIRST}
        for target in targets:
            self.by_letters.setdefault(target.letters, target)
            if len(phonetic_key(target.letters)) >= MIN_PHONETIC_KEY:
                self._by_sound[phonetic_key(target.letters)].append(target)

    def find_near_miss(self, letters: str, *, unsure: bool) -> NameCandidate | None:
        """Return the candidate that the letters are a near miss of; None if there is none or a tie."""
        ranked = [
            (spelling_similarity(letters, t.letters), t)
            for t in self._by_sound.get(phonetic_key(letters), ())
        ]
        good = [(share, target) for share, target in ranked if share >= SOUNDS_ALIKE]
        if not good and unsure:
            good = [(share, self._long[at]) for _, share, at in self._by_spelling(letters)]
        best = max((share for share, _ in good), default=0.0)
        names = {target.words: target for share, target in good if share == best}
        return next(iter(names.values())) if len(names) == 1 else None

    def _by_spelling(self, letters: str) -> list[tuple[str, float, int]]:
        return process.extract(
            letters,
            self._spelled,
            scorer=DamerauLevenshtein.normalized_similarity,
            score_cutoff=LOOKS_ALIKE,
            limit=5,
        )


def spelling_similarity(one: str, other: str) -> float:
    """Return the normalised Damerau-Levenshtein similarity of two spellings, 0 to 1."""
    return DamerauLevenshtein.normalized_similarity(one, other)


def letters_of(text: str) -> str:
    """Return the letters and digits of a name, without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


def phonetic_key(letters: str) -> str:
    """Return the English phonetic key (Metaphone) of letters, empty for other scripts."""
    return jellyfish.metaphone(letters) if letters.isascii() and letters.isalpha() else ""


def _targets(term: GlossaryTerm, language: str) -> Iterator[NameCandidate]:
    words = tuple(term.name.split())
    yield NameCandidate(term, words, letters_of(term.name))
    for sound in (*term.sounds_like, *_other_way(words, language)):
        yield NameCandidate(term, words, letters_of(sound), declared=True)
    if len(words) > 1:
        parts = [word for word in words if not is_ordinary(word, language=language)]
        targets = (NameCandidate(term, (part,), letters_of(part)) for part in parts)
        yield from (target for target in targets if len(target.letters) >= SHORTEST_PART)


def _other_way(words: Sequence[str], language: str) -> Iterator[str]:
    """Yield other ways to write a name: St. Giles for Saint Giles."""
    first = OTHER_WAY.get(letters_of(words[0]))
    if first and len(words) > 1 and language.startswith("en"):
        yield " ".join((first, *words[1:]))
