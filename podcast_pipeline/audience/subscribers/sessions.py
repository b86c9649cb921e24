"""Browser sessions, stored by the hash of their session cookie."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Engine, delete, insert, select

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import sessions, subscribers, tokens
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.row_mapping import select_visitor, to_visitor
from podcast_pipeline.audience.subscribers.tokens import hash_secret
from podcast_pipeline.model import FrozenModel, Instant

SessionScope = Literal["reading", "account"]

SESSION_LIFETIME = timedelta(days=30)
ACCOUNT_SCOPE_LIFETIME = timedelta(hours=1)
"""Afterwards a session from a mailed link may still read, but not change the account."""

MAX_SESSIONS = 50
"""Sessions of a subscriber; the oldest gives way to the next, as a link can open any number of them."""

COOKIE_BYTES = 32
COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")


class BrowserSession(FrozenModel):
    """A session as its owner may see it.

    Attributes:
        is_this: whether the request came from this session.
    """

    id: UUID
    scope: SessionScope
    created_at: Instant
    expires_at: Instant
    is_this: bool


class BrowserSessions:
    """The sessions of a show's subscribers."""

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id

    def open(self, subscriber_id: UUID, *, scope: SessionScope, selector: str | None, now: datetime) -> str:
        """Open a session and return the value of its session cookie; the database contains a hash only.

        The oldest sessions beyond MAX_SESSIONS end.

        Args:
            selector: of the token that opened the session, which loses its rights with that token; None
                after a mailed link.

        Raises:
            SubscriberError: the subscriber was erased meanwhile.
        """
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        row = {
            "id": uuid4(),
            "show_id": self.show_id,
            "subscriber_id": subscriber_id,
            "cookie_sha256": hash_secret(cookie),
            "scope": scope,
            "selector": selector,
            "created_at": now,
            "expires_at": now + SESSION_LIFETIME,
        }
        with write_transaction(self.engine) as connection:
            transactions.lock_row(connection, subscriber_id)
            is_theirs = sessions.c.subscriber_id == subscriber_id
            newest = select(sessions.c.id).where(is_theirs).order_by(sessions.c.created_at.desc())
            is_kept = sessions.c.id.in_(newest.limit(MAX_SESSIONS - 1))
            connection.execute(delete(sessions).where(is_theirs, ~is_kept))
            connection.execute(insert(sessions).values(row))
        return cookie

    def lasts(self, cookie: str, subscriber_id: UUID, *, now: datetime) -> bool:
        """Return whether a session is this subscriber's, by no replaced token, and not soon over."""
        if not COOKIE.fullmatch(cookie):
            return False
        is_by_good_token = sessions.c.selector.is_(None) | tokens.c.rotated_at.is_(None)
        query = select(sessions.c.id).select_from(sessions.outerjoin(tokens))
        query = query.where(self._has_cookie(cookie), sessions.c.subscriber_id == subscriber_id)
        query = query.where(is_by_good_token, sessions.c.expires_at > now + SESSION_LIFETIME / 2)
        with self.engine.connect() as connection:
            return connection.scalar(query) is not None

    def visitor(self, cookie: str, *, now: datetime) -> tuple[Visitor, SessionScope] | None:
        """Return the visitor and the scope of a session; None if it ended or never existed."""
        if not COOKIE.fullmatch(cookie):
            return None
        query = (
            select_visitor(
                subscribers.join(sessions).outerjoin(tokens, tokens.c.selector == sessions.c.selector)
            )
            .add_columns(sessions.c.scope, sessions.c.created_at.label("opened_at"))
            .where(self._has_cookie(cookie), sessions.c.expires_at > now, subscribers.c.erased_at.is_(None))
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return (to_visitor(rows), _scope(rows[0]["scope"], rows[0]["opened_at"], now)) if rows else None

    def close(self, cookie: str) -> None:
        """End a session by its cookie; idempotent."""
        if COOKIE.fullmatch(cookie):
            self._delete(self._has_cookie(cookie))

    def list_of(self, subscriber_id: UUID, *, cookie: str, now: datetime) -> tuple[BrowserSession, ...]:
        """Return a subscriber's open sessions, newest first; `cookie` is that of the request."""
        columns = (sessions.c.id, sessions.c.scope, sessions.c.created_at, sessions.c.expires_at)
        query = (
            select(*columns, self._has_cookie(cookie).label("is_this"))
            .where(sessions.c.subscriber_id == subscriber_id, sessions.c.expires_at > now)
            .order_by(sessions.c.created_at.desc(), sessions.c.id)
        )
        with self.engine.connect() as connection:
            return tuple(BrowserSession.model_validate(row) for row in connection.execute(query).mappings())

    def revoke(self, subscriber_id: UUID, session_id: UUID) -> None:
        """End one of a subscriber's own sessions; idempotent."""
        self._delete((sessions.c.id == session_id) & (sessions.c.subscriber_id == subscriber_id))

    def _has_cookie(self, cookie: str) -> ColumnElement[bool]:
        return (sessions.c.cookie_sha256 == hash_secret(cookie)) & (sessions.c.show_id == self.show_id)

    def _delete(self, condition: ColumnElement[bool]) -> None:
        with write_transaction(self.engine) as connection:
            connection.execute(delete(sessions).where(condition))


def _scope(scope: SessionScope, opened_at: datetime, now: datetime) -> SessionScope:
    return "account" if scope == "account" and now - opened_at < ACCOUNT_SCOPE_LIFETIME else "reading"
