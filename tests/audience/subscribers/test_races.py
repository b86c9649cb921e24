"""All changes of subscribers, concurrently and from real processes.

Every interleaving ends in rows that the audit log explains, with one entry for each change.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, func, select

from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.database.tables import (
    audit_log,
    entitlements,
    network_addresses,
    news_mails,
    sessions,
    subscribers,
    tokens,
)
from podcast_pipeline.audience.membership.entitlements import apply_membership
from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.csv import importer
from podcast_pipeline.audience.subscribers.csv.importer import import_csv
from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import DownloadLog
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.errors import SubscriberError
from tests.support.bucket_show import soak_amounts
from tests.support.databases import PROCESSES
from tests.support.notifications import EPISODE as OUT
from tests.support.notifications import POLICY

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
EPISODE = UUID(int=1)
PEOPLE = ("ann@example.com", "bob@example.com", "cy@example.com")
DAYS = ("2026-12-31", "2027-01-31", "")
WORKERS = 4
STEPS = 40
MADE_IMPOSSIBLE = ("nobody has this address", "was removed", "was erased meanwhile")


@dataclass(frozen=True)
class Job:
    """The arguments of a worker process."""

    url: str | None
    folder: Path
    seed: int


@contextmanager
def opened_at(url: str | None, folder: Path) -> Iterator[Subscribers]:
    """Open the subscribers as a process of its own does."""
    engine = open_database(url, folder)
    yield Subscribers(engine, show_id=SHOW, secret_key=b"k" * 64)
    engine.dispose()


class Worker:
    """Makes random changes to few people; a change that another process forestalled is a SubscriberError."""

    def __init__(self, people: Subscribers, seed: int) -> None:
        self.people = people
        self.random = random.Random(seed)
        self.given: list[str] = ["a" * 16 + "." + "a" * 32]
        self.met: list[UUID] = [UUID(int=0)]

    def run(self) -> Counter[str]:
        """Do STEPS changes and return the number of successful ones of each kind."""
        done: Counter[str] = Counter()
        for number in range(STEPS):
            step = self.random.choice(self.KINDS)
            try:
                step(self, self.random.choice(PEOPLE), NOW + timedelta(minutes=number))
            except SubscriberError as error:
                if not any(said in str(error) for said in MADE_IMPOSSIBLE):
                    raise
            else:
                done[step.__name__] += 1
        return done

    def add(self, email: str, now: datetime) -> None:
        """Add."""
        until = self.random.choice((None, now, now + timedelta(days=9)))
        self.given.append(self.people.add(email, paid_until=until, now=now, origin="cli")[1])

    def import_all(self, _: str, now: datetime) -> None:
        """Import everybody, in any order."""
        rows = [f"{email},{self.random.choice(DAYS)}\n" for email in PEOPLE]
        self.random.shuffle(rows)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "people.csv"
            path.write_text("email,paid_until\n" + "".join(rows), encoding="utf-8")
            lines = list(import_csv(self.people, path, zone=ZONE, now=now))
        assert {line.outcome for line in lines} <= {"added", "revived", "changed", "unchanged"}

    def renew(self, email: str, now: datetime) -> None:
        """Renew."""
        until = self.random.choice((None, NOW, NOW + timedelta(days=30)))
        self.people.renew(email, until, now=now, origin="web")

    def observe(self, email: str, now: datetime) -> None:
        """Apply what a membership site says of one of somebody's two subscriptions."""
        day = timedelta(days=1)
        membership = Membership(
            source="stripe",
            foreign_id=f"{email}-{self.random.randrange(2)}",
            email=email,
            starts_at=NOW,
            period_ends_at=now + self.random.randrange(-1, 9) * day,
            observed_at=now,
        )
        apply_membership(self.people, membership, grace_days=0, now=now, origin="hook")

    def suspend(self, email: str, now: datetime) -> None:
        """Suspend."""
        self.people.suspend(email, None, now=now, origin="cli")

    def resume(self, email: str, now: datetime) -> None:
        """Resume."""
        self.people.resume(email, now=now, origin="cli")

    def remove(self, email: str, now: datetime) -> None:
        """Remove."""
        self.people.remove(email, now=now, origin="cli")

    def rotate(self, email: str, now: datetime) -> None:
        """Rotate, and keep the link."""
        self.given.append(self.people.rotate(email, now=now, origin="web"))

    def erase(self, email: str, now: datetime) -> None:
        """Erase."""
        self.people.erase(email, now=now, origin="web")

    def poll(self, _: str, __: datetime) -> None:
        """Look up a feed token, as an app does: its own subscriber or None, never another's."""
        token = self.random.choice(self.given)
        visitor = self.people.visitor(token)
        assert visitor is None or (visitor.token and visitor.token.selector) == token.partition(".")[0]

    def read(self, _: str, now: datetime) -> None:
        """Open a link in a browser, and download."""
        visitor = self.people.visitor(self.random.choice(self.given))
        if visitor and visitor.subscriber and visitor.token:
            reader, selector = visitor.subscriber.id, visitor.token.selector
            of = self.people.engine
            BrowserSessions(of, show_id=SHOW).open(reader, scope="reading", selector=selector, now=now)
            DownloadLog(of, show_id=SHOW).record(
                reader, episode_id=EPISODE, address="192.0.2.1", app="a", now=now
            )

    def opt_in(self, email: str, now: datetime) -> None:
        """Opt in to notifications, and remember the subscriber's id."""
        self.met.append(self.people.enable_notifications(email, now=now, origin="web").id)

    def unsubscribe(self, _: str, now: datetime) -> None:
        """Unsubscribe by the link in an old mail, whatever the subscriber's state is by now."""
        self.people.disable_notifications(self.random.choice(self.met), now=now, origin="web")

    def notify(self, _: str, now: datetime) -> None:
        """Claim a notification, and confirm or release it."""
        news, who = NotificationQueue(self.people, POLICY), self.random.choice(self.met)
        if news.claim(who, OUT, now=now):
            if self.random.random() < 0.5:
                news.confirm(who, OUT.id, now=now)
            else:
                news.release(who, OUT.id)

    KINDS: ClassVar[tuple[Callable[["Worker", str, datetime], None], ...]] = (
        *(add, add, import_all, renew, suspend, resume, remove, rotate, rotate, erase, poll, poll, read),
        *(observe, observe),
        *(opt_in, opt_in, unsubscribe, notify),
    )


