"""Recognise tracks that have the same sound at different times, by the correlation of their sound.

Microphones in one room hear every speaker: that is bleed, later by some milliseconds. Where one track has the
sound of the other later than any room explains, the tracks do not start together, and every sentence would be
heard twice. The phase alone is correlated (GCC-PHAT, Knapp and Carter 1976): bleed 40 dB below a voice is
found by it, and levels, polarity, codecs and hum do not matter.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8_000  # to which the tracks are reduced
BAND_HZ = (200.0, 3_500.0)  # of speech, above hum
BLOCK_S = 30.0
MAX_BLOCKS = 8  # compared, of a long recording
REACH_S = 60.0  # the largest shift that is looked for
ROOM_S = 0.06  # sound takes this long for 20 m: a smaller shift is that of a room, or of clocks
CALL_S = 0.6  # the longest delay of a call: one voice may come back from a loudspeaker
NOISE_S = 0.5  # of the correlation around a lag, to tell a peak from noise
PEAK = 10.0  # times the noise around it: two blocks with it at one lag are no chance
TOGETHER = 0.5  # of the highest peak, at which one without a shift is taken for it
LONE_PEAK = 30.0  # the same, where only one block has it
SAME_LAG_S = 0.03
DRIFT = 3e-4  # between two clocks, seconds a second
PART_S = 2.0  # of a block, in which one person speaks
PART_PEAK = 7.0
NEAR_SAMPLES = RATE_HZ // 50  # 20 ms
LOUD_DB = -20.0  # of a part, below the track's loudest tenth: somebody speaks
OTHER_DB = 6.0  # by which a part is louder on one track than on the other: one speaker alone
LEAST_PARTS = 3
SAME_DB = 1.5  # by which the levels of two tracks with one sound may differ
SAME_SHARE = 0.95  # of the parts in which they do not

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Shift:
    """The same sound on two tracks.

    Attributes:
        later_s: by how much later the second track has the sound of the first; negative: earlier; 0: the two
            are one microphone.
        end_later_s: the same at the end: clocks of two recorders differ.
    """

    later_s: float
    end_later_s: float


@dataclass(frozen=True)
class _Match:
    """The best lag of one block: the second track has it `lag` samples later."""

    start: int
    lag: int
    peak: float

    def agrees(self, other: "_Match") -> bool:
        """Tell whether both blocks have one shift, with clocks that may differ."""
        drift = DRIFT * abs(self.start - other.start)
        return abs(self.lag - other.lag) <= SAME_LAG_S * RATE_HZ + drift


def find_shift(first: Path, second: Path) -> Shift | None:
    """Return the shift between two tracks that have the same sound; None for two microphones from one start.

    Two tracks that differ in nothing but gain are one microphone: a shift of 0. None also where the tracks
    have nothing in common. A voice that comes back from the loudspeaker of a call is no shift: it is later on
    one track, and the other voice is not.

    Args:
        first, second: mono 16-bit WAV of one rate, a multiple of RATE_HZ.
    """
    tracks = _Track(first), _Track(second)
    starts = _loudest_blocks(*tracks)
    matches = [_match(*tracks, start) for start in starts]
    found = _agreeing([match for match in matches if match.peak >= PEAK])
    if not found or (len(found) == 1 and found[0].peak < LONE_PEAK):
        return None
    lag = round(float(np.median([match.lag for match in found])))
    parts = _parts(*tracks, starts, lag)
    if abs(lag) <= ROOM_S * RATE_HZ:
        return Shift(0.0, 0.0) if _is_same_sound(parts) else None
    if abs(lag) <= CALL_S * RATE_HZ and _is_echo(parts, later=int(lag > 0)):
        return None
    return Shift(found[0].lag / RATE_HZ, found[-1].lag / RATE_HZ)


class _Track:
    """A mono WAV, read at RATE_HZ."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with wave.open(str(path), "rb") as file:
            self._step = file.getframerate() // RATE_HZ
            self.length = file.getnframes() // self._step

    def read(self, start: int, end: int) -> Samples:
        """Return the samples from `start` up to `end`; zeros outside the file."""
        first, last = min(max(start, 0), self.length), min(max(end, 0), self.length)
        with wave.open(str(self._path), "rb") as file:
            file.setpos(first * self._step)
            frames = np.frombuffer(file.readframes((last - first) * self._step), "<i2")
        samples = frames.reshape(-1, self._step).mean(axis=1, dtype=np.float32) / 32768
        return np.pad(samples, (max(first - start, 0), max(end - last, 0)))[: max(end - start, 0)]


