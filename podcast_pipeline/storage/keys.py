"""Validate keys, and build public addresses. Pure."""

import re

from podcast_pipeline.errors import StoreError

KEY = re.compile(r"(public|private)(/[A-Za-z0-9._~-]{1,200})+")  # F13: safe in any URL and file name
KEY_CHARACTERS = 900  # S3 allows 1024 bytes; leaves room for `storage.prefix`


def check_key(key: str) -> str:
    """Return a key if it is valid in every store.

    Raises:
        StoreError: the key is not under `public/` or `private/`, has characters other than ASCII letters,
            digits and `- . _ ~ /`, a part `.` or `..` (path traversal), or is too long.

    Source: conformance rule F13.
    """
    if not KEY.fullmatch(key) or len(key) > KEY_CHARACTERS or {".", ".."} & set(key.split("/")):
        fix = "use public/… or private/… with letters, digits and - . _ ~ only"
        raise StoreError(repr(key), f"is not a valid key; {fix}")
    return key


def check_prefix(prefix: str) -> str:
    """Return a prefix if it can be listed: it begins with `public/` or `private/`."""
    if not prefix.startswith(("public/", "private/")) or ".." in prefix.split("/"):
        raise StoreError(repr(prefix), "cannot be listed; use a prefix that begins with public/ or private/")
    return prefix


def public_url(base_url: str, key: str) -> str:
    """Return `base_url` + the key after `public/`; StoreError for a private key."""
    if not check_key(key).startswith("public/"):
        raise StoreError(key, "has no public address; only keys under public/ have one")
    return f"{base_url}/{key.removeprefix('public/')}"
