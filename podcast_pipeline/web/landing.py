"""Where a reader lands after sign-in or with a private link: a page of this site, never another address."""

import hmac
import re
from dataclasses import dataclass, field

from starlette.requests import Request

PLACE = r"t=\d{1,6}(?:\.\d{1,3})?(?:,\d{1,6}(?:\.\d{1,3})?)?"
"""A place in an episode, which browsers keep to themselves: the part of an address behind #."""

QUERY = r"[A-Za-z0-9=&%+._~-]{1,300}"
OWN_PAGE = re.compile(
    rf"/(?:\?{QUERY})?|/archive|/listen|/account|/search\?{QUERY}"
    rf"|/episodes/[a-z0-9-]{{1,100}}(?:\?v=[0-9a-f]{{16}}(?:&{PLACE})?|\?find={QUERY})?(?:#{PLACE})?"
)
"""The pages that one may land at."""

MAC_CHARACTERS = 20


def own_page(path: str | None) -> str | None:
    """Return a path if it is one of a page of ours, else None."""
    return path if path and OWN_PAGE.fullmatch(path) else None


@dataclass(frozen=True)
class Landings:
    """Signs where sign-in leads, so that nobody else decides where a reader lands."""

    secret_key: bytes = field(repr=False)

    def signed(self, path: str) -> str:
        """Return the value of `next` for a page of ours: `<mac>/episodes/…`."""
        return f"{self._mac(path)}{path}"

    def path(self, value: str | None) -> str | None:
        """Return the path in a value of `signed`; None for any other text."""
        mac, path = (value or "")[:MAC_CHARACTERS], own_page((value or "")[MAC_CHARACTERS:])
        if path is None or not hmac.compare_digest(mac.encode(), self._mac(path).encode()):
            return None
        return path

    def of_page(self, request: Request) -> str | None:
        """Return the value of `next` that leads back to the page of a request; None where it is none."""
        query = request.url.query
        path = own_page(f"{request.url.path}?{query}" if query else request.url.path)
        return self.signed(path) if path and path != "/" else None

    def _mac(self, path: str) -> str:
        return hmac.digest(self.secret_key, f"next:{path}".encode(), "sha256").hex()[:MAC_CHARACTERS]


def with_place(path: str, place: str | None) -> str:
    """Return a path with the place that a reader was at, `#t=12.5`; as it is where that is no place of it."""
    placed = f"{path.partition('#')[0]}#{place}"
    return placed if place and OWN_PAGE.fullmatch(placed) else path
