"""Maps rows of the database to model objects."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, RowMapping, Select, and_, select

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database.tables import entitlements, subscribers, tokens
from podcast_pipeline.audience.subscribers.entitlement_rows import Entitlements, read_entitlements
from podcast_pipeline.model import Entitlement, FeedToken, Subscriber

SUBSCRIBER_FIELDS = tuple(name for name in Subscriber.model_fields if name != "entitlements")
SUBSCRIBER_COLUMNS = tuple(subscribers.c[name] for name in SUBSCRIBER_FIELDS)
LABELLED_ENTITLEMENT = tuple(
    entitlements.c[name].label(f"entitlement_{name}") for name in Entitlement.model_fields
)
TOKEN_COLUMNS = tuple(tokens.c[name].label(f"token_{name}") for name in FeedToken.model_fields)


def real_subscribers(show_id: UUID) -> ColumnElement[bool]:
    """Return the condition for real subscribers: this show's, not erased, no canaries."""
    return and_(
        subscribers.c.show_id == show_id,
        subscribers.c.erased_at.is_(None),
        subscribers.c.is_canary.is_(False),
    )


def select_subscriber() -> Select[Any]:
    """Return a SELECT of the columns that `to_subscribers` reads."""
    return select(*SUBSCRIBER_COLUMNS)


def to_subscribers(connection: Connection, rows: Sequence[RowMapping]) -> list[Subscriber]:
    """Return the subscribers in rows of `select_subscriber`, with their entitlements.

    The entitlements are a statement of their own: after waiting for the lock of a row, a join would give the
    entitlements as they were before (PostgreSQL, READ COMMITTED).
    """
    theirs = read_entitlements(connection, [row["id"] for row in rows])
    return [_to_subscriber(row, theirs) for row in rows]


def read_subscribers(connection: Connection, query: Select[Any]) -> list[Subscriber]:
    """Return the subscribers of a query that began with `select_subscriber`."""
    return to_subscribers(connection, connection.execute(query).mappings().all())


def select_visitor(tables: FromClause) -> Select[Any]:
    """Return a SELECT of one visitor: a row for each of their entitlements, one where there is none.

    Args:
        tables: subscribers and tokens, joined.
    """
    theirs = entitlements.c.subscriber_id == subscribers.c.id
    return (
        select(*SUBSCRIBER_COLUMNS, *TOKEN_COLUMNS, *LABELLED_ENTITLEMENT)
        .select_from(tables.outerjoin(entitlements, theirs))
        .order_by(entitlements.c.id)
    )


def to_visitor(rows: Sequence[RowMapping]) -> Visitor:
    """Return the visitor of the rows of `select_visitor`; without a token where its columns are NULL."""
    row = rows[0]
    given = [{name: each[f"entitlement_{name}"] for name in Entitlement.model_fields} for each in rows]
    theirs = tuple(Entitlement.model_validate(each) for each in given if each["id"])
    token = {name: row[f"token_{name}"] for name in FeedToken.model_fields}
    return Visitor(
        _to_subscriber(row, {row["id"]: theirs}),
        FeedToken.model_validate(token) if token["selector"] else None,
    )


def _to_subscriber(row: RowMapping, theirs: Entitlements) -> Subscriber:
    values = {name: row[name] for name in SUBSCRIBER_FIELDS}
    return Subscriber.model_validate({**values, "entitlements": theirs[row["id"]]})
