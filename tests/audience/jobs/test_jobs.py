"""The table of jobs on both databases: each job is done once, tried again, given up or in doubt."""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import Engine

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.jobs.kinds import ClaimedJob, ClaimLost, JobKind, Outcome
from podcast_pipeline.audience.jobs.queue import Claim, JobQueue, JobRow, add_job
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.subscribers.privacy.retention import (
    JOBS_KEPT,
    UNDONE_JOBS_KEPT,
    PurgeCounts,
    purge,
)
from podcast_pipeline.errors import MailError, MailInDoubt, SubscriberError

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SHOW, OTHER = UUID(int=1), UUID(int=2)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@dataclass
class Desk:
    """Does the jobs of the kinds `letter` and `daily`, and keeps what was done.

    Attributes:
        act: what a letter does, with the job; replaced by a test.
    """

    queue: JobQueue
    now: datetime = NOW
    done: list[str] = field(default_factory=list)
    act: Callable[[ClaimedJob], object] = lambda _: None

    def clock(self) -> datetime:
        """Return the time of the desk."""
        return self.now

    @property
    def letter(self) -> JobKind:
        """Jobs that somebody adds; at most three attempts."""
        return JobKind("letter", self.write, attempts=3, lease=MINUTE)

    @property
    def daily(self) -> JobKind:
        """A periodic job."""
        return JobKind("daily", self.write, every=DAY, lease=MINUTE)

    def write(self, job: ClaimedJob) -> Outcome:
        """Do a job."""
        self.act(job)
        self.done.append(job.payload.get("to", "daily"))
        return "done"

    def worker(self, *kinds: JobKind) -> Worker:
        """Return a worker."""
        return Worker(self.queue, kinds or (self.letter,), self.clock)

    def add(self, *names: str, run_after: datetime = NOW) -> None:
        """Add letters."""
        with write_transaction(self.queue.engine) as connection:
            for name in names:
                add_job(
                    connection,
                    self.queue.show_id,
                    "letter",
                    name,
                    payload={"to": name},
                    run_after=run_after,
                    now=NOW,
                )

    def claim(self) -> Claim:
        """Claim the next letter."""
        claim = self.queue.claim(self.letter, self.clock)
        assert claim is not None
        return claim

    def row(self) -> JobRow:
        """Return the only job."""
        (row,) = self.queue.rows()
        return row


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """A desk without jobs."""
    return Desk(JobQueue(engine, show_id=SHOW))


def fail_with(error: Exception) -> Callable[[ClaimedJob], object]:
    def act(_: ClaimedJob) -> None:
        raise error

    return act


def test_a_job_is_done_once_when_it_is_due(desk: Desk) -> None:
    """Not before its time, not twice, and a second job of the same kind and key is none."""
    desk.add("ann", run_after=NOW + MINUTE)
    desk.add("ann", "bob")
    assert desk.worker().run_due() == Counter(done=1)
    desk.now += MINUTE
    assert desk.worker().run_due() == Counter(done=1)
    assert desk.worker().run_due() == Counter()
    assert desk.done == ["bob", "ann"]
    assert {row.outcome for row in desk.queue.rows()} == {"done"}


def test_another_shows_jobs_and_other_kinds_are_left_alone(desk: Desk) -> None:
    """A worker does the jobs of its show and of its kinds only."""
    desk.add("ann")
    assert Desk(JobQueue(desk.queue.engine, show_id=OTHER)).worker().run_due() == Counter()
    assert desk.worker(JobKind("parcel", desk.write)).run_due() == Counter()
    assert (desk.done, desk.row().attempts) == ([], 0)


def test_workers_at_once_do_each_job_once(desk: Desk) -> None:
    """Four workers share forty jobs, and none is done twice or left."""
    names = [f"n{number}" for number in range(40)]
    desk.add(*names)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: desk.worker().run_due(), range(4)))
    assert sum(results, Counter()) == Counter(done=40)
    assert sorted(desk.done) == sorted(names)


