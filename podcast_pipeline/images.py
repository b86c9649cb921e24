"""Opens untrusted pictures, which may be damaged or compression bombs."""

import io
import warnings

from PIL import Image

DECOMPRESSION_BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)
IMAGE_ERRORS = (OSError, SyntaxError, ValueError, *DECOMPRESSION_BOMBS)
"""The errors of Pillow for such pictures, in `open_image_header` and when the pixels are loaded."""


def open_image_header(data: bytes, *, formats: tuple[str, ...]) -> Image.Image:
    """Return a picture of which only the header was read, so that a compression bomb is not unpacked.

    Raises:
        IMAGE_ERRORS: it is none of the formats, damaged, or so large that it may be a compression bomb.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=formats)
