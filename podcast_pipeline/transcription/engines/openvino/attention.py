"""Whisper's cross attention, which takes most of the decoder's time: 8-bit keys and values, read once a step.

OpenVINO's own operation takes twice as long (docs/evidence/performance.md), so this one is compiled by
kernels.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.transcription.engines.ct2 import HEAD_WIDTH
from podcast_pipeline.transcription.engines.openvino.kernels import Floats, fast_exp, jit, prefetch
from podcast_pipeline.transcription.engines.openvino.layers import ENCODER_FRAMES

BLOCK = 128  # frames whose keys are stored together, channel by channel
BLOCKS = -(-ENCODER_FRAMES // BLOCK)
CHANNELS, FRAMES = 8, 6  # added up in one pass: measured with registers of 32 and 64 bytes
AHEAD = 1  # blocks that are prefetched while one is read
LINE = 64  # bytes that memory is read in
STEPS = np.float32(127)  # of an 8-bit number, on either side of zero
SMALLEST = np.float32(1e-30)
Bytes = NDArray[np.int8]
Halves = NDArray[np.uint16]  # the bits of bfloat16 numbers, which NumPy does not have


class CrossAttentionCache(NamedTuple):
    """The 8-bit keys and values of one layer for some windows; each channel has its own quantization step.

    Attributes:
        keys: int8, shape (windows, heads, BLOCKS, HEAD_WIDTH, BLOCK).
        key_steps: shape (windows, heads, HEAD_WIDTH).
        values: int8, shape (windows, heads, ENCODER_FRAMES, HEAD_WIDTH).
        value_steps: shape (windows, heads, HEAD_WIDTH).
    """

    keys: Bytes
    key_steps: Floats
    values: Bytes
    value_steps: Floats

    @classmethod
    def allocate(cls, windows: int, heads: int) -> "CrossAttentionCache":
        """Return an empty cache for some windows."""
        return cls(
            np.zeros((windows, heads, BLOCKS, HEAD_WIDTH, BLOCK), np.int8),
            np.zeros((windows, heads, HEAD_WIDTH), np.float32),
            np.zeros((windows, heads, ENCODER_FRAMES, HEAD_WIDTH), np.int8),
            np.zeros((windows, heads, HEAD_WIDTH), np.float32),
        )

    def put(self, window: int, keys: Halves, values: Halves) -> None:
        """Quantize and store a window's keys, shape (channels, ENCODER_FRAMES), and values, transposed."""
        _put_keys(keys, self.keys[window], self.key_steps[window])
        _put_values(values, self.values[window], self.value_steps[window])

    def head_keys(self, window: int, head: int) -> Floats:
        """Return the keys of a head, shape (ENCODER_FRAMES, HEAD_WIDTH)."""
        keys = self.keys[window, head].transpose(0, 2, 1).reshape(-1, HEAD_WIDTH)[:ENCODER_FRAMES]
        return np.asarray(keys * self.key_steps[window, head], np.float32)

    def attend(self, windows: NDArray[np.int64], queries: Floats) -> Floats:
        """Return the attention output of the queries.

        Args:
            windows: shape (n,), places of the windows in the cache.
            queries: shape (n, queries of a window, heads, HEAD_WIDTH).

        Returns:
            The same shape as the queries.
        """
        mixed = np.empty_like(queries)
        _attend(windows, queries, *self, mixed)
        return mixed


def warm_up() -> None:
    """Compile the functions, or load them from the disk, before the first window."""
    cache = CrossAttentionCache.allocate(1, 1)
    cache.put(
        0,
        np.zeros((HEAD_WIDTH, ENCODER_FRAMES), np.uint16),
        np.zeros((ENCODER_FRAMES, HEAD_WIDTH), np.uint16),
    )
    cache.attend(np.zeros(1, np.int64), np.zeros((1, 1, 1, HEAD_WIDTH), np.float32))


