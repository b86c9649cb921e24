"""Subscribers and events as a program looks them up: by id, address or foreign id, and in pages."""

from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, exists, select

from podcast_pipeline.audience.database.tables import entitlements, subscribers
from podcast_pipeline.audience.database.tables import membership_events as events
from podcast_pipeline.audience.membership.events import StoredEvent
from podcast_pipeline.audience.subscribers.email import normalize_email
from podcast_pipeline.audience.subscribers.row_mapping import (
    read_subscribers,
    real_subscribers,
    select_subscriber,
)
from podcast_pipeline.model import Subscriber


@dataclass(frozen=True)
class People:
    """The real subscribers of a show, removed ones too; nobody who was erased."""

    engine: Engine
    show_id: UUID

    def get(self, subscriber_id: UUID) -> Subscriber | None:
        """Return the subscriber with an id."""
        return self._first(subscribers.c.id == subscriber_id)

    def with_address(self, email: str) -> Subscriber | None:
        """Return the subscriber with an address."""
        return self._first(subscribers.c.email_normalized == normalize_email(email))

    def with_subscription(self, source: str, foreign_id: str) -> Subscriber | None:
        """Return the subscriber whom a source gives a subscription."""
        is_theirs = (entitlements.c.subscriber_id == subscribers.c.id) & (entitlements.c.source == source)
        return self._first(exists().where(is_theirs, entitlements.c.foreign_id == foreign_id))

    def page(self, after: UUID | None, *, limit: int) -> list[Subscriber]:
        """Return the next subscribers in order of their id, which is that of their time."""
        query = select_subscriber().where(real_subscribers(self.show_id)).order_by(subscribers.c.id)
        if after is not None:
            query = query.where(subscribers.c.id > after)
        with self.engine.connect() as connection:
            return read_subscribers(connection, query.limit(limit))

    def events(self, after: int, *, limit: int) -> list[StoredEvent]:
        """Return the next events of membership sites in the order of their arrival."""
        columns = [events.c[each.name] for each in fields(StoredEvent)]
        is_next = (events.c.show_id == self.show_id) & (events.c.id > after)
        query = select(*columns).where(is_next).order_by(events.c.id).limit(limit)
        with self.engine.connect() as connection:
            return [StoredEvent(**row) for row in connection.execute(query).mappings()]

    def _first(self, condition: ColumnElement[bool]) -> Subscriber | None:
        query = select_subscriber().where(real_subscribers(self.show_id), condition)
        with self.engine.connect() as connection:
            return next(iter(read_subscribers(connection, query)), None)
