"""Pictures that come from outside: damaged ones, and those that are made to hurt."""

import io
import warnings

from PIL import Image

DECOMPRESSION_BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)
IMAGE_ERRORS = (OSError, SyntaxError, ValueError, *DECOMPRESSION_BOMBS)
"""What Pillow raises for them, in `open_header` and when the picture is loaded."""


def open_image_header(data: bytes, *, formats: tuple[str, ...]) -> Image.Image:
    """Return a picture of which only the header was read, so that a bomb stays small.

    Raises:
        UNREADABLE: it is none of the formats, or damaged, or larger than anybody means.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=formats)
