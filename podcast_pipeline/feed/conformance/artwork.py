"""Rule F4: what is in artwork that was fetched."""

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

    Only its header is read, so that a bomb stays small.

    Args:
        data: the body that was fetched.
        content_type: what the host said it is.
    """
    try:
        image = open_image_header(data, formats=("JPEG", "PNG", "GIF", "WEBP"))
    except IMAGE_ERRORS as problem:
        return (_find(f"the artwork cannot be read: {type(problem).__name__}", "serve a JPEG or PNG"),)
    with image:
        return tuple(_judge(image, len(data), content_type))


def _judge(image: Image.Image, size_bytes: int, content_type: str) -> Iterator[FeedFinding]:
    width, height = image.size
    expected = TYPES.get(image.format or "")
    if expected is None:
        yield _find(f"the artwork is {image.format}", "serve a JPEG or PNG")
    elif content_type.partition(";")[0].strip().lower() != expected:
        yield _find(f"the artwork's type is {content_type}", f"serve it as {expected}")
    if width != height or not SIDE_PX[0] <= width <= SIDE_PX[1]:
        yield _find(f"the artwork is {width} × {height} px", "make it a square of 1400 to 3000 px")
    if image.mode != "RGB":
        yield _find(f"the artwork's colours are {image.mode}", "save it as RGB, without transparency")
    dpi = image.info.get("dpi", (DPI, DPI))
    if round(dpi[0]) != DPI:
        yield _find(f"the artwork has {round(dpi[0])} dpi", "save it with 72 dpi", "warning")
    if size_bytes > ADVISED_BYTES:
        yield _find(f"the artwork has {size_bytes // 1000} kB", "512 kB are enough for every app", "warning")


def _find(message: str, fix: str, severity: Severity = "error") -> FeedFinding:
    return FeedFinding("F4", severity, None, message, fix)
