"""Rows of the database as nouns."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, select

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database.tables import subscribers, tokens
from podcast_pipeline.model import FeedToken, Subscriber

SUBSCRIBER_COLUMNS = tuple(subscribers.c[name] for name in Subscriber.model_fields)
TOKEN_COLUMNS = tuple(tokens.c[name].label(f"token_{name}") for name in FeedToken.model_fields)


def real_subscribers(show_id: UUID) -> ColumnElement[bool]:
    """Say which rows count: this show's, not erased, no canaries."""
    return and_(
        subscribers.c.show_id == show_id,
        subscribers.c.erased_at.is_(None),
        subscribers.c.is_canary.is_(False),
    )


def select_subscriber() -> Select[Any]:
    """Select what `to_subscriber` reads."""
    return select(*SUBSCRIBER_COLUMNS)


def to_subscriber(row: RowMapping) -> Subscriber:
    """Return the subscriber in a row of `select_subscriber`."""
    return Subscriber.model_validate({name: row[name] for name in Subscriber.model_fields})


def to_visitor(row: RowMapping) -> Visitor:
    """Return the subscriber, and the token unless its columns are NULL, of a row with both."""
    token = {name: row[f"token_{name}"] for name in FeedToken.model_fields}
    return Visitor(to_subscriber(row), FeedToken.model_validate(token) if token["selector"] else None)
