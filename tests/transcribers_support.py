"""Sounds and files for the transcribers' tests."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.model import Progress
from podcast_pipeline.transcribers.decode import SAMPLE_RATE_HZ, Recording, Samples

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "episodes/two-winters-and-a-will/source.flac"
REFERENCE = ROOT / "tests/data/sample/reference.txt"
NOTES_HZ = (220, 277, 330, 440, 392, 349)


def ignore(_: Progress) -> None:
    """Take progress and do nothing with it."""


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


NON_SPEECH = {"silence": silence, "noise": noise, "tune": tune}
