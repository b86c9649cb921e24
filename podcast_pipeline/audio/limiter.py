"""The limiter of the master, and what it takes from the loudness, computed before anything is made."""

import math

import numpy as np

from podcast_pipeline.audio.recording.levels import STROKE_S, SoundOutline

SAMPLE_RATE_HZ = 44_100  # every podcast app and car radio plays it
LIMITER_RATE_HZ = 4 * SAMPLE_RATE_HZ  # BS.1770-4 measures true peaks at four times the rate
ATTACK_MS, RELEASE_MS = 5, 60
RELEASE_STROKES = round(RELEASE_MS / 1000 / STROKE_S)
GATE = 0.1  # of the mean power: BS.1770-4 leaves out what is 10 LU below


def limiter_filter(ceiling_dbfs: float) -> str:
    """Return a true-peak limiter (oversampled), without delay and make-up gain."""
    limit = 10 ** (ceiling_dbfs / 20)
    times = f"attack={ATTACK_MS}:release={RELEASE_MS}"
    settings = f"limit={limit:.5f}:{times}:level=disabled:latency=1"
    return f"aresample={LIMITER_RATE_HZ},alimiter={settings},aresample={SAMPLE_RATE_HZ}"


def limiter_loss_lu(outline: SoundOutline, *, gain_db: float, ceiling_dbfs: float) -> float:
    """Return by how much the limiter lowers the loudness of a recording.

    It lowers a peak to the ceiling and comes back in a straight line.

    Args:
        gain_db: before the limiter.
    """
    if not len(outline.peak):
        return 0.0
    limit = 10 ** ((ceiling_dbfs - gain_db) / 20)
    needed = np.minimum(1, limit / np.maximum(outline.peak, limit))
    gain = needed.copy()
    for number in range(1, RELEASE_STROKES):
        released = 1 - (1 - needed[:-number]) * (1 - number / RELEASE_STROKES)
        np.minimum(gain[number:], released, out=gain[number:])
    heard = outline.power >= GATE * outline.power.mean()
    before, after = outline.power[heard].sum(), (outline.power[heard] * gain[heard] ** 2).sum()
    return 10 * math.log10(before / after) if after > 0 else 0.0
