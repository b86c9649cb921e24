"""Choose names for the prompt of a second pass, and merge the names of that pass into the first. Pure.

A long prompt of names that are not spoken makes Whisper worse. So the prompt of a window has only names
that resemble some of its words, and only the words in those places are replaced.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from podcast_pipeline.model import Word
from podcast_pipeline.transcript.edits.sequence_diff import DiffHunk, diff_hunks, matching_indices
from podcast_pipeline.transcript.names.matching import letters_of, phonetic_key
from podcast_pipeline.transcript.names.word_lists import is_ordinary
from podcast_pipeline.transcript.text.sentences import has_end_mark

RESEMBLES = 0.5  # share of letters in common with a misheard name
SHORTEST = 4  # letters of a name
TRUSTED_CONFIDENCE = 0.6  # from here on an ordinary word is left alone
MAX_TERM_WORDS = 4  # words
PROMPT_TOKENS = 200  # Whisper's limit is 224


class ExpectedNames:
    """The names that may occur in a recording.

    Args:
        names: as written, the most important first.
    """

    def __init__(self, names: Iterable[str], language: str) -> None:
        self.names = tuple(names)
        self.language = language

    @cached_property
    def _parts(self) -> dict[str, str]:
        """Letters of every name, and of its long words -> the name."""
        found: dict[str, str] = {}
        for name in self.names:
            for part in (name, *name.split()):
                if len(letters_of(part)) >= SHORTEST and (
                    part == name or not is_ordinary(part, language=self.language)
                ):
                    found.setdefault(letters_of(part), name)
        return found

    @cached_property
    def _by_sound(self) -> dict[str, list[str]]:
        by_sound: dict[str, list[str]] = {}
        for letters in self._parts:
            by_sound.setdefault(phonetic_key(letters), []).append(letters)
        return by_sound

    def names_to_prompt(self, words: Sequence[Word]) -> tuple[str, ...]:
        """Return known names that a misheard word may stand for, best match first."""
        if not self.names:
            return ()
        best: dict[str, float] = {}
        ordinary = [self._is_ordinary(word, before) for before, word in pairwise([None, *words]) if word]
        correct = self._name_places(words)
        for places in _stretches(words):
            letters = _letters(words, places)
            if (
                len(letters) >= SHORTEST
                and correct.isdisjoint(places)
                and not all(ordinary[i] for i in places)
            ):
                for part, share in self._similar_parts(letters):
                    best[self._parts[part]] = max(best.get(self._parts[part], 0), share)
        return tuple(sorted(best, key=lambda name: -best[name]))

    def _similar_parts(self, letters: str) -> Iterator[tuple[str, float]]:
        yield from (
            (part, 1.0) for part in self._by_sound.get(phonetic_key(letters), ()) if phonetic_key(letters)
        )
        found = process.extract(
            letters,
            self._parts.keys(),
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=RESEMBLES,
            limit=5,
        )
        yield from ((part, share) for part, share, _ in found)

    def _name_places(self, words: Sequence[Word]) -> set[int]:
        """Return the indices of words that are a known name, with or without a possessive s."""
        return {
            place
            for places in _stretches(words)
            for place in places
            if not {letters := _letters(words, places), letters.removesuffix("s")}.isdisjoint(self._parts)
        }

    def _is_ordinary(self, word: Word, before: Word | None) -> bool:
        """Return whether a word is ordinary, confident and not capitalised like a name."""
        text = _bare(word.text)
        begins_sentence = before is None or has_end_mark(before.text)
        return (
            word.confidence >= TRUSTED_CONFIDENCE
            and (begins_sentence or text == text.lower())
            and is_ordinary(text, language=self.language)
        )

    def merge_second_pass(self, first_pass: Sequence[Word], second_pass: Sequence[Word]) -> tuple[Word, ...]:
        """Return the first pass with the expected names of the second pass in place of similar words."""
        matched = matching_indices(
            [letters_of(w.text) for w in first_pass], [letters_of(w.text) for w in second_pass]
        )
        words: list[Word] = []
        at = 0
        for change in diff_hunks(matched, len(first_pass), len(second_pass)):
            words.extend(first_pass[at : change.i1])
            words.extend(self._choose(first_pass, second_pass, change))
            at = change.i2
        return tuple(_in_order([*words, *first_pass[at:]]))

    def _choose(
        self, first_pass: Sequence[Word], second_pass: Sequence[Word], change: DiffHunk
    ) -> Sequence[Word]:
        old, new = first_pass[change.i1 : change.i2], second_pass[change.j1 : change.j2]
        before, after = _letters(old, range(len(old))), _letters(new, range(len(new)))
        has_name = bool(self._name_places(new))
        similar = bool(before) and (
            Levenshtein.normalized_similarity(before, after) >= RESEMBLES
            or phonetic_key(before) == phonetic_key(after) != ""
        )
        return new if has_name and similar else old


def build_prompt(names: Iterable[str], *, limit_tokens: int = PROMPT_TOKENS) -> str:
    """Return names as a prompt for an engine, as many from the first on as fit.

    Args:
        limit_tokens: a name counts as one token per three bytes, and one for the comma.
    """
    fitting: list[str] = []
    left = limit_tokens
    for name in names:
        left -= -(-len(name.encode()) // 3) + 1
        if left < 0:
            break
        fitting.append(name)
    return ", ".join(fitting)


def _stretches(words: Sequence[Word]) -> Iterator[range]:
    for first in range(len(words)):
        for length in range(1, min(MAX_TERM_WORDS, len(words) - first) + 1):
            yield range(first, first + length)


def _letters(words: Sequence[Word], places: Iterable[int]) -> str:
    return letters_of("".join(words[place].text for place in places))


def _bare(text: str) -> str:
    return text.strip(" \"'“”‘’.,;:!?…()[]«»—-")


def _in_order(words: Iterable[Word]) -> Iterator[Word]:
    """Yield words with rising times: the times of two passes differ a little."""
    earliest = 0.0
    for word in words:
        start_s = max(word.start_s, earliest)
        moved = start_s != word.start_s
        yield (
            word.model_copy(update={"start_s": start_s, "end_s": max(word.end_s, start_s)}) if moved else word
        )
        earliest = max(word.end_s, start_s)
