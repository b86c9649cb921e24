"""Transactions on the rows of subscribers, with their audit log entries."""

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, func, insert, select, update

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.generation import advance
from podcast_pipeline.audience.database.tables import audit_log, entitlements, subscribers, tokens
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.privacy.audit_log import (
    ACTORS,
    REVOCATIONS,
    AuditAction,
    AuditDetails,
    Origin,
)
from podcast_pipeline.audience.subscribers.row_mapping import (
    read_subscribers,
    real_subscribers,
    select_subscriber,
)
from podcast_pipeline.audience.subscribers.tokens import new_selector, secret_sha256, to_token
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import MANUAL, Subscriber


@dataclass(frozen=True)
class SubscriberTransaction:
    """One transaction that changes subscribers of a show: at one instant, from one origin, by one actor."""

    connection: Connection
    show_id: UUID
    secret_key: bytes = field(repr=False)
    now: datetime
    origin: Origin
    actor: str

    def insert(
        self, address: EmailAddress, terms: SubscriptionTerms | None, *, is_canary: bool = False
    ) -> UUID:
        """Insert the row of a new subscriber, with a manual entitlement where there are terms."""
        row = self.new_subscriber_row(address, is_canary=is_canary)
        self.connection.execute(insert(subscribers).values(row))
        subscriber_id: UUID = row["id"]
        if terms is not None:
            self.connection.execute(insert(entitlements).values(self.new_manual_row(subscriber_id, terms)))
        return subscriber_id

    def set_terms(self, subscriber_id: UUID, terms: SubscriptionTerms) -> None:
        """Change the manual entitlement of a subscriber whose row is locked; make it where there is none."""
        row = self.new_manual_row(subscriber_id, terms)
        is_theirs = (entitlements.c.subscriber_id == subscriber_id) & (entitlements.c.source == MANUAL)
        changed = {name: row[name] for name in ("plan", "period", "ends_at", "observed_at")}
        if not self.connection.execute(update(entitlements).where(is_theirs).values(changed)).rowcount:
            self.connection.execute(insert(entitlements).values(row))
        self.set(subscriber_id)

    def set(self, subscriber_id: UUID, **values: object) -> None:
        """Change columns of a subscriber's row."""
        query = update(subscribers).where(subscribers.c.id == subscriber_id)
        self.connection.execute(query.values(**values, updated_at=self.now))

    def issue_token(self, subscriber_id: UUID) -> str:
        """Rotate out the current token, if any, and return a new one."""
        current = (tokens.c.subscriber_id == subscriber_id) & tokens.c.rotated_at.is_(None)
        self.connection.execute(update(tokens).where(current).values(rotated_at=self.now))
        token, row = self.new_token_and_row(subscriber_id)
        self.connection.execute(insert(tokens).values(row))
        return token

    def new_subscriber_row(self, address: EmailAddress, *, is_canary: bool = False) -> dict[str, Any]:
        """Return the row of a new subscriber, not yet inserted."""
        return {
            "id": new_uuid7(),
            "show_id": self.show_id,
            "email": address.email,
            "email_normalized": address.normalized,
            "created_at": self.now,
            "updated_at": self.now,
            "is_canary": is_canary,
        }

    def new_manual_row(self, subscriber_id: UUID, terms: SubscriptionTerms) -> dict[str, Any]:
        """Return the row of a manual entitlement, not yet inserted."""
        return {
            "id": new_uuid7(),
            "show_id": self.show_id,
            "subscriber_id": subscriber_id,
            "source": MANUAL,
            "foreign_id": str(subscriber_id),
            "plan": terms.plan,
            "period": terms.period,
            "ends_at": terms.paid_until,
            "observed_at": self.now,
            "observed_id": "",
        }

    def new_token_and_row(self, subscriber_id: UUID) -> tuple[str, dict[str, Any]]:
        """Return a new feed token and its row, not yet inserted."""
        token = to_token(new_selector(), self.secret_key)
        return token, {
            "selector": token.partition(".")[0],
            "show_id": self.show_id,
            "subscriber_id": subscriber_id,
            "secret_sha256": secret_sha256(token),
            "created_at": self.now,
        }

    def verify_secret_key(self) -> None:
        """Check that the secret key made the current tokens: see the function."""
        verify_secret_key(self.connection, show_id=self.show_id, secret_key=self.secret_key)

    def write_audit_entry(
        self, subscriber_id: UUID, action: AuditAction, details: AuditDetails | None = None
    ) -> None:
        """Write one change into the audit log; a revocation advances the database's generation."""
        if action in REVOCATIONS:
            advance(self.connection, self.show_id)
        self._write([self._entry(subscriber_id, action, details or {})])

    def write_audit_entries(
        self, action: AuditAction, changed: Iterable[tuple[UUID, SubscriptionTerms]]
    ) -> None:
        """Write one change of many subscribers into the audit log."""
        self._write(
            [self._entry(subscriber_id, action, terms.to_details()) for subscriber_id, terms in changed]
        )

    def _entry(self, subscriber_id: UUID, action: AuditAction, details: AuditDetails) -> dict[str, Any]:
        return {
            "show_id": self.show_id,
            "subscriber_id": subscriber_id,
            "action": action,
            "origin": self.origin,
            "actor": self.actor,
            "at": self.now,
            "details": dict(details),
        }

    def _write(self, entries: list[dict[str, Any]]) -> None:
        if entries:
            self.connection.execute(insert(audit_log), entries)


