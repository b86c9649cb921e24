"""News of a transcript, by mail: who is told of which episode, and who was.

Nobody is told of an episode twice. That somebody is about to be told is committed before the mail server
gets the mail, and that it has taken it afterwards: a run that was killed in between leaves one claim that
nobody confirmed, and who has a claim is never told again.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from podcast_pipeline.access import AccessPolicy, Allow, Visitor, decide
from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import news_mails, subscribers
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.row_mapping import (
    real_subscribers,
    select_subscriber,
    to_subscriber,
)
from podcast_pipeline.model import Episode, Subscriber

NOTIFICATION_WINDOW = timedelta(days=365)
"""For how long a transcript is news; then who was told is forgotten, and nobody can be told any more."""

AT_ONCE = 1000  # subscribers in memory


def transcript_available_since(episode: Episode) -> datetime | None:
    """Return when its first transcript came out with it; None while there is none, or it is not out."""
    if episode.published_at is None or not episode.transcripts:
        return None
    return max(episode.published_at, episode.transcripts[0].published_at)


def should_notify(subscriber: Subscriber, episode: Episode, *, policy: AccessPolicy, now: datetime) -> bool:
    """Decide whether somebody is told of an episode: they asked before it came out, and may read it now."""
    asked, out = subscriber.news_since, transcript_available_since(episode)
    if subscriber.is_canary or asked is None or out is None:
        return False
    may_read = isinstance(decide(Visitor(subscriber), episode, "file", policy=policy, now=now), Allow)
    return may_read and asked <= out and now - out < NOTIFICATION_WINDOW


class NotificationQueue:
    """Who is to be told of a show's episodes."""

    def __init__(self, repository: Subscribers, policy: AccessPolicy) -> None:
        self._of = repository
        self._policy = policy

    def pending(self, episode: Episode, *, clock: Callable[[], datetime]) -> Iterator[UUID]:
        """Yield who is to be told and was not, in the order of their ids and in bounded memory.

        No question to the database is open between two of them, for a mail may take its time.
        """
        last = UUID(int=0)
        while people := self._untold(episode.id, after=last):
            now = clock()
            yield from (person.id for person in people if self._is_told(person, episode, now))
            last = people[-1].id

    def claim(self, subscriber_id: UUID, episode: Episode, *, now: datetime) -> str | None:
        """Keep a mail for this run to send, and return its address; None if it is not to be sent any more."""
        query = select_subscriber().where(
            real_subscribers(self._of.show_id), subscribers.c.id == subscriber_id
        )
        claim = {
            "subscriber_id": subscriber_id,
            "episode_id": episode.id,
            "show_id": self._of.show_id,
            "claimed_at": now,
        }
        try:
            with write_transaction(self._of.engine) as connection:
                row = connection.execute(query.with_for_update()).mappings().first()
                person = to_subscriber(row) if row else None
                if person is None or not self._is_told(person, episode, now):
                    return None
                connection.execute(insert(news_mails).values(claim))
        except IntegrityError:  # another run has it
            return None
        return person.email

    def confirm(self, subscriber_id: UUID, episode_id: UUID, *, now: datetime) -> None:
        """Write down that the mail server has taken a mail."""
        with write_transaction(self._of.engine) as connection:
            connection.execute(update(news_mails).where(_is(subscriber_id, episode_id)).values(sent_at=now))

    def release(self, subscriber_id: UUID, episode_id: UUID) -> None:
        """Give a claim back: the mail server has certainly not taken the mail."""
        with write_transaction(self._of.engine) as connection:
            connection.execute(delete(news_mails).where(_is(subscriber_id, episode_id)))

    def count_unconfirmed(self, episode_id: UUID) -> int:
        """Return how many claims were never confirmed: those mails may have gone out, or not."""
        query = select(func.count()).where(
            news_mails.c.episode_id == episode_id,
            news_mails.c.show_id == self._of.show_id,
            news_mails.c.sent_at.is_(None),
        )
        with self._of.engine.connect() as connection:
            return connection.scalar(query) or 0

    def _untold(self, episode_id: UUID, *, after: UUID) -> Sequence[Subscriber]:
        was_told = exists().where(_is(subscribers.c.id, episode_id))
        query = (
            select_subscriber()
            .where(
                real_subscribers(self._of.show_id),
                subscribers.c.id > after,
                subscribers.c.news_since.is_not(None),
                ~was_told,
            )
            .order_by(subscribers.c.id)
            .limit(AT_ONCE)
        )
        with self._of.engine.connect() as connection:
            return [to_subscriber(row) for row in connection.execute(query).mappings()]

    def _is_told(self, subscriber: Subscriber, episode: Episode, now: datetime) -> bool:
        return should_notify(subscriber, episode, policy=self._policy, now=now)


def _is(subscriber_id: "UUID | ColumnElement[UUID]", episode_id: UUID) -> ColumnElement[bool]:
    return (news_mails.c.subscriber_id == subscriber_id) & (news_mails.c.episode_id == episode_id)
