"""Sounds and files for tests of the transcription."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.model import Progress
from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Recording, Samples
from tests.support.paths import ROOT

SAMPLE = ROOT / "episodes/two-winters-and-a-will/source.flac"
REFERENCE = ROOT / "tests/data/sample/reference.txt"
NOTES_HZ = (220, 277, 330, 440, 392, 349)


def ignore_progress(_: Progress) -> None:
    """Ignore progress."""


def samples_of(path: Path) -> Samples:
    """Return a whole file, 16 kHz mono."""
    return np.concatenate(list(Recording(path).blocks()))


def write_wav(path: Path, samples: NDArray[np.floating], *, rate_hz: int = SAMPLE_RATE_HZ) -> Path:
    """Write samples, shape (n,) or (n, channels), as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def silence(seconds: float) -> Samples:
    """Return digital silence."""
    return np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)


def noise(seconds: float) -> Samples:
    """Return white noise at about -26 dBFS."""
    generator = np.random.default_rng(0)
    return generator.normal(0, 0.05, int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)


def tune(seconds: float, notes_hz: Sequence[float] = NOTES_HZ) -> Samples:
    """Return a plucked melody: harmonics that decay, a note every 0.4 s."""
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch = np.array(notes_hz)[(time / 0.4).astype(int) % len(notes_hz)]
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    envelope = 0.2 * np.exp(-(time % 0.4) / 0.25)
    harmonics = sum((np.sin(k * phase) / k for k in range(1, 6)), np.zeros_like(time))
    return (envelope * harmonics).astype(np.float32)


def non_speech(seconds: int, *, seed: int) -> Samples:
    """Return random sound without speech: silence, hiss, rumble and tunes, drawn by a seed."""
    draw = np.random.default_rng(seed)
    parts: list[Samples] = []
    while sum(map(len, parts)) < seconds * SAMPLE_RATE_HZ:
        length_s = draw.uniform(3, 20)
        hiss = draw.normal(0, 1, int(length_s * SAMPLE_RATE_HZ)).astype(np.float32)
        rumble = np.convolve(hiss, np.ones(64, np.float32) / 8, "same")
        notes_hz = draw.choice([196, 220, 262, 294, 330, 392, 440, 523], 8).tolist()
        kinds = [np.zeros_like(hiss), 0.05 * hiss, 0.05 * rumble, 3 * tune(length_s, notes_hz)]
        parts.append(np.float32(10 ** draw.uniform(-1.5, 0)) * kinds[draw.integers(len(kinds))])
    return np.concatenate(parts)[: seconds * SAMPLE_RATE_HZ]


NON_SPEECH = {"silence": silence, "noise": noise, "tune": tune}
