"""Compute Kaldi's filter bank features, on which CAM++ was trained.

Source: Kaldi's feature-fbank.cc with the options of 3D-Speaker: 80 bins, no dither, povey window.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
FRAMES_PER_S = SAMPLE_RATE_HZ // HOP_SAMPLES
FFT_SAMPLES = 512
BINS = 80
LOWEST_HZ, HIGHEST_HZ = 20.0, 8000.0
PREEMPHASIS = 0.97
FULL_SCALE = 32768.0  # Kaldi's input is 16-bit integers
FLOOR = float(np.finfo(np.float32).eps)
BLOCK_FRAMES = 256  # at once, so that they stay in the processor's cache

Samples = NDArray[np.float32]
Features = NDArray[np.float32]
"""float32, shape (n_frames, BINS): log energies, not normalised."""


def fbank_features(samples: Samples) -> Features:
    """Return the features of float32 samples, shape (n_samples,), 16 kHz mono; none below 25 ms."""
    if len(samples) < FRAME_SAMPLES:
        return np.empty((0, BINS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::HOP_SAMPLES]
    blocks = (windows[at : at + BLOCK_FRAMES] for at in range(0, len(windows), BLOCK_FRAMES))
    return np.concatenate([_log_energies(block) for block in blocks])


def _log_energies(windows: Samples) -> Features:
    frames = windows.astype(np.float64) * FULL_SCALE
    frames -= frames.mean(axis=1, keepdims=True)
    before = np.hstack([frames[:, :1], frames[:, :-1]])
    spectrum = np.fft.rfft((frames - PREEMPHASIS * before) * _window(), FFT_SAMPLES)[:, :-1]
    energies = np.abs(spectrum) ** 2 @ _mel_bank()
    features: Features = np.log(np.maximum(energies, FLOOR)).astype(np.float32)
    return features


def frame_times_s(count: int) -> NDArray[np.float64]:
    """Return the middle of each frame, in seconds from the first sample."""
    middles: NDArray[np.float64] = (np.arange(count) * HOP_SAMPLES + FRAME_SAMPLES / 2) / SAMPLE_RATE_HZ
    return middles


@cache
def _window() -> NDArray[np.float64]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME_SAMPLES) / (FRAME_SAMPLES - 1))
    povey: NDArray[np.float64] = hann**0.85
    return povey


@cache
def _mel_bank() -> NDArray[np.float64]:
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BINS + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    mels = _mel(np.arange(FFT_SAMPLES // 2) * SAMPLE_RATE_HZ / FFT_SAMPLES)[:, None]
    bank: NDArray[np.float64] = np.minimum((mels - left) / (centre - left), (right - mels) / (right - centre))
    return np.maximum(bank, 0)


def _mel(hertz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))
