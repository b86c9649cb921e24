"""Tracks with the same sound at different times are recognised; bleed, calls, music and strangers are not."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from podcast_pipeline.audio.ffmpeg import Ffmpeg, find_ffmpeg
from podcast_pipeline.audio.shifted_tracks import find_shift
from podcast_pipeline.audio.tracks import Track, extract_track, mix_tracks
from podcast_pipeline.errors import AudioError
from tests.support.sounds import SAMPLE, ignore_progress, samples_of, tune, write_wav

RATE_HZ = 16_000
HOST = ((0.3, 7.9), (16.3, 28.6))
GUEST = ((8.55, 15.7), (29.3, 37.7))
Sound = NDArray[np.float32]


def later(sound: Sound, shift_s: float) -> Sound:
    """Return a sound that begins later, or earlier, at the same length."""
    shift = round(shift_s * RATE_HZ)
    padded = np.pad(sound, abs(shift))
    return padded[abs(shift) - shift : len(sound) + abs(shift) - shift]


def in_room(sound: Sound, seed: int) -> Sound:
    """Return a sound from across a room with a reverberation of 0.3 s."""
    times_s = np.arange(round(0.3 * RATE_HZ)) / RATE_HZ
    echo = np.random.default_rng(seed).normal(0, 0.01, len(times_s)) * 10 ** (-3 * times_s / 0.3)
    echo[0] = 1.0
    size = 1 << (len(sound) + len(echo)).bit_length()
    wet: Sound = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size).astype(np.float32)
    return wet[: len(sound)]


def drifting(sound: Sound, parts_per_million: float) -> Sound:
    """Return a sound recorded by a clock that is slower."""
    places = np.arange(len(sound)) * (1 + parts_per_million * 1e-6)
    slower: Sound = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    return slower


@pytest.fixture(scope="module")
def voices() -> tuple[Sound, Sound]:
    """Host and guest of the sample, each alone, with the noise of a microphone."""
    sample = samples_of(SAMPLE)
    noise = np.random.default_rng(3).normal(0, 3e-4, (2, len(sample))).astype(np.float32)
    for voice, turns in zip(noise, (HOST, GUEST), strict=True):
        for start_s, end_s in turns:
            turn = slice(int(start_s * RATE_HZ), int(end_s * RATE_HZ))
            voice[turn] += sample[turn]
    return noise[0], noise[1]


def shift_of(folder: Path, first: Sound, second: Sound) -> float | None:
    """Return the shift that is found between two sounds."""
    shift = find_shift(write_wav(folder / "a.wav", first), write_wav(folder / "b.wav", second))
    return None if shift is None else shift.later_s


@pytest.mark.parametrize(
    ("shift_s", "bleed", "clock"),
    [(0.08, 1.0, 0.0), (-0.5, -1.0, 0.0), (10.0, 0.1, 0.0), (0.5, 0.03, 50.0), (-0.12, 0.1, -100.0)],
)
def test_a_shift_is_found(
    tmp_path: Path, voices: tuple[Sound, Sound], shift_s: float, bleed: float, clock: float
) -> None:
    """From bleed of -30 dB in a room to the very same sound, inverted or by another clock: the shift."""
    host, guest = voices
    first = host + bleed * in_room(guest, 1)
    second = drifting(later(guest + bleed * in_room(host, 2), shift_s), clock)
    found = shift_of(tmp_path, first, second)
    assert found == pytest.approx(shift_s, abs=0.03)


def test_tracks_that_start_together_have_no_shift(tmp_path: Path, voices: tuple[Sound, Sound]) -> None:
    """Nothing in common, bleed after some milliseconds, a call's echo and music under both are no shift."""
    host, guest = voices
    music = np.resize(tune(2.4), len(host))  # repeats: it is like itself at every lag of 2.4 s
    pairs = {
        "two people": (host, guest),
        "bleed": (host + 0.12 * in_room(later(guest, 0.01), 1), guest + 0.12 * in_room(later(host, 0.01), 2)),
        "call": (host, guest + 0.1 * later(host, 0.3)),
        "call, both": (host + 0.1 * later(guest, 0.2), guest + 0.1 * later(host, 0.2)),
        "music": (host + music, guest + music),
    }
    found = {name: shift_of(tmp_path, *pair) for name, pair in pairs.items()}
    assert found == dict.fromkeys(pairs)


def test_two_copies_of_one_sound_are_recognised(tmp_path: Path, voices: tuple[Sound, Sound]) -> None:
    """Two tracks that differ in gain only are one microphone: a shift of nothing."""
    mix = voices[0] + voices[1]
    assert shift_of(tmp_path, mix, 0.3 * mix) == 0.0


@pytest.mark.parametrize(
    ("shift_s", "message"),
    [
        (0.5, "b.wav: does not start together with a.wav: Ann's track has .* 0.50 s earlier .* before Ann's"),
        (
            -0.5,
            "b.wav: does not start together with a.wav: Bob's track has .* 0.50 s earlier .* before Bob's",
        ),
        (0.0, "b.wav: has the same sound on Bob's track as on Ann's"),
    ],
)
def test_shifted_tracks_are_not_mixed(
    tmp_path: Path, voices: tuple[Sound, Sound], shift_s: float, message: str
) -> None:
    """The refusal names the file, the earlier track, the offset, and what to do; no mix is written."""
    bleed = 1.0 if not shift_s else 0.05
    ann = write_wav(tmp_path / "a.wav", voices[0] + bleed * voices[1])
    bob = write_wav(tmp_path / "b.wav", later(voices[1] + bleed * voices[0], shift_s))
    tracks = [Track("Ann", ann), Track("Bob", bob)]
    with pytest.raises(AudioError, match=message):
        mix_tracks(tracks, tmp_path / "mix.flac", ffmpeg=Ffmpeg(find_ffmpeg()), report=ignore_progress)
    assert not (tmp_path / "mix.flac").exists()


def test_a_lossy_track_at_another_rate_is_compared(tmp_path: Path, voices: tuple[Sound, Sound]) -> None:
    """An MP3 of one track, later than the other's WAV, is recognised."""
    mix, ffmpeg = voices[0] + voices[1], Ffmpeg(find_ffmpeg())
    wav, mp3 = write_wav(tmp_path / "late.wav", later(mix, 1.0)), tmp_path / "late.mp3"
    ffmpeg.run(
        ["-loglevel", "error", "-i", str(wav), "-ar", "44100", "-b:a", "48k", str(mp3)],
        subject=wav,
        step="encode",
        total_s=1,
        report=ignore_progress,
    )
    extract_track(Track("a", mp3), tmp_path / "b.wav", rate_hz=RATE_HZ, ffmpeg=ffmpeg, report=ignore_progress)
    assert shift_of(tmp_path, mix, samples_of(tmp_path / "b.wav")) == pytest.approx(1.0, abs=0.06)
