"""One attempt to sign in: a random cookie of the browser, and what is derived from it."""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

ATTEMPT_LIFETIME = timedelta(minutes=10)
COOKIE_BYTES = 32
COOKIE = re.compile(
    r"(?P<secret>[A-Za-z0-9_-]{43})\.(?P<started>\d{1,11})\.(?P<landing>[A-Za-z0-9_-]{0,1000})"
)


@dataclass(frozen=True)
class Attempt:
    """An attempt to sign in. Nothing of it is stored: who has the cookie and knows the key knows the rest.

    Attributes:
        cookie: the value of the browser's cookie.
    """

    cookie: str = field(repr=False)
    secret_key: bytes = field(repr=False)

    @classmethod
    def start(cls, *, landing: str, secret_key: bytes, now: datetime) -> Self:
        """Return a new attempt.

        Args:
            landing: where to go after sign-in; signed, or empty.
        """
        secret = secrets.token_urlsafe(COOKIE_BYTES)
        encoded = urlsafe_b64encode(landing.encode()).decode().rstrip("=")
        return cls(f"{secret}.{int(now.timestamp())}.{encoded}", secret_key)

    def is_open(self, now: datetime) -> bool:
        """Return whether the cookie is one of ours by its form, and not too old."""
        parts = COOKIE.fullmatch(self.cookie)
        age_s = now.timestamp() - int(parts["started"]) if parts else None
        return age_s is not None and -1 <= age_s < ATTEMPT_LIFETIME.total_seconds()

    @property
    def landing(self) -> str:
        """Where to go after sign-in, as it was given."""
        encoded = self.cookie.rpartition(".")[2]
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")

    @property
    def state(self) -> str:
        """What the provider sends back with the code."""
        return self._derive("state")

    @property
    def nonce(self) -> str:
        """What the ID token must contain."""
        return self._derive("nonce")

    @property
    def code_verifier(self) -> str:
        """What the provider wants with the code, so that a stolen code is worth nothing (PKCE)."""
        return self._derive("verifier")

    def has_state(self, state: str) -> bool:
        """Compare a state with this attempt's in constant time."""
        return hmac.compare_digest(state.encode("utf-8", "surrogatepass"), self.state.encode())

    def _derive(self, purpose: str) -> str:
        """Return 43 characters of URL-safe base64, an HMAC of the cookie."""
        mac = hmac.digest(self.secret_key, f"oidc-{purpose}:{self.cookie}".encode(), "sha256")
        return urlsafe_b64encode(mac).decode().rstrip("=")
