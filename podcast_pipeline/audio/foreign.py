"""Audio files of other hosts: is it audio that apps play, and of what type? By content, never by name."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import av.container
import av.error

from podcast_pipeline.audio.source import OPEN_OPTIONS
from podcast_pipeline.audio.truncation import header_has_duration, is_truncated
from podcast_pipeline.errors import AudioError
from podcast_pipeline.model.media_types import AUDIO_TYPES

DECODED_PACKETS = 40
LEAST_SHARE = 0.9
"""Of the declared duration; less is a file that broke off. A joined MP3 declares what is only estimated."""

BEGIN_BYTES = 512
FOREIGN_BEGINS = {
    b"<": "a page or XML",
    b"{": "JSON",
    b"[": "JSON",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "packed with gzip",
    b"%PDF": "a PDF",
    b"#": "a text or a playlist",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
}
"""What other files begin with, after a byte order mark and white space."""

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
            declared_s = _declared_s(path, container)
            format_name, has_film = container.format.name, _has_film(container)
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(path, f"is no audio ({getattr(error, 'strerror', None) or error})") from error
    _refuse_truncated(path, format_name, duration_s, declared_s)
    return ForeignAudio(suffix, _content_type(suffix, has_film=has_film), duration_s)


def _refuse_other_files(path: Path) -> None:
    with path.open("rb") as file:
        begin = file.read(BEGIN_BYTES)
    if not begin:
        raise AudioError(path, "is empty")
    words = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, name in FOREIGN_BEGINS.items():
        if words.startswith(magic):
            raise AudioError(path, f"is no audio, but {name}")


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


def _declared_s(path: Path, container: av.container.InputContainer) -> float:
    """Return the duration that a header states, 0 where none does."""
    stream = container.streams.audio[0]
    if not header_has_duration(path, container.format.name):
        return 0.0
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else 0.0
