"""Pair words that are probably the same one, spelled or recognised otherwise."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from podcast_pipeline.transcript.edits.units import comparison_key

ALIKE = 0.5  # share of letters in common from which two words may be the same
MOST_CELLS = 40_000  # of the table: 200 words on both sides; longer stretches have no pairs


def similar_pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return (index in old, index in new) of similar words, both rising, with the most in common.

    Source: Needleman and Wunsch 1970; a pair is worth its similarity above ALIKE, a gap nothing.
    """
    if len(old) * len(new) > MOST_CELLS:
        return []
    keys = [comparison_key(text) for text in new]
    worth = [[_worth(comparison_key(one), key) for key in keys] for one in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, row in enumerate(worth, start=1):
        for j, value in enumerate(row, start=1):
            best[i][j] = max(best[i - 1][j], best[i][j - 1], best[i - 1][j - 1] + value)
    return _trace(best)


def _worth(one: str, other: str) -> float:
    return max(0.0, Levenshtein.normalized_similarity(one, other, score_cutoff=ALIKE) - ALIKE)


def _trace(best: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    i, j = len(best) - 1, len(best[0]) - 1
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]
