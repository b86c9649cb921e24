"""Voices to speakers: embeddings that are near each other are one person. Pure.

How near two people's voices are depends on room and microphone as much as on the people: of one pair of
readers the cosine was 0.4, of another 0.66, and within one person 0.6 to 0.9. So no fixed number tells one
person from two. What does is the contrast: how much nearer the voices on each side are to each other than to
those on the other side. Within one person it was at most 0.04, between two at least 0.15.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
"""float32, shape (n, d), each of length 1."""

Weights = NDArray[np.float64]
"""Shape (n,): seconds of clean speech behind each."""

Members = NDArray[np.int64]
"""Which embeddings are a group's."""

SAME_VOICE = 0.57  # cosine between the means of two groups that are joined to begin with
CONTRAST = 0.1  # and by which two people are told apart; see docs/speakers.md
LEAST_S = 4.0  # of clean speech, which windows hear twice: less is no speaker of its own;
LEAST_OF_MINUTES_S = 10.0  # nor is this where there are minutes: an odd stretch is no guest,
LEAST_SHARE = 0.005  # nor is less than this of all speech: an hour has laughter and jingles
ROUNDS = 20


def cluster_embeddings(
    embeddings: Embeddings, seconds: Sequence[float] | Weights, *, count: int | None
) -> NDArray[np.int64]:
    """Return a group for each embedding, from 0, the one with most speech first.

    Args:
        seconds: clean speech behind each embedding.
        count: how many people there are, None to find out.
    """
    weights = np.asarray(seconds, np.float64)
    near = embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
    people = [part for joined in _joined(near) for part in _parts(joined, embeddings, near, weights)]
    return _labels(embeddings, _counted(people, embeddings, near, weights, count), weights)


def _joined(near: NDArray[np.float64]) -> Iterator[Members]:
    """Join the two nearest groups again and again (average linkage), as long as they are near."""
    near = near.copy()
    np.fill_diagonal(near, -np.inf)
    members = {i: [i] for i in range(len(near))}
    nearest = near.argmax(axis=1)
    while len(members) > 1:
        i = max(members, key=lambda k: float(near[k, nearest[k]]))
        j = int(nearest[i])
        if near[i, j] < SAME_VOICE:
            break
        _join(near, nearest, i, j, len(members[i]), len(members[j]))
        members[i] += members.pop(j)
    yield from map(np.array, members.values())


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


def _parts(
    members: Members, embeddings: Embeddings, near: NDArray[np.float64], weights: Weights
) -> Iterator[Members]:
    """Yield the people in a group: itself, or those in its two halves where these are two people."""
    halves = _halves(members, embeddings)
    least_s = _least_s(weights)
    if min(weights[half].sum() for half in halves) < least_s or _contrast(*halves, near) < CONTRAST:
        yield members
        return
    for half in halves:
        yield from _parts(half, embeddings, near, weights)


def _halves(members: Members, embeddings: Embeddings) -> tuple[Members, Members]:
    """Return a group in two parts, each nearer to its own mean than to the other's."""
    voices = embeddings[members]
    spread = voices - voices.mean(axis=0)
    first = spread @ np.linalg.svd(spread, full_matrices=False)[2][0] > 0
    for _ in range(ROUNDS):
        if first.all() or not first.any():
            break
        near = [voices @ centroid(voices[side], np.ones(side.sum())) for side in (first, ~first)]
        first = near[0] > near[1]
    return members[first], members[~first]


def _contrast(one: Members, other: Members, near: NDArray[np.float64]) -> float:
    """Return how much nearer the voices of two groups are to their own than to the other's."""
    within = [_median_within(members, near) for members in (one, other)]
    return min(within) - float(np.median(near[np.ix_(one, other)]))


def _median_within(members: Members, near: NDArray[np.float64]) -> float:
    pairs = near[np.ix_(members, members)][np.triu_indices(len(members), 1)]
    return float(np.median(pairs)) if pairs.size else 1.0


def _counted(
    people: list[Members],
    embeddings: Embeddings,
    near: NDArray[np.float64],
    weights: Weights,
    count: int | None,
) -> list[Members]:
    """Return the people with enough speech, as many as there are said to be, those alike as one."""
    least_s = _least_s(weights)
    ranked = sorted(people, key=lambda one: -weights[one].sum())
    enough = sum(weights[one].sum() >= least_s for one in ranked)
    known = ranked[: max(enough, count or 1)]
    while count and len(known) < count:
        halves = [_halves(one, embeddings) for one in known]
        best = max(range(len(known)), key=lambda k: _split_gain(halves[k], near))
        if not all(half.size for half in halves[best]):
            break
        known[best : best + 1] = halves[best]
    while len(known) > 1:
        i, j = min(
            combinations(range(len(known)), 2), key=lambda p: _contrast(known[p[0]], known[p[1]], near)
        )
        alike = _contrast(known[i], known[j], near) < CONTRAST
        if (count and len(known) <= count) or not (count or alike):
            break
        known[i] = np.concatenate([known[i], known.pop(j)])
    return known


def _split_gain(halves: tuple[Members, Members], near: NDArray[np.float64]) -> float:
    return _contrast(*halves, near) if all(half.size for half in halves) else -np.inf


def _least_s(weights: Weights) -> float:
    all_s = float(weights.sum())
    return max(LEAST_S, min(LEAST_OF_MINUTES_S, all_s / 10), LEAST_SHARE * all_s)


def _labels(embeddings: Embeddings, people: Sequence[Members], weights: Weights) -> NDArray[np.int64]:
    """Return labels; who belongs to nobody goes to the nearest."""
    kept = sorted(people, key=lambda members: -weights[members].sum())
    centres = np.stack([centroid(embeddings[members], weights[members]) for members in kept])
    labels: NDArray[np.int64] = np.argmax(embeddings @ centres.T, axis=1).astype(np.int64)
    for number, members in enumerate(kept):
        labels[members] = number
    return labels


def centroid(embeddings: Embeddings, weights: Weights) -> Embeddings:
    """Return the weighted mean of embeddings, of length 1."""
    mean = (embeddings * weights[:, None]).sum(axis=0)
    unit: Embeddings = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return unit
