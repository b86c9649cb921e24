"""The session cookie, which identifies a subscriber's browser on the pages."""

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

SESSION_COOKIE_AGE = timedelta(days=30)
BROWSER_COOKIE_AGE = timedelta(hours=1)
STANDINGS_WITH_A_SESSION = ("active", "lapsed", "suspended")


class NotSignedIn(Exception):
    """The page needs a session from a mailed link; `ErrorPages` redirects to `/signin`."""


class SessionBackend(Protocol):
    """Stores sessions under the hash of their cookie."""

    def open(self, subscriber_id: UUID, *, scope: SessionScope, selector: str | None, now: datetime) -> str:
        """Open a session and return its cookie's value."""

    def visitor(self, cookie: str, *, now: datetime) -> tuple[Visitor, SessionScope] | None:
        """Return the session's visitor and scope; None without such a session."""

    def lasts(self, cookie: str, subscriber_id: UUID, *, now: datetime) -> bool:
        """Return whether the session is this subscriber's, reads, and will for some time."""

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
        """The session cookie's name; browsers accept the `__Host-` prefix from this host over HTTPS only."""
        return "__Host-session" if self.is_https else "session"

    @property
    def browser_cookie_name(self) -> str:
        """The name of the cookie that binds a sign-in code to the browser that requested it."""
        return "__Host-browser" if self.is_https else "browser"

    @property
    def attempt_cookie_name(self) -> str:
        """The name of the cookie of an attempt to sign in with an account of another site."""
        return "__Host-attempt" if self.is_https else "attempt"

    def attempt_value(self, request: Request) -> str:
        """Return the value of the cookie of an attempt; empty without one."""
        return request.cookies.get(self.attempt_cookie_name, "")

    def set_attempt_cookie(self, response: Response, value: str, max_age: timedelta) -> None:
        """Set the cookie that an account's answer will be bound to."""
        self._set(response, self.attempt_cookie_name, value, max_age)

    def delete_attempt_cookie(self, response: Response) -> Response:
        """Delete the cookie of an attempt that is over, and return the response."""
        self._delete(response, self.attempt_cookie_name)
        return response

    def session_value(self, request: Request) -> str:
        """Return the value of the session cookie; empty without a cookie."""
        return request.cookies.get(self.session_cookie_name, "")

    def needs_database(self, request: Request) -> bool:
        """Return whether a page for this request reads the database: a visitor has no session."""
        return bool(self.session_value(request))

    def visitor(self, request: Request) -> Visitor:
        """Return the visitor; a session has the rights of the link that opened it."""
        session = self.sessions.visitor(self.session_value(request), now=self.clock())
        return session[0] if session else ANONYMOUS

    def scope(self, request: Request) -> SessionScope | None:
        """Return what the session of a request may do; None without one."""
        session = self.sessions.visitor(self.session_value(request), now=self.clock())
        return session[1] if session else None

    def signed_in_subscriber(self, request: Request) -> Subscriber:
        """Return the subscriber who signed in by mail; raises NotSignedIn."""
        session = self.sessions.visitor(self.session_value(request), now=self.clock())
        if session is None or session[1] != "account" or session[0].subscriber is None:
            raise NotSignedIn
        return session[0].subscriber

    def needs_session(self, request: Request, visitor: Visitor) -> bool:
        """Return whether a private link opens a session: not a closed link, nor where there is a good one."""
        now, subscriber = self.clock(), visitor.subscriber
        if subscriber is None or visitor.standing(now) not in STANDINGS_WITH_A_SESSION:
            return False
        return not self.sessions.lasts(self.session_value(request), subscriber.id, now=now)

    def open_reading_session(self, response: Response, visitor: Visitor) -> None:
        """Set a read-only session cookie on a response, for a visitor who `needs_session`."""
        now = self.clock()
        assert visitor.subscriber is not None
        selector = visitor.token.selector if visitor.token else None
        value = self.sessions.open(visitor.subscriber.id, scope="reading", selector=selector, now=now)
        self._set(response, self.session_cookie_name, value, SESSION_COOKIE_AGE)

    def open_account_session(self, response: Response, subscriber_id: UUID) -> Response:
        """Set the cookie of a session that may change the account, and return the response."""
        value = self.sessions.open(subscriber_id, scope="account", selector=None, now=self.clock())
        self._set(response, self.session_cookie_name, value, SESSION_COOKIE_AGE)
        return response

    def set_browser_cookie(self, response: Response, value: str) -> None:
        """Set the cookie that a sign-in code will be bound to."""
        self._set(response, self.browser_cookie_name, value, BROWSER_COOKIE_AGE)

    def close_session(self, response: Response, request: Request) -> Response:
        """End the request's session, delete its cookie, and return the response."""
        self.sessions.close(self.session_value(request))
        self._delete(response, self.session_cookie_name)
        return response

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(name, secure=self.is_https, httponly=True, samesite="lax")

    def _set(self, response: Response, name: str, value: str, max_age: timedelta) -> None:
        response.headers["cache-control"] = "no-store"
        response.set_cookie(
            name,
            value,
            max_age=int(max_age.total_seconds()),
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )
