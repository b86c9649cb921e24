"""Checks whether a recording can be published, by reading it once from end to end before any work."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import av.container
import av.error
import numpy as np
from numpy.typing import NDArray

from podcast_pipeline.audio.recording.findings import LevelReport, RecordingFinding
from podcast_pipeline.audio.recording.levels import LevelMeter, SoundOutline
from podcast_pipeline.audio.recording.opening import WHAT_TO_DO, find_source, open_recording
from podcast_pipeline.audio.recording.truncation import is_truncated, promised_s
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model import FrozenModel, Progress, ProgressCallback

MIN_DURATION_S = 1.0
TRUNCATION_TOLERANCE_S = 0.2  # less than this may be an encoder's padding
SILENCE_PEAK = 1e-3  # -60 dBFS: an unplugged microphone stays below
REPORT_EVERY_S = 30.0
NO_AUDIO = "has no audio track; name a recording with sound"
RESTART_S = 0.5  # by which a time may lie before the one before
LOSSLESS = ("flac", "alac", "wavpack", "tta", "ape", "tak", "shorten", "truehd", "mlp", "wmalossless")
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
        duration_s: counted samples divided by their rate; exact, not rounded.
        channels, sample_rate_hz: the most of any part.
        codec: ffmpeg's name, e.g. "flac".
        is_uniform: one rate, one number of channels and one clock from start to end, nothing lost on the way.
        lost_s: seconds that are lost in a FLAC, whose frames are numbered; counted in `duration_s`.
        findings: what a producer should know of it.
    """

    duration_s: float
    channels: int
    sample_rate_hz: int
    codec: str
    is_uniform: bool = True
    lost_s: float = 0.0
    findings: tuple[RecordingFinding, ...] = ()


def check_audio(
    path: Path,
    *,
    report: ProgressCallback,
    step: str = "check",
    max_channels: int = 2,
    is_track: bool = False,
) -> AudioInfo:
    """Read a whole recording and refuse one that would make a bad episode.

    Accepted: what libavformat reads from one file, by content (see `opening.FORMATS`); of a video its one
    audio track.

    Args:
        step: name of the progress step.
        max_channels: a file with more is refused; two, except for a file of several tracks.
        is_track: it is one speaker's own, so it is silent while others speak.

    Raises:
        AudioError: the file is missing, empty, not audio, without an audio track or with several,
            has too many channels, is truncated or damaged, silent, shorter than a second, or
            has samples that are no numbers (NaN, infinity).
    """
    with open_recording(path) as container:
        stream = _only_stream(path, container, max_channels)
        return _info(_checked(path, container, stream, report, step), stream, is_track=is_track)


def check_and_outline(path: Path, *, report: ProgressCallback) -> tuple[AudioInfo, SoundOutline]:
    """Check a recording as `check_audio` does, and return its outline, too; the step is "measure"."""
    with open_recording(path) as container:
        stream = _only_stream(path, container, max_channels=2)
        tally = _checked(path, container, stream, report, "measure")
        return _info(tally, stream), tally.meter.outline


def _checked(
    path: Path, container: av.container.InputContainer, stream: Stream, report: ProgressCallback, step: str
) -> "_Tally":
    if is_truncated(path, container.format.name):
        raise AudioError(path, "is truncated: its last part is missing; copy the recording again")
    promise_s = promised_s(path, container, stream)
    tally = _read(path, container, stream, report, step)
    tally.check(promise_s)
    return tally


def look_at(path: Path, *, report: ProgressCallback) -> tuple[RecordingFinding, ...]:
    """Read a whole file that is to be transcribed, and return what a producer should know of it.

    Of several tracks it is the one that a player chooses. Nothing is refused: the engine says why it cannot
    read a file.
    """
    try:
        return _look_at(path, report)
    except AudioError:
        return ()


def _look_at(path: Path, report: ProgressCallback) -> tuple[RecordingFinding, ...]:
    with open_recording(path) as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, av.AudioStream):
            raise AudioError(path, NO_AUDIO)
        return _findings(_read(path, container, stream, report, "check"))


