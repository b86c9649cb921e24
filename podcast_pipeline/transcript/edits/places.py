"""Finding a place again in another transcription, by the words around it; nowhere rather than somewhere."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from podcast_pipeline.transcript.edits.record import Site
from podcast_pipeline.transcript.edits.units import Unit, key_of, split

CONTEXT_SHARE = 0.5  # of the words around a place that must be there again
CLEAR_LEAD = 3  # words of context by which the best place must beat the next
SAME_TIME_S = 5.0  # another engine's times for the same recording differ by less
LONG_UNITS = 24  # a longer passage is found by its two ends
END_UNITS = 10
SLACK_UNITS = 8  # what another transcription may add or drop around a place
RARE = 40  # a word with more places than this is no hint where to look
CANDIDATES = 6

MATCH, MISMATCH, GAP = 2, -1, -1


@dataclass(frozen=True)
class Found:
    """Where a place is: units start to end.

    Attributes:
        left, right: whether the very next unit on that side is the same as it was.
        support: units around it that are there again.
    """

    start: int
    end: int
    left: bool
    right: bool
    support: int


class Places:
    """A transcription in which places are looked up.

    Args:
        recording: which recording it is of; a place in the same one must be at the same time.
    """

    def __init__(self, units: Sequence[Unit], recording: str | None) -> None:
        self.units = units
        self.keys = [unit.key for unit in units]
        self._recording = recording
        self._hints: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for i in range(len(units)):
            self._hints[(self.keys[i],)].append(i)
            self._hints[tuple(self.keys[i : i + 2])].append(i)

    def find(self, site: Site) -> list[Found]:
        """Return where a place can be; one entry when it is certain, none when it is nowhere."""
        before, heard, after = (_keys(text) for text in (site.before, site.heard, site.after))
        if len(heard) <= LONG_UNITS:
            return self._best(before, heard, after, site, site.start_s)
        starts = self._best(before, [], heard[:END_UNITS], site, site.start_s)
        ends = self._best(heard[-END_UNITS:], [], after, site, site.end_s)
        if len(starts) != 1 or len(ends) != 1:
            return starts if len(starts) > 1 else ends if starts else []
        start, end = starts[0].end, ends[0].start
        alike = Indel.normalized_similarity(heard, self.keys[start:end]) if start < end else 0
        both = Found(start, end, starts[0].right, ends[0].left, starts[0].support + ends[0].support)
        return [both] if alike >= CONTEXT_SHARE else []

    def _best(
        self, before: list[str], heard: list[str], after: list[str], site: Site, at_s: float
    ) -> list[Found]:
        wanted = len(before) + len(after)
        found = {self._fit(before, heard, after, at) for at in self._candidates([*before, *heard, *after])}
        good = [
            place
            for place in found
            if place.support >= wanted * CONTEXT_SHARE and self._now(place, site, at_s)
        ]
        good.sort(key=lambda place: (-place.support, place.start))
        return [place for place in good if place.support > good[0].support - CLEAR_LEAD]

    def _now(self, place: Found, site: Site, at_s: float) -> bool:
        if self._recording is None or site.recording != self._recording:
            return True
        return abs(self.time(place.start) - at_s) <= SAME_TIME_S

    def time(self, index: int) -> float:
        """Return when a unit begins; the end of the last one after it."""
        if index < len(self.units):
            return self.units[index].start_s
        return self.units[-1].end_s if self.units else 0.0

    def _candidates(self, pattern: list[str]) -> Iterator[int]:
        """Yield where the pattern may begin, those with most words in line first."""
        votes: dict[int, int] = defaultdict(int)
        for offset in range(len(pattern)):
            for hint in ((pattern[offset],), tuple(pattern[offset : offset + 2])):
                at = self._hints.get(hint, ())
                if len(at) <= RARE:
                    for i in at:
                        votes[(i - offset) // SLACK_UNITS] += len(hint)
        ranked = sorted(votes, key=lambda lane: (-votes[lane] - votes.get(lane + 1, 0), lane))
        return (lane * SLACK_UNITS for lane in ranked[:CANDIDATES])

    def _fit(self, before: list[str], heard: list[str], after: list[str], at: int) -> Found:
        pattern = [*before, *heard, *after]
        low = max(at - SLACK_UNITS, 0)
        window = self.keys[low : at + len(pattern) + 2 * SLACK_UNITS]
        where = _fit(pattern, window)
        same = {p: low + w for p, w in where.items() if pattern[p] == window[w]}
        first_after = len(before) + len(heard)
        lefts = [low + where[p] for p in range(len(before)) if p in where]
        rights = [low + where[p] for p in range(first_after, len(pattern)) if p in where]
        inside = [low + where[p] for p in range(len(before), first_after) if p in where]
        start = lefts[-1] + 1 if lefts else min([*inside, *rights], default=0)
        end = rights[0] if rights else max([*inside, *lefts], default=-1) + 1
        return Found(
            start=start,
            end=max(start, end),
            left=not before or len(before) - 1 in same,
            right=not after or first_after in same,
            support=sum(p < len(before) or p >= first_after for p in same),
        )


def _keys(text: str) -> list[str]:
    return [key_of(unit) for unit in split(text)]


def _fit(pattern: Sequence[str], window: Sequence[str]) -> dict[int, int]:
    """Return which unit of the window each unit of the pattern stands on, wherever it fits best.

    Source: Smith and Waterman 1981, with the whole pattern and any part of the window.
    """
    columns = len(window) + 1
    rows = [[0] * columns]
    for p, unit in enumerate(pattern, start=1):
        above, row = rows[-1], [p * GAP] + [0] * (columns - 1)
        for w in range(1, columns):
            score = above[w - 1] + (MATCH if unit == window[w - 1] else MISMATCH)
            row[w] = max(score, above[w] + GAP, row[w - 1] + GAP)
        rows.append(row)
    w = max(range(columns), key=lambda column: rows[-1][column])
    return _trace(rows, pattern, window, w)


def _trace(rows: list[list[int]], pattern: Sequence[str], window: Sequence[str], w: int) -> dict[int, int]:
    where: dict[int, int] = {}
    p = len(pattern)
    while p and w:
        step = MATCH if pattern[p - 1] == window[w - 1] else MISMATCH
        if rows[p][w] == rows[p - 1][w - 1] + step:
            p, w = p - 1, w - 1
            where[p] = w
        elif rows[p][w] == rows[p - 1][w] + GAP:
            p -= 1
        else:
            w -= 1
    return where
