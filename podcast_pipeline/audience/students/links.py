"""The link in a mail to a student or teacher: it holds the address, sealed, so that none is stored.

The seal is Fernet (AES-128-CBC and HMAC-SHA256) under keys that are derived from the secret key: who has the
link or the database reads no address in it. A job has the address under a key of its own: it is no link.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken

from podcast_pipeline.audience.subscribers.email import EmailAddress, parse_email
from podcast_pipeline.errors import SubscriberError

LINK_LIFETIME = timedelta(hours=1)
MAX_LINK_CHARACTERS = 1000


@dataclass(frozen=True)
class StudentLinks:
    """Makes and opens the links of one show."""

    secret_key: bytes = field(repr=False)

    def seal(self, address: EmailAddress, *, now: datetime) -> str:
        """Return the secret part of a link, URL-safe base64."""
        return _seal(self._fernet(b"student-link"), address, now)

    def open(self, secret: str, *, now: datetime) -> EmailAddress | None:
        """Return the address in a link; None if it is too old, or not one of ours."""
        return _open(self._fernet(b"student-link"), secret, now)

    def seal_for_job(self, address: EmailAddress, *, now: datetime) -> str:
        """Return an address as the job that sends a link to it has it; it opens nothing."""
        return _seal(self._fernet(b"student-mail"), address, now)

    def open_of_job(self, sealed: str, *, now: datetime) -> EmailAddress | None:
        """Return the address to send a link to; None if it was asked for more than LINK_LIFETIME ago."""
        return _open(self._fernet(b"student-mail"), sealed, now)

    def _fernet(self, purpose: bytes) -> Fernet:
        return Fernet(urlsafe_b64encode(hmac.digest(self.secret_key, purpose, "sha256")))


def _seal(fernet: Fernet, address: EmailAddress, now: datetime) -> str:
    return fernet.encrypt_at_time(address.email.encode(), int(now.timestamp())).decode().rstrip("=")


def _open(fernet: Fernet, secret: str, now: datetime) -> EmailAddress | None:
    padded = secret + "=" * (-len(secret) % 4)
    if len(secret) > MAX_LINK_CHARACTERS or not secret.isascii():
        return None
    lifetime_s = int(LINK_LIFETIME.total_seconds())
    try:
        email = fernet.decrypt_at_time(padded, ttl=lifetime_s, current_time=int(now.timestamp()))
        return parse_email(email.decode())
    except (InvalidToken, SubscriberError):
        return None
