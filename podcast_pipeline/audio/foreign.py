"""Audio files of other hosts: is it audio that apps play, and of what type? By content, never by name."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import av.container
import av.error

from podcast_pipeline.audio.recording.opening import OPEN_OPTIONS, foreign_begin
from podcast_pipeline.audio.recording.truncation import is_truncated, promised_s
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model.media_types import AUDIO_TYPES

DECODED_PACKETS = 40
LEAST_SHARE = 0.9
"""Of the declared duration; less is a file that broke off. A joined MP3 declares what is only estimated."""

SUFFIXES = {"mp3": ".mp3", "aac": ".aac", "flac": ".flac", "wav": ".wav"}
"""ffmpeg's name of a format -> its suffix, where the format alone decides."""

WEBM_CODECS = ("opus", "vorbis")


@dataclass(frozen=True)
class ForeignAudio:
    """An audio file of another host.

    Attributes:
        suffix: a key of AUDIO_TYPES.
        content_type: one of that suffix.
        duration_s: counted, without decoding it all.
    """

    suffix: str
    content_type: str
    duration_s: float


def identify_audio(path: Path) -> ForeignAudio:
    """Decode the first frames of a file, read all its packets, and return what it is.

    Raises:
        AudioError: it is no audio, has no audio track, is truncated, or apps play no such format.
    """
    _refuse_other_files(path)
    try:
        with av.open(str(path.absolute()), options=OPEN_OPTIONS, metadata_errors="ignore") as container:
            suffix = _suffix(path, container)
            duration_s = _read(path, container)
            declared_s = promised_s(path, container, container.streams.audio[0]) or 0.0
            format_name, has_film = container.format.name, _has_film(container)
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(path, f"is no audio ({getattr(error, 'strerror', None) or error})") from error
    _refuse_truncated(path, format_name, duration_s, declared_s)
    return ForeignAudio(suffix, _content_type(suffix, has_film=has_film), duration_s)


def _refuse_other_files(path: Path) -> None:
    if not path.stat().st_size:
        raise AudioError(path, "is empty")
    if begin := foreign_begin(path):
        raise AudioError(path, f"is no audio, but {begin}")


def _suffix(path: Path, container: av.container.InputContainer) -> str:
    names = container.format.name.split(",")
    if not container.streams.audio:
        raise AudioError(path, "has no audio track")
    if names[0] in SUFFIXES:
        return SUFFIXES[names[0]]
    if names[0] == "ogg":
        return ".opus" if container.streams.audio[0].codec_context.name == "opus" else ".ogg"
    if names[0] == "mov":
        return ".mp4" if _has_film(container) else ".m4a"
    if names[0] == "matroska":
        return ".webm" if container.streams.audio[0].codec_context.name in WEBM_CODECS else ".mkv"
    raise AudioError(path, f"is {names[0]}, which podcast apps do not play")


def _content_type(suffix: str, *, has_film: bool) -> str:
    types = AUDIO_TYPES[suffix]
    return next((mime for mime in types if mime.startswith("video/") == has_film), types[0])


def _refuse_truncated(path: Path, format_name: str, duration_s: float, declared_s: float) -> None:
    if is_truncated(path, format_name):
        raise AudioError(path, "is truncated: its last part is missing")
    if duration_s < declared_s * LEAST_SHARE:
        raise AudioError(path, f"is truncated: {duration_s:.0f} s of {declared_s:.0f} s are there")


def _has_film(container: av.container.InputContainer) -> bool:
    """Tell whether there is a video track that is no cover picture."""
    return any(
        not stream.disposition & av.stream.Disposition.attached_pic for stream in container.streams.video
    )


def _read(path: Path, container: av.container.InputContainer) -> float:
    """Return the seconds of all packets, after the first ones were decoded.

    Raises:
        AudioError: not one of the first packets can be decoded.
    """
    stream = container.streams.audio[0]
    packets = (packet for packet in container.demux(stream) if packet.size)
    frames, seconds = 0, 0.0
    for packet in islice(packets, DECODED_PACKETS):
        frames += _decoded(packet)
        seconds += _seconds(packet)
    if not frames:
        raise AudioError(path, "has nothing that can be decoded as audio")
    return seconds + sum(map(_seconds, packets))


def _decoded(packet: "av.Packet[av.AudioStream]") -> int:
    try:
        return len(packet.decode())
    except av.error.FFmpegError:
        return 0


def _seconds(packet: "av.Packet[av.AudioStream]") -> float:
    return float((packet.duration or 0) * (packet.time_base or 0))
