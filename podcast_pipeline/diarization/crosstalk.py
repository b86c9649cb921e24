"""Find who is active on tracks of one microphone each, without the bleed of other speakers. Pure.

A microphone also picks up the other speakers, quieter than their own microphones by a constant number of
decibels. That number is measured for each pair of tracks; sound that is not louder than that is bleed. Tracks
may be recorded at different gains.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, permutations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 320  # 20 ms
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
SILENT_DB = -60.0  # dBFS: a quieter frame has no speech
ABOVE_FLOOR_DB = 10.0  # by which speech is louder than a track's quietest tenth
FLOOR_SHARE = 0.1
DOMINANT_DB = 6.0  # by which a speaker's own track is louder than another
LOUDER_DB = 3.0  # by which a speaker is louder on the own track than another speaker is there
ABOVE_BLEED_DB = 6.0  # by which own speech is louder than the bleed
LEAST_FRAMES = 25  # with a dominant track, to measure the bleed
MUTED_DB = -100.0  # dBFS: not even the noise of a microphone
VOICE_SHARE = 0.25  # of a sentence in which its speaker is active; else its times are wrong
QUIET_SHARE = 0.1  # of a sentence in which a track may be loud that has no voice there
FAINT_DB = 10.0  # by which a sentence is quieter than its speaker usually is
SMOOTH_FRAMES = 15  # 0.3 s: a frame is active if half of those around it are
LONGEST_PAUSE_S = 0.5
SHORTEST_S = 0.15
OVERLAP_S = 0.1  # of two speakers at once around a word: they talk over each other

Samples = NDArray[np.float32]
Levels = NDArray[np.float64]
"""dBFS, shape (n_tracks, n_frames)."""


@dataclass(frozen=True)
class Activity:
    """Who is active when.

    Attributes:
        own: shape (n_tracks, n_frames): whether the speaker of a track speaks in a frame.
        levels: of the tracks; None where they are not known.
    """

    own: NDArray[np.bool_]
    levels: Levels | None = None

    @property
    def duration_s(self) -> float:
        """Seconds of the frames, of which every track has as many."""
        return float(self.own.shape[1] * FRAME_S)

    @cached_property
    def stretches(self) -> list[list[tuple[float, float]]]:
        """For each track the stretches (start_s, end_s) in which its speaker speaks, with short pauses."""
        return [_true_stretches(row) for row in self.own]

    def shares(self, start_s: float, end_s: float) -> NDArray[np.float64]:
        """Return for each track the share of a stretch in which its speaker is active."""
        frames = self._frames(start_s, end_s)
        return frames.mean(axis=1) if frames.size else np.zeros(len(self.own))

    def is_overlapped(self, start_s: float, end_s: float) -> bool:
        """Tell whether two speakers are active at once for OVERLAP_S of a stretch."""
        return bool((self._frames(start_s, end_s).sum(axis=0) > 1).sum() * FRAME_S >= OVERLAP_S)

    def may_be_muted(self, track: int, start_s: float, end_s: float) -> bool:
        """Tell whether a stretch of a track may be the voice of a speaker whose own track is muted.

        It is far quieter than the track's speaker usually is, and another track has no sound there at all, or
        no other track has a voice.
        """
        frames = self._slice(start_s, end_s)
        if self.levels is None or self.shares(start_s, end_s)[track] < VOICE_SHARE:
            return False
        others = np.delete(np.arange(len(self.own)), track)
        one_is_off = (self.levels[others, frames] <= MUTED_DB).all(axis=1).any()
        has_a_voice = self._loud[others, frames].mean(axis=1) > QUIET_SHARE
        is_faint = _mean_db(self.levels[track, frames]) < self._usual_db[track] - FAINT_DB
        return bool(is_faint and (one_is_off or not has_a_voice.any()))

    @cached_property
    def _usual_db(self) -> list[float]:
        """How loud each speaker is on the own track; 0 dBFS where nothing is known."""
        if self.levels is None:
            return [0.0] * len(self.own)
        return [
            _mean_db(row[own]) if own.any() else 0.0 for row, own in zip(self.levels, self.own, strict=True)
        ]

    @cached_property
    def _loud(self) -> NDArray[np.bool_]:
        return _loud(self.levels) if self.levels is not None else self.own

    def nearest(self, moment_s: float) -> int:
        """Return the track whose speaker is active nearest to a moment; 0 where nobody ever is."""
        gaps = [
            min((max(start_s - moment_s, moment_s - end_s, 0.0) for start_s, end_s in row), default=np.inf)
            for row in self.stretches
        ]
        return int(np.argmin(gaps))

    def _frames(self, start_s: float, end_s: float) -> NDArray[np.bool_]:
        return self.own[:, self._slice(start_s, end_s)]

    def _slice(self, start_s: float, end_s: float) -> slice:
        return slice(max(int(start_s / FRAME_S), 0), int(end_s / FRAME_S) + 1)


def _mean_db(levels: NDArray[np.float64]) -> float:
    return float(10 * np.log10((10 ** (levels / 10)).mean()))


def track_levels_db(blocks: Iterable[Samples]) -> NDArray[np.float64]:
    """Return the level of each whole frame of a track: dBFS, shape (n_frames,)."""
    parts, remainder = [], np.empty(0, np.float32)
    for block in blocks:
        samples = np.concatenate([remainder, block])
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        frames, remainder = samples[:whole].reshape(-1, FRAME_SAMPLES), samples[whole:]
        parts.append(10 * np.log10(np.maximum((frames.astype(np.float64) ** 2).mean(axis=1), 1e-12)))
    return np.concatenate(parts) if parts else np.empty(0)


def find_activity(tracks: Levels) -> Activity:
    """Return who is active when, bleed left out."""
    loud = _loud(tracks)
    gains_db = _gains_db(tracks, loud)
    own = loud.copy()
    for i, j in permutations(range(len(tracks)), 2):
        own[i] &= tracks[i] > tracks[j] - _bleed_db(tracks, loud, gains_db[i, j], i, j) + ABOVE_BLEED_DB
    return Activity(np.stack([_smooth(row) for row in own]), tracks)


def _loud(tracks: Levels) -> NDArray[np.bool_]:
    floor = np.quantile(tracks, FLOOR_SHARE, axis=1, keepdims=True)
    loud: NDArray[np.bool_] = tracks > np.maximum(floor + ABOVE_FLOOR_DB, SILENT_DB)
    return loud


def _bleed_db(tracks: Levels, loud: NDArray[np.bool_], gain_db: float, i: int, j: int) -> float:
    """Return by how many decibels the speaker of track j is quieter on track i; infinite without bleed.

    Args:
        gain_db: by which track j is recorded louder than track i.
    """
    difference = tracks[j] - tracks[i]
    only_j = loud[j] & (difference > gain_db + DOMINANT_DB)
    return float(np.median(difference[only_j])) if only_j.sum() >= LEAST_FRAMES else np.inf


def _gains_db(tracks: Levels, loud: NDArray[np.bool_]) -> dict[tuple[int, int], float]:
    """Return for each pair (i, j) by how many decibels track j is recorded louder than track i."""
    pairs = list(permutations(range(len(tracks)), 2))
    heard = np.maximum(tracks, SILENT_DB)
    prefers = {}
    for i, j in pairs:
        difference = heard[j] - heard[i]
        prefers[i, j] = difference > _split(difference[loud[i] | loud[j]])
    gains_db = {}
    for i, j in pairs:
        frames = loud[i] | loud[j]
        for third in set(range(len(tracks))) - {i, j}:  # its speaker's bleed says nothing of these two
            frames &= ~(prefers[i, third] & prefers[j, third])
        gains_db[i, j] = _gain_db(heard[i, frames], heard[j, frames])
    return gains_db


def _gain_db(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return by how many decibels the second track is recorded louder; 0 where that cannot be told.

    It is halfway between the frames of one speaker and those of the other: the two groups that differ most in
    the difference of the tracks. Each speaker must be louder on the own track than the other one is there; a
    track whose speaker is silent has no group of its own.
    """
    difference = second - first
    of_second = difference > _split(difference)
    if min(of_second.sum(), (~of_second).sum()) < LEAST_FRAMES:
        return 0.0
    (first_db, second_db, middle_db), (other_first_db, other_second_db, other_middle_db) = (
        [float(np.median(values[group])) for values in (first, second, difference)]
        for group in (~of_second, of_second)
    )
    louder_db = first_db - other_first_db, other_second_db - second_db
    is_told = min(louder_db) > LOUDER_DB and sum(louder_db) > 2 * DOMINANT_DB
    return (middle_db + other_middle_db) / 2 if is_told else 0.0


