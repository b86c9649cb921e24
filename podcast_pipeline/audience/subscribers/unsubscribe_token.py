"""The value in a mail's link that stops such mails: signed, and good for nothing else.

It holds no feed token, signs nobody in, and is the same in every mail to one person, so that an old
mail stops them too. Nothing of it is kept: the key makes it and knows it again.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

MAC_BYTES = 20  # 160 bits; with the id's 16 bytes base64 needs no padding
VALUE = re.compile(r"[A-Za-z0-9_-]{48}")


def to_unsubscribe_token(subscriber_id: UUID, key: bytes) -> str:
    """Return somebody's value: 48 characters of URL-safe base64."""
    return urlsafe_b64encode(subscriber_id.bytes + _mac(subscriber_id, key)).decode()


def parse_unsubscribe_token(value: str, key: bytes) -> UUID | None:
    """Return whose value it is, None for any other text."""
    if not VALUE.fullmatch(value):
        return None
    held = urlsafe_b64decode(value)
    subscriber_id = UUID(bytes=held[:-MAC_BYTES])
    return subscriber_id if hmac.compare_digest(held[-MAC_BYTES:], _mac(subscriber_id, key)) else None


def _mac(subscriber_id: UUID, key: bytes) -> bytes:
    return hmac.digest(key, b"stop-news:" + subscriber_id.bytes, "sha256")[:MAC_BYTES]