def check_sound(path: Path, *, duration_s: float) -> None:
    """Count the sound in a file that we made, packet by packet without decoding, before it is delivered.

    Raises:
        AudioError: there is less or more of it than `duration_s`, or none.
    """
    try:
        there_s = _sound_s(path)
    except AudioError:
        there_s = 0.0
    if abs(there_s - duration_s) > TRUNCATION_TOLERANCE_S:
        message = (
            f"has {there_s:.1f} s of sound, not {duration_s:.1f} s; see that the disk is sound, run again"
        )
        raise AudioError(path, message)


def _sound_s(path: Path) -> float:
    with open_recording(path) as container:
        packets = container.demux(container.streams.audio[:1])
        return sum(float((packet.duration or 0) * (packet.time_base or 0)) for packet in packets)


def played_s(path: Path) -> float:
    """Return how long a player plays an MP3 that we made: what its header says of samples, to the sample.

    Raises:
        AudioError: it has less or more sound than its header says.
    """
    with open_recording(path) as container:
        stream = container.streams.audio[0]
        duration_s = float((stream.duration or 0) * (stream.time_base or 0))
    check_sound(path, duration_s=duration_s)
    return duration_s


def _read(
    path: Path, container: av.container.InputContainer, stream: Stream, report: ProgressCallback, step: str
) -> "_Tally":
    expected_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    tally = _Tally(path, stream)
    for done_s in tally.count(container, stream):
        report(Progress(step=step, done=done_s, total=max(expected_s, done_s), unit="s"))
    report(Progress(step=step, done=tally.duration_s, total=tally.duration_s, unit="s"))
    return tally


def _info(tally: "_Tally", stream: Stream, *, is_track: bool = False) -> AudioInfo:
    return AudioInfo(
        duration_s=tally.duration_s,
        channels=tally.channels,
        sample_rate_hz=tally.rate_hz,
        codec=stream.codec_context.name,
        is_uniform=tally.is_uniform,
        lost_s=tally.missing_s,
        findings=_findings(tally, is_track=is_track),
    )


def _findings(tally: "_Tally", *, is_track: bool = False) -> tuple[RecordingFinding, ...]:
    return (*_header_finding(tally), *tally.level_report(is_track=is_track).findings())


def _header_finding(tally: "_Tally") -> tuple[RecordingFinding, ...]:
    extent = find_source(tally.path).extent
    if extent is None or not extent.hidden_bytes:
        return ()
    seconds = extent.seconds((extent.end_byte - extent.start_byte) / tally.duration_s)
    message = f"has a wrong length in its header ({seconds}); all of it is taken"
    return (RecordingFinding(kind="header", message=message),)


def _only_stream(path: Path, container: av.container.InputContainer, max_channels: int) -> Stream:
    streams = container.streams.audio
    if not streams:
        raise AudioError(path, NO_AUDIO)
    if len(streams) > 1:
        convert = f"ffmpeg -i {path.name!r} -map 0:a:0 recording.wav"
        remedy = f"take one (`{convert}` is the first) or mix them, and publish that"
        raise AudioError(path, f"has {len(streams)} audio tracks; {remedy}")
    if streams[0].channels > max_channels:
        tracks = f"or name each speaker's channel: `podcast ingest --track NAME={path.name}:1 --track …`"
        raise AudioError(path, f"has {streams[0].channels} channels; mix it down to mono or stereo, {tracks}")
    if streams[0].channels < 1:
        raise AudioError(path, f"has an audio track without channels; {WHAT_TO_DO.lower()}")
    return streams[0]


