"""Decode audio files to samples, streamed: one block in memory, whatever the length."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av import AudioFrame, AudioStream, Packet
from av.container import InputContainer
from av.stream import Stream
from numpy.typing import NDArray

from podcast_pipeline.audio.truncation import is_truncated
from podcast_pipeline.errors import AudioError

Samples = NDArray[np.float32]
"""float32, shape (n_samples,), 16 kHz mono, -1 to 1."""

SAMPLE_RATE_HZ = 16_000
BLOCK_SAMPLES = 512 * 320  # 10.24 s; whole frames of voice activity detection
FULL_SCALE = 32768  # of 16 bits
SHORTFALL_S = 2.0  # a header may state a little more than there is (encoder delay, a rounded length)

log = logging.getLogger(__name__)


class Recording:
    """A file that is decoded once, front to back.

    Attributes:
        declared_s: duration that the header states, 0 if it states none.
        stopped_s: where a truncated or damaged file ended early; None for a complete file.
        skipped_s: the first place that could not be decoded and was left out; None if there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.declared_s = 0.0
        self.stopped_s: float | None = None
        self.skipped_s: float | None = None

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples in blocks of BLOCK_SAMPLES, the last one shorter.

        Of several audio tracks the one that a player chooses is decoded. Damaged packets are left out, as by
        ffmpeg, and set `skipped_s`. A damaged tail ends the stream and sets `stopped_s`.

        Raises:
            AudioError: no such file, not audio, or nothing in it can be decoded.
        """
        try:
            container = av.open(str(self.path), metadata_errors="ignore")
        except (av.FFmpegError, OSError) as error:
            raise AudioError(self.path, f"is not audio that can be read: {_reason(error)}") from error
        with container:
            stream = container.streams.best("audio")
            if not isinstance(stream, AudioStream):
                raise AudioError(self.path, "has no sound in it; give a file with an audio track")
            self.declared_s = (container.duration or 0) / av.time_base
            decoder = _TrackDecoder(self.path, container, stream)
            yield from _blocks(decoder.frames())
        if not decoder.decoded_s:
            raise AudioError(
                self.path, "has no sound that can be decoded; check that it is not truncated or empty"
            )
        self.skipped_s = decoder.skipped_s
        if decoder.ended_early(self.declared_s) or is_truncated(self.path, container.format.name):
            self.stopped_s = decoder.decoded_s
            log.warning("%s: stops at %.1f s of %.1f s", self.path, self.stopped_s, self.declared_s)


class _TrackDecoder:
    """Decodes the frames of one track and records its faults.

    Attributes:
        decoded_s: seconds decoded.
        reached_s: how far the file was read, in any track: another may be longer than this one.
        broken_s: where decoding failed, if nothing was decoded since.
        skipped_s: where decoding first failed and later continued.
    """

    def __init__(self, path: Path, container: InputContainer, stream: AudioStream) -> None:
        self.decoded_s = self.reached_s = 0.0
        self.broken_s: float | None = None
        self.skipped_s: float | None = None
        self._path, self._container, self._stream = path, container, stream

    def frames(self) -> Iterator[AudioFrame]:
        """Yield the frames that can be decoded."""
        try:
            for packet in self._container.demux():
                self._note_position(packet)
                if packet.stream.index == self._stream.index:
                    yield from self._decoded(packet)
        except av.FFmpegError as error:
            self._fail(error)

    def ended_early(self, declared_s: float) -> bool:
        """Tell whether the file ended before the duration in its header, or with undecodable packets."""
        return self.broken_s is not None or max(self.decoded_s, self.reached_s) < declared_s - SHORTFALL_S

    def _note_position(self, packet: "Packet[Stream]") -> None:
        if packet.pts is not None and packet.time_base is not None:
            end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self.reached_s = max(self.reached_s, end_s - (self._container.start_time or 0) / av.time_base)

    def _decoded(self, packet: "Packet[Stream]") -> Iterator[AudioFrame]:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            return self._fail(error)
        for frame in frames:
            if isinstance(frame, AudioFrame):
                self._end_fault()
                self.decoded_s += frame.samples / frame.sample_rate
                yield frame

    def _fail(self, error: av.FFmpegError) -> None:
        self.broken_s = self.decoded_s if self.broken_s is None else self.broken_s
        log.warning("%s: broken at %.1f s: %s", self._path, self.broken_s, _reason(error))

    def _end_fault(self) -> None:
        if self.skipped_s is None:
            self.skipped_s = self.broken_s
        self.broken_s = None


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
    if frame is not None:  # a resampler without input cannot be flushed
        yield from map(_samples, resampler.resample(None))


def _samples(frame: AudioFrame) -> Samples:
    samples: Samples = frame.to_ndarray()[0].astype(np.float32)
    return samples / np.float32(FULL_SCALE)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
