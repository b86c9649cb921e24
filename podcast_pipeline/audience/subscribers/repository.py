"""Adds, changes and finds the subscribers of one show."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, case, delete, exists, func, select

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database import retry_on_integrity_error, truncate_wal
from podcast_pipeline.audience.database.tables import (
    network_addresses,
    news_mails,
    sessions,
    signin_requests,
    subscribers,
    tokens,
)
from podcast_pipeline.audience.subscribers import email as subscribers_email
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.privacy.audit_log import AuditAction, AuditDetails, Origin
from podcast_pipeline.audience.subscribers.row_mapping import (
    TOKEN_COLUMNS,
    real_subscribers,
    select_subscriber,
    to_subscriber,
    to_visitor,
)
from podcast_pipeline.audience.subscribers.tokens import DUMMY_CREDENTIALS, parse_token, secret_matches
from podcast_pipeline.audience.subscribers.transactions import SubscriberTransaction
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Period, Plan, Subscriber

PERSONAL = (sessions, network_addresses, signin_requests, news_mails, tokens)
"""What is deleted with a person, in the order of the references."""


class Subscribers:
    """The subscribers of a show. Times are aware; every change says where it came from.

    Args:
        secret_key: what feed tokens are made with, from `tokens.secret_key`.
    """

    def __init__(self, engine: Engine, *, show_id: UUID, secret_key: bytes) -> None:
        self.engine = engine
        self.show_id = show_id
        self.secret_key = secret_key

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
        """Add somebody and return them with their feed token.

        Somebody who is there already stays as they are; a removed one comes back with a new token.

        Raises:
            SubscriberError: not an address, or the key is not the one of the links that are out.
        """
        address = subscribers_email.parse_email(email)
        terms = SubscriptionTerms(plan, period, paid_until)
        return retry_on_integrity_error(lambda: self._add(address, terms, now, origin))

    def renew(self, email: str, until: datetime | None, *, now: datetime, origin: Origin) -> Subscriber:
        """Set until when it is paid; None never ends."""
        return self._change(
            email,
            "renewed",
            {"paid_until": until},
            is_done=lambda subscriber: subscriber.paid_until == until,
            now=now,
            origin=origin,
            details={"paid_until": until.isoformat() if until else None},
        )

    def suspend(self, email: str, reason: str | None, *, now: datetime, origin: Origin) -> Subscriber:
        """Stop somebody until `resume`; the reason is kept out of the audit log."""
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
        """End a subscription; what is known of the person stays until `erase`."""
        return self._change(
            email,
            "removed",
            {"removed_at": now},
            is_done=lambda subscriber: subscriber.removed_at is not None,
            now=now,
            origin=origin,
        )

    def rotate(self, email: str, *, now: datetime, origin: Origin) -> str:
        """Return a new feed token; the old one gets a notice from now on."""
        with self.transaction(now, origin) as change:
            subscriber = self._subscribed(change.connection, email)
            change.write_audit_entry(subscriber.id, "rotated")
            return change.issue_token(subscriber.id)

    def feed_token(self, email: str) -> str:
        """Return the feed token again, made from the key.

        Raises:
            SubscriberError: unknown, removed, or the key is not the one it was made with.
        """
        with self.engine.connect() as connection:
            subscriber = self._subscribed(connection, email)
            return transactions.current_token(connection, subscriber.id, secret_key=self.secret_key)

    def verify_secret_key(self) -> None:
        """Do nothing.

        Raises:
            SubscriberError: the key is not the one of the links that are out.
        """
        with self.engine.connect() as connection:
            transactions.verify_secret_key(connection, show_id=self.show_id, secret_key=self.secret_key)

    def enable_notifications(self, email: str, *, now: datetime, origin: Origin) -> Subscriber:
        """Tell somebody of new transcripts by mail from now on; who is told already stays as they are."""
        return self._change(
            email,
            "news_on",
            {"news_since": now},
            is_done=lambda subscriber: subscriber.news_since is not None,
            now=now,
            origin=origin,
        )

    def disable_notifications(self, subscriber_id: UUID, *, now: datetime, origin: Origin) -> None:
        """Tell somebody of nothing more; removed people too, and not an error for nobody."""
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
        """Forget the person: address, reason, tokens, sessions, networks, mails. The row still counts."""
        with self.transaction(now, origin) as change:
            subscriber = self._known(change.connection, email)
            for table in PERSONAL:
                change.connection.execute(delete(table).where(table.c.subscriber_id == subscriber.id))
            personal = dict.fromkeys(("email", "email_normalized", "suspended_reason", "news_since"))
            removed_at = subscriber.removed_at or now
            change.set(subscriber.id, **personal, removed_at=removed_at, erased_at=now)
            change.write_audit_entry(subscriber.id, "erased")
        truncate_wal(self.engine)

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
            for row in connection.execute(query.order_by(subscribers.c.email_normalized)).mappings():
                yield to_subscriber(row)

    def count_by_state(self, now: datetime) -> dict[str, int]:
        """Return how many there are in each state, and how many were erased."""
        ours = (subscribers.c.show_id == self.show_id, subscribers.c.is_canary.is_(False))
        state = case(
            (subscribers.c.erased_at.is_not(None), "erased"),
            (subscribers.c.removed_at.is_not(None), "removed"),
            (subscribers.c.suspended_at.is_not(None), "suspended"),
            (subscribers.c.paid_until <= now, "lapsed"),
            else_="active",
        )
        with self.engine.connect() as connection:
            rows = connection.execute(select(state, func.count()).where(*ours).group_by(state))
            return {str(name): int(number) for name, number in rows}

    def visitor(self, token: str) -> Visitor | None:
        """Return who holds a token, rotated-out and removed ones too; None for any other text.

        A wrong secret and an unknown selector do the same work: the first token from the selector on is
        read, which is its own or a stranger's, and both halves are compared.
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
        ours = (tokens.c.selector == selector) & (tokens.c.show_id == self.show_id)
        with self.engine.connect() as connection:
            read_selector, stored_sha256 = connection.execute(nearest).one_or_none() or DUMMY_CREDENTIALS
            if not secret_matches(secret, stored_sha256) & hmac.compare_digest(selector, read_selector):
                return None
            query = (
                select_subscriber()
                .add_columns(*TOKEN_COLUMNS)
                .select_from(subscribers.join(tokens))
                .where(ours)
            )
            row = connection.execute(query).mappings().first()
        return to_visitor(row) if row else None

    def transaction(self, now: datetime, origin: Origin) -> AbstractContextManager[SubscriberTransaction]:
        """Open a transaction that changes this show's subscribers."""
        return transactions.subscriber_transaction(
            self.engine, show_id=self.show_id, secret_key=self.secret_key, now=now, origin=origin
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
                change.set(subscriber_id, **transactions.reactivation_values(address, terms))
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
        details: AuditDetails | None = None,
    ) -> Subscriber:
        with self.transaction(now, origin) as change:
            before = self._known(change.connection, email)
            if before.removed_at is not None and action != "removed":
                raise _gone(email)
            if is_done(before):
                return before
            change.set(before.id, **values)
            change.write_audit_entry(before.id, action, details)
            return transactions.get_by_id(change.connection, before.id)

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
            raise _gone(email)
        return found


def may_create_secret_key(engine: Engine) -> bool:
    """Tell whether a new key can do no harm: a database of this machine alone, and no token in it yet."""
    with engine.connect() as connection:
        return engine.dialect.name == "sqlite" and not connection.scalar(
            select(exists(select(tokens.c.selector)))
        )


def _gone(email: str) -> SubscriberError:
    return SubscriberError(email, "was removed; add them again to give them a new link")
