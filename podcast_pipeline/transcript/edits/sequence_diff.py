"""Match the units of two texts: unique runs as anchors first, then the stretches between them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

RUN = 4  # units; a run this long that is unique in both texts is an anchor


@dataclass(frozen=True)
class DiffHunk:
    """Units i1 to i2 of the old text correspond to units j1 to j2 of the new text; either may be empty."""

    i1: int
    i2: int
    j1: int
    j2: int


def matching_indices(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return (index in old, index in new) of equal units, both rising.

    An hour of speech takes well under a second: only the stretches between anchors are compared in full.
    """
    found: list[tuple[int, int]] = []
    i = j = 0
    for anchor_i, anchor_j in [*_anchors(old, new), (len(old), len(new))]:
        found.extend(_matches_between(old, new, i, anchor_i, j, anchor_j))
        if anchor_i < len(old) and anchor_j < len(new):
            found.append((anchor_i, anchor_j))
        i, j = anchor_i + 1, anchor_j + 1
    return found


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
    old: Sequence[str], new: Sequence[str], i1: int, i2: int, j1: int, j2: int
) -> Iterator[tuple[int, int]]:
    if i1 >= i2 or j1 >= j2:
        return
    matcher = SequenceMatcher(None, old[i1:i2], new[j1:j2], autojunk=False)
    for block in matcher.get_matching_blocks():
        yield from ((i1 + block.a + k, j1 + block.b + k) for k in range(block.size))


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    here, there = _unique_runs(old), _unique_runs(new)
    shared = sorted((here[run], there[run]) for run in here.keys() & there.keys())
    points = sorted({(i + k, j + k) for i, j in _longest_rising(shared) for k in range(RUN)})
    anchors: list[tuple[int, int]] = []
    for i, j in points:  # overlapping runs ("no no no no") would match one unit twice
        if not anchors or (i > anchors[-1][0] and j > anchors[-1][1]):
            anchors.append((i, j))
    return anchors


def _unique_runs(units: Sequence[str]) -> dict[tuple[str, ...], int]:
    first: dict[tuple[str, ...], int] = {}
    repeated: set[tuple[str, ...]] = set()
    for i in range(len(units) - RUN + 1):
        run = tuple(units[i : i + RUN])
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
