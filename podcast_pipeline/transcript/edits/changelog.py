"""Readable differences between two versions of a transcript."""

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class PassageChange:
    """A passage that two versions have differently.

    Attributes:
        start_s: of the words in the newer version; in the older one if they were deleted.
        before, after: the words, or the names of the speaker.
        lead, trail: a few words before and after it; of a speaker the sentence, or "everywhere".
    """

    start_s: float
    before: str
    after: str
    lead: str = ""
    trail: str = ""
    is_speaker: bool = False

    def __str__(self) -> str:
        """Return `[00:01:05] said that [-Kelner-]{+Kellner+} would come`."""
        clock = f"[{format_clock(self.start_s)}]"
        deleted = f"[-{self.before}-]" if self.before else ""
        inserted = f"{{+{self.after}+}}" if self.after else ""
        if self.is_speaker:
            return f"{clock} {deleted}{inserted}: {self.trail}"
        return " ".join(part for part in (clock, self.lead, deleted + inserted, self.trail) if part)


def passage_changes(old: Transcript, new: Transcript) -> tuple[PassageChange, ...]:
    """Return what differs between two versions in more than typography, in order."""
    before, after = units_of(old), units_of(new)
    matched, hunks = _compare(before, after)
    changes = [(hunk.j1, _word_change(before, after, hunk)) for hunk in hunks]
    changes.extend(_speaker_changes(old, new, before, after, matched))
    return tuple(change for _, change in sorted(changes, key=lambda c: (c[0], str(c[1]))))


def diff(old: Transcript, new: Transcript) -> tuple[str, ...]:
    """Return one line per change: `[00:01:05] said that [-Kelner-]{+Kellner+} would come`, in order."""
    return tuple(map(str, passage_changes(old, new)))


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


def _word_change(before: Sequence[Unit], after: Sequence[Unit], hunk: DiffHunk) -> PassageChange:
    first = after[hunk.j1 : hunk.j2] or before[hunk.i1 : hunk.i2]
    return PassageChange(
        start_s=first[0].start_s,
        before=join_units(unit.text for unit in before[hunk.i1 : hunk.i2]),
        after=join_units(unit.text for unit in after[hunk.j1 : hunk.j2]),
        lead=join_units(unit.text for unit in after[max(hunk.j1 - CONTEXT_UNITS, 0) : hunk.j1]),
        trail=join_units(unit.text for unit in after[hunk.j2 : hunk.j2 + CONTEXT_UNITS]),
    )


def _speaker_changes(
    old: Transcript,
    new: Transcript,
    before: Sequence[Unit],
    after: Sequence[Unit],
    matched: Sequence[tuple[int, int]],
) -> list[tuple[int, PassageChange]]:
    """Return (place, change) of every turn with another speaker; one for a renamed speaker."""
    pairs = [
        (i, j, old.speaker_name(before[i].speaker), new.speaker_name(after[j].speaker)) for i, j in matched
    ]
    names = {was: {now for _, _, other, now in pairs if other == was} for _, _, was, _ in pairs}
    changes: list[tuple[int, PassageChange]] = []
    last: tuple[str | None, str | None] = (None, None)
    renamed: set[str | None] = set()
    for _, j, was, now in pairs:
        if was != now and (was, now) != last and was not in renamed:
            everywhere = len(names[was]) == 1
            where = "everywhere" if everywhere else new.segments[after[j].segment_index].text
            change = PassageChange(
                start_s=after[j].start_s, before=was or "", after=now or "", trail=where, is_speaker=True
            )
            changes.append((j, change))
            renamed |= {was} if everywhere else set()
        last = was, now
    return changes