def work(job: Job) -> Counter[str]:
    """Run one worker process."""
    with opened_at(job.url, job.folder) as people:
        return Worker(people, job.seed).run()


@dataclass(frozen=True)
class ExpectedRow:
    """The expected values of a row, according to the audit log."""

    plan: str = ""
    period: str = ""
    paid_until: str | None = None
    is_suspended: bool = False
    is_removed: bool = False
    is_erased: bool = False
    is_told: bool = False
    links: int = 0


def apply_entry(known: ExpectedRow | None, action: str, details: dict[str, Any]) -> ExpectedRow:
    """Return the row after an audit log entry; the entry must be possible, and change something."""
    if "source" in details:  # its own entitlement; nothing by hand
        assert action in ("added", "revived", "entitlement_added", "entitlement_changed", "address_changed")
        details = {}
    if action.startswith(("entitlement_", "address_")):
        assert known is not None
        assert not known.is_erased
        return known
    if known is None:
        assert action == "added"
        return ExpectedRow(**details, links=1)
    assert not known.is_erased
    new = {
        "revived": lambda: replace(
            known, **details, is_suspended=False, is_removed=False, is_told=False, links=known.links + 1
        ),
        "changed": lambda: replace(known, **details),
        "renewed": lambda: replace(known, **details),
        "suspended": lambda: replace(known, is_suspended=True),
        "resumed": lambda: replace(known, is_suspended=False),
        "rotated": lambda: replace(known, links=known.links + 1),
        "removed": lambda: replace(known, is_removed=True),
        "erased": lambda: replace(known, is_removed=True, is_erased=True, is_told=False, links=0),
        "news_on": lambda: replace(known, is_told=True),
        "news_off": lambda: replace(known, is_told=False),
    }[action]()
    assert new != known, f"{action} says that something changed that did not"
    may_be_gone = action in ("erased", "news_off")
    assert known.is_removed == (action == "revived") or may_be_gone, f"{action} of somebody removed"
    return new


def manual_terms(connection: Connection, subscriber_id: UUID) -> dict[str, Any]:
    """Return what somebody has by hand; nothing where only a source gave them something."""
    kept = entitlements.c
    query = select(kept.plan, kept.period, kept.ends_at).where(kept.source == "manual")
    row = connection.execute(query.where(kept.subscriber_id == subscriber_id)).one_or_none()
    return dict(SubscriptionTerms(*row).to_details()) if row else {}