class _Tally:
    """Counts the samples of a decoder, measures their levels, and counts what cannot be decoded.

    Attributes:
        channels, rate_hz: the most of any frame.
        lost_s: seconds that cannot be decoded.
        missing_s: those of them whose place is known, between the numbered frames of a FLAC.
    """

    def __init__(self, path: Path, stream: Stream) -> None:
        self.path = path
        self.lost_s = self.missing_s = 0.0
        self._is_numbered = stream.container.format.name == "flac"
        self._samples = Counter[int]()  # rate -> number
        self.channels = self.rate_hz = 1
        codec, bits = stream.codec_context.name, stream.codec_context.format.bits
        is_coarse = bits == 8 or codec in ("pcm_mulaw", "pcm_alaw")
        self.meter = LevelMeter(codec.startswith(("pcm_", *LOSSLESS)), is_coarse)
        self._shapes = set[tuple[int, int]]()
        self._last_s, self._has_restarted = 0.0, False

    @property
    def duration_s(self) -> float:
        """Seconds decoded so far."""
        return sum(count / rate_hz for rate_hz, count in self._samples.items())

    @property
    def is_uniform(self) -> bool:
        """Whether all frames have one rate and one number of channels, and times only grow."""
        return len(self._shapes) < 2 and not (self._has_restarted or self.missing_s)

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
        shape = rate_hz, channels = frame.sample_rate, frame.layout.nb_channels
        if shape not in self._shapes:
            self._shapes.add(shape)
            self.rate_hz, self.channels = max(self.rate_hz, rate_hz), max(self.channels, channels)
        if frame.time is not None:
            self._has_restarted |= frame.time < self._last_s - RESTART_S
            self._last_s = frame.time
            self._count_missing(frame)
        samples = _samples(frame, channels)
        if not np.isfinite(samples.sum()):
            where = f"{self.duration_s + frame.samples / rate_hz:.0f} s"
            raise AudioError(self.path, f"has samples that are no numbers at {where}; export it again")
        self._samples[rate_hz] += frame.samples
        self.meter.add(samples, rate_hz)

    def _count_missing(self, frame: Frame) -> None:
        if not self._is_numbered:
            return
        missing = round(((frame.time or 0.0) - self.duration_s) * frame.sample_rate)
        if missing > 0:
            self._samples[frame.sample_rate] += missing
            self.missing_s += missing / frame.sample_rate
            self.lost_s += missing / frame.sample_rate

    def check(self, promise_s: float | None) -> None:
        """Raise AudioError for a file that is truncated, damaged, too short or silent."""
        decoded_s, levels = self.duration_s, self.level_report()
        if promise_s is not None and decoded_s < promise_s - TRUNCATION_TOLERANCE_S:
            message = (
                f"is truncated: {decoded_s:.1f} s of {promise_s:.1f} s are there; copy the recording again"
            )
            raise AudioError(self.path, message)
        if self.lost_s > TRUNCATION_TOLERANCE_S:
            raise AudioError(self.path, f"is damaged: {self.lost_s:.1f} s cannot be decoded; copy it again")
        if decoded_s < MIN_DURATION_S:
            raise AudioError(self.path, f"is only {decoded_s:.2f} s long; is this the recording?")
        if self.meter.peak < SILENCE_PEAK:
            raise AudioError(self.path, "is silent from start to end; was the microphone on?")
        if levels.is_only_noise:
            level = f"{levels.speech_db:.0f} dB"
            raise AudioError(self.path, f"has only faint hum or hiss ({level}); was the right microphone on?")

    def level_report(self, *, is_track: bool = False) -> LevelReport:
        """Return the levels of what was decoded."""
        return LevelReport(self.meter.finish(), self.path, self.meter.is_lossless, is_track)


def _samples(frame: Frame, channels: int) -> NDArray[np.float32]:
    """Return the samples of a frame, shape (channels, n), 1.0 = full scale."""
    samples = frame.to_ndarray()
    middle, full_scale = SCALES[samples.dtype.name]
    if not frame.format.is_planar:
        samples = samples.reshape(-1, channels).T
    scaled = samples.astype(np.float32, order="C")  # each channel in one piece
    if middle:
        scaled -= np.float32(middle)
    return scaled if full_scale == 1 else scaled / np.float32(full_scale)
