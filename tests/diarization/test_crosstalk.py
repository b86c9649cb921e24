"""Tracks of different gain: each is active where its own speaker speaks, and nowhere else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from podcast_pipeline.diarization.crosstalk import FRAME_S, find_activity

SECOND = round(1 / FRAME_S)
FLOOR_DB = -75.0
TURNS = ((0, 4), (5, 8), (9, 12), (13, 19), (20, 23), (24, 30))  # in seconds; the speakers take turns
LENGTH_S = 31
Levels = NDArray[np.float64]


def voices(count: int) -> Levels:
    """Return the power of speakers who take turns, at levels which rise and fall as those of speech."""
    rng = np.random.default_rng(7)
    power = np.zeros((count, LENGTH_S * SECOND))
    for place, (start_s, end_s) in enumerate(TURNS):
        turn = slice(start_s * SECOND, end_s * SECOND)
        power[place % count, turn] = 10 ** (rng.normal(-25, 5, power[0, turn].shape) / 10)
    return power


def recorded(power: Levels, *, bleed_db: float, gains_db: tuple[float, ...]) -> Levels:
    """Return the levels of microphones that hear every other speaker more quietly, each at its own gain."""
    heard = power + 10 ** (bleed_db / 10) * (power.sum(axis=0) - power)
    gains = 10 ** (np.array(gains_db)[:, np.newaxis] / 10)
    levels: Levels = 10 * np.log10(heard * gains + 10 ** (FLOOR_DB / 10))
    return levels


def wrong_s(tracks: Levels, power: Levels) -> float:
    """Return for how long a track is active without its speaker, or silent with its speaker."""
    return float((find_activity(tracks).own != (power > 0)).sum() * FRAME_S)


@pytest.mark.parametrize("bleed_db", [-10.0, -18.0])
@pytest.mark.parametrize(
    "gains_db", [(0.0, 0.0), (-20.0, 0.0), (0.0, -8.0), (0.0, 25.0), (0.0, -20.0, 0.0), (-14.0, 0.0, 9.0)]
)
def test_gain_does_not_change_who_is_active(gains_db: tuple[float, ...], bleed_db: float) -> None:
    """A voice that is quieter on its own track than on another is active on its own track only."""
    power = voices(len(gains_db))
    assert wrong_s(recorded(power, bleed_db=bleed_db, gains_db=gains_db), power) < 2.0


@pytest.mark.parametrize("closed_db", [0.0, -30.0, -90.0])
def test_a_track_whose_speaker_is_silent_has_no_gain(closed_db: float) -> None:
    """The bleed of one voice, through a noise gate or not, is not taken for a quiet speaker."""
    power = voices(1)[0]
    gate = np.where(power > 10**-2.8, 1.0, 10 ** (closed_db / 10))
    tracks = 10 * np.log10(np.stack([power, power * 0.01 * gate]) + 1e-9)
    assert wrong_s(tracks, np.stack([power, 0 * power])) < 2.0


def test_a_guest_who_says_little_is_active() -> None:
    """Three seconds of a quieter microphone in five minutes are enough to tell its gain from bleed."""
    host, guest = np.tile(voices(1)[0], 10), np.zeros(10 * LENGTH_S * SECOND)
    guest[: 3 * SECOND], host[: 4 * SECOND] = host[: 3 * SECOND], 0
    power = np.stack([host, guest])
    assert wrong_s(recorded(power, bleed_db=-18, gains_db=(0, -10)), power) < 12.0


@pytest.mark.parametrize("muted_db", [-120.0, FLOOR_DB])
def test_a_voice_that_only_another_microphone_hears_may_be_a_muted_speaker(muted_db: float) -> None:
    """While Bob's track is off and Ann's has a voice at -18 dB, that is told; their own turns are not."""
    power = voices(2)
    tracks = recorded(power, bleed_db=-18, gains_db=(0, 0))
    tracks[1, 13 * SECOND :] = muted_db  # from Bob's turn of 6 s on
    activity = find_activity(tracks)
    told = [[activity.may_be_muted(track, *turn) for turn in TURNS] for track in (0, 1)]
    assert told == [[False, False, False, True, False, True], [False] * 6]
