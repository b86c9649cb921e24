"""The data export: all personal data of a subscriber, for a subject access request (GDPR, article 15)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select

from podcast_pipeline.audience.database.tables import (
    api_requests,
    audit_log,
    entitlements,
    membership_events,
    network_addresses,
    news_mails,
    proofs,
    sessions,
    signin_requests,
    subscribers,
    tokens,
    welcome_mails,
)
from podcast_pipeline.audience.subscribers.privacy.erasure import is_event_of, is_proof_of
from podcast_pipeline.audience.subscribers.repository import Subscribers

TABLES = (
    entitlements,
    tokens,
    sessions,
    audit_log,
    network_addresses,
    signin_requests,
    news_mails,
    welcome_mails,
    api_requests,
)

SECRET_COLUMNS = {
    "secret_sha256", "cookie_sha256", "address_hmac", "browser_hmac", "link_hmac", "code_hmac", "name_hmac",
    "request_hmac",
}  # fmt: skip
"""Columns with hashes of secrets, which contain no personal data."""


def export_personal_data(repository: Subscribers, email: str) -> dict[str, Any]:
    """Return a subscriber's rows of every table, by table name, in types that JSON can encode.

    Raises:
        SubscriberError: nobody has this address.
    """
    person = repository.get(email)
    return {
        "subscriber": _rows(repository, subscribers, subscribers.c.id == person.id)[0],
        **{table.name: _rows(repository, table, table.c.subscriber_id == person.id) for table in TABLES},
        membership_events.name: _rows(repository, membership_events, is_event_of(person)),
        proofs.name: _rows(repository, proofs, is_proof_of(person, repository.secret_key)),
    }


def _rows(repository: Subscribers, table: Table, is_theirs: ColumnElement[bool]) -> list[dict[str, Any]]:
    columns = [each for each in table.c if each.name not in SECRET_COLUMNS]
    query = select(*columns).where(is_theirs).order_by(*table.primary_key)
    with repository.engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [{name: _json_value(value) for name, value in row.items()} for row in rows]


def _json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
