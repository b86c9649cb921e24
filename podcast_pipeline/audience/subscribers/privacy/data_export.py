"""All that is held on a person, for that person."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select

from podcast_pipeline.audience.database.tables import (
    audit_log,
    network_addresses,
    news_mails,
    sessions,
    signin_requests,
    subscribers,
    tokens,
)
from podcast_pipeline.audience.subscribers.repository import Subscribers

TABLES = (tokens, sessions, audit_log, network_addresses, signin_requests, news_mails)

SECRET = {"secret_sha256", "cookie_sha256", "address_hmac", "browser_hmac", "link_hmac", "code_hmac"}
"""Columns that prove something instead of saying something about somebody."""


def export_personal_data(repository: Subscribers, email: str) -> dict[str, Any]:
    """Return every row that is about somebody, as JSON's types, by table.

    Raises:
        SubscriberError: nobody has this address.
    """
    person = repository.get(email)
    return {
        "subscriber": _rows(repository, subscribers, "id", person.id)[0],
        **{table.name: _rows(repository, table, "subscriber_id", person.id) for table in TABLES},
    }


def _rows(of: Subscribers, table: Table, column: str, subscriber_id: UUID) -> list[dict[str, Any]]:
    said = [each for each in table.c if each.name not in SECRET]
    order = list(table.primary_key)
    query = select(*said).where(table.c[column] == subscriber_id).order_by(*order)
    with of.engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
