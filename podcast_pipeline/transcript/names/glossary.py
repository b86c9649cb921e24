"""Names and terms of the show: told to the engine before, and put right in its words after.

A wrong correction is worse than a missed one: a word is only changed when it sounds like the name, is
spelled much like it, and is neither an ordinary word nor somebody else's well-heard name.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from podcast_pipeline.config import GlossaryTable
from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.pieces import EditedUnit, build_segments
from podcast_pipeline.transcript.edits.record import NameFix
from podcast_pipeline.transcript.edits.sequence_diff import diff_hunks, matching_indices
from podcast_pipeline.transcript.edits.units import (
    Unit,
    join_units,
    split_units,
    spread_times,
    units_of,
    with_leading_space,
)
from podcast_pipeline.transcript.names.matching import (
    LONG_FORMS,
    GlossaryTerm,
    NameCandidate,
    NameIndex,
    letters_of,
    spelling_similarity,
)
from podcast_pipeline.transcript.names.spelling import SpellingChecker, unify_spelling
from podcast_pipeline.transcript.names.word_lists import is_ordinary
from podcast_pipeline.transcript.text.sentences import has_end_mark

UNSURE = 0.6  # confidence below which the engine may have heard another name
ORDINARY_UNSURE = 0.4  # and below which it may have written an ordinary word for one
KNOWN_UNSURE = 0.8  # and below which it may have written a well-known name for it
TOLD_UNSURE = 0.9  # the same, where the show says that the name sounds like that word
MAX_TERM_WORDS = 4  # words

OUTER = re.compile(r"^(\s*[^\w\s]*)(.*?)((?:['’]s|(?<=s)['’])?[^\w\s]*)$", re.DOTALL)
POSSESSIVE = re.compile(r"['’]s(?!\w)")
COLON = re.compile(r":['\"”’)]*$")
NAME_WORD = r"[^\W\d_a-z][\w'’.-]*\w"
CAPITALISED = re.compile(rf"(?<![\w'’]){NAME_WORD}(?: (?:(?:de|da|van|von|der|la|al|bin) )?{NAME_WORD})*")
MARKUP = re.compile(r"https?://[^\s)>\]]+|[*_`#>\[\]()]")


@dataclass(frozen=True)
class Glossary:
    """The names and terms of one episode, the most important first."""

    terms: tuple[GlossaryTerm, ...] = ()
    language: str = "en"

    @property
    def names(self) -> tuple[str, ...]:
        """Every name as it is written."""
        return tuple(term.name for term in self.terms)

    @cached_property
    def index(self) -> NameIndex:
        """The names by letters and by sound."""
        return NameIndex(self.terms, self.language)


def build_glossary(
    table: GlossaryTable, *, people: Iterable[str] = (), notes: str = "", language: str = "en"
) -> Glossary:
    """Return the glossary of an episode: its people, the show's terms, the names in its notes.

    Args:
        people: hosts and guests.
        notes: Markdown; its capitalised words count where they are not ordinary ones.
    """
    terms = [GlossaryTerm(name) for name in people]
    terms.extend(GlossaryTerm(entry.name, entry.sounds_like) for entry in table.terms)
    terms.extend(GlossaryTerm(name) for name in names_in(notes, language=language))
    first: dict[str, GlossaryTerm] = {}
    for term in terms:
        known = first.get(term.name)
        first[term.name] = GlossaryTerm(term.name, (known.sounds_like if known else ()) or term.sounds_like)
    return Glossary(tuple(first.values()), language)


def names_in(markdown: str, *, language: str) -> tuple[str, ...]:
    """Return the capitalised names in a text; a sentence's first word only where it is no ordinary one."""
    plain = MARKUP.sub(" ", markdown)
    names: list[str] = []
    for match in CAPITALISED.finditer(plain):
        words = match[0].split(" ")
        if _begins(plain[: match.start()]) and is_ordinary(words[0], language=language):
            words = words[1:]
        ordinary = language.startswith("de") and all(is_ordinary(word, language=language) for word in words)
        if words and words[0][0].isupper() and not ordinary:
            names.append(" ".join(words))
    return tuple(dict.fromkeys(names))


