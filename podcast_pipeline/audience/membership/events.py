"""Stored events of membership sites: stored before they are answered, and applied by a background job.

An event and its job are one transaction. An event is marked once all of it is applied, and is not applied
again after that; applying is idempotent, so that the next worker does again what a killed one has begun.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import membership_events as rows
from podcast_pipeline.audience.jobs.kinds import ClaimedJob, JobKind
from podcast_pipeline.audience.jobs.kinds import Outcome as JobOutcome
from podcast_pipeline.audience.jobs.queue import add_job
from podcast_pipeline.audience.membership.entitlements import Applied, apply_membership
from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import MembershipSource, SourceEvent
from podcast_pipeline.audience.subscribers.email import parse_email
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.errors import EventUnusable, MembershipError, SubscriberError

KIND = "membership event"
ATTEMPTS = 16
"""In nine hours; what is given up then is mended by the nightly reconciliation."""

FIRST_PAUSE = timedelta(seconds=5)
MAX_ERROR_CHARACTERS = 500
LONGEST_LIST = 1000
IGNORED, FAILED = "ignored", "failed"
"""Outcomes beside those of `Applied`: an event of no subscription; one that is unusable."""

STRONGEST = ("created", "changed", "erased", "unknown", "unchanged", "stale")
"""Outcomes of several subscriptions in one event, the one that stands for all of them first."""


@dataclass(frozen=True)
class StoredEvent:
    """An event as `podcast subscribers events` sees it; no personal data.

    Attributes:
        outcome: one of `STRONGEST`, ignored or failed; None until it is applied.
        last_error: why it was not applied, or what a person should know.
    """

    id: int
    source: str
    event_id: str
    kind: str
    foreign_id: str | None
    occurred_at: datetime
    received_at: datetime
    outcome: str | None
    applied_at: datetime | None
    attempts: int
    last_error: str | None


@dataclass(frozen=True)
class MembershipEvents:
    """The stored events of one show.

    Attributes:
        sources: by name; an event of another one waits until its secret is back.
        grace_days: `[membership] grace_days` of show.toml.
    """

    subscribers: Subscribers
    sources: Mapping[str, MembershipSource]
    grace_days: int = field(kw_only=True)

    def store(self, source: str, event: SourceEvent, now: datetime) -> bool:
        """Store an event and queue its job; return whether it was not there yet."""
        engine = self.subscribers.engine
        insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
        row = {
            "show_id": self.subscribers.show_id,
            "source": source,
            "event_id": event.id,
            "kind": event.kind,
            "foreign_id": event.foreign_id,
            "occurred_at": event.occurred_at,
            "received_at": now,
            "details": dict(event.details),
            "body": event.body,
            "attempts": 0,
        }
        with write_transaction(engine) as connection:
            new = insert(rows).values(row).on_conflict_do_nothing().returning(rows.c.id)
            row_id = connection.scalar(new)
            if row_id is None:
                return False
            show_id, key = self.subscribers.show_id, str(row_id)
            add_job(connection, show_id, KIND, key, payload={"event": key}, run_after=now, now=now)
        return True

    def apply(self, row_id: int, *, now: datetime, again: bool = False) -> str | None:
        """Apply a stored event; return its outcome, None where it was applied before.

        Args:
            again: apply it whatever its outcome was.

        Raises:
            MembershipError: the site does not answer, or its secret is not in the environment; the event
                stays to be applied.
            SubscriberError: the database does not allow it now.
        """
        with self.subscribers.engine.connect() as connection:
            row = connection.execute(select(rows).where(self._is(row_id))).first()
        if row is None or (row.outcome is not None and not again):
            return None
        try:
            applied = self._apply(row, now)
        except EventUnusable as error:
            return self._mark(row, FAILED, now, str(error))
        except (MembershipError, SubscriberError) as error:
            self._change(row, attempts=row.attempts + 1, last_error=str(error)[:MAX_ERROR_CHARACTERS])
            raise
        outcomes = [each.outcome for each in applied]
        outcome = min(outcomes, key=STRONGEST.index, default=IGNORED)
        return self._mark(row, outcome, now, "; ".join(each.remark for each in applied if each.remark))

    def last(self, *, only_undone: bool = False) -> Sequence[StoredEvent]:
        """Return the last `LONGEST_LIST` events, oldest first.

        Args:
            only_undone: those alone that wait or that failed.
        """
        columns = [rows.c[each.name] for each in fields(StoredEvent)]
        is_listed = rows.c.show_id == self.subscribers.show_id
        if only_undone:
            is_listed &= rows.c.outcome.is_(None) | (rows.c.outcome == FAILED)
        query = select(*columns).where(is_listed).order_by(rows.c.id.desc()).limit(LONGEST_LIST)
        with self.subscribers.engine.connect() as connection:
            found = [StoredEvent(**row) for row in connection.execute(query).mappings()]
        return found[::-1]

    def counts(self) -> dict[tuple[str, str, str | None], int]:
        """Return the number of events by source, kind and outcome; of outcome None, those to be applied."""
        columns = (rows.c.source, rows.c.kind, rows.c.outcome)
        query = select(*columns, func.count()).where(rows.c.show_id == self.subscribers.show_id)
        with self.subscribers.engine.connect() as connection:
            found = connection.execute(query.group_by(*columns).order_by(*columns))
            return {(source, kind, outcome): count for source, kind, outcome, count in found}

    def _apply(self, row: Row[Any], now: datetime) -> list[Applied]:
        source = self.sources.get(row.source)
        if source is None:
            raise MembershipError(row.source, "has no secret in the environment; see docs/reference/hooks.md")
        if row.body is None:
            raise EventUnusable(f"event {row.event_id}", "is older than 30 days, and its body was deleted")
        event = SourceEvent(
            row.event_id, row.kind, row.foreign_id, row.occurred_at, row.body, details=row.details
        )
        memberships = source.look(event, now=now)
        for each in memberships:
            check_address(each)
        return [
            apply_membership(self.subscribers, each, grace_days=self.grace_days, now=now, origin="hook")
            for each in memberships
        ]

    def _mark(self, row: Row[Any], outcome: str, now: datetime, remark: str) -> str:
        values = {"attempts": row.attempts + 1, "last_error": remark[:MAX_ERROR_CHARACTERS] or None}
        self._change(row, outcome=outcome, applied_at=now, **values)
        return outcome

    def _change(self, row: Row[Any], **values: object) -> None:
        with write_transaction(self.subscribers.engine) as connection:
            connection.execute(update(rows).where(self._is(row.id)).values(**values))

    def _is(self, row_id: int) -> ColumnElement[bool]:
        return (rows.c.id == row_id) & (rows.c.show_id == self.subscribers.show_id)


def check_address(membership: Membership) -> None:
    """Raise EventUnusable for an address that is none; its line is kept and logged, so it has no address."""
    if membership.email is None:
        return
    try:
        parse_email(membership.email)
    except SubscriberError as error:
        subject = f"{membership.source}: {membership.foreign_id}"
        raise EventUnusable(subject, "its address is no e-mail address; correct it at the site") from error


def membership_event_kind(events: MembershipEvents, *, clock: Callable[[], datetime]) -> JobKind:
    """Return the kind of the jobs that `MembershipEvents.store` queues."""

    def apply(job: ClaimedJob) -> JobOutcome:
        outcome = events.apply(int(job.payload["event"]), now=clock())
        return "dropped" if outcome is None else "done"

    lease = timedelta(minutes=2)
    return JobKind(KIND, apply, attempts=ATTEMPTS, first_pause=FIRST_PAUSE, lease=lease)
