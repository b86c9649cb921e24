"""How right turns are: diarization error rate, and words given to the wrong speaker. Pure.

Source: NIST RT-09 evaluation plan; the same numbers as pyannote.metrics' DiarizationErrorRate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np

from podcast_pipeline.speakers.turns import Turn


@dataclass(frozen=True)
class Errors:
    """Seconds of speech that were scored, missed, heard where there was none, given to somebody else."""

    total_s: float
    missed_s: float
    false_alarm_s: float
    confused_s: float

    @property
    def rate(self) -> float:
        """Diarization error rate: 0 is perfect, it may be above 1."""
        return (self.missed_s + self.false_alarm_s + self.confused_s) / max(self.total_s, 1e-9)


def diarization_errors(reference: Sequence[Turn], heard: Sequence[Turn], *, collar_s: float = 0.25) -> Errors:
    """Compare turns with the true ones, overlap included, under the best pairing of speakers.

    Args:
        collar_s: not scored on either side of every true boundary.
    """
    edges = sorted(
        {t for turn in (*reference, *heard) for t in (turn.start_s, turn.end_s)}
        | _collars(reference, collar_s)
    )
    pieces = [
        (end - start, _at(reference, (start + end) / 2), _at(heard, (start + end) / 2))
        for start, end in pairwise(edges)
        if not _near_boundary(reference, (start + end) / 2, collar_s)
    ]
    pairing = best_pairing([(length, a, b) for length, true, ours in pieces for a in true for b in ours])
    missed = false = confused = total = 0.0
    for length, true, ours in pieces:
        right = sum(pairing.get(speaker) in true for speaker in ours)
        total += length * len(true)
        missed += length * max(len(true) - len(ours), 0)
        false += length * max(len(ours) - len(true), 0)
        confused += length * (min(len(true), len(ours)) - right)
    return Errors(total, missed, false, confused)


def best_pairing(common: Sequence[tuple[float, str, str]]) -> dict[str, str]:
    """Return heard speaker -> true speaker, one to one, with most in common.

    Args:
        common: (how much, true speaker, heard speaker), in any order, repeated.
    """
    true, ours = sorted({row[1] for row in common}), sorted({row[2] for row in common})
    table = np.zeros((len(ours), max(len(true), len(ours))))
    for amount, a, b in common:
        table[ours.index(b), true.index(a)] += amount
    if table.shape[1] > 8:
        return _greedy(table, true, ours)
    best = max(permutations(range(table.shape[1]), len(ours)), key=lambda p: table[range(len(ours)), p].sum())
    return {ours[i]: true[k] for i, k in enumerate(best) if k < len(true)}


def _greedy(
    table: np.ndarray[tuple[int, int], np.dtype[np.float64]], true: list[str], ours: list[str]
) -> dict[str, str]:
    pairing: dict[str, str] = {}
    for flat in np.argsort(-table, axis=None):
        i, k = (int(n) for n in np.unravel_index(flat, table.shape))
        if k < len(true) and ours[i] not in pairing and true[k] not in pairing.values():
            pairing[ours[i]] = true[k]
    return pairing


def _collars(reference: Sequence[Turn], collar_s: float) -> set[float]:
    bounds = [t for turn in reference for t in (turn.start_s, turn.end_s)]
    return {max(t + sign * collar_s, 0.0) for t in bounds for sign in (-1, 1)}


def _near_boundary(reference: Sequence[Turn], moment_s: float, collar_s: float) -> bool:
    return any(abs(moment_s - t) < collar_s for turn in reference for t in (turn.start_s, turn.end_s))


def _at(turns: Sequence[Turn], moment_s: float) -> set[str]:
    return {turn.speaker for turn in turns if turn.start_s <= moment_s < turn.end_s}