def test_a_failure_is_tried_again_later_and_at_last_given_up(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten seconds, twenty, then it is given up; each time a line, and the last error is kept."""
    desk.add("ann")
    desk.act = fail_with(MailError("mail server x:25", "is away"))
    results = []
    for pause in (0, 9, 1, 19, 1, 60):
        desk.now += pause * SECOND
        results.append(dict(desk.worker().run_due()))
    assert results == [{"postponed": 1}, {}, {"postponed": 1}, {}, {"failed": 1}, {}]
    row = desk.row()
    assert (row.outcome, row.attempts, row.last_error) == ("failed", 3, "mail server x:25: is away")
    assert [record.getMessage() for record in caplog.records] == [
        "letter: mail server x:25: is away; attempt 2 follows",
        "letter: mail server x:25: is away; attempt 3 follows",
        "letter: failed: mail server x:25: is away",
    ]


def test_what_may_be_done_is_not_done_again(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A job whose fate is unknown is in doubt at once."""
    desk.add("ann")
    desk.act = fail_with(MailInDoubt("mail server x:25", "ended the connection"))
    assert desk.worker().run_due() == Counter({"in doubt": 1})
    desk.now += DAY
    assert desk.worker().run_due() == Counter()
    assert caplog.messages == ["letter: in doubt: mail server x:25: ended the connection"]


def test_a_killed_workers_job_is_done_by_another_after_its_lease(desk: Desk) -> None:
    """Within the lease nobody takes it; afterwards one does, and the first can change nothing more."""
    desk.add("ann")
    first = desk.claim()
    assert desk.worker().run_due() == Counter()
    desk.now += MINUTE
    assert desk.worker().run_due() == Counter(done=1)
    with pytest.raises(ClaimLost):
        first.hand_over()
    with pytest.raises(ClaimLost):
        desk.queue.finish(first, "done", now=desk.now)


def test_a_killed_workers_job_that_was_handed_over_is_in_doubt(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not done again, and there is a line."""
    desk.add("ann")
    desk.claim().hand_over()
    desk.now += MINUTE - SECOND
    assert desk.worker().run_due() == Counter()
    desk.now += SECOND
    assert desk.worker().run_due() == Counter()
    assert (desk.row().outcome, desk.done) == ("in doubt", [])
    assert caplog.messages == [
        "letter: in doubt: the process that did it ended in the middle; not done again"
    ]


def test_a_job_that_kills_its_workers_is_given_up(desk: Desk) -> None:
    """After three workers the job has failed."""
    desk.add("ann")
    for _ in range(3):
        desk.claim()
        desk.now += MINUTE
    assert desk.worker().run_due() == Counter()
    assert (desk.row().outcome, desk.row().attempts, desk.done) == ("failed", 3, [])


def test_a_slow_worker_hands_nothing_over_after_its_lease(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Between the two the database decides: the second has the job, and the first gives way."""
    desk.add("ann")

    def overtaken(job: ClaimedJob) -> None:
        desk.now += MINUTE
        desk.act = lambda second: second.hand_over()
        desk.worker().run_due()
        job.hand_over()

    desk.act = overtaken
    assert desk.worker().run_due() == Counter(lost=1)
    assert desk.done == ["ann"]
    assert caplog.messages == ["letter: took longer than 0:01:00, and another worker has it"]


def test_a_bug_leaves_its_job_to_the_lease(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback is logged, the table has no word of it, and the job is tried again."""
    desk.add("ann", "bob")
    desk.act = fail_with(ValueError("ann@example.org"))
    assert desk.worker().run_due() == Counter(broken=2)
    assert "ann@example.org" not in str(desk.queue.rows())
    assert "ValueError" in caplog.text
    desk.act = lambda _: None
    desk.now += MINUTE
    assert desk.worker().run_due() == Counter(done=2)


def test_a_periodic_job_comes_again_and_is_never_given_up(desk: Desk) -> None:
    """Once a day for all workers together; after failures sooner, and a success forgets them."""
    assert [desk.worker(desk.daily).run_due() for _ in range(2)] == [Counter(done=1), Counter()]
    desk.now += DAY
    desk.act = fail_with(SubscriberError("database", "is away"))
    for attempts in range(1, 13):
        assert desk.worker(desk.daily).run_due() == Counter(postponed=1)
        assert (desk.row().attempts, desk.row().last_error) == (attempts, "database: is away")
        desk.now += timedelta(hours=1)
    desk.act = lambda _: None
    assert desk.worker(desk.daily).run_due() == Counter(done=1)
    row = desk.row()
    assert (row.attempts, row.last_error, row.outcome, row.is_periodic) == (0, None, None, True)
    assert (row.finished_at, row.run_after) == (desk.now, desk.now + DAY)


@pytest.mark.parametrize(
    ("every", "attempts", "pause"),
    [
        (None, 1, 10),
        (None, 2, 20),
        (None, 7, 640),
        (None, 8, None),
        (MINUTE, 1, 10),
        (MINUTE, 9, 60),
        (DAY, 99, 3600),
        (DAY, 10**6, 3600),
    ],
)
def test_pauses_double_up_to_the_period_or_an_hour(
    every: timedelta | None, attempts: int, pause: int | None
) -> None:
    """The pause after a number of attempts, in seconds; None gives the job up."""
    kind = JobKind("letter", lambda _: "done", every=every)
    expected = NOW + pause * SECOND if pause else None
    assert kind.next_attempt(attempts, now=NOW) == expected


def test_threads_do_jobs_until_the_server_ends(desk: Desk) -> None:
    """A hanging kind holds up no other, and the threads end with the context."""
    is_hanging, is_done, may_go_on = Event(), Event(), Event()

    def hang(_: ClaimedJob) -> None:
        is_hanging.set()
        may_go_on.wait()

    def report(_: ClaimedJob) -> Outcome:
        is_done.set()
        return "done"

    desk.add("ann")
    desk.act = hang
    with desk.worker(desk.letter, JobKind("daily", report, every=DAY)).running():
        assert is_hanging.wait(30)
        assert is_done.wait(30)
        may_go_on.set()
    assert desk.done == ["ann"]


def test_a_database_that_is_away_is_one_line_and_the_thread_goes_on(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next round works."""
    tries, is_done = iter([SubscriberError("database", "is away"), ValueError("a bug")]), Event()
    claim = JobQueue.claim

    def failing(queue: JobQueue, kind: JobKind, clock: Callable[[], datetime]) -> Claim | None:
        for error in tries:
            raise error
        return claim(queue, kind, clock)

    monkeypatch.setattr(JobQueue, "claim", failing)
    monkeypatch.setattr("podcast_pipeline.audience.jobs.worker.AFTER_ERROR_S", 0)
    desk.add("ann")
    desk.act = lambda _: is_done.set()
    with caplog.at_level(logging.ERROR), desk.worker().running():
        assert is_done.wait(30)
    assert caplog.messages == ["letter: database: is away", "letter"]


def test_retention_deletes_jobs_that_ended(desk: Desk) -> None:
    """A week after their end; what nobody did goes after a month, and another show's stays."""
    desk.add("ann")
    desk.worker(desk.letter, desk.daily).run_due()
    desk.add("bob")
    kept = {"network_kept": DAY, "audit_kept": DAY}

    def purged(after: timedelta, show: UUID = SHOW) -> int:
        found = purge(desk.queue.engine, show_id=show, **kept, now=NOW + after)
        assert found == PurgeCounts(0, 0, 0, 0, 0, found.jobs, 0, 0)
        return found.jobs

    assert [purged(JOBS_KEPT), purged(JOBS_KEPT + SECOND)] == [0, 1]
    assert {row.kind for row in desk.queue.rows()} == {"letter", "daily"}
    assert purged(10 * UNDONE_JOBS_KEPT, show=OTHER) == 0
    assert purged(UNDONE_JOBS_KEPT + SECOND) == 1
    assert [row.kind for row in desk.queue.rows()] == ["daily"]
