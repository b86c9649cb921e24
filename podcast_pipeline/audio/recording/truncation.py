"""Detects truncated audio files by the length that their headers state.

libavformat's duration is reliable only where a header states it. Elsewhere it is estimated from the size of
the file, and a truncated file would pass: those headers are read here.
"""

from pathlib import Path
from typing import IO

import av
import av.container

from podcast_pipeline.audio.recording.chunks import is_short

OGG_TAIL_BYTES = 128 * 1024  # a page has at most 65,307 bytes
OGG_LAST_PAGE = 0x04
ASF_SEARCH_BYTES = 64 * 1024
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
MP3_SEARCH_BYTES = 8 * 1024
XING_HAS_FRAMES = 0x01
FRAME_SAMPLES = {True: 1152, False: 576}  # of MPEG-1 (32 kHz and more) or MPEG-2; Layer III
MPEG_1_HZ = 32_000
ESTIMATED = ("aac", "ac3", "eac3", "amr", "mpegts", "mpeg", "dts", "truehd", "loas", "flv")
ROUGH = ("asf", "avi", "rm", "qcp", "dss", "oma", "wtv", "mxf", "mpc", "mpc8")
"""Formats whose duration is an estimate, and those that state it roughly."""

ROUGH_S = 2.0
SIZED = ("avi", "asf")
MATROSKA = "matroska,webm"
"""These state the size of the file, too, which `is_truncated` compares."""

EBML, SEGMENT = bytes.fromhex("1a45dfa3"), bytes.fromhex("18538067")


def is_truncated(path: Path, format_name: str) -> bool:
    """Tell whether the container shows that its end is missing: WAV and its kin, AVI, WMA, Matroska, Ogg."""
    if format_name in ("wav", "w64", "aiff", "caf"):
        return is_short(path)
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        if format_name == "ogg":
            return not _ogg_has_end(file, size_bytes)
        if format_name == "avi":
            return int.from_bytes(file.read(8)[4:], "little") > size_bytes
        if format_name == MATROSKA:
            return (_segment_end(file) or 0) > size_bytes
        return format_name == "asf" and _asf_size_bytes(file) > size_bytes


def promised_s(path: Path, container: av.container.InputContainer, stream: av.AudioStream) -> float | None:
    """Return the seconds that a header states, None where none does and libavformat has estimated them."""
    name = container.format.name
    if name in ("wav", "w64", "ogg") or name in ESTIMATED:
        return None
    if name == "mp3":
        return _mp3_promise_s(path, stream)
    if (name in SIZED and len(container.streams) > 1) or (name == MATROSKA and _has_segment_end(path)):
        return None  # the duration is that of all tracks: a picture may begin before the sound and outlast it
    if stream.duration is not None and stream.time_base is not None:
        stated_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        stated_s = container.duration / av.time_base
    else:
        return None
    return max(0.0, stated_s - ROUGH_S) if name in ROUGH else stated_s


def _ogg_has_end(file: IO[bytes], size_bytes: int) -> bool:
    file.seek(max(0, size_bytes - OGG_TAIL_BYTES))
    tail = file.read()
    page = tail.rfind(b"OggS\x00")
    return page >= 0 and len(tail) > page + 5 and bool(tail[page + 5] & OGG_LAST_PAGE)


def _has_segment_end(path: Path) -> bool:
    with path.open("rb") as file:
        return _segment_end(file) is not None


def _segment_end(file: IO[bytes]) -> int | None:
    """Return where a Matroska ends, None where it does not say (a live one). Source: RFC 8794."""
    if file.read(4) != EBML:
        return None
    file.seek(_ebml_size(file) or 0, 1)
    if file.read(4) != SEGMENT:
        return None
    size_bytes = _ebml_size(file)
    return None if size_bytes is None else file.tell() + size_bytes


def _ebml_size(file: IO[bytes]) -> int | None:
    """Read the size of an element; None for the unknown one, all of whose bits are set."""
    first = file.read(1)
    length = 9 - first[0].bit_length() if first and first[0] else 1
    value = int.from_bytes(first + file.read(length - 1)) & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else value


def _asf_size_bytes(file: IO[bytes]) -> int:
    """Return the size of a WMA that its header states, 0 where none does. Source: ASF, 3.2."""
    begin = file.read(ASF_SEARCH_BYTES)
    at = begin.find(ASF_FILE_PROPERTIES)
    is_broadcast = at < 0 or begin[at + 88] & 1
    return 0 if is_broadcast else int.from_bytes(begin[at + 40 : at + 48], "little")


def _mp3_promise_s(path: Path, stream: av.AudioStream) -> float | None:
    """Return the length of the frames that an MP3's header counts: its own, or those of its first part.

    libavformat drops the header of a file that is larger than it says, and estimates: of joined files, and
    where a tag or zeros follow.
    """
    with path.open("rb") as file:
        frames = _mp3_frame_count(file)
    if frames is None:
        return None
    promise_s = frames * FRAME_SAMPLES[stream.rate >= MPEG_1_HZ] / stream.rate
    if stream.duration is not None and stream.time_base is not None:
        return min(promise_s, float(stream.duration * stream.time_base))
    return promise_s


def _mp3_frame_count(file: IO[bytes]) -> int | None:
    """Return an MP3's own count of its frames. Source: LAME's Xing header; VBRI always has the count."""
    header = file.read(10)
    while header[:3] == b"ID3":
        length = sum(byte << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
        file.seek(length, 1)
        header = file.read(10)
    first = header + file.read(MP3_SEARCH_BYTES)
    for name in (b"Xing", b"Info"):
        at = first.find(name)
        if at >= 0:
            has_count = int.from_bytes(first[at + 4 : at + 8]) & XING_HAS_FRAMES
            return int.from_bytes(first[at + 8 : at + 12]) if has_count else None
    at = first.find(b"VBRI")
    return int.from_bytes(first[at + 14 : at + 18]) if at >= 0 else None