def _begins(before: str) -> bool:
    """Tell whether a sentence begins after a text."""
    line = before.rstrip(' "“‘«(')
    return not line or line[-1] == "\n" or capital_follows(line)


def capital_follows(before: str) -> bool:
    """Return whether any word is written with a capital after a text: a sentence or a colon ends there."""
    return has_end_mark(before) or bool(COLON.search(before))


def fix_names(transcript: Transcript, glossary: Glossary) -> tuple[Transcript, tuple[NameFix, ...]]:
    """Return the transcript with near misses of known names put right, and each change."""
    fixes = find_name_fixes(transcript, glossary)
    return apply_name_fixes(transcript, fixes), fixes


def find_name_fixes(transcript: Transcript, glossary: Glossary) -> tuple[NameFix, ...]:
    """Return what should be a known name, or one spelled otherwise, in order of time; no two overlap."""
    units = units_of(transcript)
    fixes: list[NameFix] = []
    rest: list[Unit] = []
    at = 0
    while at < len(units):
        found = _longest(units, at, glossary)
        end, target = found or (at + 1, None)
        if target:
            fixes.append(_fix(units[at:end], target))
        else:
            rest.append(units[at])
        at = end
    fixes.extend(unify_spelling(rest, SpellingChecker(glossary.language.partition("-")[0], glossary.names)))
    return tuple(sorted((fix for fix in fixes if fix.after != fix.before), key=lambda fix: fix.start_s))


def apply_name_fixes(transcript: Transcript, fixes: Iterable[NameFix]) -> Transcript:
    """Return the transcript with these changes; one whose words are not there changes nothing.

    A changed word keeps its time and its confidence, so that a review still sees it.
    """
    units = units_of(transcript)
    waiting = {fix.start_s: fix for fix in fixes}
    pieces: list[EditedUnit] = []
    at = 0
    while at < len(units):
        fix = waiting.get(units[at].start_s)
        end = at + (len(split_units(fix.before)) if fix else 0)
        if fix and join_units(unit.text for unit in units[at:end]) == fix.before:
            pieces.extend(_fixed(units, at, end, fix))
            at = end
        else:
            pieces.append(_piece(units[at]))
            at += 1
    return transcript.model_copy(update={"segments": build_segments(pieces, transcript)})


def similar_name(text: str, glossary: Glossary) -> str | None:
    """Return the known name that a text sounds like, None where it is one or is like none."""
    letters = letters_of(text)
    if letters in glossary.index.by_letters:
        return None
    found = glossary.index.find_near_miss(letters, unsure=True)
    return found.term.name if found else None


def split_affixes(text: str) -> tuple[str, str, str]:
    """Split a unit into what stands before the name, the name, and a possessive with what stands after."""
    match = OUTER.match(text)
    return (match[1], match[2], match[3]) if match else ("", text, "")


def _longest(units: Sequence[Unit], at: int, glossary: Glossary) -> tuple[int, NameCandidate] | None:
    """Return where the longest stretch ends that should be a name, and the name."""
    for size in range(min(glossary.index.max_words, MAX_TERM_WORDS) + 1, 0, -1):
        stretch = units[at : at + size]
        if len(stretch) == size and _one_breath(stretch):
            target = _meant(stretch, glossary, opens=_opens(units, at))
            if target:
                return at + size, target
    return None


def _one_breath(stretch: Sequence[Unit]) -> bool:
    """Tell whether units stand in one sentence without a mark between them."""
    inner = [_mark_after(unit) for unit in stretch[:-1]] + [
        split_affixes(u.text)[0].strip() for u in stretch[1:]
    ]
    return (
        len({unit.segment_index for unit in stretch}) == 1
        and not any(inner)
        and all(split_affixes(u.text)[1] for u in stretch)
    )


def _mark_after(unit: Unit) -> str:
    """Return what stands after a word; a full stop belongs to a word like St."""
    _, word, mark = split_affixes(unit.text)
    return mark.removeprefix(".") if letters_of(word) in LONG_FORMS else mark


def _opens(units: Sequence[Unit], at: int) -> bool:
    before = units[at - 1] if at else None
    return before is None or before.segment_index != units[at].segment_index or capital_follows(before.text)


