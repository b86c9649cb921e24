import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from podcast_pipeline.audio.artwork import load_artwork
from podcast_pipeline.errors import AudioError
from podcast_pipeline.feed.conformance.artwork import check_artwork
from tests.support.paths import ROOT


def picture(
    path: Path, *, size: tuple[int, int] = (1400, 1400), mode: str = "RGB", kind: str = "JPEG", **save: object
) -> Path:
    Image.new(mode, size).save(path, kind, **save)
    return path


def png(side_px: int, *chunks: bytes) -> bytes:
    """Return a PNG with a header and chunks, which may make no sense."""
    header = struct.pack(">2I5B", side_px, side_px, 8, 2, 0, 0, 0)
    return b"".join((b"\x89PNG\r\n\x1a\n", png_chunk(b"IHDR", header), *chunks))


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def refusal(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        load_artwork(path)
    assert str(path) in str(caught.value)
    return caught.value.message


def test_sample_artwork_is_taken() -> None:
    """The sample show's artwork fulfils the rule, with nothing to advise."""
    art = load_artwork(ROOT / "artwork.jpg")
    assert (art.content_type, art.suffix, art.advice) == ("image/jpeg", "jpg", None)
    assert art.data == (ROOT / "artwork.jpg").read_bytes()


@pytest.mark.parametrize("side", [1400, 3000])
def test_both_limits_are_taken(tmp_path: Path, side: int) -> None:
    """1400 and 3000 px are inside, in JPEG and in PNG."""
    assert load_artwork(picture(tmp_path / "a.jpeg", size=(side, side))).suffix == "jpg"
    assert (
        load_artwork(picture(tmp_path / "a.PNG", size=(side, side), kind="PNG")).content_type == "image/png"
    )


@pytest.mark.parametrize("size", [(1399, 1399), (3001, 3001), (1500, 1600)])
def test_wrong_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    """A picture that is too small, too large or not square is refused with its size."""
    assert f"is {size[0]} x {size[1]} px" in refusal(picture(tmp_path / "a.jpg", size=size))


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("L", "JPEG"), ("RGBA", "PNG"), ("P", "PNG")])
def test_wrong_colours_are_refused(tmp_path: Path, mode: str, kind: str) -> None:
    """Print colours, grey, a palette and transparency are refused."""
    ending = {"JPEG": "jpg", "PNG": "png"}[kind]
    assert f"has the colour mode {mode}" in refusal(picture(tmp_path / f"a.{ending}", mode=mode, kind=kind))


def test_wrong_format_or_name_is_refused(tmp_path: Path) -> None:
    """WebP, a text, half a file and a PNG called .jpg are refused, each with its reason."""
    assert "not a whole JPEG or PNG" in refusal(picture(tmp_path / "a.jpg", kind="WEBP"))
    (tmp_path / "text.jpg").write_text("picture")
    assert "not a whole JPEG or PNG" in refusal(tmp_path / "text.jpg")
    whole = picture(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    assert "not a whole JPEG or PNG" in refusal(tmp_path / "half.jpg")
    assert "rename it to end in .png" in refusal(picture(tmp_path / "b.jpg", kind="PNG"))
    assert "change show.artwork" in refusal(tmp_path / "none.jpg")


def test_camera_metadata_is_refused(tmp_path: Path) -> None:
    """A picture that Exif rotates, or with a GPS position, is refused; other Exif data is accepted."""
    turned, placed, plain = Image.Exif(), Image.Exif(), Image.Exif()
    turned[0x0112] = 6
    placed.get_ifd(0x8825)[1] = "N"
    plain[0x0131] = "a drawing program"
    assert "rotated by its Exif" in refusal(picture(tmp_path / "a.jpg", exif=turned))
    assert "has a GPS position" in refusal(picture(tmp_path / "b.jpg", exif=placed))
    assert load_artwork(picture(tmp_path / "c.jpg", exif=plain)).suffix == "jpg"


def test_heavy_artwork_gets_advice(tmp_path: Path) -> None:
    """More than 512 kB is accepted with advice."""
    noise = io.BytesIO()
    Image.effect_noise((1400, 1400), 90).convert("RGB").save(noise, "JPEG", quality=95)
    path = tmp_path / "a.jpg"
    path.write_bytes(noise.getvalue())
    assert "ask for at most 512" in str(load_artwork(path).advice)


LONG_TEXT = b"Title\0\0" + zlib.compress(b"a" * 2_000_000)
DAMAGED = {
    "cut": png(1400, b"\0\0\0\x63AAAA"),
    "bomb": png(50_000, png_chunk(b"IDAT", b"")),
    "long text": png(1400, png_chunk(b"zTXt", LONG_TEXT), png_chunk(b"IDAT", b"")),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_picture_or_a_bomb_is_one_line(tmp_path: Path, data: bytes) -> None:
    """Any error of Pillow refuses our artwork, and is a finding on another feed's; found by fuzzing."""
    (tmp_path / "a.png").write_bytes(data)
    assert "not a whole JPEG or PNG" in refusal(tmp_path / "a.png")
    (finding,) = check_artwork(data, "image/png")
    assert "the artwork cannot be read" in finding.message
