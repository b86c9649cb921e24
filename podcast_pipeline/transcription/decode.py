"""Decode audio files to samples, streamed: one block in memory, whatever the length."""

import logging
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path

import av
import numpy as np
from av import AudioFrame, AudioResampler, AudioStream, Packet
from av.container import InputContainer
from av.stream import Stream
from numpy.typing import NDArray

from podcast_pipeline.audio.recording.opening import open_recording
from podcast_pipeline.audio.recording.truncation import is_truncated, promised_s
from podcast_pipeline.errors import AudioError

Samples = NDArray[np.float32]
"""float32, shape (n_samples,), 16 kHz mono, -1 to 1."""

Channels = NDArray[np.float32]
"""float32, shape (channels, n_samples), 16 kHz, 1.0 = full scale; a float file may have more."""

SAMPLE_RATE_HZ = 16_000
BLOCK_SAMPLES = 512 * 320  # 10.24 s; whole frames of voice activity detection
PHASE_SAMPLES = 16 * 320  # for which it is decided whether channels cancel each other out
CANCELLED = 0.1  # of the power of the louder channel; one silent channel leaves a quarter
SHORTFALL_S = 2.0  # a header may state a little more than there is (encoder delay, a rounded length)

log = logging.getLogger(__name__)


class Recording:
    """A file that is decoded once, front to back.

    Attributes:
        declared_s: duration that the header states, 0 if it states none.
        stopped_s: where a truncated or damaged file ended early; None for a complete file.
        skipped_s: the first place that could not be decoded and was left out; None if there is none.
        silence_s: seconds of silence in the place of what could not be decoded, where its length is known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.declared_s = 0.0
        self.stopped_s: float | None = None
        self.skipped_s: float | None = None
        self.silence_s = 0.0

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples in blocks of BLOCK_SAMPLES, the last one shorter.

        Of several audio tracks the one that a player chooses is decoded. Damaged packets are left out, as by
        ffmpeg, and set `skipped_s`; in a FLAC, whose frames are numbered, silence takes their place. A
        damaged tail ends the stream and sets `stopped_s`.

        Raises:
            AudioError: no such file, not audio, or nothing in it can be decoded.
        """
        with open_recording(self.path) as container:
            stream = container.streams.best("audio")
            if not isinstance(stream, AudioStream):
                raise AudioError(self.path, "has no sound in it; give a file with an audio track")
            self.declared_s = (container.duration or 0) / av.time_base
            promise_s = promised_s(self.path, container, stream) or 0.0
            decoder = _TrackDecoder(self.path, container, stream)
            yield from _blocks(decoder.frames())
        if not decoder.decoded_s:
            raise AudioError(
                self.path, "has no sound that can be decoded; check that it is not truncated or empty"
            )
        self.skipped_s, self.silence_s = decoder.skipped_s, decoder.silence_s
        if decoder.ended_early(promise_s) or is_truncated(self.path, container.format.name):
            self.stopped_s = decoder.decoded_s
            log.warning("%s: stops at %.1f s", self.path, self.stopped_s)


