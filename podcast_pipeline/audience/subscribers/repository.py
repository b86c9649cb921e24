"""Adds, changes and finds the subscribers of one show."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, case, exists, func, select

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database import retry_on_integrity_error, truncate_wal
from podcast_pipeline.audience.database.tables import subscribers, tokens
from podcast_pipeline.audience.subscribers import email as subscribers_email
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.entitlement_rows import is_active
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.privacy.audit_log import (
    REVOCATIONS,
    AuditAction,
    Origin,
)
from podcast_pipeline.audience.subscribers.privacy.erasure import delete_personal_data
from podcast_pipeline.audience.subscribers.row_mapping import (
    real_subscribers,
    select_subscriber,
    select_visitor,
    to_subscribers,
    to_visitor,
)
from podcast_pipeline.audience.subscribers.tokens import DUMMY_CREDENTIALS, parse_token, secret_matches
from podcast_pipeline.audience.subscribers.transactions import SubscriberTransaction
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Period, Plan, Subscriber


class Subscribers:
    """The subscribers of a show. Times are aware; every change takes its origin.

    Args:
        secret_key: derives feed tokens, from `tokens.load_secret_key`.
        on_revoked: called after every committed revocation, such as a rotation.
        actor: who makes the changes, for the audit log; None: follows from the origin.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        show_id: UUID,
        secret_key: bytes,
        on_revoked: Callable[[], None] = lambda: None,
        actor: str | None = None,
    ) -> None:
        self.engine = engine
        self.show_id = show_id
        self.secret_key = secret_key
        self.actor = actor
        self._on_revoked = on_revoked

    def __repr__(self) -> str:
        return f"Subscribers(show_id={self.show_id})"

    def add(
        self,
        email: str,
        *,
        plan: Plan = "standard",
        period: Period = "yearly",
        paid_until: datetime | None = None,
        now: datetime,
        origin: Origin,
    ) -> tuple[Subscriber, str]:
        """Add a subscriber and return them with their feed token.

        An existing subscriber stays unchanged; a removed one is reactivated with a new token.

        Raises:
            SubscriberError: not an address, or the secret key does not match the current tokens.
        """
        address = subscribers_email.parse_email(email)
        terms = SubscriptionTerms(plan, period, paid_until)
        return retry_on_integrity_error(lambda: self._add(address, terms, now, origin))

    def by(self, actor: str) -> "Subscribers":
        """Return the same subscribers, to be changed by somebody else: `key <id>`, or a source."""
        return Subscribers(
            self.engine,
            show_id=self.show_id,
            secret_key=self.secret_key,
            on_revoked=self._on_revoked,
            actor=actor,
        )

    def renew(self, email: str, until: datetime | None, *, now: datetime, origin: Origin) -> Subscriber:
        """Set the end of the time that was paid for by hand (`manual`); None never ends."""
        with self.transaction(now, origin) as change:
            before = self._subscribed(change.connection, email)
            terms = SubscriptionTerms.of(before)
            if before.manual and terms.paid_until == until:
                return before
            renewed = replace(terms, paid_until=until)
            change.set_terms(before.id, renewed)
            change.write_audit_entry(before.id, "renewed", renewed.to_details())
            return transactions.get_by_id(change.connection, before.id)

    def suspend(self, email: str, reason: str | None, *, now: datetime, origin: Origin) -> Subscriber:
        """Suspend a subscriber until `resume`; the reason is not written into the audit log."""
        return self._change(
            email,
            "suspended",
            {"suspended_at": now, "suspended_reason": reason and reason[:500]},
            is_done=lambda subscriber: subscriber.suspended_at is not None,
            now=now,
            origin=origin,
        )

    def resume(self, email: str, *, now: datetime, origin: Origin) -> Subscriber:
        """End a suspension."""
        return self._change(
            email,
            "resumed",
            {"suspended_at": None, "suspended_reason": None},
            is_done=lambda subscriber: subscriber.suspended_at is None,
            now=now,
            origin=origin,
        )

    def remove(self, email: str, *, now: datetime, origin: Origin) -> Subscriber:
        """End a subscription; the person's data stays until `erase`."""
        return self._change(
            email,
            "removed",
            {"removed_at": now},
            is_done=lambda subscriber: subscriber.removed_at is not None,
            now=now,
            origin=origin,
        )

    def rotate(self, email: str, *, now: datetime, origin: Origin, replaces: str | None = None) -> str:
        """Replace the feed token and return the new one; the old one's feed contains a notice from now on.

        Args:
            replaces: the token that is meant; where it was replaced already, nothing changes and the current
                one is returned, so that a double click replaces once.
        """
        with self.transaction(now, origin) as change:
            subscriber = self._subscribed(change.connection, email)
            if replaces is not None:
                transactions.lock_row(change.connection, subscriber.id)
                key = self.secret_key
                current = transactions.current_token(change.connection, subscriber.id, secret_key=key)
                if current != replaces:
                    return current
            change.write_audit_entry(subscriber.id, "rotated")
            token = change.issue_token(subscriber.id)
        self._on_revoked()
        return token

    def feed_token(self, email: str) -> str:
        """Return the current feed token, derived from the key again.

        Raises:
            SubscriberError: unknown, removed, or the token was made with another key.
        """
        with self.engine.connect() as connection:
            subscriber = self._subscribed(connection, email)
            return transactions.current_token(connection, subscriber.id, secret_key=self.secret_key)

    def verify_secret_key(self) -> None:
        """Check that the secret key made the current tokens.

        Raises:
            SubscriberError: another key made them.
        """
        with self.engine.connect() as connection:
            transactions.verify_secret_key(connection, show_id=self.show_id, secret_key=self.secret_key)

    def enable_notifications(self, email: str, *, now: datetime, origin: Origin) -> Subscriber:
        """Record the opt-in to mail about new transcripts, from now on; idempotent."""
        return self._change(
            email,
            "news_on",
            {"news_since": now},
            is_done=lambda subscriber: subscriber.news_since is not None,
            now=now,
            origin=origin,
        )

    def disable_notifications(self, subscriber_id: UUID, *, now: datetime, origin: Origin) -> None:
        """Unsubscribe from notifications, removed subscribers too; idempotent, no error for an unknown id."""
        with self.transaction(now, origin) as change:
            query = select(subscribers.c.id).where(
                real_subscribers(self.show_id),
                subscribers.c.id == subscriber_id,
                subscribers.c.news_since.is_not(None),
            )
            if change.connection.scalar(query.with_for_update()) is not None:
                change.set(subscriber_id, news_since=None)
                change.write_audit_entry(subscriber_id, "news_off")

    def erase(self, email: str, *, now: datetime, origin: Origin) -> None:
        """Erase a person: address, reason, tokens, sessions, networks, mails; the row stays, for counts."""
        with self.transaction(now, origin) as change:
            subscriber = self._known(change.connection, email)
            delete_personal_data(change.connection, subscriber, secret_key=self.secret_key, now=now)
            blank = dict.fromkeys(("email", "email_normalized", "suspended_reason", "news_since"))
            removed_at = subscriber.removed_at or now
            change.set(subscriber.id, **blank, removed_at=removed_at, erased_at=now)
            change.write_audit_entry(subscriber.id, "erased")
        truncate_wal(self.engine)
        self._on_revoked()

    def get(self, email: str) -> Subscriber:
        """Return a subscriber, removed or not.

        Raises:
            SubscriberError: nobody has this address.
        """
        with self.engine.connect() as connection:
            return self._known(connection, email)

    def list_all(self) -> Iterator[Subscriber]:
        """Yield every subscriber in order of address, removed ones too, in bounded memory."""
        query = select_subscriber().where(real_subscribers(self.show_id))
        with self.engine.connect().execution_options(yield_per=1000) as connection:
            rows = connection.execute(query.order_by(subscribers.c.email_normalized)).mappings()
            for part in rows.partitions():
                yield from to_subscribers(connection, part)

    def count_by_state(self, now: datetime) -> dict[str, int]:
        """Return the number of subscribers in each state, and of erased ones."""
        is_counted = (subscribers.c.show_id == self.show_id, subscribers.c.is_canary.is_(False))
        state = case(
            (subscribers.c.erased_at.is_not(None), "erased"),
            (subscribers.c.removed_at.is_not(None), "removed"),
            (subscribers.c.suspended_at.is_not(None), "suspended"),
            (is_active(now), "active"),
            else_="lapsed",
        )
        with self.engine.connect() as connection:
            rows = connection.execute(select(state, func.count()).where(*is_counted).group_by(state))
            return {str(name): int(number) for name, number in rows}

    def visitor(self, token: str) -> Visitor | None:
        """Return the visitor with a feed token, rotated or of a removed subscriber too; else None.

        Against timing attacks a wrong secret and an unknown selector cost the same work: one query reads the
        first token from the selector on, and both its parts are compared in constant time.
        """
        parts = parse_token(token)
        if parts is None:
            return None
        selector, secret = parts
        nearest = (
            select(tokens.c.selector, tokens.c.secret_sha256)
            .where(tokens.c.selector >= selector)
            .order_by(tokens.c.selector)
            .limit(1)
        )
        is_token = (tokens.c.selector == selector) & (tokens.c.show_id == self.show_id)
        with self.engine.connect() as connection:
            nearest_selector, stored_sha256 = connection.execute(nearest).one_or_none() or DUMMY_CREDENTIALS
            if not secret_matches(secret, stored_sha256) & hmac.compare_digest(selector, nearest_selector):
                return None
            return _visitor(connection, is_token)

    def visitor_by_selector(self, selector: str) -> Visitor | None:
        """Return the holder of the feed token with a selector; None where there is none.

        A selector is no secret: call this only for one that the secret key has signed.
        """
        is_token = (tokens.c.selector == selector) & (tokens.c.show_id == self.show_id)
        with self.engine.connect() as connection:
            return _visitor(connection, is_token)

    def transaction(self, now: datetime, origin: Origin) -> AbstractContextManager[SubscriberTransaction]:
        """Open a transaction that changes this show's subscribers."""
        return transactions.subscriber_transaction(
            self.engine,
            show_id=self.show_id,
            secret_key=self.secret_key,
            now=now,
            origin=origin,
            actor=self.actor,
        )

    def _add(
        self, address: EmailAddress, terms: SubscriptionTerms, now: datetime, origin: Origin
    ) -> tuple[Subscriber, str]:
        with self.transaction(now, origin) as change:
            found = transactions.find_for_update(change.connection, address.normalized, show_id=self.show_id)
            if found is None:
                subscriber_id = change.insert(address, terms)
            elif found.removed_at is None:
                return found, transactions.current_token(
                    change.connection, found.id, secret_key=self.secret_key
                )
            else:
                subscriber_id = found.id
                change.set(subscriber_id, **transactions.reactivation_values(address))
                change.set_terms(subscriber_id, terms)
            change.verify_secret_key()
            change.write_audit_entry(subscriber_id, "revived" if found else "added", terms.to_details())
            token = change.issue_token(subscriber_id)
            return transactions.get_by_id(change.connection, subscriber_id), token

    def _change(
        self,
        email: str,
        action: AuditAction,
        values: dict[str, object],
        *,
        is_done: Callable[[Subscriber], bool],
        now: datetime,
        origin: Origin,
    ) -> Subscriber:
        with self.transaction(now, origin) as change:
            before = self._known(change.connection, email)
            if before.removed_at is not None and action != "removed":
                raise _removed_error(email)
            if is_done(before):
                return before
            change.set(before.id, **values)
            change.write_audit_entry(before.id, action)
            changed = transactions.get_by_id(change.connection, before.id)
        if action in REVOCATIONS:
            self._on_revoked()
        return changed

    def _known(self, connection: Connection, email: str) -> Subscriber:
        found = transactions.find_for_update(
            connection, subscribers_email.normalize_email(email), show_id=self.show_id
        )
        if found is None:
            raise SubscriberError(email, "nobody has this address; see `podcast subscribers list`")
        return found

    def _subscribed(self, connection: Connection, email: str) -> Subscriber:
        found = self._known(connection, email)
        if found.removed_at is not None:
            raise _removed_error(email)
        return found


def may_create_secret_key(engine: Engine) -> bool:
    """Return whether a new key is safe: the database is SQLite, of this machine alone, and has no token."""
    with engine.connect() as connection:
        return engine.dialect.name == "sqlite" and not connection.scalar(
            select(exists(select(tokens.c.selector)))
        )


def _visitor(connection: Connection, is_token: ColumnElement[bool]) -> Visitor | None:
    query = select_visitor(subscribers.join(tokens)).where(is_token)
    rows = connection.execute(query).mappings().all()
    return to_visitor(rows) if rows else None


def _removed_error(email: str) -> SubscriberError:
    return SubscriberError(email, "was removed; add this subscriber again to make a new link")
