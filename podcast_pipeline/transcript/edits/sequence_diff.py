"""Match the units of two texts: unique runs as anchors first, then the stretches between them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from podcast_pipeline.transcript.edits.best_matches import best_matches

RUN = 4  # units; a run this long that is unique in both texts is an anchor
FEW_CELLS = 10_000  # units times units; the best alignment of a smaller stretch is found in no time
MOST_CELLS = 1_000_000  # units times units; of a larger stretch shorter runs are anchors


@dataclass(frozen=True)
class DiffHunk:
    """Units i1 to i2 of the old text correspond to units j1 to j2 of the new text; either may be empty."""

    i1: int
    i2: int
    j1: int
    j2: int


def matching_indices(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return (index in old, index in new) of equal units, both rising.

    An hour of speech takes well under a second: only the stretches between anchors are compared in full, and
    of those none that is large.
    """
    return list(_matches_between(old, new, 0, len(old), 0, len(new), run=RUN))


def diff_hunks(matches: Sequence[tuple[int, int]], old_count: int, new_count: int) -> Iterator[DiffHunk]:
    """Yield the stretches between the matched units, in order."""
    i = j = 0
    for next_i, next_j in [*matches, (old_count, new_count)]:
        if next_i > i or next_j > j:
            yield DiffHunk(i, next_i, j, next_j)
        i, j = next_i + 1, next_j + 1


def merge_adjacent(hunks: Iterable[DiffHunk]) -> list[DiffHunk]:
    """Return hunks in order, with those that touch on both sides merged."""
    merged: list[DiffHunk] = []
    for hunk in sorted(hunks, key=lambda c: (c.i1, c.j1)):
        last = merged[-1] if merged else None
        if last and (last.i2, last.j2) == (hunk.i1, hunk.j1):
            merged[-1] = DiffHunk(last.i1, hunk.i2, last.j1, hunk.j2)
        else:
            merged.append(hunk)
    return merged


def _matches_between(
    old: Sequence[str], new: Sequence[str], i1: int, i2: int, j1: int, j2: int, *, run: int
) -> Iterator[tuple[int, int]]:
    """Yield the matches of a stretch: those of the anchors, and of the smaller stretches between them."""
    i, j = i1, j1
    anchors = ((i1 + a, j1 + b) for a, b in _anchors(old[i1:i2], new[j1:j2], run))
    for anchor_i, anchor_j in [*anchors, (i2, j2)]:
        cells = (anchor_i - i) * (anchor_j - j)
        if cells > MOST_CELLS and run > 1:
            yield from _matches_between(old, new, i, anchor_i, j, anchor_j, run=run - 1)
        elif 0 < cells <= MOST_CELLS:
            yield from _all_matches(old, new, i, anchor_i, j, anchor_j)
        if anchor_i < i2 and anchor_j < j2:
            yield anchor_i, anchor_j
        i, j = anchor_i + 1, anchor_j + 1


def _all_matches(
    old: Sequence[str], new: Sequence[str], i1: int, i2: int, j1: int, j2: int
) -> Iterator[tuple[int, int]]:
    if (i2 - i1) * (j2 - j1) <= FEW_CELLS:
        yield from ((i1 + i, j1 + j) for i, j in best_matches(old[i1:i2], new[j1:j2]))
        return
    matcher = SequenceMatcher(None, old[i1:i2], new[j1:j2], autojunk=False)
    for block in matcher.get_matching_blocks():
        yield from ((i1 + block.a + k, j1 + block.b + k) for k in range(block.size))


def _anchors(old: Sequence[str], new: Sequence[str], run: int) -> list[tuple[int, int]]:
    here, there = _unique_runs(old, run), _unique_runs(new, run)
    shared = sorted((here[key], there[key]) for key in here.keys() & there.keys())
    points = sorted({(i + k, j + k) for i, j in _longest_rising(shared) for k in range(run)})
    anchors: list[tuple[int, int]] = []
    for i, j in points:  # overlapping runs ("no no no no") would match one unit twice
        if not anchors or (i > anchors[-1][0] and j > anchors[-1][1]):
            anchors.append((i, j))
    return anchors


def _unique_runs(units: Sequence[str], size: int) -> dict[tuple[str, ...], int]:
    first: dict[tuple[str, ...], int] = {}
    repeated: set[tuple[str, ...]] = set()
    for i in range(len(units) - size + 1):
        run = tuple(units[i : i + size])
        if run in first:
            repeated.add(run)
        first[run] = i
    return {run: i for run, i in first.items() if run not in repeated}


def _longest_rising(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of the points, sorted by i, whose j rises too (patience sorting)."""
    tails: list[int] = []
    tops: list[int] = []
    before: list[int | None] = []
    for index, (_, j) in enumerate(points):
        pile = bisect_left(tails, j)
        before.append(tops[pile - 1] if pile else None)
        tails[pile : pile + 1] = [j]
        tops[pile : pile + 1] = [index]
    chain: list[tuple[int, int]] = []
    at = tops[-1] if tops else None
    while at is not None:
        chain.append(points[at])
        at = before[at]
    return chain[::-1]