def _meant(stretch: Sequence[Unit], glossary: Glossary, *, opens: bool) -> NameCandidate | None:
    written = tuple(split_affixes(unit.text)[1] for unit in stretch)
    letters = letters_of("".join(written))
    known = glossary.index.by_letters.get(letters)
    ordinary = _ordinary(written, glossary.language, opens=opens)
    least = min(unit.confidence for unit in stretch)
    if known and known.declared:
        return known if not all(ordinary) or least < TOLD_UNSURE else None
    if known:
        return known if written != known.words and not all(ordinary) else None
    half_known = any(letters_of(word) in glossary.index.first_names for word in written)
    target = glossary.index.find_near_miss(letters, unsure=least < UNSURE or half_known)
    if target is None or not _split(written, target):
        return None
    own = {letters_of(word) for word in target.words}
    doubtful = (
        letters_of(word) in own or unit.confidence < _needed(word, plain, glossary.language)
        for word, plain, unit in zip(written, ordinary, stretch, strict=True)
    )
    return target if all(doubtful) else None


def _ordinary(written: Sequence[str], language: str, *, opens: bool) -> list[bool]:
    """Tell which words are ordinary ones: in the list, and not capitalised inside a sentence like a name."""
    return [
        (word.islower() or (opens and number == 0) or language.startswith("de"))
        and is_ordinary(word, language=language)
        for number, word in enumerate(written)
    ]


def _needed(word: str, ordinary: bool, language: str) -> float:
    """Return the confidence from which a word is believed."""
    if ordinary:
        return ORDINARY_UNSURE
    return KNOWN_UNSURE if is_ordinary(word, language=language) else math.inf


def _split(written: tuple[str, ...], target: NameCandidate) -> bool:
    """Tell whether a name of fewer words was heard as these, none of them as near to it by itself."""
    if len(written) <= len(target.words):
        return True
    whole = spelling_similarity(letters_of("".join(written)), target.letters)
    return all(spelling_similarity(letters_of(word), target.letters) < whole for word in written)


def _fix(stretch: Sequence[Unit], target: NameCandidate) -> NameFix:
    (opening, *_), (*_, closing) = split_affixes(stretch[0].text), split_affixes(stretch[-1].text)
    if POSSESSIVE.search(target.words[-1]):  # a name that has its own: Saint Andrew's
        closing = POSSESSIVE.sub("", closing, count=1)
    return NameFix(
        before=join_units(unit.text for unit in stretch),
        after=f"{opening.strip()}{' '.join(target.words)}{closing}",
        start_s=stretch[0].start_s,
        end_s=max(stretch[-1].end_s, stretch[0].start_s),
        confidence=min(unit.confidence for unit in stretch),
        term=target.term.name,
    )


def _fixed(units: Sequence[Unit], start: int, end: int, fix: NameFix) -> list[EditedUnit]:
    """Return the name in place of a stretch; words that are right already stay as they are."""
    first, *rest = split_units(fix.after)
    texts = (with_leading_space(first), *rest)
    right = matching_indices([unit.text for unit in units[start:end]], texts)
    pieces = {j: _piece(units[start + i]) for i, j in right}
    for change in diff_hunks(right, end - start, len(texts)):
        old = units[start + change.i1 : start + change.i2] or units[start:end]
        new = texts[change.j1 : change.j2]
        for j, (text, span) in enumerate(zip(new, _spans(old, new), strict=True), change.j1):
            pieces[j] = EditedUnit(
                text=text,
                start_s=span[0],
                end_s=span[1],
                speaker=old[0].speaker,
                confidence=fix.confidence,
                segment_index=old[0].segment_index,
            )
    return [pieces[j] for j in range(len(texts))]


def _spans(old: Sequence[Unit], texts: tuple[str, ...]) -> list[tuple[float, float]]:
    if len(old) == len(texts):
        return [(unit.start_s, unit.end_s) for unit in old]
    return spread_times(texts, old[0].start_s, max(old[-1].end_s, old[0].start_s))


def _piece(unit: Unit) -> EditedUnit:
    return EditedUnit(
        text=unit.text,
        start_s=unit.start_s,
        end_s=unit.end_s,
        speaker=unit.speaker,
        confidence=unit.confidence,
        unchanged_unit=unit,
        segment_index=unit.segment_index,
    )
