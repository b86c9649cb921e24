"""Whether letters that an engine wrote are a near miss of a known name: by sound, then by spelling."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jellyfish
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from podcast_pipeline.transcript.names.word_lists import is_ordinary

SOUNDS_ALIKE = 0.7  # share of letters in common, with the same sounds
LOOKS_ALIKE = 0.85  # with other sounds, and only where the engine was unsure
SHORTEST_PART = 5  # letters of a surname that is looked for alone
SHORTEST_FIRST = 4  # letters of a first name that makes the next word likely
MIN_PHONETIC_KEY = 3  # consonants that make a sound worth comparing
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
"""Words before a name that English writes either way; spoken they are the same."""
LONG_FORMS = {short: long for long, short in SHORTENED}
OTHER_WAY = {**LONG_FORMS, **dict(SHORTENED)}


@dataclass(frozen=True)
class GlossaryTerm:
    """A name or a term as it is written, and what an engine hears instead."""

    name: str
    sounds_like: tuple[str, ...] = ()


@dataclass(frozen=True)
class NameCandidate:
    """What a stretch of words may become.

    Attributes:
        words: as written.
        letters: without case, accents, spaces and apostrophes.
        told: whether the show said that the name sounds like these letters, or they are its other way to
            write Saint or Doctor.
    """

    term: GlossaryTerm
    words: tuple[str, ...]
    letters: str
    declared: bool = False


class NameIndex:
    """Everything looked for: names, long parts of names, and what they sound like.

    Attributes:
        by_letters: what these very letters mean.
        firsts: first names of the whole names; beside one of them a near miss is likely.
        longest: words of the longest name.
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
        """Return the one target that letters are a near miss of; None where two are as near."""
        ranked = [
            (spelling_similarity(letters, t.letters), t)
            for t in self._by_sound.get(phonetic_key(letters), ())
        ]
        good = [(share, target) for share, target in ranked if share >= SOUNDS_ALIKE]
        if not good and unsure:
            good = [(share, self._long[at]) for _, share, at in self._looks(letters)]
        best = max((share for share, _ in good), default=0.0)
        names = {target.words: target for share, target in good if share == best}
        return next(iter(names.values())) if len(names) == 1 else None

    def _looks(self, letters: str) -> list[tuple[str, float, int]]:
        return process.extract(
            letters,
            self._spelled,
            scorer=DamerauLevenshtein.normalized_similarity,
            score_cutoff=LOOKS_ALIKE,
            limit=5,
        )


def spelling_similarity(one: str, other: str) -> float:
    """Return the share of letters that two spellings have in common, swapped neighbours counted once."""
    return DamerauLevenshtein.normalized_similarity(one, other)


def letters_of(text: str) -> str:
    """Return a name's letters and digits without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


def phonetic_key(letters: str) -> str:
    """Return how letters sound to an English ear, empty for other scripts."""
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
    """Yield how else a name may be written: St. Giles for Saint Giles."""
    first = OTHER_WAY.get(letters_of(words[0]))
    if first and len(words) > 1 and language.startswith("en"):
        yield " ".join((first, *words[1:]))