def check_rows(engine: Engine) -> int:
    """Compare every row with its audit log entries; return the number of entries."""
    told: dict[UUID, ExpectedRow] = {}
    rows: dict[UUID, ExpectedRow] = {}
    with engine.connect() as connection:
        log = connection.execute(select(audit_log).order_by(audit_log.c.id)).mappings().all()
        for entry in log:
            who = entry["subscriber_id"]
            told[who] = apply_entry(told.get(who), entry["action"], entry["details"])
        for row in connection.execute(select(subscribers)).mappings():
            count = select(func.count()).where(tokens.c.subscriber_id == row["id"])
            current = connection.scalar(count.where(tokens.c.rotated_at.is_(None)))
            is_erased = row["erased_at"] is not None
            assert current == (0 if is_erased else 1)
            assert (row["email"] is None) == is_erased
            rows[row["id"]] = ExpectedRow(
                **manual_terms(connection, row["id"]),
                is_suspended=row["suspended_at"] is not None,
                is_removed=row["removed_at"] is not None,
                is_erased=is_erased,
                is_told=row["news_since"] is not None,
                links=connection.scalar(count) or 0,
            )
        for table in (sessions, network_addresses, news_mails):
            held = set(connection.scalars(select(table.c.subscriber_id)))
            assert not {who for who in held if rows[who].is_erased}, f"{table.name} of somebody erased"
    assert {who: asdict(row) for who, row in rows.items()} == {who: asdict(t) for who, t in told.items()}
    return len(log)


@soak_amounts(share=2, full=50)
def test_concurrent_changes_agree_with_the_audit_log(
    engine: Engine, database_url: str | None, tmp_path: Path, amount: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """All changes of subscribers, opt-ins, notifications, unsubscribes, polls and readers race."""
    done: Counter[str] = Counter()
    with ProcessPoolExecutor(WORKERS, mp_context=PROCESSES) as pool:
        for number in range(amount):
            jobs = [Job(database_url, tmp_path, number * WORKERS + i) for i in range(WORKERS)]
            for steps in pool.map(work, jobs):
                done += steps
            entries = check_rows(engine)
    assert set(done) == {step.__name__ for step in Worker.KINDS}
    with capsys.disabled():
        print(f"\n{engine.dialect.name}: {done.total()} steps, {entries} changes, all explained")  # noqa: T201


LINES = 3000


def import_here(url: str | None, folder: Path) -> None:
    """Import in small batches, until this process is killed."""
    importer.BATCH_ROWS = 100
    with opened_at(url, folder) as people:
        for _ in import_csv(people, folder / "people.csv", zone=ZONE, now=NOW):
            pass


@soak_amounts(share=2, full=30)
def test_a_killed_import_can_be_resumed(
    engine: Engine, database_url: str | None, tmp_path: Path, amount: int
) -> None:
    """After two imports killed by SIGKILL a third adds everybody once, and a fourth changes nothing."""
    people = Subscribers(engine, show_id=SHOW, secret_key=b"k" * 64)
    chance = random.Random(amount)
    reached = []
    for _ in range(amount):
        stem = uuid4().hex
        rows = "".join(f"{stem}{i}@example.com,2027-01-31\n" for i in range(LINES))
        (tmp_path / "people.csv").write_text(f"email,paid_until\n{rows}", encoding="utf-8")
        before = sum(people.count_by_state(NOW).values())
        for _ in range(2):
            process = PROCESSES.Process(target=import_here, args=(database_url, tmp_path))
            process.start()
            limit = time.monotonic() + 60
            while sum(people.count_by_state(NOW).values()) == before and time.monotonic() < limit:
                time.sleep(0.005)
            time.sleep(chance.random() * 0.2)
            process.kill()
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL)
            reached.append(sum(people.count_by_state(NOW).values()) - before)
            assert reached[-1] % 100 == 0
        lines = list(import_csv(people, tmp_path / "people.csv", zone=ZONE, now=NOW))
        assert Counter(line.outcome for line in lines) == {
            outcome: number
            for outcome, number in (("unchanged", reached[-1]), ("added", LINES - reached[-1]))
            if number
        }
        assert {line.outcome for line in import_csv(people, tmp_path / "people.csv", zone=ZONE, now=NOW)} == {
            "unchanged"
        }
    assert any(0 < number < LINES for number in reached)
    assert check_rows(engine) == amount * LINES
