"""Signatures of webhooks: an HMAC-SHA256 of the raw body, compared in constant time."""

import hmac
from collections.abc import Iterable
from datetime import datetime

from podcast_pipeline.audience.membership.sources.events import SignatureRefused

TOLERANCE_S = 300
"""How far the time in a signature may be from now; an older delivery is a replay."""


def check_signature(expected: str, given: Iterable[str]) -> None:
    """Raise SignatureRefused unless one of the given signatures is the expected one."""
    if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in given):
        raise SignatureRefused("no signature is right")


def check_time(text: str, *, now: datetime) -> int:
    """Return the Unix time of a signature; raises SignatureRefused for one that is not near `now`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise SignatureRefused("has no time")
    if abs(now.timestamp() - int(text)) > TOLERANCE_S:
        raise SignatureRefused(f"was signed more than {TOLERANCE_S} s ago, or later than now")
    return int(text)


def hex_hmac(secret: str, message: bytes) -> str:
    """Return the HMAC-SHA256 of a message in lower-case hex."""
    return hmac.digest(secret.encode(), message, "sha256").hex()