def new_uuid7() -> UUID:
    """Return an id of the current time and 74 random bits, so that indexes grow at their end.

    Source: RFC 9562, UUID version 7. With random ids a hundred thousand subscribers took twice the time.
    """
    milliseconds, random_bits = time.time_ns() // 1_000_000, secrets.randbits(74)
    version_7 = milliseconds << 80 | 7 << 76 | (random_bits >> 62) << 64
    return UUID(int=version_7 | 2 << 62 | random_bits & (1 << 62) - 1)


@contextmanager
def subscriber_transaction(
    engine: Engine,
    *,
    show_id: UUID,
    secret_key: bytes,
    now: datetime,
    origin: Origin,
    actor: str | None = None,
) -> Iterator[SubscriberTransaction]:
    """Open a transaction for a change; an exception rolls it back."""
    with write_transaction(engine) as connection:
        yield SubscriberTransaction(connection, show_id, secret_key, now, origin, actor or ACTORS[origin])


def find_for_update(connection: Connection, normalized: str, *, show_id: UUID) -> Subscriber | None:
    """Return the subscriber of an address and lock the row until the transaction ends."""
    query = select_subscriber().where(real_subscribers(show_id), subscribers.c.email_normalized == normalized)
    return next(iter(read_subscribers(connection, query.with_for_update())), None)


def lock_row(connection: Connection, subscriber_id: UUID) -> None:
    """Lock a subscriber's row against erasure until the transaction ends, so that `erase` finds new rows.

    Raises:
        SubscriberError: the subscriber was erased.
    """
    is_this = (subscribers.c.id == subscriber_id) & subscribers.c.erased_at.is_(None)
    if connection.scalar(select(subscribers.c.id).where(is_this).with_for_update()) is None:
        raise SubscriberError("subscriber", "was erased meanwhile")


def get_by_id(connection: Connection, subscriber_id: UUID) -> Subscriber:
    """Return a subscriber that is known to exist."""
    (subscriber,) = read_subscribers(connection, select_subscriber().where(subscribers.c.id == subscriber_id))
    return subscriber


def reactivation_values(address: EmailAddress) -> dict[str, Any]:
    """Return the column values that reactivate a removed subscriber."""
    return {
        "email": address.email,
        **dict.fromkeys(("suspended_at", "suspended_reason", "removed_at", "news_since")),
    }


def verify_secret_key(connection: Connection, *, show_id: UUID, secret_key: bytes) -> None:
    """Check with one current token that the secret key made it.

    A second machine with its own key, or a database that was restored without its key, would make links
    that the others cannot show again. `rotate` does not call this: it replaces such links.

    Raises:
        SubscriberError: another key made the token.
    """
    query = (
        select(subscribers.c.email, tokens.c.selector, tokens.c.secret_sha256)
        .join_from(tokens, subscribers)
        .where(tokens.c.show_id == show_id, tokens.c.rotated_at.is_(None))
        .where(real_subscribers(show_id), subscribers.c.removed_at.is_(None))
        .order_by(tokens.c.selector)
        .limit(1)
    )
    for email, selector, stored_sha256 in connection.execute(query):
        if secret_sha256(to_token(selector, secret_key)) != stored_sha256:
            raise SubscriberError(
                "secret key",
                f"is not the key that made the current links, that of {email} for one; restore that key, or "
                "rotate the links that it made",
            )


def current_selector(connection: Connection, subscriber_id: UUID) -> str:
    """Return the selector of the current feed token of a subscriber who was not removed."""
    is_current = (tokens.c.subscriber_id == subscriber_id) & tokens.c.rotated_at.is_(None)
    selector: str = connection.execute(select(tokens.c.selector).where(is_current)).scalar_one()
    return selector


def replaced_at(connection: Connection, subscriber_id: UUID) -> datetime | None:
    """Return when a feed token of the subscriber was last replaced; None if it never was."""
    query = select(func.max(tokens.c.rotated_at)).where(tokens.c.subscriber_id == subscriber_id)
    instant: datetime | None = connection.execute(query).scalar_one()
    return instant


def current_token(connection: Connection, subscriber_id: UUID, *, secret_key: bytes) -> str:
    """Return the current feed token, derived from the key again.

    Raises:
        SubscriberError: another key made the token.
    """
    query = select(tokens.c.selector, tokens.c.secret_sha256).where(
        tokens.c.subscriber_id == subscriber_id, tokens.c.rotated_at.is_(None)
    )
    selector, stored_sha256 = connection.execute(query).one()
    token = to_token(selector, secret_key)
    if secret_sha256(token) != stored_sha256:
        raise SubscriberError(
            "secret key", "is not the key that made this link; restore the old key or rotate the link"
        )
    return token
