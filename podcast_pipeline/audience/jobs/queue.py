"""The table of jobs: any number of workers claim them, and each job is one worker's at a time.

A claim ends with its lease, so that a job whose worker was killed is done by another one. A job that was
handed over (a mail, to the mail server) before its worker was killed may be done: it is never done again, and
its outcome is `in doubt`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, case, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import jobs
from podcast_pipeline.audience.jobs.kinds import ClaimLost, JobKind, Outcome

PERIODIC = ""
"""The key of a periodic kind's only job."""

IN_DOUBT, FAILED = "in doubt", "failed"
LOST_WORKER = "the process that did it ended in the middle"
MAX_ERROR_CHARACTERS = 500
RELEASED = {"claim": None, "claimed_until": None, "handed_over_at": None}


@dataclass(frozen=True)
class JobRow:
    """A job as `podcast jobs list` and `podcast doctor` see it.

    Attributes:
        outcome: done, dropped, failed, in doubt; None while there is something to do.
        finished_at: of a periodic job the end of its last success.
    """

    kind: str
    is_periodic: bool
    created_at: datetime
    run_after: datetime
    attempts: int
    claimed_until: datetime | None
    outcome: str | None
    finished_at: datetime | None
    last_error: str | None


@dataclass(frozen=True)
class Claim:
    """A job that one worker has claimed."""

    id: int
    payload: Mapping[str, str]
    attempts: int
    token: UUID
    queue: "JobQueue" = field(repr=False)
    lease: timedelta
    clock: Callable[[], datetime] = field(repr=False)

    def hand_over(self) -> None:
        """Record, before it is done, that the job may be done; see `ClaimedJob`."""
        now = self.clock()
        self.queue.change(self, handed_over_at=now, claimed_until=now + self.lease)


