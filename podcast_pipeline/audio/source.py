"""Checks whether a recording can be published, by reading it once from end to end before any work."""

from collections.abc import Iterator
from pathlib import Path

import av
import av.container
import av.error
import numpy as np

from podcast_pipeline.audio.truncation import header_has_duration, is_truncated
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import FrozenModel, Progress, ProgressCallback

FORMATS = "wav,w64,aiff,caf,flac,mp3,aac,mov,ogg,matroska"  # content decides, not the file's name
OPEN_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}  # no playlist can fetch a URL
MIN_DURATION_S = 1.0
TRUNCATION_TOLERANCE_S = 0.2  # less than this may be an encoder's padding
SILENCE_PEAK = 1e-3  # -60 dBFS: an unplugged microphone stays below
REPORT_EVERY_S = 30.0
SCALES = {  # sample type of a decoder -> (middle, full scale)
    "uint8": (128.0, 128.0),
    "int16": (0.0, 2.0**15),
    "int32": (0.0, 2.0**31),
    "int64": (0.0, 2.0**63),
    "float32": (0.0, 1.0),
    "float64": (0.0, 1.0),
}

Stream = av.AudioStream
Frame = av.AudioFrame


class AudioInfo(FrozenModel):
    """A recording that was read to its end.

    Attributes:
        duration_s: counted samples divided by the rate; exact, not rounded.
        codec: ffmpeg's name, e.g. "flac".
    """

    duration_s: float
    channels: int
    sample_rate_hz: int
    codec: str


def check_audio(
    path: Path, *, report: ProgressCallback, step: str = "check", max_channels: int = 2
) -> AudioInfo:
    """Read a whole recording and refuse one that would make a bad episode.

    Accepted: WAV, FLAC, AIFF, CAF, MP3, AAC, M4A, Ogg, Opus; of a video (MP4, MOV, MKV, WebM) its one
    audio track.

    Args:
        step: name of the progress step.
        max_channels: a file with more is refused; two, except for a file of several tracks.

    Raises:
        AudioError: the file is missing, empty, not audio, without an audio track or with several,
            has too many channels, is truncated or damaged, silent, shorter than a second, or
            has samples that are no numbers (NaN, infinity).
    """
    _require_bytes(path)
    try:
        with av.open(str(path.absolute()), options=OPEN_OPTIONS) as container:
            return _read(path, container, _only_stream(path, container, max_channels), report, step)
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "unknown"
        message = f"cannot be read as audio ({reason}); is it whole? Export it again as WAV, FLAC or MP3"
        raise AudioError(path, message) from error


def check_sound(path: Path, *, duration_s: float) -> None:
    """Count the sound in a file that we made, packet by packet without decoding, before it is delivered.

    Raises:
        AudioError: there is less or more of it than `duration_s`, or none.
    """
    try:
        with av.open(str(path.absolute()), options=OPEN_OPTIONS) as container:
            packets = container.demux(container.streams.audio[:1])
            there_s = sum(float((packet.duration or 0) * (packet.time_base or 0)) for packet in packets)
    except av.error.FFmpegError:
        there_s = 0.0
    if abs(there_s - duration_s) > TRUNCATION_TOLERANCE_S:
        message = (
            f"has {there_s:.1f} s of sound, not {duration_s:.1f} s; see that the disk is sound, run again"
        )
        raise AudioError(path, message)


def _require_bytes(path: Path) -> None:
    if path.is_dir():
        raise AudioError(path, "is a folder; name the recording in it")
    if not path.is_file():
        raise AudioError(path, "is not there; check the name")
    if path.stat().st_size == 0:
        raise AudioError(path, "is empty; copy the recording again")


