"""Opens untrusted pictures, which may be damaged or compression bombs, and divides pixels from all else."""

import io
import re
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

DECOMPRESSION_BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)
IMAGE_ERRORS = (OSError, SyntaxError, ValueError, *DECOMPRESSION_BOMBS)
"""The errors of Pillow for such pictures, in `open_image_header` and when the pixels are loaded."""
LARGEST_DECODED_PIXELS = 3000 * 3000
JPEG_QUALITY = 85


def open_image_header(data: bytes, *, formats: tuple[str, ...] | None) -> Image.Image:
    """Return a picture of which only the header was read, so that a compression bomb is not unpacked.

    What Pillow remarks of damaged metadata is for nobody's terminal.

    Args:
        formats: Pillow's names; None for all that it knows. A JPEG with more pictures behind it (MPO), as
            phones make them, is a JPEG.

    Raises:
        IMAGE_ERRORS: it is none of the formats, damaged, or so large that it may be a compression bomb.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=formats)
    if image.format == "MPO":
        image.format = "JPEG"
    return image


def small_jpeg(data: bytes, *, longest_px: int) -> bytes | None:
    """Return a JPEG or a PNG as a JPEG without metadata, on white, no side longer than `longest_px`.

    Returns:
        None if it is neither, is damaged, or is so large that its pixels would take LARGEST_DECODED_PIXELS.
    """
    try:
        image = open_image_header(data, formats=("JPEG", "PNG"))
        image.draft("RGB", (longest_px, longest_px))  # a JPEG is decoded at a fraction of its size
        if image.width * image.height > LARGEST_DECODED_PIXELS:
            return None
        image.thumbnail((longest_px, longest_px))
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
    except IMAGE_ERRORS:
        return None
    small = io.BytesIO()
    opaque.convert("RGB").save(small, "JPEG", quality=JPEG_QUALITY)
    return small.getvalue()


def picture_size_px(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG or a PNG by its header; None for anything else."""
    try:
        return open_image_header(data, formats=("JPEG", "PNG")).size
    except IMAGE_ERRORS:
        return None


JPEG_BEGIN, PNG_BEGIN = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
JPEG_END, JPEG_SCAN = 0xD9, 0xDA
JPEG_STRUCTURE = (*range(0xC0, 0xD0), *range(0xDB, 0xE0))
"""Segments that decode the pixels: frames, tables of codes and steps."""

JPEG_LOOK = {0xE0: (b"JFIF\0", 14), 0xE2: (b"ICC_PROFILE\0", 0xFFFF), 0xEE: (b"Adobe", 12)}
"""Application segments that say how the pixels look, by their first bytes, and the most bytes of them.

A longer one also has a thumbnail, which may show what was cut off the picture, or text.
"""

_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""The end of a scan: pixels have a zero or a restart after each 0xff."""

PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
PNG_LOOK = (b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"pHYs", b"cICP")
PNG_COMPRESSED = (b"IDAT", b"fdAT")


@dataclass(frozen=True)
class PictureParts:
    """The bytes of a JPEG or a PNG.

    Attributes:
        plain: the picture without comments, text, Exif, XMP and whatever stands behind it; the pixels and
            how they look are the same.
        text: everything but the compressed pixels, for a search: also what `plain` keeps of tables and colour
            profiles.
    """

    plain: bytes
    text: bytes


def split_picture(data: bytes) -> PictureParts | None:
    """Divide the pixels of a picture from everything else; None where it is no JPEG or PNG, or damaged."""
    parts = _png_parts if data.startswith(PNG_BEGIN) else _jpeg_parts if data.startswith(JPEG_BEGIN) else None
    if parts is None:
        return None
    try:
        pieces = list(parts(data))
    except (struct.error, IndexError, ValueError):
        return None
    return PictureParts(
        plain=b"".join(piece for piece, is_kept, _ in pieces if is_kept),
        text=b"\n".join(piece for piece, _, is_text in pieces if is_text),
    )


def searchable_bytes(data: bytes) -> bytes:
    """Return the bytes in which text may stand: of a picture all but its pixels, of anything else all."""
    parts = split_picture(data)
    return data if parts is None else parts.text


def _jpeg_parts(data: bytes) -> Iterator[tuple[bytes, bool, bool]]:
    """Yield (bytes, kept, text) of each segment of a JPEG. Source: ITU-T T.81, annex B."""
    yield data[:2], True, False
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == JPEG_END:
            break
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        segment, content = data[at:end], data[at + 4 : end]
        if marker == JPEG_SCAN:
            found = _JPEG_MARKER.search(data, end)
            end = found.start() if found else len(data)
            yield data[at:end], True, False
        else:
            yield segment, marker in JPEG_STRUCTURE or _is_look(marker, content), True
        at = end
    yield data[at : at + 2], True, False
    yield data[at + 2 :], False, True


def _is_look(marker: int, content: bytes) -> bool:
    begin, most_bytes = JPEG_LOOK.get(marker, (b"", 0))
    return 0 < len(content) <= most_bytes and content.startswith(begin)


def _png_parts(data: bytes) -> Iterator[tuple[bytes, bool, bool]]:
    """Yield (bytes, kept, text) of each chunk of a PNG. Source: PNG, 3rd edition, 5.3."""
    at = len(PNG_BEGIN)
    yield data[:at], True, False
    name = b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("ends inside a chunk")
        yield data[at:end], name in PNG_PIXELS or name in PNG_LOOK, name not in PNG_COMPRESSED
        at = end
    yield data[at:], False, True
