"""Pictures beside notes.md that the notes show: read, checked, and without metadata."""

from dataclasses import dataclass
from pathlib import Path

from podcast_pipeline.audio.artwork import IMAGE_TYPES, ORIENTATION, UPRIGHT
from podcast_pipeline.errors import AudioError
from podcast_pipeline.images import IMAGE_ERRORS, open_image_header, split_picture

LARGEST_PX = 2000
LARGEST_BYTES = 1_000_000


@dataclass(frozen=True)
class LoadedPicture:
    """A picture for a page.

    Attributes:
        data: without metadata: no place, camera, comment or text, and nothing behind it.
        suffix: "jpg" or "png", by content.
    """

    data: bytes
    content_type: str
    suffix: str
    width_px: int
    height_px: int


def load_picture(path: Path) -> LoadedPicture:
    """Read a picture of the notes and refuse what is too large for a page, or is no whole JPEG or PNG.

    Raises:
        AudioError: missing, another format, damaged, above LARGEST_PX or LARGEST_BYTES, or rotated by its
            Exif data.
    """
    data = _read(path)
    try:
        image = open_image_header(data, formats=tuple(IMAGE_TYPES))
        width_px, height_px = image.size
        if max(image.size) > LARGEST_PX:
            raise AudioError(path, f"is {width_px} x {height_px} px; export it with at most {LARGEST_PX}")
        image.load()
        is_rotated = image.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT
    except IMAGE_ERRORS as error:
        raise AudioError(path, "is not a whole JPEG or PNG; export it again") from error
    parts = split_picture(data)
    if parts is None:
        raise AudioError(path, "is not a whole JPEG or PNG; export it again")
    if is_rotated:
        raise AudioError(path, "is rotated by its Exif orientation; export it upright")
    suffix, content_type = IMAGE_TYPES[str(image.format)]
    return LoadedPicture(parts.plain, content_type, suffix, width_px, height_px)


def _read(path: Path) -> bytes:
    try:
        if not path.is_file() and path.exists():
            raise AudioError(path, "is no file; put a JPEG or PNG there")
        size_bytes = path.stat().st_size
        if size_bytes > LARGEST_BYTES:
            message = f"has {size_bytes / 1000:.0f} kB; export it with at most {LARGEST_BYTES // 1000}"
            raise AudioError(path, message)
        return path.read_bytes()
    except OSError as error:
        raise AudioError(path, f"cannot be read ({error.strerror}); put it there") from error
