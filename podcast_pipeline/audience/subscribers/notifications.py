"""Notifications of new transcripts by mail: their recipients, and a queue that sends none twice.

A claim on a mail is committed before the mail server gets it, and its confirmation afterwards: a run that is
killed in between leaves one unconfirmed claim, and a claimed notification is never sent again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from podcast_pipeline.access import AccessPolicy, Allow, Visitor, decide
from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import news_mails, subscribers
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.row_mapping import (
    read_subscribers,
    real_subscribers,
    select_subscriber,
)
from podcast_pipeline.audience.subscribers.transactions import current_selector
from podcast_pipeline.model import Episode, Subscriber

NOTIFICATION_WINDOW = timedelta(days=365)
"""How long after publication a transcript is new; afterwards its claims are deleted, and no mail is sent."""

BATCH_SUBSCRIBERS = 1000  # in memory


@dataclass(frozen=True)
class Recipient:
    """To whom a mail goes.

    Attributes:
        selector: of the current feed token, for the one-episode link in the mail.
    """

    email: str
    selector: str


def transcript_available_since(episode: Episode) -> datetime | None:
    """Return when an episode was out with its first transcript; None before."""
    if episode.published_at is None or episode.transcript is None:
        return None
    return max(episode.published_at, episode.transcripts[0].published_at)


def should_notify(subscriber: Subscriber, episode: Episode, *, policy: AccessPolicy, now: datetime) -> bool:
    """Decide whether a subscriber is notified: opt-in before the transcript was out, and active now.

    A public transcript is open to lapsed and removed subscribers too, and they get no mail.
    """
    opted_in_at, available_at = subscriber.news_since, transcript_available_since(episode)
    if subscriber.is_canary or opted_in_at is None or available_at is None:
        return False
    if subscriber.state(now) != "active":
        return False
    may_read = isinstance(decide(Visitor(subscriber), episode, "file", policy=policy, now=now), Allow)
    return may_read and opted_in_at <= available_at and now - available_at < NOTIFICATION_WINDOW


class NotificationQueue:
    """The notifications of a show's subscribers: pending, claimed, and confirmed or released."""

    def __init__(self, repository: Subscribers, policy: AccessPolicy) -> None:
        self._repository = repository
        self._policy = policy

    def pending(self, episode: Episode, *, clock: Callable[[], datetime]) -> Iterator[UUID]:
        """Yield the ids of the subscribers to notify, in order and in bounded memory.

        No transaction is open between two ids, for sending a mail may be slow.
        """
        last = UUID(int=0)
        while batch := self._unclaimed(episode.id, after=last):
            now = clock()
            yield from (
                subscriber.id for subscriber in batch if self._should_notify(subscriber, episode, now)
            )
            last = batch[-1].id

    def claim(self, subscriber_id: UUID, episode: Episode, *, now: datetime) -> Recipient | None:
        """Claim a mail for this run; None if another run or a change came first."""
        query = select_subscriber().where(
            real_subscribers(self._repository.show_id), subscribers.c.id == subscriber_id
        )
        claim = {
            "subscriber_id": subscriber_id,
            "episode_id": episode.id,
            "show_id": self._repository.show_id,
            "claimed_at": now,
        }
        try:
            with write_transaction(self._repository.engine) as connection:
                subscriber = next(iter(read_subscribers(connection, query.with_for_update())), None)
                if subscriber is None or not self._should_notify(subscriber, episode, now):
                    return None
                connection.execute(insert(news_mails).values(claim))
                selector = current_selector(connection, subscriber_id)
        except IntegrityError:  # another run has the claim
            return None
        return Recipient(subscriber.email, selector)

    def confirm(self, subscriber_id: UUID, episode_id: UUID, *, now: datetime) -> None:
        """Record that the mail server accepted a mail."""
        with write_transaction(self._repository.engine) as connection:
            connection.execute(
                update(news_mails).where(_is_mail(subscriber_id, episode_id)).values(sent_at=now)
            )

    def release(self, subscriber_id: UUID, episode_id: UUID) -> None:
        """Delete a claim: the mail server certainly did not accept the mail."""
        with write_transaction(self._repository.engine) as connection:
            connection.execute(delete(news_mails).where(_is_mail(subscriber_id, episode_id)))

    def count_unconfirmed(self, episode_id: UUID) -> int:
        """Return the number of claims without a confirmation, whose mails may or may not have been sent."""
        query = select(func.count()).where(
            news_mails.c.episode_id == episode_id,
            news_mails.c.show_id == self._repository.show_id,
            news_mails.c.sent_at.is_(None),
        )
        with self._repository.engine.connect() as connection:
            return connection.scalar(query) or 0

    def _unclaimed(self, episode_id: UUID, *, after: UUID) -> Sequence[Subscriber]:
        is_claimed = exists().where(_is_mail(subscribers.c.id, episode_id))
        query = (
            select_subscriber()
            .where(
                real_subscribers(self._repository.show_id),
                subscribers.c.id > after,
                subscribers.c.news_since.is_not(None),
                ~is_claimed,
            )
            .order_by(subscribers.c.id)
            .limit(BATCH_SUBSCRIBERS)
        )
        with self._repository.engine.connect() as connection:
            return read_subscribers(connection, query)

    def _should_notify(self, subscriber: Subscriber, episode: Episode, now: datetime) -> bool:
        return should_notify(subscriber, episode, policy=self._policy, now=now)


def _is_mail(subscriber_id: "UUID | ColumnElement[UUID]", episode_id: UUID) -> ColumnElement[bool]:
    return (news_mails.c.subscriber_id == subscriber_id) & (news_mails.c.episode_id == episode_id)