def _read(
    path: Path, container: av.container.InputContainer, stream: Stream, report: ProgressCallback, step: str
) -> AudioInfo:
    if is_truncated(path, container.format.name):
        raise AudioError(path, "is truncated: its last part is missing; copy the recording again")
    declared_s = _declared_s(path, container, stream)
    tally = _Tally(path)
    for done_s in tally.count(container, stream):
        total_s = max(declared_s or 0, done_s)
        report(Progress(step=step, done=done_s, total=total_s, unit="s"))
    tally.check(declared_s)
    report(Progress(step=step, done=tally.duration_s, total=tally.duration_s, unit="s"))
    return AudioInfo(
        duration_s=tally.duration_s,
        channels=stream.channels,
        sample_rate_hz=tally.rate_hz,
        codec=stream.codec_context.name,
    )


def _only_stream(path: Path, container: av.container.InputContainer, max_channels: int) -> Stream:
    streams = container.streams.audio
    if not streams:
        raise AudioError(path, "has no audio track; name a recording with sound")
    if len(streams) > 1:
        raise AudioError(path, f"has {len(streams)} audio tracks; mix them into one and publish that")
    if streams[0].channels > max_channels:
        tracks = f"or name each speaker's channel: `podcast ingest --track NAME={path.name}:1 --track …`"
        raise AudioError(path, f"has {streams[0].channels} channels; mix it down to mono or stereo, {tracks}")
    if streams[0].channels < 1:
        raise AudioError(path, "has an audio track without channels; export it again as WAV, FLAC or MP3")
    return streams[0]


def _declared_s(path: Path, container: av.container.InputContainer, stream: Stream) -> float | None:
    if not header_has_duration(path, container.format.name):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else None


class _Tally:
    """Counts the samples of a decoder, their peak, and the seconds that cannot be decoded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = 0
        self.rate_hz = 1
        self.peak = 0.0
        self.lost_s = 0.0

    @property
    def duration_s(self) -> float:
        """Seconds decoded so far."""
        return self.samples / self.rate_hz

    def count(self, container: av.container.InputContainer, stream: Stream) -> Iterator[float]:
        """Decode everything; yield the seconds done, 0 first, then about every 30 seconds of audio."""
        stream.codec_context.thread_type = "AUTO"
        reported_s = 0.0
        yield reported_s
        for packet in container.demux(stream):
            for frame in self._decode(packet):
                self._add(frame)
            if self.duration_s - reported_s >= REPORT_EVERY_S:
                reported_s = self.duration_s
                yield reported_s

    def _decode(self, packet: "av.Packet[Stream]") -> list[Frame]:
        try:
            return packet.decode()
        except av.error.InvalidDataError:
            self.lost_s += float((packet.duration or 0) * (packet.time_base or 0))
            return []

    def _add(self, frame: Frame) -> None:
        self.samples += frame.samples
        self.rate_hz = frame.sample_rate
        loudest = _peak(frame)
        if not np.isfinite(loudest):
            where = f"{self.duration_s:.0f} s"
            raise AudioError(self.path, f"has samples that are no numbers at {where}; export it again")
        self.peak = max(self.peak, loudest)

    def check(self, declared_s: float | None) -> None:
        """Raise AudioError for a file that is truncated, damaged, too short or silent."""
        decoded_s = self.duration_s
        if declared_s is not None and decoded_s < declared_s - TRUNCATION_TOLERANCE_S:
            message = (
                f"is truncated: {decoded_s:.1f} s of {declared_s:.1f} s are there; copy the recording again"
            )
            raise AudioError(self.path, message)
        if self.lost_s > TRUNCATION_TOLERANCE_S:
            raise AudioError(self.path, f"is damaged: {self.lost_s:.1f} s cannot be decoded; copy it again")
        if decoded_s < MIN_DURATION_S:
            raise AudioError(self.path, f"is only {decoded_s:.2f} s long; is this the recording?")
        if self.peak < SILENCE_PEAK:
            raise AudioError(self.path, "is silent from start to end; was the microphone on?")


def _peak(frame: Frame) -> float:
    """Return the highest absolute sample, 1.0 = full scale; NaN where a sample is NaN."""
    samples = frame.to_ndarray()
    middle, full_scale = SCALES[samples.dtype.name]
    return max(float(samples.max()) - middle, middle - float(samples.min())) / full_scale
