"""Finds sound that a header of WAV, RF64, Wave64, AIFF or CAF does not mention.

A 32-bit size wraps at 4 GiB, and a recorder that loses power leaves an old one. Decoders stop where the
header says, and nobody is told. What follows the sound is either chunks, zeros, or more sound.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

WRAP_BYTES = 2**32
READ_BYTES = 1 << 20
W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of all other chunk names of Wave64
UNKNOWN = (0, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF, 2**64 - 1)  # of writers that could not seek back


@dataclass(frozen=True)
class ChunkLayout:
    """How a family of files writes its chunks.

    Attributes:
        first_byte: of the first chunk.
        name_bytes, size: of a chunk's header; `size` is a format of `struct`.
        counts_header: whether a chunk's size includes its header.
        sound: the name of the chunk with the sound, without what follows in a longer name.
    """

    first_byte: int
    name_bytes: int
    size: str
    pad_bytes: int
    sound: bytes
    counts_header: bool = False

    @property
    def header_bytes(self) -> int:
        """Length of a chunk's name and size."""
        return self.name_bytes + struct.calcsize(self.size)

    def is_name(self, name: bytes) -> bool:
        """Tell whether bytes can be a chunk's name."""
        if self.name_bytes > 4 and not name.endswith(W64_TAIL):
            return False
        return all(0x20 <= byte < 0x7F for byte in name[:4]) and name[:1] != b" "


RIFF = ChunkLayout(12, 4, "<I", 2, b"data")
LAYOUTS = {
    b"RIFF": RIFF,
    b"RF64": RIFF,
    b"BW64": RIFF,
    b"riff": ChunkLayout(40, 16, "<Q", 8, b"data", counts_header=True),
    b"FORM": ChunkLayout(12, 4, ">I", 2, b"SSND"),
    b"caff": ChunkLayout(8, 4, ">Q", 1, b"data"),
}


@dataclass(frozen=True)
class SoundExtent:
    """Where the sound of a file is.

    Attributes:
        start_byte: of the sound.
        declared_bytes: its length by the header.
        end_byte: where it really ends; no less than the header says, whatever is missing.
        can_reopen: whether libavformat can be told to read up to there.
    """

    start_byte: int
    declared_bytes: int
    end_byte: int
    can_reopen: bool

    @property
    def hidden_bytes(self) -> int:
        """Length of the sound that the header does not mention."""
        return self.end_byte - self.start_byte - self.declared_bytes

    def seconds(self, bytes_per_s: float) -> str:
        """Return both lengths as text."""
        whole_s = (self.end_byte - self.start_byte) / bytes_per_s
        return f"the header says {self.declared_bytes / bytes_per_s:.1f} s, the file has {whole_s:.1f} s"


def odd_extent(path: Path) -> SoundExtent | None:
    """Return the extent of a file's sound where something else than chunks follows it, else None.

    Where zeros follow, as of a recorder that reserves room, the sound ends as the header says.
    """
    with path.open("rb") as file:
        return _extent(file, path.stat().st_size)


def is_short(path: Path) -> bool:
    """Tell whether a file ends before its sound does, by its header, or has none at all."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        layout = LAYOUTS.get(file.read(4))
        if layout is None or (found := _sound_chunk(file, layout, size_bytes)) is None:
            return layout is not None
    start, length = found
    return length not in UNKNOWN and start + length > size_bytes


def _extent(file: IO[bytes], size_bytes: int) -> SoundExtent | None:
    magic = file.read(4)
    layout = LAYOUTS.get(magic)
    if layout is None or (found := _sound_chunk(file, layout, size_bytes)) is None:
        return None
    start, length = found
    if length in UNKNOWN or start + length > size_bytes:
        return None
    wraps = WRAP_BYTES if magic == b"RIFF" else size_bytes
    for end in range(start + length, size_bytes + 1, wraps):
        if any(_is_chunks(file, layout, at, size_bytes) for at in _padded(end, layout)):
            return SoundExtent(start, length, end, can_reopen=True) if end > start + length else None
    if _is_zeros(file, start + length):
        return SoundExtent(start, length, start + length, can_reopen=layout is RIFF)
    return SoundExtent(start, length, size_bytes, can_reopen=layout is RIFF)


def _padded(end: int, layout: ChunkLayout) -> Iterator[int]:
    """Yield where the next chunk may begin: not every writer pads."""
    yield end
    if end % layout.pad_bytes:
        yield end + layout.pad_bytes - end % layout.pad_bytes


def _sound_chunk(file: IO[bytes], layout: ChunkLayout, size_bytes: int) -> tuple[int, int] | None:
    """Return where the sound begins and its length by the header; None where there is no sound."""
    at, long_length = layout.first_byte, None
    while chunk := _chunk(file, layout, at):
        name, start, length = chunk
        if name[:4] == b"ds64":
            long_length = struct.unpack("<8xQ", file.read(16))[0]
        if name[:4] == layout.sound:
            return start, long_length if long_length is not None and length == 0xFFFFFFFF else length
        at = start + length + -length % layout.pad_bytes
        if at >= size_bytes:
            break
    return None


def _is_chunks(file: IO[bytes], layout: ChunkLayout, at: int, size_bytes: int) -> bool:
    """Tell whether chunks follow from here to the end of the file; nothing is no chunk and allowed."""
    while size_bytes - at >= layout.header_bytes:
        chunk = _chunk(file, layout, at)
        if chunk is None or not layout.is_name(chunk[0]):
            return False
        _, start, length = chunk
        if start + length > size_bytes:
            return False
        at = start + length + -length % layout.pad_bytes
    return True


def _chunk(file: IO[bytes], layout: ChunkLayout, at: int) -> tuple[bytes, int, int] | None:
    """Return the name, the first byte and the length of a chunk; the file stands at its first byte."""
    file.seek(at)
    header = file.read(layout.header_bytes)
    if len(header) < layout.header_bytes:
        return None
    (size,) = struct.unpack(layout.size, header[layout.name_bytes :])
    length = max(0, size - layout.header_bytes) if layout.counts_header else size
    return header[: layout.name_bytes], at + layout.header_bytes, length


def _is_zeros(file: IO[bytes], at: int) -> bool:
    file.seek(at)
    while block := file.read(READ_BYTES):
        if block.count(0) < len(block):
            return False
    return True
