"""Readable differences between two versions of a transcript."""

from collections.abc import Sequence

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.sequence_diff import (
    DiffHunk,
    diff_hunks,
    matching_indices,
    merge_adjacent,
)
from podcast_pipeline.transcript.edits.units import Unit, equal_ignoring_typography, join_units, units_of
from podcast_pipeline.transcript.text.clock import format_clock

CONTEXT_UNITS = 4


def diff(old: Transcript, new: Transcript) -> tuple[str, ...]:
    """Return one line per change: `[00:01:05] said that [-Kelner-]{+Kellner+} would come`, in order."""
    before, after = units_of(old), units_of(new)
    matched, hunks = _compare(before, after)
    lines = [(change.j1, _word_line(before, after, change)) for change in hunks]
    lines.extend(_speaker_lines(old, new, before, after, matched))
    return tuple(line for _, line in sorted(lines))


def count_changed_words(old: Transcript, new: Transcript) -> int:
    """Return the number of words that were changed, added or deleted."""
    _, hunks = _compare(units_of(old), units_of(new))
    return sum(max(change.i2 - change.i1, change.j2 - change.j1) for change in hunks)


def _compare(
    before: Sequence[Unit], after: Sequence[Unit]
) -> tuple[Sequence[tuple[int, int]], list[DiffHunk]]:
    """Return the matching units, and the hunks that differ in more than typography."""
    matched = matching_indices([unit.key for unit in before], [unit.key for unit in after])
    respelled = [
        DiffHunk(i, i + 1, j, j + 1)
        for i, j in matched
        if not equal_ignoring_typography(before[i].text, after[j].text)
    ]
    return matched, merge_adjacent([*respelled, *diff_hunks(matched, len(before), len(after))])


def _word_line(before: Sequence[Unit], after: Sequence[Unit], change: DiffHunk) -> str:
    first = after[change.j1 : change.j2] or before[change.i1 : change.i2]
    deleted = join_units(unit.text for unit in before[change.i1 : change.i2])
    inserted = join_units(unit.text for unit in after[change.j1 : change.j2])
    parts = (
        join_units(unit.text for unit in after[max(change.j1 - CONTEXT_UNITS, 0) : change.j1]),
        (f"[-{deleted}-]" if deleted else "") + (f"{{+{inserted}+}}" if inserted else ""),
        join_units(unit.text for unit in after[change.j2 : change.j2 + CONTEXT_UNITS]),
    )
    return f"[{format_clock(first[0].start_s)}] " + " ".join(part for part in parts if part)


def _speaker_lines(
    old: Transcript,
    new: Transcript,
    before: Sequence[Unit],
    after: Sequence[Unit],
    matched: Sequence[tuple[int, int]],
) -> list[tuple[int, str]]:
    """Return (place, line) of every turn with another speaker; one line for a renamed speaker."""
    pairs = [
        (i, j, old.speaker_name(before[i].speaker), new.speaker_name(after[j].speaker)) for i, j in matched
    ]
    names = {was: {now for _, _, other, now in pairs if other == was} for _, _, was, _ in pairs}
    lines: list[tuple[int, str]] = []
    last: tuple[str | None, str | None] = (None, None)
    renamed: set[str | None] = set()
    for _, j, was, now in pairs:
        if was != now and (was, now) != last and was not in renamed:
            everywhere = len(names[was]) == 1
            where = "everywhere" if everywhere else new.segments[after[j].segment_index].text
            lines.append((j, f"[{format_clock(after[j].start_s)}] [-{was or ''}-]{{+{now or ''}+}}: {where}"))
            renamed |= {was} if everywhere else set()
        last = was, now
    return lines
