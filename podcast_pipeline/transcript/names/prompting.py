"""Names that an engine may have misheard: which to tell it, and what to take from the second hearing. Pure.

Whisper hears worse with a long list of names in its prompt that nobody says, so it is told only those
that something in the window resembles, and only the words in their places are taken over.
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

RESEMBLES = 0.5  # share of letters that a misheard name still has
SHORTEST = 4  # letters of what may be a name
BELIEVED = 0.6  # confidence from which an ordinary word is one
MAX_TERM_WORDS = 4  # words
PROMPT_TOKENS = 200  # Whisper takes 224


class ExpectedNames:
    """The names that may be said in a recording.

    Args:
        names: as they are written, the most important first.
    """

    def __init__(self, names: Iterable[str], language: str) -> None:
        self.names = tuple(names)
        self.language = language

    @cached_property
    def _parts(self) -> dict[str, str]:
        """Letters of every name, and of its long words, to the name."""
        found: dict[str, str] = {}
        for name in self.names:
            for part in (name, *name.split()):
                if len(letters_of(part)) >= SHORTEST and (
                    part == name or not is_ordinary(part, language=self.language)
                ):
                    found.setdefault(letters_of(part), name)
        return found

    @cached_property
    def _sounds(self) -> dict[str, list[str]]:
        by_sound: dict[str, list[str]] = {}
        for letters in self._parts:
            by_sound.setdefault(phonetic_key(letters), []).append(letters)
        return by_sound

    def names_to_prompt(self, words: Sequence[Word]) -> tuple[str, ...]:
        """Return the names that something in these words is like and that stand nowhere in its place."""
        if not self.names:
            return ()
        best: dict[str, float] = {}
        settled = [self._plain(word, before) for before, word in pairwise([None, *words]) if word]
        spoken = self._spoken(words)
        for places in _stretches(words):
            letters = _letters(words, places)
            if len(letters) >= SHORTEST and spoken.isdisjoint(places) and not all(settled[i] for i in places):
                for part, share in self._like(letters):
                    best[self._parts[part]] = max(best.get(self._parts[part], 0), share)
        return tuple(sorted(best, key=lambda name: -best[name]))

    def _like(self, letters: str) -> Iterator[tuple[str, float]]:
        yield from (
            (part, 1.0) for part in self._sounds.get(phonetic_key(letters), ()) if phonetic_key(letters)
        )
        found = process.extract(
            letters,
            self._parts.keys(),
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=RESEMBLES,
            limit=5,
        )
        yield from ((part, share) for part, share, _ in found)

    def _spoken(self, words: Sequence[Word]) -> set[int]:
        """Return the places of names that are right; a possessive's s belongs to none."""
        return {
            place
            for places in _stretches(words)
            for place in places
            if not {letters := _letters(words, places), letters.removesuffix("s")}.isdisjoint(self._parts)
        }

    def _plain(self, word: Word, before: Word | None) -> bool:
        """Tell whether this is an ordinary word, well heard, and not written like a name."""
        text = _bare(word.text)
        opens = before is None or has_end_mark(before.text)
        return (
            word.confidence >= BELIEVED
            and (opens or text == text.lower())
            and is_ordinary(text, language=self.language)
        )

    def merge_second_pass(self, first_pass: Sequence[Word], second_pass: Sequence[Word]) -> tuple[Word, ...]:
        """Return the words, with the expected names that the second hearing has in their place."""
        matched = matching_indices(
            [letters_of(w.text) for w in first_pass], [letters_of(w.text) for w in second_pass]
        )
        words: list[Word] = []
        at = 0
        for change in diff_hunks(matched, len(first_pass), len(second_pass)):
            words.extend(first_pass[at : change.i1])
            words.extend(self._better(first_pass, second_pass, change))
            at = change.i2
        return tuple(_in_order([*words, *first_pass[at:]]))

    def _better(self, heard: Sequence[Word], again: Sequence[Word], change: DiffHunk) -> Sequence[Word]:
        old, new = heard[change.i1 : change.i2], again[change.j1 : change.j2]
        before, after = _letters(old, range(len(old))), _letters(new, range(len(new)))
        named = bool(self._spoken(new))
        like = bool(before) and (
            Levenshtein.normalized_similarity(before, after) >= RESEMBLES
            or phonetic_key(before) == phonetic_key(after) != ""
        )
        return new if named and like else old


def build_prompt(names: Iterable[str], *, limit_tokens: int = PROMPT_TOKENS) -> str:
    """Return names as an engine's prompt, the first ones where not all have room.

    Args:
        limit_tokens: a name is counted as a token for every three bytes, and a comma.
    """
    taken: list[str] = []
    left = limit_tokens
    for name in names:
        left -= -(-len(name.encode()) // 3) + 1
        if left < 0:
            break
        taken.append(name)
    return ", ".join(taken)


def _stretches(words: Sequence[Word]) -> Iterator[range]:
    for first in range(len(words)):
        for length in range(1, min(MAX_TERM_WORDS, len(words) - first) + 1):
            yield range(first, first + length)


def _letters(words: Sequence[Word], places: Iterable[int]) -> str:
    return letters_of("".join(words[place].text for place in places))


def _bare(text: str) -> str:
    return text.strip(" \"'“”‘’.,;:!?…()[]«»—-")


def _in_order(words: Iterable[Word]) -> Iterator[Word]:
    """Yield words whose times do not go back: those of two hearings differ by a little."""
    earliest = 0.0
    for word in words:
        start_s = max(word.start_s, earliest)
        moved = start_s != word.start_s
        yield (
            word.model_copy(update={"start_s": start_s, "end_s": max(word.end_s, start_s)}) if moved else word
        )
        earliest = max(word.end_s, start_s)
