"""Unsubscribe tokens: the signed value of the unsubscribe link in a mail, good for nothing else.

A token contains no feed token, signs nobody in, and is the same in every mail to one subscriber, so that
the link of an old mail works too. Nothing is stored: the secret key makes and verifies a token.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

MAC_BYTES = 20  # 160 bits; with the id's 16 bytes base64 needs no padding
TOKEN = re.compile(r"[A-Za-z0-9_-]{48}")


def to_unsubscribe_token(subscriber_id: UUID, key: bytes) -> str:
    """Return a subscriber's unsubscribe token, 48 characters of URL-safe base64."""
    return urlsafe_b64encode(subscriber_id.bytes + _mac(subscriber_id, key)).decode()


def parse_unsubscribe_token(value: str, key: bytes) -> UUID | None:
    """Return the id of a token's subscriber, None for any other text; compares in constant time."""
    if not TOKEN.fullmatch(value):
        return None
    data = urlsafe_b64decode(value)
    subscriber_id = UUID(bytes=data[:-MAC_BYTES])
    return subscriber_id if hmac.compare_digest(data[-MAC_BYTES:], _mac(subscriber_id, key)) else None


def _mac(subscriber_id: UUID, key: bytes) -> bytes:
    return hmac.digest(key, b"stop-news:" + subscriber_id.bytes, "sha256")[:MAC_BYTES]
