"""What is pixels in a picture, and what may be text."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from podcast_pipeline.audio.artwork import identify_picture
from podcast_pipeline.images import IMAGE_ERRORS, open_image_header, searchable_bytes, split_picture


def noise(kind: str, **save: object) -> bytes:
    """Return a picture of noise, which cannot be compressed."""
    pixels = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, kind, **save)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "more", [{}, {"progressive": True, "restart_marker_rows": 1}], ids=["plain", "scans"]
)
def test_pixels_are_not_searched(kind: str, more: dict[str, object]) -> None:
    """Of hundreds of kilobytes only tables are left for the leak check; the picture stays as it is."""
    data = noise(kind, **more)
    assert len(data) > 200_000
    assert len(searchable_bytes(data)) < 5_000
    parts = split_picture(data)
    assert parts is not None
    assert parts.plain == data


def test_text_of_a_picture_is_searched() -> None:
    """Comments, chunks of text, profiles and what stands behind the pixels are text."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "in a chunk of text")
    for data in (noise("JPEG", comment=b"in a comment"), noise("PNG", pnginfo=info)):
        found = searchable_bytes(data + b"behind the end")
        assert b"behind the end" in found
        assert b"in a c" in found
    assert b"a profile" in searchable_bytes(noise("JPEG", icc_profile=b"a profile"))


@pytest.mark.parametrize("marker", [0x02, 0xC8, 0xDB, 0xF0, 0xFD])
def test_text_in_any_segment_of_a_jpeg_is_searched(marker: int) -> None:
    """A reserved segment, which no decoder reads, goes; a table, which one needs, stays and is searched."""
    text, data = b"said off the record", noise("JPEG")
    segment = bytes([0xFF, marker]) + (len(text) + 2).to_bytes(2) + text
    parts = split_picture(data[:2] + segment + data[2:])
    assert parts is not None
    assert text in parts.text
    assert (text in parts.plain) == (marker in (0xC8, 0xDB))


def test_text_in_a_palette_is_searched() -> None:
    """The colours of a PNG are bytes that anybody can choose."""
    picture = Image.new("P", (8, 8))
    picture.putpalette(b"said off the record" + bytes(768 - 19))
    data = io.BytesIO()
    picture.save(data, "PNG")
    assert b"said off the re" in searchable_bytes(data.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        noise("JPEG")[:1000],
        noise("PNG")[:1000],
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\xd8\xff\xe0\x00\x00" * 9,
        b"\xff\xd8\xffabc",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT",
        noise("WEBP"),
    ],
    ids=["empty", "text", "half jpeg", "half png", "short", "no lengths", "no marker", "long chunk", "webp"],
)
def test_what_is_no_whole_picture_is_searched_as_it_is(data: bytes) -> None:
    """Nothing escapes the search by being damaged: all of it is text then, or all but its own pixels."""
    parts = split_picture(data)
    assert parts is None or data.startswith(b"\xff\xd8\xff")
    if parts is None:
        assert searchable_bytes(data) == data


def test_a_phones_picture_with_a_second_one_behind_it_is_a_jpeg() -> None:
    """Its first picture is taken, whether or not the list of its pictures is whole; nothing is behind it."""
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    saved = io.BytesIO()
    first.save(saved, "MPO", save_all=True, append_images=[second])
    whole = saved.getvalue()
    damaged = whole.replace(b"MPF\0II", b"MPF\0IX").replace(b"MPF\0MM", b"MPF\0MX")
    assert damaged != whole
    for data in (whole, damaged):
        assert open_image_header(data, formats=("JPEG", "PNG")).format == "JPEG"
        assert identify_picture(data) == (".jpg", "image/jpeg")
        parts = split_picture(data)
        assert parts is not None
        assert parts.plain.count(b"\xff\xd8\xff") == 1
    with pytest.raises(IMAGE_ERRORS):
        open_image_header(whole, formats=("PNG",))


def test_a_small_picture_inside_a_picture_does_not_stay() -> None:
    """A JPEG's thumbnail may show what was cut off the picture."""
    data = noise("JPEG")
    head = data[:20]
    assert head[2:11] == b"\xff\xe0\0\x10JFIF\0"
    thumbnail = head[:5] + bytes([16 + 3]) + head[6:18] + b"\1\1" + b"RGB"
    with_thumbnail = thumbnail + data[20:]
    Image.open(io.BytesIO(with_thumbnail)).load()
    parts = split_picture(with_thumbnail)
    assert parts is not None
    assert parts.plain == data[:2] + data[20:]
    assert b"RGB" in parts.text
    Image.open(io.BytesIO(parts.plain)).load()
