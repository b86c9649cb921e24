"""Find word times by alignment of tokens and cross attention: whisper/timing.py, `find_alignment`. Pure."""

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcription.engines.openvino.kernels import Floats, jit

MEDIAN_WIDTH = 7  # frames


def token_start_frames(scores: Floats, first: int) -> NDArray[np.int64]:
    """Return the frame in which each token begins, followed by the frame in which the text ends.

    Args:
        scores: float32, shape (heads, tokens, frames), of cross attention before the softmax.
        first: place of the last token before the text.
    """
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    weights = (weights - weights.mean(-2, keepdims=True)) / (weights.std(-2, keepdims=True) + 1e-9)
    smoothed = sum(
        median_filter(head[first:]) for head in weights
    )  # one by one: each head fits a core's cache
    return dtw_path(np.asarray(smoothed, np.float64) / -len(weights))


def median_filter(values: Floats) -> Floats:
    """Return the median of MEDIAN_WIDTH neighbours on the last axis, ends reflected."""
    side = MEDIAN_WIDTH // 2
    if values.shape[-1] <= side:
        return values
    smoothed = np.empty_like(values)
    _median(np.pad(values, [(0, 0), (side, side)], mode="reflect"), smoothed)
    return smoothed


def warm_up() -> None:
    """Compile the functions, or load them from the disk."""
    median_filter(np.zeros((1, MEDIAN_WIDTH), np.float32))


@jit
def _median(padded: Floats, smoothed: Floats) -> None:
    """Sorting network for the median of seven (Devillard 1998, after Paeth)."""
    for row in range(len(smoothed)):
        near = padded[row]
        for i in range(smoothed.shape[1]):
            a, b, c, d = near[i], near[i + 1], near[i + 2], near[i + 3]
            e, f, g = near[i + 4], near[i + 5], near[i + 6]
            a, f = min(a, f), max(a, f)
            a, d = min(a, d), max(a, d)
            b, g = min(b, g), max(b, g)
            c, e = min(c, e), max(c, e)
            a, b = min(a, b), max(a, b)
            d, f = min(d, f), max(d, f)
            c, g = min(c, g), max(c, g)
            c, d = min(c, d), max(c, d)
            d, g = min(d, g), max(d, g)
            e, f = min(e, f), max(e, f)
            b, e = min(b, e), max(b, e)
            b, d = min(b, d), max(b, d)
            d, e = min(d, e), max(d, e)
            smoothed[row, i] = d


def dtw_path(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the column in which the cheapest path from corner to corner enters each row.

    Dynamic time warping, a row at a time: the best column k to enter a row, for an end in column j, has the
    lowest cost above k minus the costs of the row before k.
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
