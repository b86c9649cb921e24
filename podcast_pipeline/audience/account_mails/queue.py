"""Who is still to get which mail about a subscription, and the claims that let none be sent twice.

What is due is found in the audit log and among the subscribers, so that whatever adds a subscriber (a
command, an import, a membership site) need not know of mails. A claim is committed before the mail server has
the mail, and its confirmation afterwards: a run that is killed in between leaves one unconfirmed claim, which
is in doubt and is sent again only when a person says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Row,
    Select,
    String,
    Update,
    case,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from podcast_pipeline.audience.account_mails.templates import MailName
from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import audit_log, entitlements, subscribers
from podcast_pipeline.audience.database.tables import welcome_mails as mails
from podcast_pipeline.audience.subscribers.privacy.audit_log import AuditAction
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.row_mapping import (
    read_subscribers,
    real_subscribers,
    select_subscriber,
)
from podcast_pipeline.audience.subscribers.transactions import current_token
from podcast_pipeline.model import Subscriber, SubscriberState

WELCOME_WINDOW = timedelta(days=30)
TOLD_WINDOW = timedelta(days=7)
"""How long after its cause a mail is sent; later it would be no news."""

AGAIN_AFTER = timedelta(hours=1)
TRIED_FOR = timedelta(days=1)
"""A mail that the server refused is tried again every hour for a day: many servers refuse a first try."""

DOUBTFUL_AFTER = timedelta(minutes=15)
"""How old a claim without a confirmation is before it counts as in doubt, and not as being sent."""

BATCH = 500

CAUSES: dict[AuditAction, MailName] = {
    "added": "welcome",
    "revived": "welcome",
    "rotated": "rotated",
    "suspended": "suspended",
}
"""The change in the audit log that a mail tells of; of a lapse there is no entry."""

STATES: dict[MailName, SubscriberState] = {
    "welcome": "active",
    "rotated": "active",
    "suspended": "suspended",
    "lapsed": "lapsed",
    "student": "active",
}
"""The state in which a mail is still true."""

MAIL_NAMES: dict[str, MailName] = {name: name for name in STATES}
WITH_LINK = frozenset[MailName](("welcome", "rotated"))


@dataclass(frozen=True)
class MailChoice:
    """The mails that show.toml has chosen.

    Attributes:
        welcome_since: who joined from then on is welcomed; None: nobody.
        tells: the changes that people are told of.
    """

    welcome_since: datetime | None = None
    tells: frozenset[MailName] = frozenset()


@dataclass(frozen=True)
class DueMail:
    """A mail to a subscriber; its kind is a name and what caused it: `rotated 17`."""

    subscriber_id: UUID
    kind: str

    @property
    def name(self) -> MailName:
        """The name of its template."""
        return MAIL_NAMES[self.kind.partition(" ")[0]]


@dataclass(frozen=True)
class MailRecipient:
    """To whom a mail goes, and the feed token if the mail has the private link."""

    email: str
    token: str | None = field(repr=False)


class AccountMailQueue:
    """The mails about the subscriptions of a show: due, claimed, confirmed, refused or in doubt."""

    def __init__(self, repository: Subscribers, choice: MailChoice) -> None:
        self._repository = repository
        self._choice = choice

    def due(self, now: datetime) -> Iterator[DueMail]:
        """Yield the mails that are due, in order of their causes and in bounded memory."""
        last = 0
        while batch := self._caused(now, after=last):
            is_one = subscribers.c.id.in_([row.subscriber_id for row in batch])
            states = {
                person.id: person.state(now) for person in self._people(select_subscriber().where(is_one))
            }
            mails_caused = (DueMail(row.subscriber_id, row.kind) for row in batch)
            yield from (mail for mail in mails_caused if states.get(mail.subscriber_id) == STATES[mail.name])
            last = batch[-1].entry
        if "lapsed" in self._choice.tells:
            yield from self._lapsed(now)

    def claim(self, mail: DueMail, *, now: datetime, again: bool = False) -> MailRecipient | None:
        """Claim a mail for this run; None if another run or a change came first.

        Args:
            again: the mail is in doubt, and a person wants it sent all the same.

        Raises:
            SubscriberError: another secret key made the person's link.
        """
        try:
            with write_transaction(self._repository.engine) as connection:
                person = self._person(connection, mail, now)
                if person is None or not self._take(connection, mail, now, again=again):
                    return None
                token = None
                if mail.name in WITH_LINK:
                    key = self._repository.secret_key
                    token = current_token(connection, person.id, secret_key=key)
        except IntegrityError:  # another run has the claim
            return None
        return MailRecipient(person.email, token)

    def confirm(self, mail: DueMail, *, now: datetime) -> None:
        """Record that the mail server accepted a mail."""
        self._change(update(mails).where(_is(mail)).values(sent_at=now))

    def refuse(self, mail: DueMail, *, now: datetime) -> None:
        """Record that the mail server refused a mail; it is tried again."""
        self._change(update(mails).where(_is(mail)).values(retry_at=now + AGAIN_AFTER))

    def release(self, mail: DueMail) -> None:
        """Delete a claim: the mail server certainly did not get the mail."""
        self._change(delete(mails).where(_is(mail)))

    def in_doubt(self, now: datetime) -> tuple[DueMail, ...]:
        """Return the mails whose run ended before the mail server had answered, oldest first."""
        query = select(mails.c.subscriber_id, mails.c.kind).where(self._is_show, _is_doubtful(now))
        with self._repository.engine.connect() as connection:
            rows = connection.execute(query.order_by(mails.c.claimed_at, mails.c.kind))
            return tuple(DueMail(row.subscriber_id, row.kind) for row in rows)

    def count_refused(self) -> int:
        """Return the number of mails that the server refused, and that were not sent since."""
        query = select(func.count()).where(self._is_show, mails.c.retry_at.is_not(None))
        with self._repository.engine.connect() as connection:
            return connection.scalar(query) or 0

    @property
    def _is_show(self) -> ColumnElement[bool]:
        return mails.c.show_id == self._repository.show_id

    def _person(self, connection: Connection, mail: DueMail, now: datetime) -> Subscriber | None:
        """Lock and return a mail's recipient, None where the mail is no longer true."""
        query = select_subscriber().where(
            real_subscribers(self._repository.show_id), subscribers.c.id == mail.subscriber_id
        )
        found = read_subscribers(connection, query.with_for_update())
        return found[0] if found and found[0].state(now) == STATES[mail.name] else None

    def _take(self, connection: Connection, mail: DueMail, now: datetime, *, again: bool) -> bool:
        """Write a claim, over that of a refused mail or one in doubt; IntegrityError for any other."""
        is_taken_over = _is_doubtful(now) if again else _is_refused(now)
        over = update(mails).where(_is(mail), is_taken_over)
        values: dict[str, object] = {"claimed_at": now} if again else {"retry_at": None}
        if connection.execute(over.values(values)).rowcount == 1:
            return True
        if not again:
            row = {"subscriber_id": mail.subscriber_id, "kind": mail.kind, "claimed_at": now}
            connection.execute(insert(mails).values(show_id=self._repository.show_id, **row))
        return not again

    def _caused(self, now: datetime, *, after: int) -> Sequence[Row[UUID, int, str]]:
        """Return the next due mails that an entry of the audit log caused, of each sort the newest."""
        name = case(CAUSES, value=audit_log.c.action)
        newest = (
            select(audit_log.c.subscriber_id, name.label("name"), func.max(audit_log.c.id).label("entry"))
            .where(audit_log.c.show_id == self._repository.show_id, self._is_chosen(now))
            .group_by(audit_log.c.subscriber_id, name)
            .subquery()
        )
        kind = newest.c.name + literal(" ") + cast(newest.c.entry, String)
        is_mail = (mails.c.subscriber_id == newest.c.subscriber_id) & (mails.c.kind == kind)
        query = (
            select(newest.c.subscriber_id, newest.c.entry, kind.label("kind"))
            .join(subscribers, subscribers.c.id == newest.c.subscriber_id)
            .outerjoin(mails, is_mail)
            .where(real_subscribers(self._repository.show_id), newest.c.entry > after)
            .where(mails.c.kind.is_(None) | _is_refused(now))
            .order_by(newest.c.entry)
            .limit(BATCH)
        )
        with self._repository.engine.connect() as connection:
            return connection.execute(query).all()

    def _is_chosen(self, now: datetime) -> ColumnElement[bool]:
        """The entries of the audit log that cause a mail."""
        welcome_since = self._choice.welcome_since
        causes: list[ColumnElement[bool]] = [false()]
        if welcome_since is not None:
            since = max(welcome_since, now - WELCOME_WINDOW)
            joined = [action for action, name in CAUSES.items() if name == "welcome"]
            causes.append(audit_log.c.action.in_(joined) & (audit_log.c.at >= since))
        told = [action for action, name in CAUSES.items() if name in self._choice.tells]
        return or_(*causes, audit_log.c.action.in_(told) & (audit_log.c.at >= now - TOLD_WINDOW))

    def _lapsed(self, now: datetime) -> Iterator[DueMail]:
        """Yield a mail for whoever lapsed within TOLD_WINDOW, once for each end."""
        ends = (entitlements.c.ends_at, entitlements.c.suspended_at)
        ended = select(entitlements.c.subscriber_id).where(
            entitlements.c.show_id == self._repository.show_id,
            or_(*((end > now - TOLD_WINDOW) & (end <= now) for end in ends)),
        )
        query = select_subscriber().where(
            real_subscribers(self._repository.show_id), subscribers.c.id.in_(ended)
        )
        last = UUID(int=0)
        while people := self._people(query.where(subscribers.c.id > last)):
            for person in people:
                mail = DueMail(person.id, f"lapsed {person.state_since(now):%Y-%m-%dT%H:%M:%SZ}")
                if person.state(now) == "lapsed" and not self._is_closed(mail, now):
                    yield mail
            last = people[-1].id

    def _people(self, query: Select[Any]) -> list[Subscriber]:
        with self._repository.engine.connect() as connection:
            return read_subscribers(connection, query.order_by(subscribers.c.id).limit(BATCH))

    def _is_closed(self, mail: DueMail, now: datetime) -> bool:
        """Return whether a mail is claimed, sent, or refused a short while ago."""
        query = select(mails.c.kind).where(_is(mail), ~_is_refused(now))
        with self._repository.engine.connect() as connection:
            return connection.scalar(query) is not None

    def _change(self, statement: Update | Delete) -> None:
        with write_transaction(self._repository.engine) as connection:
            connection.execute(statement)


def _is(mail: DueMail) -> ColumnElement[bool]:
    return (mails.c.subscriber_id == mail.subscriber_id) & (mails.c.kind == mail.kind)


def _is_refused(now: datetime) -> ColumnElement[bool]:
    """The refused mails that may be tried again now; never NULL."""
    is_due = mails.c.retry_at.is_not(None) & (func.coalesce(mails.c.retry_at, now) <= now)
    return is_due & (mails.c.claimed_at > now - TRIED_FOR)


def _is_doubtful(now: datetime) -> ColumnElement[bool]:
    is_open = mails.c.sent_at.is_(None) & mails.c.retry_at.is_(None)
    return is_open & (mails.c.claimed_at <= now - DOUBTFUL_AFTER)
