"""Subscribers with entitlements, for tests without a database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from podcast_pipeline.model import Entitlement, Subscriber

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def entitlement(source: str = "manual", **facts: Any) -> Entitlement:
    """Return an entitlement; without facts it has begun and never ends."""
    plain = {
        "id": UUID(int=5),
        "subscriber_id": UUID(int=7),
        "source": source,
        "foreign_id": f"{source}-7",
        "observed_at": LONG_AGO,
    }
    return Entitlement.model_validate({**plain, **facts})


def paid(person: Subscriber, until: datetime | None) -> Subscriber:
    """Return a subscriber whose only entitlement ends then; None never ends."""
    return Subscriber.model_validate({**dict(person), "entitlements": (entitlement(ends_at=until),)})
