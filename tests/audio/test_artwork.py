import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms

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
    for number, kind in enumerate(("WEBP", "GIF", "TIFF")):
        reason = f"is {kind} inside, which directories refuse; save it as {number}.jpg"
        assert reason in refusal(picture(tmp_path / f"{number}.{kind}", kind=kind))
    (tmp_path / "text.jpg").write_text("picture")
    assert "not a whole JPEG or PNG" in refusal(tmp_path / "text.jpg")
    whole = picture(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    assert "not a whole JPEG or PNG" in refusal(tmp_path / "half.jpg")
    assert "rename it to end in .png" in refusal(picture(tmp_path / "b.jpg", kind="PNG"))
    assert "change show.artwork" in refusal(tmp_path / "none.jpg")


def test_a_turned_picture_is_refused(tmp_path: Path) -> None:
    """A picture that its Exif data rotate is refused, for without them it would lie on its side."""
    turned = Image.Exif()
    turned[0x0112] = 6
    assert "rotated by its Exif" in refusal(picture(tmp_path / "a.jpg", exif=turned))


SECRET = b"48.2082 N, 16.3738 E, as Ann's informer said"


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def with_metadata(path: Path, kind: str) -> Path:
    """Return a picture with a place in one kind of metadata."""
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta exif:GPSLatitude='" + SECRET + b"'/>"
    jpegs = {
        "comment": jpeg_segment(0xFE, SECRET),
        "xmp": jpeg_segment(0xE1, xmp),
        "photoshop": jpeg_segment(0xED, b"Photoshop 3.0\x008BIM" + SECRET),
        "second jfif": jpeg_segment(0xE0, b"JFXX\0\x10" + SECRET),
        "fill bytes": b"\xff\xff\xff" + jpeg_segment(0xFE, SECRET),
    }
    pngs = {
        "text": png_chunk(b"tEXt", b"Comment\0" + SECRET),
        "compressed text": png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SECRET)),
        "xmp in png": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET),
        "private chunk": png_chunk(b"prVt", SECRET),
    }
    if kind in jpegs:
        data = picture(path.with_suffix(".jpg")).read_bytes()
        data = data[:2] + jpegs[kind] + data[2:]
    elif kind in pngs:
        data = picture(path.with_suffix(".png"), kind="PNG").read_bytes()
        data = data[:33] + pngs[kind] + data[33:]
    elif kind == "exif":
        place = Image.Exif()
        place.get_ifd(0x8825)[1] = "N"
        place[0x010E] = SECRET.decode()
        data = picture(path.with_suffix(".jpg"), exif=place).read_bytes()
    else:
        name, behind = kind.split(" behind ")[::-1]
        data = picture(path.with_suffix(f".{name}"), kind={"jpg": "JPEG", "png": "PNG"}[name]).read_bytes()
        data += {"zip": b"PK\x03\x04" + SECRET, "another": data + SECRET}[behind]
    path = path.with_suffix(".png" if data.startswith(b"\x89PNG") else ".jpg")
    path.write_bytes(data)
    return path


KINDS = (
    *("comment", "xmp", "photoshop", "second jfif", "fill bytes", "exif"),
    *("text", "compressed text", "xmp in png", "private chunk"),
    *("zip behind jpg", "another behind jpg", "zip behind png", "another behind png"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_artwork_is_published_without_metadata(tmp_path: Path, kind: str) -> None:
    """Place, comment, text and what stands behind the picture are not published; its pixels are the same."""
    path = with_metadata(tmp_path / "a", kind)
    art = load_artwork(path)
    assert SECRET not in art.data
    assert zlib.compress(SECRET) not in art.data
    assert len(art.data) <= len(path.read_bytes()) - len(SECRET) // 2
    with Image.open(path) as before, Image.open(io.BytesIO(art.data)) as after:
        assert before.tobytes() == after.tobytes()


def test_a_colour_profile_stays(tmp_path: Path) -> None:
    """The profile says how the pixels look, and stays, in JPEG and PNG, also of a progressive JPEG."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, kind in (("a.jpg", "JPEG"), ("a.png", "PNG")):
        art = load_artwork(picture(tmp_path / name, kind=kind, icc_profile=profile, progressive=True))
        with Image.open(io.BytesIO(art.data)) as image:
            assert image.info["icc_profile"] == profile


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
