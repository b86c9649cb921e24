"""The best alignment of two short stretches: as many equal units as possible, in as few runs as possible."""

from collections.abc import Sequence

MATCH, RUN_ON = 2, 1  # worth of an equal unit, and of one that follows an equal one


def best_matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return (index in old, index in new) of equal units, both rising.

    Source: Gotoh 1982, with a reward for going on in place of a cost for opening a gap. Time and memory are
    those of the table, units times units.
    """
    width = len(new) + 1
    best, ending = [[0] * width], [[0] * width]
    for one in old:
        above, above_ending, row, row_ending = best[-1], ending[-1], [0], [0]
        for j, other in enumerate(new, start=1):
            worth = 0
            if one == other:
                run = above_ending[j - 1]
                worth = MATCH + max(above[j - 1], run + RUN_ON if run else 0)
            row_ending.append(worth)
            row.append(max(worth, above[j], row[-1]))
        best.append(row)
        ending.append(row_ending)
    return _trace(best, ending)


def _trace(best: Sequence[Sequence[int]], ending: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    matches: list[tuple[int, int]] = []
    i, j, goes_on = len(best) - 1, len(best[0]) - 1, False
    while i and j:
        if goes_on or ending[i][j] == best[i][j] > 0:
            matches.append((i - 1, j - 1))
            run = ending[i - 1][j - 1]
            goes_on = bool(run) and ending[i][j] == MATCH + run + RUN_ON
            i, j = i - 1, j - 1
        elif best[i][j] == best[i - 1][j]:
            i -= 1
        else:
            j -= 1
    return matches[::-1]
