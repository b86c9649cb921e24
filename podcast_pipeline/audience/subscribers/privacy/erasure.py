"""Erasure: deletes the personal data of one subscriber from every table but the subscriber's own row."""

import json
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, update

from podcast_pipeline.audience.database.tables import (
    api_requests,
    membership_events,
    network_addresses,
    news_mails,
    proofs,
    sessions,
    signin_requests,
    tokens,
    welcome_mails,
)
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.entitlement_rows import hide_foreign_ids
from podcast_pipeline.audience.subscribers.mailbox import mailbox_hmac
from podcast_pipeline.model import Subscriber

PERSONAL_TABLES = (
    sessions,
    network_addresses,
    signin_requests,
    news_mails,
    welcome_mails,
    api_requests,
    tokens,
)
"""The tables to delete from, in the order of their foreign keys."""


def delete_personal_data(
    connection: Connection, person: Subscriber, *, secret_key: bytes, now: datetime
) -> None:
    """Delete tokens, sessions, networks, mails and proofs, and what names the person at a membership site."""
    for table in PERSONAL_TABLES:
        connection.execute(delete(table).where(table.c.subscriber_id == person.id))
    theirs = update(membership_events).where(is_event_of(person))
    connection.execute(theirs.values(body=None, last_error=None, foreign_id=None, details={}))
    others = update(membership_events).where(membership_events.c.show_id == person.show_id, _names(person))
    connection.execute(others.values(body=None, last_error=None))
    gone = person.entitlements
    hide_foreign_ids(connection, gone, show_id=person.show_id, secret_key=secret_key, now=now)
    connection.execute(delete(proofs).where(is_proof_of(person, secret_key)))


def is_proof_of(person: Subscriber, secret_key: bytes) -> ColumnElement[bool]:
    """Return the condition for the proof of a person's own address as a student's or teacher's."""
    address = EmailAddress(person.email, person.email_normalized)
    return (proofs.c.show_id == person.show_id) & (proofs.c.address_hmac == mailbox_hmac(address, secret_key))


def is_event_of(person: Subscriber) -> ColumnElement[bool]:
    """Return the condition for the events about a person.

    They are those of the person's subscriptions at membership sites, and those of no subscription in whose
    JSON the person's address is a value.
    """
    events = membership_events.c
    is_theirs = (
        and_(events.source == each.source, events.foreign_id == each.foreign_id)
        for each in person.entitlements
    )
    values = (f'"{spelling}"' for spelling in _spellings(person))
    has_address = and_(events.foreign_id.is_(None), or_(*(_contains(events.body, each) for each in values)))
    return and_(events.show_id == person.show_id, or_(*is_theirs, has_address))


def _names(person: Subscriber) -> ColumnElement[bool]:
    """Return the condition for events whose body or error contains a person's address anywhere."""
    columns = (membership_events.c.body, membership_events.c.last_error)
    return or_(*(_contains(column, each) for column in columns for each in _spellings(person)))


def _spellings(person: Subscriber) -> list[str]:
    """Return a person's address in lower case, as text and as JSON writes it."""
    addresses = {person.email.lower(), person.email_normalized}
    return sorted({*addresses, *(json.dumps(address)[1:-1].lower() for address in addresses)})


def _contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return func.lower(column).contains(text, autoescape=True)
