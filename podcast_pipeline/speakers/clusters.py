"""Voices to speakers: embeddings that are near each other are one person. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
"""float32, shape (n, d), each of length 1."""

Weights = NDArray[np.float64]
"""Shape (n,): seconds of clean speech behind each."""

SAME_VOICE = 0.57  # cosine between the means of two groups that are one person; see docs/speakers.md
LEAST_S = 4.0  # of clean speech: less is no speaker of its own,
LEAST_SHARE = 0.005  # nor is less than this of all speech: an hour has laughter and jingles


def group(
    embeddings: Embeddings, seconds: Sequence[float] | Weights, *, count: int | None
) -> NDArray[np.int64]:
    """Return a group for each embedding, from 0, the one with most speech first.

    Joins the two nearest groups again and again (average linkage).

    Args:
        seconds: clean speech behind each embedding.
        count: how many people there are, None to find out.
    """
    weights = np.asarray(seconds, np.float64)
    members = {i: [i] for i in range(len(embeddings))}
    near = _similarities(embeddings)
    nearest = near.argmax(axis=1)
    while len(members) > 1:
        i = max(members, key=lambda k: float(near[k, nearest[k]]))
        j = int(nearest[i])
        if _enough(members, (i, j), float(near[i, j]), weights, count):
            break
        _join(near, nearest, i, j, len(members[i]), len(members[j]))
        members[i] += members.pop(j)
    return _labels(embeddings, list(members.values()), weights, count)


def _similarities(embeddings: Embeddings) -> NDArray[np.float64]:
    near: NDArray[np.float64] = (embeddings @ embeddings.T).astype(np.float64)
    np.fill_diagonal(near, -np.inf)
    return near


def _join(
    near: NDArray[np.float64], nearest: NDArray[np.int64], i: int, j: int, size_i: int, size_j: int
) -> None:
    """Make row i the mean of rows i and j, and forget j; no row comes nearer to anybody by that."""
    row = (near[i] * size_i + near[j] * size_j) / (size_i + size_j)
    near[i], near[:, i] = row, row
    near[j], near[:, j], near[i, i] = -np.inf, -np.inf, -np.inf
    stale = np.flatnonzero((nearest == i) | (nearest == j))
    for k in {*stale.tolist(), i}:
        nearest[k] = near[k].argmax()


def _enough(
    members: Mapping[int, list[int]], pair: tuple[int, int], near: float, weights: Weights, count: int | None
) -> bool:
    """Whether nobody else is to be joined: nobody is near enough, or as many are left as there are people."""
    if count is None:
        return near < SAME_VOICE
    people = [i for i, group in members.items() if weights[group].sum() >= _least_s(weights)]
    if len(people) > count:
        return False
    return near < SAME_VOICE or (len(people) == count and all(i in people for i in pair))


def _least_s(weights: Weights) -> float:
    return max(LEAST_S, LEAST_SHARE * float(weights.sum()))


def _labels(
    embeddings: Embeddings, members: list[list[int]], weights: Weights, count: int | None
) -> NDArray[np.int64]:
    """Return labels; groups with too little speech, or too many, go to the nearest of the others."""
    spoken = sorted(members, key=lambda group: -weights[group].sum())
    known = (
        spoken[:count] if count else [group for group in spoken if weights[group].sum() >= _least_s(weights)]
    )
    kept = known or spoken[:1]
    centres = np.stack([centre(embeddings[group], weights[group]) for group in kept])
    labels: NDArray[np.int64] = np.argmax(embeddings @ centres.T, axis=1).astype(np.int64)
    for number, group in enumerate(kept):
        labels[group] = number
    return labels


def centre(embeddings: Embeddings, weights: Weights) -> Embeddings:
    """Return the weighted mean of embeddings, of length 1."""
    mean = (embeddings * weights[:, None]).sum(axis=0)
    unit: Embeddings = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return unit
