"""Content codings of text on the wire: brotli, and gzip for a client that does not take it.

Source: RFC 9110, 8.4 and 12.5.3; RFC 7932 (brotli), RFC 1952 (gzip).
"""

import gzip
import hashlib
import re
from collections.abc import Callable
from typing import Literal

import brotli

from podcast_pipeline.web.catalog_cache import Lru

Coding = Literal["br", "gzip"]
Compressor = Callable[[Coding, bytes], bytes]

ETAG_MARKS: dict[Coding, str] = {
    "br": "-br",
    "gzip": "-gz",
}  # of compressed bytes (RFC 9110, 8.8.3); best first
GZIP_LEVEL = 6
BROTLI_QUICK = 5  # a page of three hours: 8 ms and 103 kB; gzip needs 13 ms for 120 kB
BROTLI_SMALL = 11  # 700 ms and 90 kB
REFUSAL = re.compile(r"q\s*=\s*0(\.0*)?", re.IGNORECASE)


def choose_coding(accepted: str) -> Coding | None:
    """Return the best coding that an Accept-Encoding header names, or None."""
    parts = (part.partition(";") for part in accepted.split(","))
    names = {name.strip().lower() for name, _, weight in parts if not REFUSAL.fullmatch(weight.strip())}
    return next((coding for coding in ETAG_MARKS if coding in names), None)


def compress_quickly(coding: Coding, body: bytes, *, quality: int = BROTLI_QUICK) -> bytes:
    """Return the same compressed bytes for the same body."""
    if coding == "gzip":
        return gzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0)
    compressed: bytes = brotli.compress(body, quality=quality)
    return compressed


class CompressedOnce:
    """Compresses bodies that many clients ask for: once, as small as pays, and keeps the newest asked for.

    Args:
        max_entries: how many compressed bodies are kept.
    """

    def __init__(self, max_entries: int) -> None:
        self._bodies: Lru[bytes] = Lru(max_entries)

    def __call__(self, coding: Coding, body: bytes) -> bytes:
        """Return the compressed body; those who ask for the same one meanwhile wait for it."""
        key = coding, hashlib.sha256(body).digest()
        return self._bodies.get_or_compute(key, lambda: compress_quickly(coding, body, quality=BROTLI_SMALL))
