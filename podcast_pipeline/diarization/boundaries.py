"""Extend turns to the end of their sound: segmentation finds speech without breath and echo. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.diarization.assign import DiarizationTurn
from podcast_pipeline.diarization.fbank import SAMPLE_RATE_HZ, Samples

FRAME_SAMPLES = 270
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ  # of segmentation-3.0
MIN_MARGIN_S = 0.1  # added to a turn on both sides, even in silence: soft onsets, fading ends
MAX_MARGIN_S = 0.4  # added at most, where there is sound and no other turn
SOUND_DB = 20.0  # above the recording's quietest frames
QUIETEST = 5  # percent of the frames
LOOK = round(2 * MAX_MARGIN_S / FRAME_S)  # frames: half of the silence between two turns belongs to each
FLOOR = 1e-8  # power: -80 dB

Levels = NDArray[np.float32]
"""Shape (n_frames,): decibels of each frame; NaN outside all windows."""


def frame_levels_db(samples: Samples) -> Levels:
    """Return the levels of float32 samples, shape (n_samples,), 16 kHz mono, without trailing zeros."""
    unpadded = np.trim_zeros(samples, "b")
    frames = unpadded[: len(unpadded) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    decibels: Levels = (10 * np.log10(power + FLOOR)).astype(np.float32)
    return decibels


def extend_turns(turns: Sequence[DiarizationTurn], levels: Levels) -> tuple[DiarizationTurn, ...]:
    """Return the turns with the sound before and after them, up to the turns of others.

    Args:
        levels: of the whole recording.
    """
    measured = levels[~np.isnan(levels)]
    sound = levels > (np.percentile(measured, QUIETEST) if measured.size else 0.0) + SOUND_DB
    length = max([len(sound), *(_frame(turn.end_s) for turn in turns)])
    free = np.ones(length, np.bool_)
    for turn in turns:
        free[_frame(turn.start_s) : _frame(turn.end_s)] = False
    free = np.pad(free, LOOK, constant_values=True)
    sound = np.pad(sound, (LOOK, LOOK + length - len(sound)))
    return tuple(_extended(turn, free, sound) for turn in turns)


def _extended(turn: DiarizationTurn, free: NDArray[np.bool_], sound: NDArray[np.bool_]) -> DiarizationTurn:
    first, last = _frame(turn.start_s) + LOOK, _frame(turn.end_s) + LOOK
    before, after = slice(first - LOOK, first), slice(last, last + LOOK)
    start_s = turn.start_s - _margin_s(free[before][::-1], sound[before][::-1])
    end_s = turn.end_s + _margin_s(free[after], sound[after])
    return turn.model_copy(update={"start_s": round(max(start_s, 0.0), 3), "end_s": round(end_s, 3)})


def _margin_s(free: NDArray[np.bool_], sound: NDArray[np.bool_]) -> float:
    """Return the length to add to a turn, given the frames from its edge outwards."""
    room_s = min(_leading_run(free) * FRAME_S / 2, MAX_MARGIN_S)
    return min(max(_leading_run(sound) * FRAME_S, MIN_MARGIN_S), room_s)


def _leading_run(flags: NDArray[np.bool_]) -> int:
    """Return the number of leading flags that are true."""
    return int(np.append(flags, False).argmin())


def _frame(moment_s: float) -> int:
    return round(moment_s / FRAME_S)
