"""Pictures for tests."""

import io

from PIL import Image


def picture(kind: str, size: tuple[int, int]) -> bytes:
    """Return a picture of this size, in pixels; `kind` is Pillow's name, JPEG or PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "#406070").save(buffer, kind)
    return buffer.getvalue()
