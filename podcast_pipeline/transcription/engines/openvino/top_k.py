"""Select the best next tokens of each row, with their log probabilities (compiled, see kernels.py)."""

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcription.engines.openvino.beam_search import NextTokens
from podcast_pipeline.transcription.engines.openvino.kernels import Floats, fast_exp, jit

TOP_K = 16  # the best next tokens of a row: two for each beam
SCORE_BLOCK = 64  # scores that are skipped together if none is among the best


def top_k(scores: Floats, scales: Floats) -> NextTokens:
    """Return the TOP_K best tokens of each row; of equal ones the first.

    Args:
        scores: shape (rows, tokens), a multiple of SCORE_BLOCK.
        scales: shape (rows, 1), above 0: the factor of each row's scores.
    """
    logarithms = np.empty((len(scores), TOP_K), np.float32)
    tokens = np.empty((len(scores), TOP_K), np.int64)
    _best(scores, scales, logarithms, tokens)
    return NextTokens(logarithms, tokens)


def log_probabilities(scores: Floats, scales: Floats, tokens: NDArray[np.int64]) -> Floats:
    """Return the log probability of one token of each row, shape (rows,); arguments as of `top_k`."""
    found = np.empty(len(scores), np.float32)
    _logarithms(scores, scales, tokens, found)
    return found


def warm_up() -> None:
    """Compile the functions, or load them from the disk."""
    scores, scales = np.zeros((1, SCORE_BLOCK), np.float32), np.ones((1, 1), np.float32)
    top_k(scores, scales)
    log_probabilities(scores, scales, np.zeros(1, np.int64))


@jit
def _best(scores: Floats, scales: Floats, logarithms: Floats, tokens: NDArray[np.int64]) -> None:
    highest = np.empty(scores.shape[1] // SCORE_BLOCK, np.float32)
    for row in range(len(scores)):
        scale = scales[row, 0]
        for block in range(len(highest)):
            highest[block] = _highest(scores[row, block * SCORE_BLOCK : (block + 1) * SCORE_BLOCK])
        top = highest.max()
        _choose(scores[row], highest, logarithms[row], tokens[row])
        total = np.log(_sum(scores[row], top, scale))
        for place in range(TOP_K):
            logarithms[row, place] = (logarithms[row, place] - top) * scale - total


@jit
def _logarithms(scores: Floats, scales: Floats, tokens: NDArray[np.int64], found: Floats) -> None:
    for row in range(len(scores)):
        top = scores[row].max()
        total = np.log(_sum(scores[row], top, scales[row, 0]))
        found[row] = (scores[row, tokens[row]] - top) * scales[row, 0] - total


@jit
def _highest(scores: Floats) -> np.float32:
    top = scores[0]
    for i in range(SCORE_BLOCK):
        top = max(top, scores[i])
    return np.float32(top)


@jit
def _sum(scores: Floats, top: np.float32, scale: np.float32) -> np.float32:
    total = np.float32(0)
    for i in range(len(scores)):  # by index: an iterator over the scores is ten times slower
        total += fast_exp((scores[i] - top) * scale)
    return total


@jit
def _choose(scores: Floats, highest: Floats, chosen: Floats, tokens: NDArray[np.int64]) -> None:
    """Write the best scores and their tokens, best first."""
    chosen[:] = -np.float32(np.inf)
    last = TOP_K - 1
    for block in range(len(highest)):
        if highest[block] > chosen[last]:
            for token in range(block * SCORE_BLOCK, (block + 1) * SCORE_BLOCK):
                if scores[token] > chosen[last]:
                    place = last
                    while place and scores[token] > chosen[place - 1]:
                        chosen[place], tokens[place] = chosen[place - 1], tokens[place - 1]
                        place -= 1
                    chosen[place], tokens[place] = scores[token], token
