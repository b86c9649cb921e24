"""Names and terms of the show: a prompt before the transcription, corrections of near misses after it.

A wrong correction is worse than a missed one: a word is only changed if it sounds like the name, is
spelled much like it, and is neither an ordinary word nor another name with high confidence.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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

UNSURE = 0.6  # confidence below which any word may be a misheard name
ORDINARY_UNSURE = 0.4  # below which an ordinary word may be
KNOWN_UNSURE = 0.8  # below which a well-known name may be
TOLD_UNSURE = 0.9  # below which a word of the glossary's `sounds_like` may be
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
        """Every name as written."""
        return tuple(term.name for term in self.terms)

    @cached_property
    def index(self) -> NameIndex:
        """Index of the names by letters and by sound."""
        return NameIndex(self.terms, self.language)


def build_glossary(
    table: GlossaryTable, *, people: Iterable[str] = (), notes: str = "", language: str = "en"
) -> Glossary:
    """Return the glossary of an episode: people, the show's terms, the names in the show notes.

    Args:
        people: hosts and guests.
        notes: show notes in Markdown.
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
    """Return the capitalised names in a text; a sentence's first word only if it is not ordinary."""
    plain = MARKUP.sub(" ", markdown)
    names: list[str] = []
    for match in CAPITALISED.finditer(plain):
        words = match[0].split(" ")
        if _begins_sentence(plain[: match.start()]) and is_ordinary(words[0], language=language):
            words = words[1:]
        ordinary = language.startswith("de") and all(is_ordinary(word, language=language) for word in words)
        if words and words[0][0].isupper() and not ordinary:
            names.append(" ".join(words))
    return tuple(dict.fromkeys(names))


def _begins_sentence(before: str) -> bool:
    """Return whether a sentence begins after a text."""
    line = before.rstrip(' "“‘«(')
    return not line or line[-1] == "\n" or capital_follows(line)


def capital_follows(before: str) -> bool:
    """Return whether any word may have a capital after a text: a sentence or a colon ends there."""
    return has_end_mark(before) or bool(COLON.search(before))


def fix_names(transcript: Transcript, glossary: Glossary) -> tuple[Transcript, tuple[NameFix, ...]]:
    """Return the transcript with near misses of known names corrected, and the fixes."""
    fixes = find_name_fixes(transcript, glossary)
    return apply_name_fixes(transcript, fixes), fixes


def find_name_fixes(transcript: Transcript, glossary: Glossary) -> tuple[NameFix, ...]:
    """Return the fixes of near misses and of rival spellings of a name, in order of time, without overlap.

    The words of each language are compared with the words of that language.
    """
    units_in: dict[str, list[Unit]] = defaultdict(list)
    for unit in units_of(transcript):
        units_in[transcript.segments[unit.segment_index].language or glossary.language].append(unit)
    fixes = [
        fix
        for language, units in units_in.items()
        for fix in _find_name_fixes(units, replace(glossary, language=language))
    ]
    return tuple(sorted((fix for fix in fixes if fix.after != fix.before), key=lambda fix: fix.start_s))


def _find_name_fixes(units: Sequence[Unit], glossary: Glossary) -> list[NameFix]:
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
    return fixes


def apply_name_fixes(transcript: Transcript, fixes: Iterable[NameFix]) -> Transcript:
    """Return the transcript with the fixes; a fix whose `before` is not at its time is skipped.

    A changed word keeps its time and its confidence, so that the review still lists it.
    """
    units = units_of(transcript)
    fix_at = {fix.start_s: fix for fix in fixes}
    pieces: list[EditedUnit] = []
    at = 0
    while at < len(units):
        fix = fix_at.get(units[at].start_s)
        end = at + (len(split_units(fix.before)) if fix else 0)
        if fix and join_units(unit.text for unit in units[at:end]) == fix.before:
            pieces.extend(_fixed_units(units, at, end, fix))
            at = end
        else:
            pieces.append(_unchanged(units[at]))
            at += 1
    return transcript.model_copy(update={"segments": build_segments(pieces, transcript)})


def similar_name(text: str, glossary: Glossary) -> str | None:
    """Return the known name that a text is a near miss of, None if there is none or the text is a name."""
    letters = letters_of(text)
    if letters in glossary.index.by_letters:
        return None
    found = glossary.index.find_near_miss(letters, unsure=True)
    return found.term.name if found else None


def split_affixes(text: str) -> tuple[str, str, str]:
    """Split a unit into the punctuation before the name, the name, and possessive with punctuation after."""
    match = OUTER.match(text)
    return (match[1], match[2], match[3]) if match else ("", text, "")


