"""Pictures beside notes.md."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from podcast_pipeline.audio.notes_pictures import load_picture
from podcast_pipeline.errors import AudioError


def saved(path: Path, size: tuple[int, int] = (60, 40), *, comment: bytes = b"", exif: bytes = b"") -> Path:
    """Save a picture under a path and return the path."""
    more = {name: value for name, value in (("comment", comment), ("exif", exif)) if value}
    Image.new("RGB", size, "#406070").save(path, None, **more)
    return path


@pytest.mark.parametrize(("name", "content_type"), [("a.jpg", "image/jpeg"), ("a.png", "image/png")])
def test_a_picture(tmp_path: Path, name: str, content_type: str) -> None:
    """A JPEG or PNG of any shape, without a comment that was in it."""
    path = saved(tmp_path / name, comment=b"at home") if name == "a.jpg" else saved(tmp_path / name)
    loaded = load_picture(path)
    assert (loaded.content_type, loaded.width_px, loaded.height_px) == (content_type, 60, 40)
    assert b"at home" not in loaded.data
    assert Image.open(io.BytesIO(loaded.data)).size == (60, 40)


def test_pictures_that_are_refused(tmp_path: Path) -> None:
    """Each has one line with what to do."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(tmp_path / "turned.jpg", exif=exif.tobytes())
    text, large, cut, pipe = (tmp_path / name for name in ("a.svg", "large.jpg", "cut.png", "pipe.png"))
    os.mkfifo(pipe)
    text.write_text("<svg/>", encoding="utf-8")
    large.write_bytes(b"\0" * 1_000_001)
    cut.write_bytes(saved(tmp_path / "whole.png").read_bytes()[:60])
    refusals = {
        text: "is not a whole JPEG or PNG; export it again",
        cut: "is not a whole JPEG or PNG; export it again",
        large: "has 1000 kB; export it with at most 1000",
        saved(tmp_path / "wide.png", (2001, 2)): "is 2001 x 2 px; export it with at most 2000",
        turned: "is rotated by its Exif orientation; export it upright",
        tmp_path / "none.jpg": "cannot be read (No such file or directory); put it there",
        tmp_path: "is no file; put a JPEG or PNG there",
        pipe: "is no file; put a JPEG or PNG there",
    }
    for path, line in refusals.items():
        with pytest.raises(AudioError) as refused:
            load_picture(path)
        assert str(refused.value) == f"{path}: {line}"
