"""Maps rows of the database to model objects."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, select

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database.tables import subscribers, tokens
from podcast_pipeline.model import FeedToken, Subscriber

SUBSCRIBER_COLUMNS = tuple(subscribers.c[name] for name in Subscriber.model_fields)
TOKEN_COLUMNS = tuple(tokens.c[name].label(f"token_{name}") for name in FeedToken.model_fields)


def real_subscribers(show_id: UUID) -> ColumnElement[bool]:
    """Return the condition for real subscribers: this show's, not erased, no canaries."""
    return and_(
        subscribers.c.show_id == show_id,
        subscribers.c.erased_at.is_(None),
        subscribers.c.is_canary.is_(False),
    )


def select_subscriber() -> Select[Any]:
    """Return a SELECT of the columns that `to_subscriber` reads."""
    return select(*SUBSCRIBER_COLUMNS)


def to_subscriber(row: RowMapping) -> Subscriber:
    """Return the subscriber in a row of `select_subscriber`."""
    return Subscriber.model_validate({name: row[name] for name in Subscriber.model_fields})


def to_visitor(row: RowMapping) -> Visitor:
    """Return the visitor of a row with both column sets; without a token where its columns are NULL."""
    token = {name: row[f"token_{name}"] for name in FeedToken.model_fields}
    return Visitor(to_subscriber(row), FeedToken.model_validate(token) if token["selector"] else None)
