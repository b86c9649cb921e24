"""Cluster voice embeddings into speakers: embeddings that are near each other are one person. Pure.

The similarity of two people's voices depends on room and microphone as much as on the people: the cosine of
one pair of readers was 0.4, of another 0.66, and within one person 0.6 to 0.9. So no fixed threshold
separates one person from two. The contrast does: by how much the voices in each group are nearer to each
other than to those in the other group. Within one person it was at most 0.04, between two at least 0.15.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

Embeddings = NDArray[np.float32]
"""float32, shape (n, d), each of length 1."""

Weights = NDArray[np.float64]
"""Shape (n,): seconds of clean speech of each embedding."""

Spans = NDArray[np.float64]
"""Shape (n, 2): where the speech of each embedding begins and ends, in seconds."""

Members = NDArray[np.int64]
"""Indices of the embeddings in a group."""

SAME_VOICE = 0.57  # mean cosine from which two groups are joined at first
CONTRAST = 0.1  # from which two groups are two people; see docs/explanation/speakers.md
LEAST_S = 4.0  # least clean speech of a speaker, counted twice by overlapping windows
LEAST_OF_MINUTES_S = 10.0  # the same in a recording of minutes: an odd stretch is no guest
LEAST_SHARE = 0.005  # least share of all speech: an hour has laughter and jingles
ROUNDS = 20


class Evidence(NamedTuple):
    """How alike the embeddings are.

    Attributes:
        cosines: shape (n, n).
        same_sound: shape (n, n), whether the speech of two embeddings overlaps in time.
    """

    cosines: NDArray[np.float64]
    same_sound: NDArray[np.bool_]


def cluster_embeddings(
    embeddings: Embeddings, seconds: Sequence[float] | Weights, spans: Spans, *, count: int | None
) -> NDArray[np.int64]:
    """Return a speaker number for each embedding, from 0, the speaker with most speech first.

    Args:
        seconds: clean speech of each embedding.
        count: number of people, None to detect it.
    """
    weights = np.asarray(seconds, np.float64)
    similarity = embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
    starts, ends = spans.T
    evidence = Evidence(similarity, (starts[:, None] < ends) & (starts < ends[:, None]))
    people = [
        part
        for group in _average_linkage(similarity)
        for part in _split_people(group, embeddings, evidence, weights)
    ]
    return _labels(embeddings, _match_count(people, embeddings, evidence, weights, count), weights)


def _average_linkage(cosines: NDArray[np.float64]) -> Iterator[Members]:
    """Yield the groups of average linkage, joined down to a cosine of SAME_VOICE, by their first member."""
    if len(cosines) < 2:
        yield np.arange(len(cosines))
        return
    distances = np.maximum(1 - cosines[np.triu_indices(len(cosines), 1)], 0)  # a cosine may be 1.0000001
    group_of = fcluster(linkage(distances, "average"), 1 - SAME_VOICE, "distance")
    yield from (np.flatnonzero(group_of == group) for group in dict.fromkeys(group_of.tolist()))


def _split_people(
    members: Members, embeddings: Embeddings, evidence: Evidence, weights: Weights
) -> Iterator[Members]:
    """Yield the people in a group: the group itself, or those in its halves if these are two people."""
    halves = _bisect(members, embeddings)
    least_s = _min_speech_s(weights)
    if min(weights[half].sum() for half in halves) < least_s or _contrast(*halves, evidence) < CONTRAST:
        yield members
        return
    for half in halves:
        yield from _split_people(half, embeddings, evidence, weights)


def _bisect(members: Members, embeddings: Embeddings) -> tuple[Members, Members]:
    """Split a group into two parts, each nearer to its own mean than to the other's (2-means)."""
    voices = embeddings[members]
    spread = voices - voices.mean(axis=0)
    first = spread @ np.linalg.svd(spread, full_matrices=False)[2][0] > 0
    for _ in range(ROUNDS):
        if first.all() or not first.any():
            break
        similarity = [voices @ centroid(voices[side], np.ones(side.sum())) for side in (first, ~first)]
        first = similarity[0] > similarity[1]
    return members[first], members[~first]


def _contrast(one: Members, other: Members, evidence: Evidence) -> float:
    """Return by how much the voices of two groups are nearer to their own group than to the other."""
    within = [_median_within(members, evidence) for members in (one, other)]
    return min(within) - _median_cosine(one[:, None], other, evidence)


def _median_within(members: Members, evidence: Evidence) -> float:
    first, second = np.triu_indices(len(members), 1)
    return _median_cosine(members[first], members[second], evidence) if first.size else 1.0


def _median_cosine(rows: Members, columns: Members, evidence: Evidence) -> float:
    """Return the median over pairs of embeddings, without those of one sound unless there are no others."""
    cosines, apart = evidence.cosines[rows, columns], ~evidence.same_sound[rows, columns]
    return float(np.median(cosines[apart] if apart.any() else cosines))


def _match_count(
    people: list[Members],
    embeddings: Embeddings,
    evidence: Evidence,
    weights: Weights,
    count: int | None,
) -> list[Members]:
    """Return the people with enough speech, similar ones joined, split or joined to `count` if given."""
    least_s = _min_speech_s(weights)
    ranked = sorted(people, key=lambda members: -weights[members].sum())
    enough = sum(weights[members].sum() >= least_s for members in ranked)
    chosen = ranked[: max(enough, count or 1)]
    while count and len(chosen) < count:
        halves = [_bisect(members, embeddings) for members in chosen]
        best = max(range(len(chosen)), key=lambda k: _split_gain(halves[k], evidence))
        if not all(half.size for half in halves[best]):
            break
        chosen[best : best + 1] = halves[best]
    while len(chosen) > 1:
        i, j = min(
            combinations(range(len(chosen)), 2),
            key=lambda p: _contrast(chosen[p[0]], chosen[p[1]], evidence),
        )
        is_same_voice = _contrast(chosen[i], chosen[j], evidence) < CONTRAST
        if (count and len(chosen) <= count) or not (count or is_same_voice):
            break
        chosen[i] = np.concatenate([chosen[i], chosen.pop(j)])
    return chosen


def _split_gain(halves: tuple[Members, Members], evidence: Evidence) -> float:
    return _contrast(*halves, evidence) if all(half.size for half in halves) else -np.inf


def _min_speech_s(weights: Weights) -> float:
    all_s = float(weights.sum())
    return max(LEAST_S, min(LEAST_OF_MINUTES_S, all_s / 10), LEAST_SHARE * all_s)


def _labels(embeddings: Embeddings, people: Sequence[Members], weights: Weights) -> NDArray[np.int64]:
    """Return labels; embeddings of no group get the nearest."""
    ranked = sorted(people, key=lambda members: -weights[members].sum())
    centroids = np.stack([centroid(embeddings[members], weights[members]) for members in ranked])
    labels: NDArray[np.int64] = np.argmax(embeddings @ centroids.T, axis=1).astype(np.int64)
    for number, members in enumerate(ranked):
        labels[members] = number
    return labels


def centroid(embeddings: Embeddings, weights: Weights) -> Embeddings:
    """Return the weighted mean of embeddings, of length 1."""
    mean = (embeddings * weights[:, None]).sum(axis=0)
    unit: Embeddings = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return unit
