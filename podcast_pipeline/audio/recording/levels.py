"""Measures how loud each tenth of a second of a recording is, in one pass and in bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PART_S = 0.1
STROKES = 10  # of an outline, in a part
STROKE_S = PART_S / STROKES
SHELF = 5 / 48_000**2  # times the rate squared: how much more the ear's curve has of differences
BATCH_PARTS = 20
RUN_SAMPLES = 4  # equal ones in a row, so loud, are a flat top
FLAT_LEVEL = 0.25  # of full scale
COARSE_FLAT_LEVEL = 0.98  # of 8 bits, where neighbours are equal by chance
NEAR_FULL_SCALE = 0.95  # where a decoder has rounded the flat tops
FLOOR = 1e-12

Frames = NDArray[np.float32]
"""float32, shape (channels, n_samples), 1.0 = full scale."""


@dataclass(frozen=True)
class SoundLevels:
    """The parts of a recording, PART_S each.

    Attributes:
        power: shape (channels, n): mean square; of more than two channels only the loudest of each part.
        mix: shape (n,): of the mean of both channels.
        clipped: shape (n,): share of samples at the limit.
    """

    power: NDArray[np.float64]
    mix: NDArray[np.float64]
    clipped: NDArray[np.float64]


@dataclass(frozen=True)
class SoundOutline:
    """The outline of a recording, STROKE_S each.

    Attributes:
        peak: shape (n,): highest absolute sample of any channel, 1.0 = full scale.
        power: shape (n,): as loud as the ear hears it, about: the mean of a stroke is left out and the
            differences of neighbours are added, in place of the filters of BS.1770-4; of all channels.
    """

    peak: NDArray[np.float32]
    power: NDArray[np.float32]


@dataclass
class LevelMeter:
    """Takes the samples of a recording one after the other.

    Attributes:
        is_lossless: whether samples are those that a converter wrote: clipping leaves flat tops.
        is_coarse: 8 bits, also in a telephone's code.
        peak: highest absolute sample; NaN or infinite where a sample is.
    """

    is_lossless: bool = True
    is_coarse: bool = False
    peak: float = 0.0
    _rate_hz: int = 0
    _waiting: list[Frames] = field(default_factory=list)
    _parts: list[NDArray[np.float64]] = field(default_factory=list)
    _outline: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, samples: Frames, rate_hz: int) -> None:
        """Measure more samples; a new rate or another number of channels begins a new part."""
        if self._waiting and (rate_hz != self._rate_hz or len(samples) != len(self._waiting[0])):
            self._measure(rest=True)
        self._rate_hz = rate_hz
        self._waiting.append(samples)
        if sum(block.shape[1] for block in self._waiting) >= BATCH_PARTS * self._part_samples:
            self._measure()

    @property
    def _part_samples(self) -> int:
        return max(1, round(PART_S * self._rate_hz))

    def finish(self) -> SoundLevels:
        """Measure what is left, and return all parts."""
        if self._waiting:
            self._measure(rest=True)
        rows = np.concatenate(self._parts, axis=1) if self._parts else np.zeros((4, 0))
        has_second = bool((rows[1] >= 0).any())
        power = np.maximum(rows[:2], 0) if has_second else rows[:1]
        return SoundLevels(power, rows[2], rows[3])

    @property
    def outline(self) -> SoundOutline:
        """The outline of what was measured."""
        peak, power = np.concatenate(self._outline, axis=1) if self._outline else np.zeros((2, 0), np.float32)
        return SoundOutline(peak, power)

    def _measure(self, *, rest: bool = False) -> None:
        """Measure whole parts and keep what is left for the next; with `rest` drop less than half a part."""
        block = np.concatenate(self._waiting, axis=1)
        size = self._part_samples
        whole = block.shape[1] // size * size
        self._waiting = [] if rest else [block[:, whole:]]
        if rest and block.shape[1] - whole >= size // 2:
            block = np.pad(block, ((0, 0), (0, size - block.shape[1] + whole)))
            whole = block.shape[1]
        if block.size:
            self.peak = _highest((self.peak, float(block.max()), -float(block.min())))
        parts = block[:, :whole].reshape(len(block), -1, size)
        self._parts.append(self._rows(parts))
        self._outline.append(_strokes(parts, self._rate_hz))

    def _rows(self, parts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return, for parts of shape (channels, n, samples): power of both channels, of the mix, clipping."""
        power = np.einsum("cps,cps->cp", parts, parts, dtype=np.float64) / parts.shape[2]
        if len(parts) == 2:
            first, second = power
            mix = (parts[0] + parts[1]) / 2
            mixed = np.einsum("ps,ps->p", mix, mix, dtype=np.float64) / parts.shape[2]
        else:
            first = mixed = power.max(axis=0)
            second = np.full_like(first, -1.0)
        return np.stack([first, second, mixed, self._clipped(parts)])

    def _clipped(self, parts: NDArray[np.float32]) -> NDArray[np.float64]:
        if not self.is_lossless:
            return np.asarray((np.abs(parts) >= NEAR_FULL_SCALE).mean(axis=2).max(axis=0))
        level = COARSE_FLAT_LEVEL if self.is_coarse else FLAT_LEVEL
        if np.abs(parts).max(initial=0) < level:
            return np.zeros(parts.shape[1])
        same = parts[..., 1:] == parts[..., :-1]
        flat = same[..., RUN_SAMPLES - 2 :] & (np.abs(parts[..., RUN_SAMPLES - 1 :]) >= level)
        for shift in range(RUN_SAMPLES - 2):
            flat &= same[..., shift : same.shape[-1] - RUN_SAMPLES + 2 + shift]
        return np.asarray(flat.mean(axis=2).max(axis=0))


def _strokes(parts: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Return, for parts of shape (channels, n, samples): peak and power of their strokes, shape (2, m)."""
    size = max(1, parts.shape[2] // STROKES)
    strokes = parts[:, :, : parts.shape[2] // size * size].reshape(len(parts), -1, size)
    peak = np.maximum(strokes.max(axis=2), -strokes.min(axis=2)).max(axis=0)
    steps = np.diff(strokes, axis=2)
    low = np.einsum("cns,cns->n", strokes, strokes) / size - (strokes.mean(axis=2) ** 2).sum(axis=0)
    high = SHELF * rate_hz**2 * np.einsum("cns,cns->n", steps, steps) / size
    return np.stack([peak, np.maximum(low, 0) + high]).astype(np.float32)


def _highest(values: Iterable[float]) -> float:
    return float(np.max(np.array(list(values))))  # unlike max(), NaN wins


def decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return power in decibels."""
    return 10 * np.log10(np.maximum(power, FLOOR))
