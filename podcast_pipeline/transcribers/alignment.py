"""When each token was said: whisper/timing.py, `find_alignment`, in NumPy. Pure."""

import numpy as np
from numpy.typing import NDArray

MEDIAN = 7  # frames
Floats = NDArray[np.float32]


def begins(scores: Floats, first: int) -> NDArray[np.int64]:
    """Return the frame in which each token begins, and last that in which the text ends.

    Args:
        scores: float32, shape (heads, tokens, frames), of cross attention before the softmax.
        first: place of the last token before the text.
    """
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    weights = (weights - weights.mean(-2, keepdims=True)) / (weights.std(-2, keepdims=True) + 1e-9)
    smoothed = sum(smooth(head[first:]) for head in weights)  # one by one: each fits a core's cache
    return path(np.asarray(smoothed, np.float64) / -len(weights))


def smooth(values: Floats) -> Floats:
    """Return the median of MEDIAN neighbours on the last axis, the ends reflected."""
    side = MEDIAN // 2
    if values.shape[-1] <= side:
        return values
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(side, side)], mode="reflect")
    shifted = [padded[..., i : i + values.shape[-1]] for i in range(MEDIAN)]
    for low, high in NETWORK:
        shifted[low], shifted[high] = (
            np.minimum(shifted[low], shifted[high]),
            np.maximum(shifted[low], shifted[high]),
        )
    return shifted[side]


NETWORK = (
    (0, 5),
    (0, 3),
    (1, 6),
    (2, 4),
    (0, 1),
    (3, 5),
    (2, 6),
    (2, 3),
    (3, 6),
    (4, 5),
    (1, 4),
    (1, 3),
    (3, 4),
)
"""Exchanges after which the middle of seven is in the middle (Devillard 1998, after Paeth)."""


def path(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the column in which the cheapest path from corner to corner enters each row.

    The usual dynamic time warping, a row at a time: the best column k to come down into a row, for an end
    in column j, has the lowest cost above k less the costs of the row before k.
    """
    rows, columns = costs.shape
    places = np.arange(columns)
    above = np.cumsum(costs[0])
    comes_from, entries = [], []
    for row in costs[1:]:
        sums = np.cumsum(row)
        diagonal = np.concatenate([[np.inf], above[:-1]])
        down = np.minimum(diagonal, above)
        lead = down - (sums - row)
        lowest = np.minimum.accumulate(lead)
        entries.append(np.maximum.accumulate(np.where(lead == lowest, places, 0)))
        comes_from.append(diagonal <= above)
        above = lowest + sums
    starts, column = np.zeros(rows, np.int64), columns - 1
    for row in range(rows - 1, 0, -1):
        starts[row] = column = entries[row - 1][column]
        column -= int(comes_from[row - 1][column])
    return starts
