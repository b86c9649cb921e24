"""Compares what the sites with an API say of all subscriptions with what is known, and mends it.

A lost event costs a night, never a customer: every answer is applied as that of an event is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from podcast_pipeline.audience.database.tables import entitlements
from podcast_pipeline.audience.membership.entitlements import Applied, apply, apply_membership
from podcast_pipeline.audience.membership.events import MembershipEvents, check_address
from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import MembershipSource
from podcast_pipeline.errors import EventUnusable

LINES = {
    "created": "was not known",
    "changed": "was known otherwise",
    "unlisted": "is not in the site's list any more, or of a price that is no plan; it ends by itself",
}


@dataclass(frozen=True)
class Difference:
    """A subscription that is known otherwise than its site has it.

    Attributes:
        outcome: created, changed; unlisted: the site has it no more, and nothing is changed; bad: what it
            says cannot be applied.
    """

    source: str
    foreign_id: str
    outcome: str
    remark: str = ""

    def __str__(self) -> str:
        """Return one line."""
        line = LINES.get(self.outcome, "")
        return f"{self.source} {self.foreign_id}: {'; '.join(filter(None, (line, self.remark)))}"


def reconcile(events: MembershipEvents, *, now: datetime, is_applied: bool) -> Iterator[Difference]:
    """Yield the differences of all sources with an API.

    Args:
        is_applied: also mend them; without it nothing is changed.

    Raises:
        MembershipError: a site does not answer; what was mended before stays.
        SubscriberError: the database does not allow it now.
    """
    for source in events.sources.values():
        listed = source.list_all(now=now)
        if listed is not None:
            seen: set[str] = set()
            for membership in listed:
                seen.add(membership.foreign_id)
                yield from _compare(events, membership, now=now, is_applied=is_applied)
            yield from _unlisted(events, source, seen, now)


def _compare(
    events: MembershipEvents, membership: Membership, *, now: datetime, is_applied: bool
) -> Iterator[Difference]:
    source, foreign_id = membership.source, membership.foreign_id
    try:
        check_address(membership)
    except EventUnusable as error:
        yield Difference(source, foreign_id, "bad", error.message)
        return
    applied = (_apply if is_applied else _try)(events, membership, now)
    if applied.outcome in LINES or applied.remark:
        yield Difference(source, foreign_id, applied.outcome, applied.remark)


def _apply(events: MembershipEvents, membership: Membership, now: datetime) -> Applied:
    return apply_membership(
        events.subscribers, membership, grace_days=events.grace_days, now=now, origin="job"
    )


def _try(events: MembershipEvents, membership: Membership, now: datetime) -> Applied:
    """Return what applying would do, and undo it."""
    with (
        events.subscribers.by(membership.source).transaction(now, "job") as change,
        change.connection.begin_nested() as savepoint,
    ):
        applied = apply(change, membership, grace_days=events.grace_days)
        savepoint.rollback()
    return applied


def _unlisted(
    events: MembershipEvents, source: MembershipSource, seen: set[str], now: datetime
) -> Iterator[Difference]:
    """Yield the entitlements of a source that hold, and that its list has not."""
    holds = entitlements.c.ends_at.is_(None) | (entitlements.c.ends_at > now)
    query = select(entitlements.c.foreign_id).where(
        entitlements.c.show_id == events.subscribers.show_id, entitlements.c.source == source.name, holds
    )
    with events.subscribers.engine.connect() as connection:
        known = connection.scalars(query).all()
    for foreign_id in sorted(set(known) - seen):
        yield Difference(source.name, foreign_id, "unlisted")