def _loudest_blocks(first: _Track, second: _Track) -> list[int]:
    """Return the starts of the blocks to compare: the loudest of each part of the recording."""
    size, length = round(BLOCK_S * RATE_HZ), min(first.length, second.length)
    starts = list(range(0, max(length - size // 2, 1), size))
    power = [float((first.read(start, start + size) ** 2).sum()) for start in starts]
    groups = np.array_split(np.arange(len(starts)), min(MAX_BLOCKS, len(starts)))
    return [starts[max(group, key=lambda i: power[i])] for group in groups]


def _match(first: _Track, second: _Track, start: int) -> _Match:
    size, reach = round(BLOCK_S * RATE_HZ), round(REACH_S * RATE_HZ)
    ours = first.read(start, start + size)
    theirs = second.read(start - reach, start + size + reach)
    lags = _correlation(ours, theirs)[: 2 * reach + 1]
    best = int(np.argmax(lags))
    room = round(ROOM_S * RATE_HZ)
    together = reach - room + int(np.argmax(lags[reach - room : reach + room + 1]))
    if lags[together] >= TOGETHER * lags[best]:  # music that repeats itself is like itself at other lags, too
        best = together
    return _Match(start, best - reach, float(lags[best]))


def _correlation(ours: Samples, theirs: Samples) -> NDArray[np.float64]:
    """Return the phase correlation at each place of `ours` in `theirs`, in multiples of the noise around."""
    size = 1 << (len(ours) + len(theirs) - 1).bit_length()
    product = np.fft.rfft(ours, size).conj() * np.fft.rfft(theirs, size)
    hertz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    product[(hertz < BAND_HZ[0]) | (hertz > BAND_HZ[1])] = 0
    power = np.abs(product)
    lags = np.abs(np.fft.irfft(product / (power + 1e-3 * power.mean() + 1e-12), size))
    return lags / _noise(lags)


def _noise(lags: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the noise of a correlation around each lag: it is less where a track is silent."""
    size = round(NOISE_S * RATE_HZ)
    whole = lags[: len(lags) // size * size].reshape(-1, size)
    rms = np.sqrt((whole**2).mean(axis=1))
    rms = np.maximum(rms, np.sqrt((lags**2).mean()))
    return np.concatenate([np.repeat(rms, size), np.full(len(lags) - whole.size, rms[-1])]) + 1e-12


def _agreeing(matches: Sequence[_Match]) -> list[_Match]:
    """Return the largest group of blocks with one shift, in order of time."""
    groups = [[other for other in matches if match.agrees(other)] for match in matches]
    return max(groups, key=lambda group: (len(group), sum(m.peak for m in group)), default=[])


@dataclass(frozen=True)
class _Parts:
    """What two tracks have in short parts, the shift taken out.

    Attributes:
        levels_db: shape (2, n): relative to the loudest tenth of each track.
        same: shape (n,): whether both tracks have the same sound.
    """

    levels_db: NDArray[np.float64]
    same: NDArray[np.bool_]


def _parts(first: _Track, second: _Track, starts: Sequence[int], lag: int) -> _Parts:
    size = round(PART_S * RATE_HZ)
    pairs = [
        (first.read(at, at + size), second.read(at + lag, at + lag + size))
        for start in starts
        for at in range(start, min(start + round(BLOCK_S * RATE_HZ), first.length), size)
    ]
    power = np.array([[float((track**2).mean()) for track in pair] for pair in pairs]).T
    levels_db = 10 * np.log10(np.maximum(power, 1e-12))
    levels_db -= np.quantile(levels_db, 0.9, axis=1, keepdims=True)
    return _Parts(levels_db, np.array([_is_same(*pair) for pair in pairs]))


def _is_same(ours: Samples, theirs: Samples) -> bool:
    lags = _correlation(ours, theirs)
    near = np.concatenate([lags[:NEAR_SAMPLES], lags[-NEAR_SAMPLES:]])
    return bool(near.max() >= PART_PEAK)


def _is_same_sound(parts: _Parts) -> bool:
    """Tell whether the tracks differ in nothing but gain: nobody is louder on either."""
    difference = np.abs(parts.levels_db[0] - parts.levels_db[1])
    loud = (parts.levels_db > LOUD_DB).any(axis=0)
    return bool(loud.sum() >= LEAST_PARTS and (difference[loud] < SAME_DB).mean() >= SAME_SHARE)


def _is_echo(parts: _Parts, *, later: int) -> bool:
    """Tell whether the speaker of the later track is not on the other: only one voice comes back."""
    louder = parts.levels_db[later] - parts.levels_db[1 - later] > OTHER_DB
    alone = louder & (parts.levels_db[later] > LOUD_DB)
    return bool(alone.sum() >= LEAST_PARTS and parts.same[alone].mean() < 0.5)
