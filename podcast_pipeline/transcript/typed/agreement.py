"""How far a typed transcript agrees with the recognised words, and where it does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.sequence_diff import RUN, DiffHunk
from podcast_pipeline.transcript.edits.units import Unit, join_units, units_of
from podcast_pipeline.transcript.edits.word_times import DocumentAlignment, align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript
from podcast_pipeline.transcript.names.word_lists import NEGATIONS, NUMBERS, words_in_language

LEAST_SHARE = 0.25
"""Of the words, in runs of RUN; of another recording's at most 0.01 (docs/evidence/performance.md)."""

PASSAGE_UNITS = 4  # fewer words more on one side are a matter of style: fillers, repeated beginnings
TIMES_AS_MANY = 2  # a passage has so many times the words of the other side; else it is spelled otherwise
ISLAND_UNITS = 2  # so many equal words between two long differences are chance
LONG_UNITS = 8
LISTED_UNITS = 30  # of a passage that are quoted

DifferenceKind = Literal["only_typed", "only_heard", "numbers", "negations"]


@dataclass(frozen=True)
class TranscriptDifference:
    """A place where what was typed and what the engine heard differ in what is said.

    Attributes:
        kind: a passage that only one of both has, or a number or a negation that is another.
        text: the first words of the passage, as typed where they were.
        context: the words around it, of the typed transcript.
        reason: what is different, for a person.
    """

    kind: DifferenceKind
    text: str
    context: str
    start_s: float
    end_s: float
    reason: str


def heard_share(alignment: DocumentAlignment) -> float:
    """Return the share of the typed words that were heard, in runs of RUN words or more; 0 to 1.

    Of a text with fewer than two runs each word counts.
    """
    spoken = {j for j, unit in enumerate(alignment.document_units) if any(map(str.isalnum, unit.key))}
    least = RUN if len(spoken) >= 2 * RUN else 1
    runs: list[int] = []
    before = (-2, -2)
    for i, j in alignment.matches:
        runs[-1:] = [runs[-1] + 1] if runs and (i, j) == (before[0] + 1, before[1] + 1) else [*runs[-1:], 1]
        before = (i, j)
    return min(1.0, sum(run for run in runs if run >= least) / len(spoken)) if spoken else 0.0


def typed_differences(
    document: MarkdownTranscript, heard: Transcript, edited: Transcript
) -> tuple[TranscriptDifference, ...]:
    """Return the passages that only a typed transcript has, and those that only the engine heard.

    Args:
        document: the typed transcript.
        heard: the recognised words.
        edited: the typed words with their times.
    """
    alignment, units = align_document(document, heard), units_of(edited)
    if len(units) != len(alignment.document_units):
        return ()
    return tuple(
        _difference(kind, alignment, hunk, units)
        for hunk in _without_islands(alignment.hunks)
        if (kind := _kind(alignment, hunk, heard.language))
    )


def _without_islands(hunks: Sequence[DiffHunk]) -> Iterator[DiffHunk]:
    """Yield the hunks, long ones joined where only a word or two between them are equal."""
    last: DiffHunk | None = None
    for hunk in hunks:
        if last and hunk.i1 - last.i2 <= ISLAND_UNITS and min(_size(last), _size(hunk)) >= LONG_UNITS:
            last = DiffHunk(last.i1, hunk.i2, last.j1, hunk.j2)
            continue
        if last:
            yield last
        last = hunk
    if last:
        yield last


def _size(hunk: DiffHunk) -> int:
    return max(hunk.i2 - hunk.i1, hunk.j2 - hunk.j1)


def _kind(alignment: DocumentAlignment, hunk: DiffHunk, language: str) -> DifferenceKind | None:
    heard = _letters([unit.key for unit in alignment.transcript_units[hunk.i1 : hunk.i2]])
    typed = _letters([unit.key for unit in alignment.document_units[hunk.j1 : hunk.j2]])
    if len(typed) - len(heard) >= PASSAGE_UNITS and len(typed) >= TIMES_AS_MANY * len(heard):
        return "only_typed"
    if len(heard) - len(typed) >= PASSAGE_UNITS and len(heard) >= TIMES_AS_MANY * len(typed):
        return "only_heard"
    if _size(hunk) >= LONG_UNITS:
        return None  # rewritten as a whole
    if _is_negated(heard, language) != _is_negated(typed, language):
        return "negations"
    return "numbers" if _have_other_numbers(heard, typed, language) else None


def _is_negated(keys: Sequence[str], language: str) -> bool:
    negations = words_in_language(NEGATIONS, language)
    return any(key in negations or key.endswith(("n't", "cannot")) for key in keys)


def _have_other_numbers(heard: Sequence[str], typed: Sequence[str], language: str) -> bool:
    """Return whether both have numbers in the same form, and others; `21` may be `twenty one`."""
    numbers = words_in_language(NUMBERS, language)
    for form in (_digits, lambda key: key if not numbers.isdisjoint(key.split("-")) else ""):
        one, other = ([number for key in keys if (number := form(key))] for keys in (heard, typed))
        if one and other and one != other:
            return True
    return False


def _digits(key: str) -> str:
    return "".join(character for character in key if character.isdigit())


def _difference(
    kind: DifferenceKind, alignment: DocumentAlignment, hunk: DiffHunk, typed_units: Sequence[Unit]
) -> TranscriptDifference:
    heard, typed = alignment.transcript_units[hunk.i1 : hunk.i2], typed_units[hunk.j1 : hunk.j2]
    around = typed_units[max(hunk.j1 - PASSAGE_UNITS, 0) : hunk.j2 + PASSAGE_UNITS]
    reason = {
        "only_typed": f"typed and not heard: {len(typed)} words",
        "only_heard": f"heard and not typed: {len(heard)} words",
    }
    units = heard if kind == "only_heard" else typed or typed_units[max(hunk.j1 - 1, 0) : hunk.j2 + 1]
    return TranscriptDifference(
        kind=kind,
        text=_quote(units),
        context=_quote(around),
        start_s=units[0].start_s,
        end_s=max(units[-1].end_s, units[0].start_s),
        reason=reason.get(
            kind, f"the engine heard “{_quote(heard)}”" if heard else "the engine heard nothing here"
        ),
    )


def _quote(units: Sequence[Unit]) -> str:
    more = " …" if len(units) > LISTED_UNITS else ""
    return join_units(unit.text for unit in units[:LISTED_UNITS]) + more


def _letters(keys: Sequence[str]) -> list[str]:
    return [key for key in keys if any(map(str.isalnum, key))]
