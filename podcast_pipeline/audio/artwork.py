"""Checks of the show's artwork."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from podcast_pipeline.errors import AudioError
from podcast_pipeline.images import IMAGE_ERRORS, open_image_header, split_picture

SMALLEST_PX, LARGEST_PX = 1400, 3000
MOST_PIXELS = 6000 * 6000
ADVISED_BYTES = 512 * 1024
IMAGE_TYPES = {"JPEG": ("jpg", "image/jpeg"), "PNG": ("png", "image/png")}
ENDINGS = {"jpg": "jpg", "jpeg": "jpg", "png": "png"}
ORIENTATION = 0x0112  # an Exif tag
UPRIGHT = 1
HEIC_BEGINS = (b"ftypheic", b"ftypheix", b"ftypmif1")


@dataclass(frozen=True)
class Artwork:
    """A picture that directories accept.

    Attributes:
        data: the picture without metadata: no place, camera, comment or text, and nothing behind it.
        suffix: "jpg" or "png", by content.
        advice: one line for the producer about something allowed but unwise, else None.
    """

    data: bytes
    content_type: str
    suffix: str
    advice: str | None = None


def load_artwork(path: Path) -> Artwork:
    """Read the artwork and refuse a picture that directories refuse.

    Raises:
        AudioError: missing, not JPEG or PNG, not square, below 1400 or above 3000 px, not RGB, a suffix that
            does not fit the content, or Exif data that rotate the picture.

    Source: rule F4.
    """
    data = _read(path)
    with _open(path, data) as image:
        suffix, content_type = IMAGE_TYPES[str(image.format)]
        _require_shape(path, image)
        _require_plain(path, image)
    if ENDINGS.get(path.suffix.lower().lstrip(".")) != suffix:
        raise AudioError(path, f"is {content_type} inside; rename it to end in .{suffix}")
    data = _without_metadata(path, data)
    large = f"{path.name} has {len(data) // 1024} kB; some directories ask for at most 512"
    advice = large if len(data) > ADVISED_BYTES else None
    return Artwork(data, content_type, suffix, advice)


def identify_picture(data: bytes) -> tuple[str, str] | None:
    """Read a whole picture of another host; return its suffix, with the dot, and type.

    Returns:
        None if it is no whole JPEG or PNG, or larger than MOST_PIXELS.
    """
    try:
        image = open_image_header(data, formats=tuple(IMAGE_TYPES))
        if image.width * image.height > MOST_PIXELS:
            return None
        image.load()
    except IMAGE_ERRORS:
        return None
    suffix, content_type = IMAGE_TYPES[str(image.format)]
    return f".{suffix}", content_type


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror}); put the artwork there or change show.artwork"
        raise AudioError(path, message) from error


def _open(path: Path, data: bytes) -> Image.Image:
    try:
        image = open_image_header(data, formats=tuple(IMAGE_TYPES))
        if image.width <= LARGEST_PX and image.height <= LARGEST_PX:
            image.load()
    except IMAGE_ERRORS as error:
        raise AudioError(path, _refusal(path, data)) from error
    return image


def _refusal(path: Path, data: bytes) -> str:
    """Return what is wrong with data that are no JPEG or PNG, and what to do."""
    try:
        kind = "HEIC" if data[4:12] in HEIC_BEGINS else open_image_header(data, formats=None).format
    except IMAGE_ERRORS:
        kind = None
    if kind is None or kind in IMAGE_TYPES:
        return "is not a whole JPEG or PNG; export the artwork again"
    target = path.with_suffix(".jpg").name
    return (
        f"is {kind} inside, which directories refuse; save it as {target} in a picture editor and name that"
        " in show.artwork"
    )


def _without_metadata(path: Path, data: bytes) -> bytes:
    parts = split_picture(data)
    if parts is None:
        raise AudioError(path, "is not a whole JPEG or PNG; export the artwork again")
    return parts.plain


def _require_shape(path: Path, image: Image.Image) -> None:
    width, height = image.size
    if width != height or not SMALLEST_PX <= width <= LARGEST_PX:
        message = f"is {width} x {height} px; export it square, {SMALLEST_PX} to {LARGEST_PX} px"
        raise AudioError(path, message)


def _require_plain(path: Path, image: Image.Image) -> None:
    if image.mode != "RGB":
        raise AudioError(path, f"has the colour mode {image.mode}; export it as RGB without transparency")
    if image.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT:
        raise AudioError(path, "is rotated by its Exif orientation; export it upright")
