"""Assemble kept and written units as segments of timed words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, zip_longest

from podcast_pipeline.model import Segment, Transcript, Word
from podcast_pipeline.transcript.edits.sequence_diff import DiffHunk
from podcast_pipeline.transcript.edits.similar_units import similar_pairs
from podcast_pipeline.transcript.edits.units import Unit, equal_ignoring_typography, has_space, spread_times

NEW_WORD_S = 0.3  # duration of an inserted word, if there is room
LONGEST_WORD_S = 3.0  # a few words in place of a long passage do not last as long as it

Span = tuple[float, float]


@dataclass(frozen=True)
class EditedUnit:
    """A unit of an edited transcript.

    Attributes:
        unchanged_unit: the original unit if only its speaker may have changed; else None.
        segment_index: index of the original segment; None for an insertion.
        begins_paragraph: whether the unit is the first of a paragraph.
    """

    text: str
    start_s: float
    end_s: float
    speaker: str | None
    confidence: float = 1.0
    unchanged_unit: Unit | None = None
    segment_index: int | None = None
    begins_paragraph: bool = False

    def spaced(self, space: bool | None) -> "EditedUnit":
        """Return the unit with or without a leading space; None leaves it as it is."""
        if space is None or space == has_space(self.text):
            return self
        return replace(self, text=f" {self.text}" if space else self.text.strip(), unchanged_unit=None)

    def word(self) -> Word:
        """Return the unit as a word of its own."""
        return Word(text=self.text, start_s=self.start_s, end_s=self.end_s, confidence=self.confidence)


def keep_unit(unit: Unit, text: str, *, speaker: str | None, begins_paragraph: bool = False) -> EditedUnit:
    """Return a unit with a text of the same key, at its time; typography alone is no change."""
    unchanged = equal_ignoring_typography(unit.text, text)
    return EditedUnit(
        text=unit.text if unchanged else text,
        start_s=unit.start_s,
        end_s=unit.end_s,
        speaker=speaker,
        confidence=unit.confidence,
        unchanged_unit=unit if unchanged else None,
        segment_index=unit.segment_index,
        begins_paragraph=begins_paragraph,
    )


def replacement_units(
    units: Sequence[Unit], start: int, end: int, texts: tuple[str, ...]
) -> list[EditedUnit]:
    """Return the texts that a person wrote in place of units start to end, which may be empty.

    A word that is nearly one of the replaced has its time. The speaker is that of the first replaced unit, or
    of the unit before.
    """
    neighbour = [*units[start:end], *units[max(start - 1, 0) : start], *units[end : end + 1]][:1]
    speaker = neighbour[0].speaker if neighbour else None
    return [
        unit
        for part in _parts(units, start, end, texts)
        for unit in _placed(units, part, texts[part.j1 : part.j2], speaker)
    ]


def _parts(units: Sequence[Unit], start: int, end: int, texts: tuple[str, ...]) -> Iterator[DiffHunk]:
    """Yield a pair for each text that is nearly a replaced word, and the stretches between, in order."""
    i, j = start, 0
    pairs = [(start + a, b) for a, b in similar_pairs([unit.key for unit in units[start:end]], texts)]
    for next_i, next_j in [*pairs, (end, len(texts))]:
        if next_j > j:
            yield DiffHunk(i, next_i, j, next_j)
        if next_j < len(texts):
            yield DiffHunk(next_i, next_i + 1, next_j, next_j + 1)
        i, j = next_i + 1, next_j + 1


def _placed(
    units: Sequence[Unit], part: DiffHunk, texts: tuple[str, ...], speaker: str | None
) -> list[EditedUnit]:
    old = units[part.i1 : part.i2]
    around = (
        units[part.i1 - 1] if part.i1 else None,
        units[part.i2] if part.i2 < len(units) else None,
    )
    return [
        EditedUnit(
            text=text,
            start_s=start_s,
            end_s=end_s,
            speaker=speaker,
            segment_index=old[min(number, len(old) - 1)].segment_index if old else None,
        )
        for number, (text, (start_s, end_s)) in enumerate(zip(texts, _times(texts, old, around), strict=True))
    ]


def _times(
    texts: tuple[str, ...], old: Sequence[Unit], around: tuple[Unit | None, Unit | None]
) -> list[Span]:
    """Return a start and an end for each text.

    Args:
        old: the replaced units; empty for an insertion.
        around: the unit before and the unit after.
    """
    if len(old) == len(texts):
        return [(unit.start_s, unit.end_s) for unit in old]
    if old:
        start_s = old[0].start_s
        end_s = min(max(old[-1].end_s, start_s), start_s + len(texts) * LONGEST_WORD_S)
        if len(texts) > len(old):
            end_s = max(end_s, _gap(len(texts) * NEW_WORD_S, old[0], around[1])[1])
        return spread_times(texts, start_s, end_s)
    return spread_times(texts, *_gap(len(texts) * NEW_WORD_S, *around))


def _gap(needed_s: float, before: Unit | None, after: Unit | None) -> Span:
    if before is None:
        end_s = after.start_s if after else needed_s
        return max(0.0, end_s - needed_s), end_s
    end_s = before.end_s + needed_s
    return before.end_s, max(before.end_s, min(end_s, after.start_s) if after else end_s)


def build_segments(pieces: Sequence[EditedUnit], base: Transcript) -> tuple[Segment, ...]:
    """Return units as segments; a new one begins with another speaker, paragraph or original segment."""
    groups: list[list[EditedUnit]] = []
    original_index: int | None = None
    for piece in _before_end(list(_in_time(pieces)), base.duration_s):
        other_segment = (
            None not in (piece.segment_index, original_index) and piece.segment_index != original_index
        )
        if not groups or piece.begins_paragraph or other_segment or piece.speaker != groups[-1][-1].speaker:
            groups.append([])
            original_index = None
        groups[-1].append(piece)
        original_index = piece.segment_index if piece.segment_index is not None else original_index
    return tuple(_segment(group, base) for group in groups)


def _in_time(pieces: Sequence[EditedUnit]) -> Iterator[EditedUnit]:
    """Yield the units in order of time; several insertions in one gap follow each other."""
    runs = [list(run) for _, run in groupby(pieces, key=lambda piece: piece.segment_index is None)]
    last_s = 0.0
    for run, following in zip_longest(runs, runs[1:]):
        overlaps = any(b.start_s < a.end_s for a, b in pairwise(run)) or run[0].start_s < last_s
        if run[0].segment_index is None and overlaps:
            run = _moved(run, last_s, following[0].start_s if following else None)
        yield from run
        last_s = run[-1].end_s


def _before_end(pieces: list[EditedUnit], end_s: float) -> list[EditedUnit]:
    """Return the units, those written after the last recognised one moved before the end of the recording."""
    if not pieces or pieces[-1].end_s <= end_s:
        return pieces
    count = len(pieces)
    written = next((i + 1 for i in reversed(range(count)) if pieces[i].unchanged_unit is not None), 0)
    first = count
    while first > written and end_s - pieces[first - 1].end_s < (count - first) * NEW_WORD_S:
        first -= 1
    if first == count:
        return pieces
    start_s = pieces[first - 1].end_s if first else min(pieces[0].start_s, end_s)
    return [*pieces[:first], *_moved(pieces[first:], start_s, end_s)]


def _moved(run: Sequence[EditedUnit], start_s: float, before_s: float | None) -> list[EditedUnit]:
    end_s = start_s + len(run) * NEW_WORD_S
    end_s = end_s if before_s is None else max(start_s, min(end_s, before_s))
    spans = spread_times(tuple(piece.text for piece in run), start_s, end_s)
    return [replace(piece, start_s=a, end_s=b) for piece, (a, b) in zip(run, spans, strict=True)]


def _segment(group: Sequence[EditedUnit], base: Transcript) -> Segment:
    unchanged = all(piece.unchanged_unit and piece.unchanged_unit.speaker == piece.speaker for piece in group)
    index = group[0].segment_index
    doubts = base.segments[index].doubts if unchanged and index is not None else ()
    return Segment(
        speaker=group[0].speaker, words=_words(group), doubts=doubts, language=_language(group, base)
    )


def _language(group: Sequence[EditedUnit], base: Transcript) -> str | None:
    """Return the language of the segment that the units were a part of."""
    indices = (piece.segment_index for piece in group if piece.segment_index is not None)
    return next((base.segments[index].language for index in indices), None)


def _words(group: Sequence[EditedUnit]) -> tuple[Word, ...]:
    words: list[Word] = []
    at = 0
    while at < len(group):
        originals = _original_words(group, at)
        words.extend(originals or (group[at].word(),))
        unit = group[at].unchanged_unit
        at += unit.source_unit_count if originals and unit else 1
    return tuple(words)


def _original_words(group: Sequence[EditedUnit], at: int) -> tuple[Word, ...]:
    """Return the original words if all their units are still there, else none."""
    unit = group[at].unchanged_unit
    if unit is None or unit.source_unit_index:
        return ()
    units = [piece.unchanged_unit for piece in group[at : at + unit.source_unit_count]]
    complete = len(units) == unit.source_unit_count and all(
        other is not None and other.source_words is unit.source_words and other.source_unit_index == place
        for place, other in enumerate(units)
    )
    return unit.source_words if complete else ()
