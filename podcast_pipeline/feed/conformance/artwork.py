"""Rule F4: fetched artwork."""

from collections.abc import Iterator

from PIL import Image

from podcast_pipeline.feed.conformance.finding import FeedFinding, Severity
from podcast_pipeline.images import IMAGE_ERRORS, open_image_header

SIDE_PX = (1400, 3000)
ADVISED_BYTES = 512 * 1000  # PRX, for NPR One and Spotify
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}
DPI = 72


def check_artwork(data: bytes, content_type: str) -> tuple[FeedFinding, ...]:
    """F4: artwork is a square of 1400 to 3000 px, JPEG or PNG in RGB.

    Only the image header is decoded, so a decompression bomb does no harm.

    Args:
        data: the fetched body.
        content_type: the host's Content-Type.
    """
    try:
        image = open_image_header(data, formats=("JPEG", "PNG", "GIF", "WEBP"))
    except IMAGE_ERRORS as problem:
        return (_finding(f"the artwork cannot be read: {type(problem).__name__}", "serve a JPEG or PNG"),)
    with image:
        return tuple(_check_image(image, len(data), content_type))


def _check_image(image: Image.Image, size_bytes: int, content_type: str) -> Iterator[FeedFinding]:
    width, height = image.size
    expected = TYPES.get(image.format or "")
    if expected is None:
        yield _finding(f"the artwork is {image.format}", "serve a JPEG or PNG")
    elif content_type.partition(";")[0].strip().lower() != expected:
        yield _finding(f"the artwork's type is {content_type}", f"serve it as {expected}")
    if width != height or not SIDE_PX[0] <= width <= SIDE_PX[1]:
        yield _finding(f"the artwork is {width} × {height} px", "make it a square of 1400 to 3000 px")
    if image.mode != "RGB":
        yield _finding(f"the artwork's colour mode is {image.mode}", "save it as RGB, without transparency")
    dpi = image.info.get("dpi", (DPI, DPI))
    if round(dpi[0]) != DPI:
        yield _finding(f"the artwork has {round(dpi[0])} dpi", "save it with 72 dpi", "warning")
    if size_bytes > ADVISED_BYTES:
        yield _finding(f"the artwork has {size_bytes // 1000} kB", "keep it under 512 kB", "warning")


def _finding(message: str, fix: str, severity: Severity = "error") -> FeedFinding:
    return FeedFinding("F4", severity, None, message, fix)
