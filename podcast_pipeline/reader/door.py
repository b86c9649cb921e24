"""The session cookie: how a browser is known on the pages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.access import ANONYMOUS, Visitor

Scope = Literal["reading", "account"]
COOKIE_LASTS = timedelta(days=30)
STANDINGS_WITH_A_SESSION = ("active", "lapsed", "suspended")


class Sessions(Protocol):
    """Keeps sessions by the hash of their cookie."""

    def open(self, subscriber_id: UUID, *, scope: Scope, selector: str | None, now: datetime) -> str:
        """Open a session and return its cookie's value."""

    def visitor(self, cookie: str, *, now: datetime) -> tuple[Visitor, Scope] | None:
        """Return whose session it is and what it may do; None for no session."""


@dataclass(frozen=True)
class Door:
    """Reads and sets the session cookie."""

    sessions: Sessions
    clock: Callable[[], datetime]
    is_https: bool

    @property
    def cookie(self) -> str:
        """The cookie's name; the prefix makes browsers refuse it from other hosts and over plain HTTP."""
        return "__Host-session" if self.is_https else "session"

    def visitor(self, request: Request) -> Visitor:
        """Return who asks; a session is worth what the link that opened it is worth."""
        found = self.sessions.visitor(request.cookies.get(self.cookie, ""), now=self.clock())
        return found[0] if found else ANONYMOUS

    def open_for_reading(self, response: Response, visitor: Visitor) -> None:
        """Set a reading-only session on an answer; none for a replaced or closed link."""
        now = self.clock()
        if visitor.subscriber is None or visitor.standing(now) not in STANDINGS_WITH_A_SESSION:
            return
        selector = visitor.token.selector if visitor.token else None
        value = self.sessions.open(visitor.subscriber.id, scope="reading", selector=selector, now=now)
        self._set(response, value)

    def _set(self, response: Response, value: str) -> None:
        response.set_cookie(
            self.cookie,
            value,
            max_age=int(COOKIE_LASTS.total_seconds()),
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )
