"""Compute the log-mel spectrograms that Whisper was trained on, in NumPy: whisper/audio.py."""

from functools import cache

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from podcast_pipeline.transcription.decode import SAMPLE_RATE_HZ, Samples

WIDTH = 400  # samples of a frame, 25 ms
HOP_SAMPLES = 160  # samples between frames, 10 ms
FLOOR = 1e-10
RANGE = 8.0  # decades below the loudest that are kept

Mel = NDArray[np.float32]
"""float32, shape (n_mels, n_frames), a frame every 10 ms."""


def log_mel(samples: Samples, *, n_mels: int, n_frames: int) -> Mel:
    """Return the spectrogram of samples, padded with silence to `n_frames`."""
    padded = np.pad(np.pad(samples, (0, 2 * WIDTH)), WIDTH // 2, mode="reflect")
    audio_frames = min(len(samples) // HOP_SAMPLES + 2, n_frames)  # the last sample reaches two more frames
    frames = np.lib.stride_tricks.sliding_window_view(padded, WIDTH)[
        : audio_frames * HOP_SAMPLES : HOP_SAMPLES
    ]
    power = np.abs(np.fft.rfft(frames * _window())) ** 2
    mel = np.full((n_mels, n_frames), FLOOR, np.float32)
    mel[:, :audio_frames] = np.maximum(_filters(n_mels) @ power.T, FLOOR)
    log = np.log10(mel)
    scaled: Mel = (np.maximum(log, log.max() - RANGE) + 4) / 4
    return scaled


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(WIDTH + 1)[:-1].astype(np.float32)


@cache
def _filters(n_mels: int) -> NDArray[np.float32]:
    return np.asarray(FeatureExtractor.get_mel_filters(SAMPLE_RATE_HZ, WIDTH, n_mels), np.float32)
