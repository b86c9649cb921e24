"""Unpack the body of an answer (Content-Encoding) in pieces of bounded size."""

import zlib
from collections.abc import Iterator, Mapping

PIECE_BYTES = 1 << 20
ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
RAW_DEFLATE = -zlib.MAX_WBITS
GZIP = b"\x1f\x8b"
READABLE = ("gzip", "x-gzip", "deflate")


class UnreadableEncoding(Exception):
    """A body is packed in a way that was not asked for, or not as it says."""


def content_encoding(headers: Mapping[str, str]) -> str | None:
    """Return how a body is packed, None if it is not.

    Raises:
        UnreadableEncoding: by anything but gzip or deflate, or twice, as only a bomb is.
    """
    said = headers.get("content-encoding", "").lower()
    names = [name for part in said.split(",") if (name := part.strip()) not in ("", "identity")]
    if not names:
        return None
    if len(names) > 1 or names[0] not in READABLE:
        raise UnreadableEncoding(f"is packed as {', '.join(names)!r}, which was not asked for")
    return names[0]


def unpack(chunks: Iterator[bytes], encoding: str | None) -> Iterator[bytes]:
    """Yield a body unpacked, no piece larger than PIECE_BYTES, so that a bomb can be stopped in time.

    Raises:
        UnreadableEncoding: it is not packed as it says, or breaks off.
    """
    if encoding is None:
        yield from chunks
        return
    try:
        yield from _inflated(chunks, encoding)
    except zlib.error as error:
        raise UnreadableEncoding(f"is not packed as {encoding}, as it says") from error


def _inflated(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    unpacker, begun = zlib.decompressobj(ZLIB_OR_GZIP), False
    for chunk in chunks:
        if not begun and encoding == "deflate" and not _is_zlib(chunk):
            unpacker = zlib.decompressobj(RAW_DEFLATE)
        begun = True
        while True:
            piece = unpacker.decompress(chunk, PIECE_BYTES)
            if piece:
                yield piece
            if unpacker.eof and unpacker.unused_data.startswith(GZIP):  # which may have several members
                chunk, unpacker = unpacker.unused_data, zlib.decompressobj(ZLIB_OR_GZIP)
                continue
            chunk = unpacker.unconsumed_tail
            if not chunk and len(piece) < PIECE_BYTES:
                break
    if begun and not unpacker.eof:
        raise UnreadableEncoding("is packed and breaks off")


def _is_zlib(begin: bytes) -> bool:
    """Tell whether bytes begin like zlib; some hosts send deflate without its header. Source: RFC 1950."""
    return begin[:1] == b"\x78" and int.from_bytes(begin[:2]) % 31 == 0
