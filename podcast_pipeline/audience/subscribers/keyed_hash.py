"""Keyed hashes, by which texts that are not stored are found again: addresses, browsers, links."""

import hmac


def keyed_hash(secret_key: bytes, purpose: str, *parts: str) -> str:
    """Return the hex HMAC-SHA256 of some texts; that of one purpose says nothing of another's."""
    text = "\0".join((purpose, *parts)).encode("utf-8", "surrogatepass")
    return hmac.digest(secret_key, text, "sha256").hex()