def _longest(units: Sequence[Unit], at: int, glossary: Glossary) -> tuple[int, NameCandidate] | None:
    """Return the end and the name of the longest stretch from `at` that is a near miss of a name."""
    for size in range(min(glossary.index.max_words, MAX_TERM_WORDS) + 1, 0, -1):
        stretch = units[at : at + size]
        if len(stretch) == size and _is_unbroken(stretch):
            target = _find_target(stretch, glossary, begins_sentence=_begins_sentence_at(units, at))
            if target:
                return at + size, target
    return None


def _is_unbroken(stretch: Sequence[Unit]) -> bool:
    """Return whether units are in one segment without punctuation between them."""
    inner = [_punctuation_after(unit) for unit in stretch[:-1]] + [
        split_affixes(u.text)[0].strip() for u in stretch[1:]
    ]
    return (
        len({unit.segment_index for unit in stretch}) == 1
        and not any(inner)
        and all(split_affixes(u.text)[1] for u in stretch)
    )


def _punctuation_after(unit: Unit) -> str:
    """Return the punctuation after a word; the full stop of a title like St. is none."""
    _, word, mark = split_affixes(unit.text)
    return mark.removeprefix(".") if letters_of(word) in LONG_FORMS else mark


def _begins_sentence_at(units: Sequence[Unit], at: int) -> bool:
    before = units[at - 1] if at else None
    return before is None or before.segment_index != units[at].segment_index or capital_follows(before.text)


def _find_target(
    stretch: Sequence[Unit], glossary: Glossary, *, begins_sentence: bool
) -> NameCandidate | None:
    written = tuple(split_affixes(unit.text)[1] for unit in stretch)
    letters = letters_of("".join(written))
    known = glossary.index.by_letters.get(letters)
    ordinary = _ordinary(written, glossary.language, begins_sentence=begins_sentence)
    least = min(unit.confidence for unit in stretch)
    if known and known.declared:
        return known if not all(ordinary) or least < TOLD_UNSURE else None
    if known:
        return known if written != known.words and not all(ordinary) else None
    half_known = any(letters_of(word) in glossary.index.first_names for word in written)
    target = glossary.index.find_near_miss(letters, unsure=least < UNSURE or half_known)
    if target is None or not _may_be_split(written, target):
        return None
    own = {letters_of(word) for word in target.words}
    uncertain = (
        letters_of(word) in own or unit.confidence < _confidence_limit(word, is_plain, glossary.language)
        for word, is_plain, unit in zip(written, ordinary, stretch, strict=True)
    )
    return target if all(uncertain) else None


def _ordinary(written: Sequence[str], language: str, *, begins_sentence: bool) -> list[bool]:
    """Return for each word whether it is ordinary: in the word list, and not capitalised like a name."""
    return [
        (word.islower() or (begins_sentence and number == 0) or language.startswith("de"))
        and is_ordinary(word, language=language)
        for number, word in enumerate(written)
    ]


def _confidence_limit(word: str, ordinary: bool, language: str) -> float:
    """Return the confidence from which a word is left as it is."""
    if ordinary:
        return ORDINARY_UNSURE
    return KNOWN_UNSURE if is_ordinary(word, language=language) else math.inf


def _may_be_split(written: tuple[str, ...], target: NameCandidate) -> bool:
    """Return whether the words may be one name written as several: none alone is as similar to it."""
    if len(written) <= len(target.words):
        return True
    whole = spelling_similarity(letters_of("".join(written)), target.letters)
    return all(spelling_similarity(letters_of(word), target.letters) < whole for word in written)


def _fix(stretch: Sequence[Unit], target: NameCandidate) -> NameFix:
    (opening, *_), (*_, closing) = split_affixes(stretch[0].text), split_affixes(stretch[-1].text)
    if POSSESSIVE.search(target.words[-1]):  # the name has its own possessive: Saint Andrew's
        closing = POSSESSIVE.sub("", closing, count=1)
    return NameFix(
        before=join_units(unit.text for unit in stretch),
        after=f"{opening.strip()}{' '.join(target.words)}{closing}",
        start_s=stretch[0].start_s,
        end_s=max(stretch[-1].end_s, stretch[0].start_s),
        confidence=min(unit.confidence for unit in stretch),
        term=target.term.name,
    )


def _fixed_units(units: Sequence[Unit], start: int, end: int, fix: NameFix) -> list[EditedUnit]:
    """Return the name in place of a stretch; words that match already stay as they are."""
    first, *rest = split_units(fix.after)
    texts = (with_leading_space(first), *rest)
    right = matching_indices([unit.text for unit in units[start:end]], texts)
    pieces = {j: _unchanged(units[start + i]) for i, j in right}
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


def _unchanged(unit: Unit) -> EditedUnit:
    return EditedUnit(
        text=unit.text,
        start_s=unit.start_s,
        end_s=unit.end_s,
        speaker=unit.speaker,
        confidence=unit.confidence,
        unchanged_unit=unit,
        segment_index=unit.segment_index,
    )