def add_job(
    connection: Connection,
    show_id: UUID,
    kind: str,
    key: str,
    *,
    payload: Mapping[str, str],
    run_after: datetime,
    now: datetime,
) -> None:
    """Add a job in a transaction of the caller's; a job of this kind and key that is there stays as it is.

    Args:
        payload: ids, no secrets and no personal data that can be read.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = {
        "show_id": show_id,
        "kind": kind,
        "key": key,
        "payload": dict(payload),
        "created_at": now,
        "run_after": run_after,
        "attempts": 0,
    }
    connection.execute(insert(jobs).values(row).on_conflict_do_nothing())


class JobQueue:
    """The jobs of one show."""

    def __init__(self, engine: Engine, *, show_id: UUID) -> None:
        self.engine = engine
        self.show_id = show_id

    def add_periodic(self, kinds: Iterable[JobKind], *, now: datetime) -> None:
        """Add the job of each periodic kind where it is missing, due now."""
        periodic = {kind.name for kind in kinds if kind.every}
        is_periodic = (jobs.c.show_id == self.show_id) & (jobs.c.key == PERIODIC)
        with self.engine.connect() as connection:
            present = set(connection.scalars(select(jobs.c.kind).where(is_periodic)))
        if missing := sorted(periodic - present):
            with write_transaction(self.engine) as connection:
                for name in missing:
                    add_job(connection, self.show_id, name, PERIODIC, payload={}, run_after=now, now=now)

    def claim(self, kind: JobKind, clock: Callable[[], datetime]) -> Claim | None:
        """Claim the job of a kind that has been due longest; None if none is due."""
        now = clock()
        is_due = self._is_open(kind, now) & ~_is_abandoned(kind)
        if not self._exists(is_due):  # the usual answer, which needs no lock
            return None
        query = select(jobs).where(is_due).order_by(jobs.c.run_after, jobs.c.id).limit(1)
        with write_transaction(self.engine) as connection:
            row = connection.execute(query.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            token, attempts = uuid4(), row.attempts + 1
            claim = {"claim": token, "claimed_until": now + kind.lease, "attempts": attempts}
            connection.execute(update(jobs).where(jobs.c.id == row.id).values(**claim))
        return Claim(row.id, row.payload, attempts, token, self, kind.lease, clock)

    def end_abandoned(self, kind: JobKind, *, now: datetime) -> tuple[str, ...]:
        """End the jobs whose workers ended and which are not done again; return their outcomes.

        They were handed over (in doubt), or have cost as many workers as they may have attempts (failed).
        """
        is_over = self._is_open(kind, now) & _is_abandoned(kind)
        if not self._exists(is_over):
            return ()
        outcome = case((jobs.c.handed_over_at.is_not(None), IN_DOUBT), else_=FAILED)
        query = update(jobs).where(is_over).values(outcome=outcome, finished_at=now, last_error=LOST_WORKER)
        with write_transaction(self.engine) as connection:
            return tuple(connection.scalars(query.returning(jobs.c.outcome)))

    def finish(self, claim: Claim, outcome: Outcome, *, now: datetime) -> None:
        """Record that a job is done; raises ClaimLost."""
        self.change(claim, outcome=outcome, finished_at=now, last_error=None)

    def finish_periodic(self, claim: Claim, *, next_at: datetime, now: datetime) -> None:
        """Record that a periodic job is done until `next_at`; raises ClaimLost."""
        self.change(claim, **RELEASED, run_after=next_at, attempts=0, finished_at=now, last_error=None)

    def postpone(self, claim: Claim, error: str, *, until: datetime) -> None:
        """Give a job that was certainly not done back for another attempt; raises ClaimLost."""
        self.change(claim, **RELEASED, run_after=until, last_error=error[:MAX_ERROR_CHARACTERS])

    def give_up(self, claim: Claim, outcome: str, error: str, *, now: datetime) -> None:
        """End a job that is not tried again: failed or in doubt; raises ClaimLost."""
        self.change(claim, outcome=outcome, finished_at=now, last_error=error[:MAX_ERROR_CHARACTERS])

    def change(self, claim: Claim, /, **values: object) -> None:
        """Change the row of a job that is still this worker's.

        Raises:
            ClaimLost: another worker has the job, or it is ended.
        """
        is_mine = (jobs.c.id == claim.id) & (jobs.c.claim == claim.token) & jobs.c.outcome.is_(None)
        with write_transaction(self.engine) as connection:
            if connection.execute(update(jobs).where(is_mine).values(**values)).rowcount != 1:
                raise ClaimLost

    def rows(self) -> Sequence[JobRow]:
        """Return every job that is kept, the next one to run last."""
        query = select(jobs).where(jobs.c.show_id == self.show_id).order_by(jobs.c.run_after, jobs.c.id)
        with self.engine.connect() as connection:
            return [_to_job_row(row) for row in connection.execute(query)]

    def _exists(self, condition: ColumnElement[bool]) -> bool:
        with self.engine.connect() as connection:
            return bool(connection.scalar(select(exists(select(jobs.c.id).where(condition)))))

    def _is_open(self, kind: JobKind, now: datetime) -> ColumnElement[bool]:
        """The jobs of a kind that are due and that no worker has."""
        is_free = or_(jobs.c.claimed_until.is_(None), jobs.c.claimed_until <= now)
        is_kind = (jobs.c.show_id == self.show_id) & (jobs.c.kind == kind.name) & jobs.c.outcome.is_(None)
        return is_kind & (jobs.c.run_after <= now) & is_free


def _is_abandoned(kind: JobKind) -> ColumnElement[bool]:
    """Tell which free jobs are not done again because of what became of their workers."""
    was_handed_over = jobs.c.handed_over_at.is_not(None)
    return was_handed_over if kind.every else was_handed_over | (jobs.c.attempts >= kind.attempts)


def _to_job_row(row: Row[Any]) -> JobRow:
    return JobRow(
        kind=row.kind,
        is_periodic=row.key == PERIODIC,
        created_at=row.created_at,
        run_after=row.run_after,
        attempts=row.attempts,
        claimed_until=row.claimed_until,
        outcome=row.outcome,
        finished_at=row.finished_at,
        last_error=row.last_error,
    )
