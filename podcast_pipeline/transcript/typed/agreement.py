"""How far a typed transcript agrees with the recognised words, and where it does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.sequence_diff import RUN, DiffHunk
from podcast_pipeline.transcript.edits.units import Unit, join_units, units_of
from podcast_pipeline.transcript.edits.word_times import DocumentAlignment, align_document
from podcast_pipeline.transcript.markdown import MarkdownTranscript

LEAST_SHARE = 0.25
"""Of the words, in runs of RUN: transcripts of other episodes have at most 0.03 (docs/performance.md)."""

PASSAGE_UNITS = 4  # fewer words more on one side are a matter of style: fillers, repeated beginnings
TIMES_AS_MANY = 2  # a passage has so many times the words of the other side; else it is spelled otherwise
ISLAND_UNITS = 2  # so many equal words between two long differences are chance
LONG_UNITS = 8
LISTED_UNITS = 30  # of a passage that are quoted

DifferenceKind = Literal["only_typed", "only_heard"]


@dataclass(frozen=True)
class TranscriptDifference:
    """A passage that only one of both has: what was typed, or what the engine heard.

    Attributes:
        text: its first words.
        context: the words around it, of the typed transcript.
        words: number of units.
    """

    kind: DifferenceKind
    text: str
    context: str
    start_s: float
    end_s: float
    words: int


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
        if (kind := _kind(alignment, hunk))
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


def _kind(alignment: DocumentAlignment, hunk: DiffHunk) -> DifferenceKind | None:
    heard = len(_letters([unit.key for unit in alignment.transcript_units[hunk.i1 : hunk.i2]]))
    typed = len(_letters([unit.key for unit in alignment.document_units[hunk.j1 : hunk.j2]]))
    if typed - heard >= PASSAGE_UNITS and typed >= TIMES_AS_MANY * heard:
        return "only_typed"
    if heard - typed >= PASSAGE_UNITS and heard >= TIMES_AS_MANY * typed:
        return "only_heard"
    return None


def _difference(
    kind: DifferenceKind, alignment: DocumentAlignment, hunk: DiffHunk, typed_units: Sequence[Unit]
) -> TranscriptDifference:
    heard = alignment.transcript_units[hunk.i1 : hunk.i2]
    units = typed_units[hunk.j1 : hunk.j2] if kind == "only_typed" else heard
    around = typed_units[max(hunk.j1 - PASSAGE_UNITS, 0) : hunk.j2 + PASSAGE_UNITS]
    return TranscriptDifference(
        kind=kind,
        text=_quote(units),
        context=_quote(around),
        start_s=units[0].start_s,
        end_s=max(units[-1].end_s, units[0].start_s),
        words=len(units),
    )


def _quote(units: Sequence[Unit]) -> str:
    more = " …" if len(units) > LISTED_UNITS else ""
    return join_units(unit.text for unit in units[:LISTED_UNITS]) + more


def _letters(keys: Sequence[str]) -> list[str]:
    return [key for key in keys if any(map(str.isalnum, key))]