class _TrackDecoder:
    """Decodes the frames of one track and records its faults.

    Attributes:
        decoded_s: seconds decoded.
        reached_s: how far the file was read, in any track: another may be longer than this one.
        broken_s: where decoding failed, if nothing was decoded since.
        skipped_s: where decoding first failed and later continued.
        silence_s: seconds of silence in the place of lost frames.
    """

    def __init__(self, path: Path, container: InputContainer, stream: AudioStream) -> None:
        self.decoded_s = self.reached_s = 0.0
        self.broken_s: float | None = None
        self.skipped_s: float | None = None
        self.silence_s = 0.0
        self._path, self._container, self._stream = path, container, stream
        self._is_numbered = container.format.name == "flac"

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
                yield from self._lost_before(frame)
                self._end_fault()
                self.decoded_s += frame.samples / frame.sample_rate
                yield frame

    def _lost_before(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """Yield silence as long as the frames that are missing before a frame whose place is known."""
        if not self._is_numbered or frame.pts is None or frame.time_base is None:
            return
        end_s = min(float(frame.pts * frame.time_base), (self._container.duration or 0) / av.time_base)
        lost = round((end_s - self.decoded_s) * frame.sample_rate)
        if lost <= 0:
            return
        self.broken_s = self.decoded_s if self.broken_s is None else self.broken_s
        log.warning("%s: %.3f s are lost at %.1f s", self._path, lost / frame.sample_rate, self.decoded_s)
        for start in range(0, lost, frame.sample_rate):
            silence = _silence_like(frame, min(frame.sample_rate, lost - start))
            self.decoded_s += silence.samples / frame.sample_rate
            self.silence_s += silence.samples / frame.sample_rate
            yield silence

    def _fail(self, error: av.FFmpegError) -> None:
        self.broken_s = self.decoded_s if self.broken_s is None else self.broken_s
        log.warning("%s: broken at %.1f s: %s", self._path, self.broken_s, _reason(error))

    def _end_fault(self) -> None:
        if self.skipped_s is None:
            self.skipped_s = self.broken_s
        self.broken_s = None


def _silence_like(frame: AudioFrame, samples: int) -> AudioFrame:
    silence = AudioFrame(frame.format.name, frame.layout.name, samples)
    silence.sample_rate = frame.sample_rate
    for plane in silence.planes:
        plane.update(bytes(plane.buffer_size))
    return silence


def _blocks(frames: Iterable[AudioFrame]) -> Iterator[Samples]:
    """Yield blocks of BLOCK_SAMPLES, the last one shorter, as mono and at most at full scale."""
    pending = np.empty((1, 0), np.float32)
    parts: list[Channels] = []
    for part in _resampled(frames):
        if len(part) != len(pending):  # a stream that changes its channels: what follows has them from here
            parts, pending = (
                [_with_channels(one, len(part)) for one in parts],
                _with_channels(pending, len(part)),
            )
        parts.append(part)
        if sum(one.shape[1] for one in parts) < BLOCK_SAMPLES - pending.shape[1]:
            continue
        pending, parts = np.concatenate([pending, *parts], axis=1), []
        whole = pending.shape[1] - pending.shape[1] % BLOCK_SAMPLES
        for start in range(0, whole, BLOCK_SAMPLES):
            yield to_mono(pending[:, start : start + BLOCK_SAMPLES])
        pending = pending[:, whole:]
    rest = np.concatenate([pending, *parts], axis=1)
    if rest.size:
        yield to_mono(rest)


def to_mono(block: Channels) -> Samples:
    """Return the mean of the channels, and where they cancel each other out the louder one.

    Samples above full scale, as float files have them, are scaled down with their whole block, not clipped.
    """
    mono: Samples = block.mean(axis=0)
    if len(block) > 1:
        for start in range(0, block.shape[1], PHASE_SAMPLES):
            part = block[:, start : start + PHASE_SAMPLES]
            power = np.einsum("cs,cs->c", part, part)
            mixed = mono[start : start + PHASE_SAMPLES]
            if float(mixed @ mixed) < CANCELLED * power.max():
                mono[start : start + PHASE_SAMPLES] = part[int(power.argmax())]
    peak = float(np.abs(mono).max(initial=0))
    if peak > 1:
        mono /= np.float32(peak)
    return mono


def _with_channels(samples: Channels, count: int) -> Channels:
    return np.repeat(samples.mean(axis=0, keepdims=True), count, axis=0)


def _shape(frame: AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.layout.name, frame.format.name


def _resampled(frames: Iterable[AudioFrame]) -> Iterator[Channels]:
    """Yield the samples of all frames at SAMPLE_RATE_HZ; a new rate or layout gets a resampler of its own."""
    for _, same in groupby(
        frames, key=lambda frame: (frame.sample_rate, frame.layout.name, frame.format.name)
    ):
        resampler = AudioResampler(format="fltp", rate=SAMPLE_RATE_HZ)
        for frame in chain(same, [None]):
            for resampled in resampler.resample(frame):
                yield resampled.to_ndarray().astype(np.float32, copy=False)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