def _split(values: NDArray[np.float64]) -> float:
    """Return the highest value of the lower of two groups whose means differ most (Otsu)."""
    if len(values) < 2:
        return 0.0
    ordered = np.sort(values)
    sizes = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    apart = sums[:-1] / sizes - (sums[-1] - sums[:-1]) / (len(ordered) - sizes)
    return float(ordered[np.argmax(sizes * (len(ordered) - sizes) * apart**2)])


def _smooth(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    share: NDArray[np.float64] = np.convolve(own, np.ones(SMOOTH_FRAMES) / SMOOTH_FRAMES, "same")
    return share >= 0.5


def _true_stretches(flags: NDArray[np.bool_]) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    runs: list[tuple[float, float]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start_s, end_s = first * FRAME_S, last * FRAME_S
        if runs and start_s - runs[-1][1] < LONGEST_PAUSE_S:
            runs[-1] = (runs[-1][0], end_s)
        else:
            runs.append((start_s, end_s))
    return [(start_s, end_s) for start_s, end_s in runs if end_s - start_s >= SHORTEST_S]


@dataclass(frozen=True)
class Excerpt:
    """The parts of a track in which its speaker speaks, joined: a speaker's own turns, one after the other.

    Attributes:
        parts: (start_s, end_s) in the track, in order.
    """

    parts: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, stretches: Sequence[tuple[float, float]], *, margin_s: float) -> "Excerpt":
        """Return the stretches with a margin on both sides, those that touch joined."""
        parts: list[tuple[float, float]] = []
        for start_s, end_s in stretches:
            start_s, end_s = max(start_s - margin_s, 0.0), end_s + margin_s
            if parts and start_s <= parts[-1][1]:
                parts[-1] = (parts[-1][0], end_s)
            else:
                parts.append((start_s, end_s))
        return cls(tuple(parts))

    @property
    def duration_s(self) -> float:
        """Seconds of all parts."""
        return sum(end_s - start_s for start_s, end_s in self.parts)

    def cut(self, blocks: Iterable[Samples]) -> Iterable[Samples]:
        """Yield the samples of the parts."""
        first = 0
        for block in blocks:
            for start_s, end_s in self.parts:
                start = max(round(start_s * SAMPLE_RATE_HZ) - first, 0)
                end = round(end_s * SAMPLE_RATE_HZ) - first
                if start < len(block) and end > 0:
                    yield block[start:end]
            first += len(block)

    def to_track_times(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return a word's times in the track; they stay inside the part that has the word's middle."""
        part = max(bisect_right(self._begins_s, (start_s + end_s) / 2) - 1, 0)
        (first_s, last_s), begin_s = self.parts[part], self._begins_s[part]
        first, last = (min(max(first_s + t - begin_s, first_s), last_s) for t in (start_s, end_s))
        return first, last

    @cached_property
    def _begins_s(self) -> list[float]:
        """Where each part begins in the excerpt."""
        return [0.0, *accumulate(end_s - start_s for start_s, end_s in self.parts)][:-1]
