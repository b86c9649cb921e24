"""Which keys there are, and the address of the public ones. Pure."""

import re

from podcast_pipeline.errors import StoreError

KEY = re.compile(r"(public|private)(/[A-Za-z0-9._~-]{1,200})+")  # F13: what survives in any URL and file name
KEY_CHARACTERS = 900  # S3 allows 1024 bytes; the rest is for `storage.prefix`


def check_key(key: str) -> str:
    """Return a key that is fit for every store.

    Raises:
        StoreError: it is not under `public/` or `private/`, has other characters than ASCII letters, digits
            and `- . _ ~ /`, a part `.` or `..`, or is too long.

    Source: conformance rule F13.
    """
    if not KEY.fullmatch(key) or len(key) > KEY_CHARACTERS or {".", ".."} & set(key.split("/")):
        raise StoreError(
            repr(key), "is not a key; use public/… or private/… with letters, digits and - . _ ~ only"
        )
    return key


def check_prefix(prefix: str) -> str:
    """Return a prefix that can be listed: `public/` or `private/` and what a key may have after it."""
    if not prefix.startswith(("public/", "private/")) or ".." in prefix.split("/"):
        raise StoreError(repr(prefix), "cannot be listed; begin with public/ or private/")
    return prefix


def public_url(base_url: str, key: str) -> str:
    """Return `base_url` + the key after `public/`; a private key has no address and is a StoreError."""
    if not check_key(key).startswith("public/"):
        raise StoreError(key, "has no public address; only keys under public/ have one")
    return f"{base_url}/{key.removeprefix('public/')}"
