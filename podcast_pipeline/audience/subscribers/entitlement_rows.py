"""The entitlements of subscribers as rows, and the condition for an active subscriber in SQL."""

import hmac
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from podcast_pipeline.audience.database.tables import entitlements, subscribers
from podcast_pipeline.model import MANUAL, Entitlement

ENTITLEMENT_COLUMNS = tuple(entitlements.c[name] for name in Entitlement.model_fields)
ERASED = "erased:"

Entitlements = Mapping[UUID, tuple[Entitlement, ...]]
"""Subscriber's id -> their entitlements, oldest first."""


def is_active(now: datetime) -> ColumnElement[bool]:
    """Return the condition for subscribers who are active now: the same as `Subscriber.state`.

    It refers to the row of `subscribers` in the query around it, erased ones included.
    """
    holds = exists().where(
        entitlements.c.subscriber_id == subscribers.c.id,
        or_(entitlements.c.starts_at.is_(None), entitlements.c.starts_at <= now),
        or_(entitlements.c.ends_at.is_(None), entitlements.c.ends_at > now),
        or_(entitlements.c.suspended_at.is_(None), entitlements.c.suspended_at > now),
    )
    return and_(
        subscribers.c.erased_at.is_(None),
        subscribers.c.removed_at.is_(None),
        subscribers.c.suspended_at.is_(None),
        holds,
    )


def read_entitlements(connection: Connection, subscriber_ids: Collection[UUID]) -> Entitlements:
    """Return the entitlements of subscribers; one query by index, none where there is nobody."""
    found: dict[UUID, tuple[Entitlement, ...]] = dict.fromkeys(subscriber_ids, ())
    if not found:
        return found
    query = (
        select(*ENTITLEMENT_COLUMNS)
        .where(entitlements.c.subscriber_id.in_(found))
        .order_by(entitlements.c.subscriber_id, entitlements.c.id)
    )
    for row in connection.execute(query).mappings():
        found[row["subscriber_id"]] += (Entitlement.model_validate(dict(row)),)
    return found


def hide_foreign_ids(
    connection: Connection, gone: Iterable[Entitlement], *, show_id: UUID, secret_key: bytes, now: datetime
) -> None:
    """End what erased people have, replace their ids at the sources by keyed hashes, forget their addresses.

    A late event of such a subscription is recognised by the hash, and makes nobody. Where somebody came back
    with the same subscription and is erased again, the hash of the first time gives way.
    """
    for entitlement in gone:
        if entitlement.source == MANUAL:
            continue
        hidden = hidden_foreign_id(entitlement.source, entitlement.foreign_id, secret_key=secret_key)
        is_hidden = (entitlements.c.source == entitlement.source) & (entitlements.c.foreign_id == hidden)
        connection.execute(delete(entitlements).where(entitlements.c.show_id == show_id, is_hidden))
        query = update(entitlements).where(entitlements.c.id == entitlement.id)
        ends_at = min(now, entitlement.ends_at or now)
        connection.execute(
            query.values(foreign_id=hidden, address_hmac=None, observed_id="", ends_at=ends_at)
        )


def hidden_foreign_id(source: str, foreign_id: str, *, secret_key: bytes) -> str:
    """Return what stands in place of a foreign id once its subscriber is erased."""
    return ERASED + hmac.digest(secret_key, f"entitlement:{source}:{foreign_id}".encode(), "sha256").hex()
