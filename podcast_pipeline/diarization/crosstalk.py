"""Find who is active on tracks of one microphone each, without the bleed of other speakers. Pure.

A microphone also picks up the other speakers, quieter than their own microphones by a constant number of
decibels. That number is measured for each pair of tracks; sound that is not louder than that is bleed.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.model import Segment, Transcript

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 320  # 20 ms
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
SILENT_DB = -60.0  # dBFS: a quieter frame has no speech
ABOVE_FLOOR_DB = 10.0  # by which speech is louder than a track's quietest tenth
FLOOR_SHARE = 0.1
DOMINANT_DB = 6.0  # by which a speaker's own track is louder than another
ABOVE_BLEED_DB = 6.0  # by which own speech is louder than the bleed
LEAST_FRAMES = 25  # with a dominant track, to measure the bleed
SMOOTH_FRAMES = 15  # 0.3 s: a frame is active if half of those around it are
LONGEST_PAUSE_S = 0.5
SHORTEST_S = 0.15
MARGIN_S = 0.15
OWN_SHARE = 0.5  # least share of a word's time in which its speaker is active; below, the word is bleed

Samples = NDArray[np.float32]
Levels = NDArray[np.float64]
"""dBFS, shape (n_tracks, n_frames)."""


def track_levels_db(blocks: Iterable[Samples]) -> NDArray[np.float64]:
    """Return the level of each whole frame of a track: dBFS, shape (n_frames,)."""
    parts, remainder = [], np.empty(0, np.float32)
    for block in blocks:
        samples = np.concatenate([remainder, block])
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        frames, remainder = samples[:whole].reshape(-1, FRAME_SAMPLES), samples[whole:]
        parts.append(10 * np.log10(np.maximum((frames.astype(np.float64) ** 2).mean(axis=1), 1e-12)))
    return np.concatenate(parts) if parts else np.empty(0)


def active_stretches(tracks: Levels) -> list[list[tuple[float, float]]]:
    """Return for each track the stretches (start_s, end_s) in which its own speaker speaks."""
    loud = _loud(tracks)
    own = loud.copy()
    for i in range(len(tracks)):
        for j in range(len(tracks)):
            if i != j:
                own[i] &= tracks[i] > tracks[j] - _bleed_db(tracks, loud, i, j) + ABOVE_BLEED_DB
    return [_true_stretches(_smooth(row)) for row in own]


def _loud(tracks: Levels) -> NDArray[np.bool_]:
    floor = np.quantile(tracks, FLOOR_SHARE, axis=1, keepdims=True)
    loud: NDArray[np.bool_] = tracks > np.maximum(floor + ABOVE_FLOOR_DB, SILENT_DB)
    return loud


def _bleed_db(tracks: Levels, loud: NDArray[np.bool_], i: int, j: int) -> float:
    """Return by how many decibels the speaker of track j is quieter on track i; infinite without bleed."""
    difference = tracks[j] - tracks[i]
    only_j = loud[j] & (difference > DOMINANT_DB)
    return float(np.median(difference[only_j])) if only_j.sum() >= LEAST_FRAMES else np.inf


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


def mute_crosstalk(blocks: Iterable[Samples], stretches: Sequence[tuple[float, float]]) -> Iterable[Samples]:
    """Yield a track with silence outside its speaker's stretches and margins around them."""
    first = 0
    for block in blocks:
        muted = np.zeros_like(block)
        for start_s, end_s in stretches:
            start = max(round((start_s - MARGIN_S) * SAMPLE_RATE_HZ) - first, 0)
            end = round((end_s + MARGIN_S) * SAMPLE_RATE_HZ) - first
            if start < len(block) and end > 0:
                muted[start:end] = block[start:end]
        first += len(block)
        yield muted


def remove_bleed_words(words: Transcript, stretches: Sequence[tuple[float, float]]) -> Transcript:
    """Return a track's transcript without the words during which its speaker is not active."""
    segments = []
    for segment in words.segments:
        kept = tuple(w for w in segment.words if _active_share(w.start_s, w.end_s, stretches) >= OWN_SHARE)
        if kept:
            segments.append(segment.model_copy(update={"words": kept}))
    return words.model_copy(update={"segments": tuple(segments)})


def _active_share(start_s: float, end_s: float, stretches: Sequence[tuple[float, float]]) -> float:
    start_s, end_s = start_s - FRAME_S, end_s + FRAME_S
    common = sum(max(min(end_s, b) - max(start_s, a), 0.0) for a, b in stretches)
    return common / (end_s - start_s)


def merge_tracks(tracks: Sequence[Transcript]) -> tuple[Segment, ...]:
    """Return the segments of all tracks in order of time, each with its track's number as the speaker.

    A sentence during which another track's sentence begins and ends stays whole: overlap keeps both.
    """
    labelled = (
        segment.model_copy(update={"speaker": f"{number}"})
        for number, track in enumerate(tracks)
        for segment in track.segments
    )
    return tuple(sorted(labelled, key=lambda segment: (segment.start_s, segment.end_s)))