@jit
def _put_keys(source: Halves, keys: Bytes, steps: Floats) -> None:
    for at in range(len(source)):
        row, head, channel = source[at], at // HEAD_WIDTH, at % HEAD_WIDTH
        highest = np.uint16(0)
        for i in range(ENCODER_FRAMES):
            highest = max(highest, _magnitude(row[i]))
        top = max(_widened(highest), SMALLEST)
        steps[head, channel] = top / STEPS
        for first in range(0, ENCODER_FRAMES, BLOCK):
            part = row[first : first + BLOCK]
            target = keys[head, first // BLOCK, channel]
            for i in range(len(part)):
                target[i] = np.int32(np.rint(_widened(part[i]) * (STEPS / top)))


@jit
def _put_values(source: Halves, values: Bytes, steps: Floats) -> None:
    highest, per_step = np.zeros(source.shape[1], np.uint16), np.empty(source.shape[1], np.float32)
    for i in range(len(source)):
        row = source[i]
        for at in range(len(row)):
            highest[at] = max(highest[at], _magnitude(row[at]))
    for at in range(len(highest)):
        top = max(_widened(highest[at]), SMALLEST)
        steps[at // HEAD_WIDTH, at % HEAD_WIDTH], per_step[at] = top / STEPS, STEPS / top
    for i in range(len(source)):
        for head in range(len(values)):
            channels = slice(head * HEAD_WIDTH, (head + 1) * HEAD_WIDTH)
            row, factors, target = source[i][channels], per_step[channels], values[head, i]
            for channel in range(HEAD_WIDTH):
                target[channel] = np.int32(np.rint(_widened(row[channel]) * factors[channel]))


@jit
def _magnitude(half: np.uint16) -> np.uint16:
    """Return the bits without the sign: they are in the order of the numbers' sizes."""
    return np.uint16(half & np.uint16(0x7FFF))


@jit
def _widened(half: np.uint16) -> np.float32:
    """Return a number in float32, whose upper half a bfloat16 is."""
    return np.uint32(np.uint32(half) << np.uint32(16)).view(np.float32)


@jit
def _attend(
    windows: NDArray[np.int64],
    queries: Floats,
    keys: Bytes,
    key_steps: Floats,
    values: Bytes,
    value_steps: Floats,
    mixed: Floats,
) -> None:
    """Attend with two queries of a window at a time: both use the same keys and values from the cache."""
    _, count, heads, _ = queries.shape
    one, two = np.empty(BLOCKS * BLOCK, np.float32), np.empty(BLOCKS * BLOCK, np.float32)
    spare = np.empty(HEAD_WIDTH, np.float32)
    for n, window in enumerate(windows):
        for head in range(heads):
            key_step, value_step = key_steps[window, head], value_steps[window, head]
            for i in range(0, count, 2):
                j = min(i + 1, count - 1)
                query_one, query_two = queries[n, i, head] * key_step, queries[n, j, head] * key_step
                mixed_one, mixed_two = mixed[n, i, head], mixed[n, j, head] if j > i else spare
                _score(query_one, query_two, keys[window, head], one, two)
                total_one, total_two = _exponentiate(one), _exponentiate(two)
                _mix(one, two, values[window, head], mixed_one, mixed_two)
                for channel in range(HEAD_WIDTH):
                    mixed_one[channel] *= value_step[channel] / total_one
                    mixed_two[channel] *= value_step[channel] / total_two


@jit
def _score(query_one: Floats, query_two: Floats, keys: Bytes, one: Floats, two: Floats) -> None:
    for block in range(BLOCKS):
        k = keys[block]
        a, b = one[block * BLOCK : (block + 1) * BLOCK], two[block * BLOCK : (block + 1) * BLOCK]
        a[:] = 0
        b[:] = 0
        for c in range(0, HEAD_WIDTH, CHANNELS):
            for line in range(0, CHANNELS * BLOCK, LINE):
                prefetch(keys, ((block + AHEAD) * HEAD_WIDTH + c) * BLOCK + line)
            p, q = query_one[c : c + CHANNELS], query_two[c : c + CHANNELS]
            for i in range(BLOCK):
                first, second = a[i], b[i]
                for channel in range(CHANNELS):
                    key = np.float32(k[c + channel, i])
                    first += p[channel] * key
                    second += q[channel] * key
                a[i], b[i] = first, second


@jit
def _exponentiate(scores: Floats) -> np.float32:
    """Turn the scores into weights, exp(score - highest); return their sum."""
    highest = scores[0]
    for i in range(ENCODER_FRAMES):
        highest = max(highest, scores[i])
    for i in range(ENCODER_FRAMES):
        scores[i] = fast_exp(scores[i] - highest)
    total = np.float32(0)
    for i in range(ENCODER_FRAMES):
        total += scores[i]
    return total


@jit
def _mix(one: Floats, two: Floats, values: Bytes, mixed_one: Floats, mixed_two: Floats) -> None:
    """Add up the values by two sets of weights."""
    mixed_one[:] = 0
    mixed_two[:] = 0
    for f in range(0, ENCODER_FRAMES, FRAMES):
        for line in range(0, FRAMES * HEAD_WIDTH, LINE):
            prefetch(values, (f + AHEAD * BLOCK) * HEAD_WIDTH + line)
        a, b = one[f : f + FRAMES], two[f : f + FRAMES]
        for c in range(HEAD_WIDTH):
            first, second = mixed_one[c], mixed_two[c]
            for frame in range(FRAMES):
                value = np.float32(values[f + frame, c])
                first += a[frame] * value
                second += b[frame] * value
            mixed_one[c], mixed_two[c] = first, second
