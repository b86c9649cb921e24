"""The session cookie: how a browser is known on the pages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.access import ANONYMOUS, Visitor
from podcast_pipeline.audience.subscribers.sessions import SessionScope
from podcast_pipeline.model import Subscriber

COOKIE_LASTS = timedelta(days=30)
BROWSER_LASTS = timedelta(hours=1)
STANDINGS_WITH_A_SESSION = ("active", "lapsed", "suspended")


class NotSignedIn(Exception):
    """This needs a session from a mailed link; `app` sends the browser to `/signin`."""


class SessionBackend(Protocol):
    """Keeps sessions by the hash of their cookie."""

    def open(self, subscriber_id: UUID, *, scope: SessionScope, selector: str | None, now: datetime) -> str:
        """Open a session and return its cookie's value."""

    def visitor(self, cookie: str, *, now: datetime) -> tuple[Visitor, SessionScope] | None:
        """Return whose session it is and what it may do; None for no session."""

    def close(self, cookie: str) -> None:
        """End a session."""


@dataclass(frozen=True)
class SessionCookies:
    """Reads and sets the session cookie."""

    sessions: SessionBackend
    clock: Callable[[], datetime]
    is_https: bool

    @property
    def session_cookie_name(self) -> str:
        """The cookie's name; the prefix makes browsers refuse it from other hosts and over plain HTTP."""
        return "__Host-session" if self.is_https else "session"

    @property
    def browser_cookie_name(self) -> str:
        """The name of the cookie that binds a sign-in to the browser that asked for it."""
        return "__Host-browser" if self.is_https else "browser"

    def session_value(self, request: Request) -> str:
        """Return the value of the session cookie, empty without one."""
        return request.cookies.get(self.session_cookie_name, "")

    def visitor(self, request: Request) -> Visitor:
        """Return who asks; a session is worth what the link that opened it is worth."""
        found = self.sessions.visitor(self.session_value(request), now=self.clock())
        return found[0] if found else ANONYMOUS

    def signed_in_subscriber(self, request: Request) -> Subscriber:
        """Return who asks, if they came by a mailed link; raises NotSignedIn."""
        found = self.sessions.visitor(self.session_value(request), now=self.clock())
        if found is None or found[1] != "account" or found[0].subscriber is None:
            raise NotSignedIn
        return found[0].subscriber

    def open_reading_session(self, response: Response, visitor: Visitor) -> None:
        """Set a reading-only session on an answer; none for a replaced or closed link."""
        now = self.clock()
        if visitor.subscriber is None or visitor.standing(now) not in STANDINGS_WITH_A_SESSION:
            return
        selector = visitor.token.selector if visitor.token else None
        value = self.sessions.open(visitor.subscriber.id, scope="reading", selector=selector, now=now)
        self._set(response, self.session_cookie_name, value, COOKIE_LASTS)

    def open_account_session(self, response: Response, subscriber_id: UUID) -> Response:
        """Set a session that may change the account on an answer, and return it."""
        value = self.sessions.open(subscriber_id, scope="account", selector=None, now=self.clock())
        self._set(response, self.session_cookie_name, value, COOKIE_LASTS)
        return response

    def set_browser_cookie(self, response: Response, value: str) -> None:
        """Set the cookie that a code will be bound to."""
        self._set(response, self.browser_cookie_name, value, BROWSER_LASTS)

    def close_session(self, response: Response, request: Request) -> Response:
        """End the session of a request, take its cookie back, and return the answer."""
        self.sessions.close(self.session_value(request))
        response.delete_cookie(self.session_cookie_name, secure=self.is_https, httponly=True, samesite="lax")
        return response

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.headers["cache-control"] = "no-store"
        response.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )
