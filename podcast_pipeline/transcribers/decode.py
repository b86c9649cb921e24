"""Audio files to samples, streamed: the memory is one block, whatever the length."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from podcast_pipeline.errors import AudioError

Samples = NDArray[np.float32]
"""float32, shape (n_samples,), 16 kHz mono, -1 to 1."""

SAMPLE_RATE_HZ = 16_000
BLOCK_SAMPLES = 512 * 320  # 10.24 s; whole frames of the voice detector
FULL_SCALE = 32768  # of 16 bits
SHORTFALL_S = 2.0  # a header may promise a little more than there is (encoder delay, a rounded length)

log = logging.getLogger(__name__)


class Recording:
    """A file that is decoded once, front to back.

    Attributes:
        declared_s: what its header says, 0 when it does not.
        stopped_s: where it ended before its declared end, or broke; None when it was whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.declared_s = 0.0
        self.stopped_s: float | None = None

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples in blocks of BLOCK_SAMPLES, the last one shorter.

        A broken tail ends the stream at the fault: `stopped_s` then says where.

        Raises:
            AudioError: no such file, not audio, or nothing in it can be decoded.
        """
        try:
            container = av.open(str(self.path), metadata_errors="ignore")
        except (av.FFmpegError, OSError) as error:
            raise AudioError(self.path, f"is not audio that can be read: {_reason(error)}") from error
        with container:
            if not container.streams.audio:
                raise AudioError(self.path, "has no sound in it; give a file with an audio track")
            self.declared_s = (container.duration or 0) / av.time_base
            yield from self._watched(_blocks(self._frames(container)))

    def _frames(self, container: InputContainer) -> Iterator[AudioFrame]:
        try:
            yield from container.decode(audio=0)
        except av.FFmpegError as error:
            log.warning("%s: broken: %s", self.path, _reason(error))

    def _watched(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        count = 0
        for block in blocks:
            count += block.size
            yield block
        if not count:
            raise AudioError(self.path, "has no sound that can be decoded; is it cut off or empty?")
        if count / SAMPLE_RATE_HZ < self.declared_s - SHORTFALL_S:
            self.stopped_s = count / SAMPLE_RATE_HZ
            log.warning("%s: stops at %.1f s of %.1f s", self.path, self.stopped_s, self.declared_s)


def _blocks(frames: Iterable[AudioFrame]) -> Iterator[Samples]:
    pending = np.empty(0, np.float32)
    parts: list[Samples] = []
    for part in _resampled(frames):
        parts.append(part)
        if sum(map(len, parts)) < BLOCK_SAMPLES - len(pending):
            continue
        pending, parts = np.concatenate([pending, *parts]), []
        whole = len(pending) - len(pending) % BLOCK_SAMPLES
        yield from pending[:whole].reshape(-1, BLOCK_SAMPLES)
        pending = pending[whole:]
    if rest := [part for part in (pending, *parts) if part.size]:
        yield np.concatenate(rest)


def _resampled(frames: Iterable[AudioFrame]) -> Iterator[Samples]:
    # Not float: ffmpeg's float downmix adds channels 3 dB too loud.
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    frame: AudioFrame | None = None
    for frame in frames:
        yield from map(_samples, resampler.resample(frame))
    if frame is not None:  # a resampler that has seen nothing cannot be flushed
        yield from map(_samples, resampler.resample(None))


def _samples(frame: AudioFrame) -> Samples:
    samples: Samples = frame.to_ndarray()[0].astype(np.float32)
    return samples / np.float32(FULL_SCALE)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
