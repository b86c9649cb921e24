"""Erasure: deletes the personal data of one subscriber from every table but the subscriber's own row."""

from sqlalchemy import ColumnElement, Connection, and_, delete, false, or_, update

from podcast_pipeline.audience.database.tables import (
    membership_events,
    network_addresses,
    news_mails,
    sessions,
    signin_requests,
    tokens,
    welcome_mails,
)
from podcast_pipeline.audience.subscribers.entitlement_rows import hide_foreign_ids
from podcast_pipeline.model import Subscriber

PERSONAL_TABLES = (sessions, network_addresses, signin_requests, news_mails, welcome_mails, tokens)
"""The tables to delete from, in the order of their foreign keys."""


def delete_personal_data(connection: Connection, person: Subscriber, *, secret_key: bytes) -> None:
    """Delete tokens, sessions, networks and mails, and what names the person at a membership site."""
    for table in PERSONAL_TABLES:
        connection.execute(delete(table).where(table.c.subscriber_id == person.id))
    blank: dict[str, object] = {"body": None, "details": {}, "foreign_id": None}
    connection.execute(update(membership_events).where(is_event_of(person)).values(blank))
    hide_foreign_ids(connection, person.entitlements, show_id=person.show_id, secret_key=secret_key)


def is_event_of(person: Subscriber) -> ColumnElement[bool]:
    """Return the condition for the events about a person's subscriptions at membership sites."""
    events = membership_events.c
    return or_(
        false(),
        *(
            and_(
                events.show_id == person.show_id,
                events.source == entitlement.source,
                events.foreign_id == entitlement.foreign_id,
            )
            for entitlement in person.entitlements
        ),
    )
