"""Detects truncated audio files by the length that their headers state.

libavformat's duration is reliable only where a header states it. Elsewhere it is estimated from the size of
the file, and a truncated file would pass: those headers are read here.
"""

import struct
from pathlib import Path
from typing import IO

OGG_TAIL_BYTES = 128 * 1024  # a page has at most 65,307 bytes
OGG_LAST_PAGE = 0x04
MP3_SEARCH_BYTES = 8 * 1024
XING_HAS_FRAMES = 0x01
WAV_STREAMED = (0, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF)  # sizes of writers that could not seek back


def is_truncated(path: Path, format_name: str) -> bool:
    """Tell whether the container shows that its end is missing (WAV and Ogg)."""
    with path.open("rb") as file:
        if format_name == "wav":
            return _wav_is_short(file, path.stat().st_size)
        if format_name == "ogg":
            return not _ogg_has_end(file, path.stat().st_size)
    return False


def header_has_duration(path: Path, format_name: str) -> bool:
    """Tell whether libavformat's duration comes from a header, not from the size of the file."""
    if format_name != "mp3":
        return format_name not in ("wav", "ogg", "aac")
    with path.open("rb") as file:
        return _mp3_counts_frames(file)


def _wav_is_short(file: IO[bytes], size_bytes: int) -> bool:
    if file.read(12)[:4] != b"RIFF":
        return False
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            return length not in WAV_STREAMED and file.tell() + length > size_bytes
        file.seek(length + length % 2, 1)
    return True


def _ogg_has_end(file: IO[bytes], size_bytes: int) -> bool:
    file.seek(max(0, size_bytes - OGG_TAIL_BYTES))
    tail = file.read()
    page = tail.rfind(b"OggS\x00")
    return page >= 0 and len(tail) > page + 5 and bool(tail[page + 5] & OGG_LAST_PAGE)


def _mp3_counts_frames(file: IO[bytes]) -> bool:
    """Tell whether an MP3 has a frame count. Source: LAME's Xing header; VBRI always has the count."""
    header = file.read(10)
    while header[:3] == b"ID3":
        length = sum(byte << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
        file.seek(length, 1)
        header = file.read(10)
    first = header + file.read(MP3_SEARCH_BYTES)
    for name in (b"Xing", b"Info"):
        at = first.find(name)
        if at >= 0:
            return bool(int.from_bytes(first[at + 4 : at + 8]) & XING_HAS_FRAMES)
    return b"VBRI" in first
