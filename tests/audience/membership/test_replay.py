"""A membership site's events come shuffled, twice, late or never, and servers are killed: who pays may read.

Each round some days pass at a model of the site; its events are delivered, and a server that applies them is
killed. In the end the state of everybody is compared with the truth, which the model keeps.
"""

import json
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import select

from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.database.tables import tokens
from podcast_pipeline.audience.jobs.queue import JobQueue
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.membership.events import MembershipEvents, membership_event_kind
from podcast_pipeline.audience.membership.reconcile import reconcile
from podcast_pipeline.audience.membership.sources.events import SourceEvent
from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.audience.subscribers import Subscribers
from tests.support.bucket_show import soak_amounts
from tests.support.databases import PROCESSES
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.membership_site import GRACE, Life, MembershipSite

SHOW = UUID(int=7)
PLANS = {"price_month": "standard", "price_year": "standard"}
HOOK_SECRET = "whsec_" + "a" * 32
LOST = 0.05
"""Share of the days whose events are all lost; a single lost event is mostly made up for by the next one."""

TWICE, LATE = 0.2, 0.1
LATER = (timedelta(), timedelta(days=1), timedelta(days=6), timedelta(days=20), timedelta(days=400))
"""After the end of the history: states are right at each of these instants."""

Delivery = tuple[str, SourceEvent]


def at(now: datetime) -> datetime:
    """Return the time of a stopped clock."""
    return now


def open_events(folder: Path, url: str | None, account: FakeStripe) -> MembershipEvents:
    """Return the stored events of a server that reads this account."""
    people = Subscribers(open_database(url, folder), show_id=SHOW, secret_key=b"k" * 64)
    stripe = Stripe(StripeApi(KEY, transport=account.transport), WEBHOOK_SECRET, PLANS)
    generic = GenericHook(HOOK_SECRET, ("standard",))
    return MembershipEvents(people, {"stripe": stripe, "generic": generic}, grace_days=GRACE.days)


def worker_of(events: MembershipEvents, now: datetime) -> Worker:
    """Return what applies stored events, by a clock that has stopped."""
    clock = partial(at, now)
    queue = JobQueue(events.subscribers.engine, show_id=SHOW)
    return Worker(queue, (membership_event_kind(events, clock=clock),), clock)


def run_server(folder: Path, url: str | None, account: FakeStripe) -> None:
    """Apply events in threads until killed."""
    with worker_of(open_events(folder, url, account), account.now).running():
        Event().wait()


@dataclass
class Replay:
    """A history, and a show that it is delivered to."""

    folder: Path
    url: str | None
    chance: random.Random
    site: MembershipSite = field(init=False)
    links: dict[UUID, str] = field(default_factory=dict)
    delivered: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        """Open the show and begin the history."""
        self.site = MembershipSite(self.chance)
        self.events = open_events(self.folder, self.url, self.site.account)

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Store events, some of them twice, in any order."""
        again = [each for each in deliveries if self.chance.random() < TWICE]
        everything = deliveries + again
        self.chance.shuffle(everything)
        for source, event in everything:
            self.events.store(source, event, self.site.account.now)
        self.delivered += len(everything)

    def kill_a_server(self) -> None:
        """Let a server apply events for a moment, and kill it."""
        account = replace(self.site.account, events=[], requests=[])  # what the API does not tell
        arguments = (self.folder, self.url, account)
        server = PROCESSES.Process(target=run_server, args=arguments)
        server.start()
        server.join(self.chance.uniform(0.05, 0.8))
        server.kill()
        server.join()
        assert server.exitcode == -signal.SIGKILL

    def finish(self) -> None:
        """Apply what is left, two leases later."""
        self.site.account.now += timedelta(hours=1)
        results = worker_of(self.events, self.site.account.now).run_due()
        assert set(results) <= {"done", "dropped"}

    def check_links(self) -> None:
        """Assert that nobody's link was changed, and that everybody has one."""
        with self.events.subscribers.engine.connect() as connection:
            rows = connection.execute(select(tokens)).all()
        assert [row for row in rows if row.rotated_at] == []
        now = {row.subscriber_id: row.selector for row in rows}
        assert len(now) == len(rows)
        assert self.links.items() <= now.items()
        self.links = now

    def wrong_states(self) -> list[tuple[str, timedelta]]:
        """Return (address, after how long) of everybody who may read and may not, or the reverse."""
        now, wrong = self.site.account.now, []
        people = {each.email: each for each in self.events.subscribers.list_all()}
        assert set(people) == {life.email for life in self.site.lives}
        assert len(people) == len(self.links)
        for later in LATER:
            truth = self.site.truth(now + later)
            wrong += [
                (email, later)
                for email, is_active in truth.items()
                if (people[email].state(now + later) == "active") != is_active
            ]
        return wrong


@pytest.fixture
def replay(database_url: str | None, tmp_path: Path) -> Iterator[Replay]:
    """A show on each database."""
    replay = Replay(tmp_path, database_url, random.Random(19))
    yield replay
    replay.events.subscribers.engine.dispose()


def rounds(replay: Replay, amount: int, tell: Callable[[], list[Delivery]], *, lost: float) -> None:
    """Let days pass, deliver what `tell` returns of them, and kill a server, `amount` times."""
    late: list[Delivery] = []
    days, joins = (4, 13) if amount > 10 else (45, 0.2)
    for _ in range(amount):
        for _ in range(days):
            replay.site.day(joins)
        told = tell()
        moments = sorted({each.occurred_at for _, each in told})
        outages = {moment for moment in moments if replay.chance.random() < lost}
        arriving = [each for each in told if each[1].occurred_at not in outages]
        replay.lost += len(told) - len(arriving)
        now = [each for each in arriving if replay.chance.random() >= LATE]
        replay.deliver(late + now)
        late = [each for each in arriving if each not in now]
        replay.kill_a_server()
        replay.check_links()
    replay.deliver(late)
    replay.finish()
    replay.check_links()


@soak_amounts(share=2, full=200)
def test_stripe_after_reconciliation_nobody_has_a_wrong_state(
    replay: Replay, amount: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 5 % of the days all events are lost, and a comparison with the list mends it; no link changes."""
    account, source, told = replay.site.account, replay.events.sources["stripe"], 0

    def tell() -> list[Delivery]:
        nonlocal told
        new, told = account.events[told:], len(account.events)
        parsed = (source.parse({}, json.dumps(event).encode(), now=account.now) for event in new)
        return [("stripe", event) for event in parsed]

    rounds(replay, amount, tell, lost=LOST if amount > 10 else 3 * LOST)
    mended = list(reconcile(replay.events, now=account.now, is_applied=True))
    replay.check_links()
    with capsys.disabled():
        line = f"{replay.delivered} delivered, {replay.lost} lost, {len(mended)} mended, {amount} kills"
        print(f"\n{line}")  # noqa: T201
    assert replay.wrong_states() == []
    assert mended
    assert list(reconcile(replay.events, now=account.now, is_applied=True)) == []


@soak_amounts(share=2, full=200)
def test_events_that_have_the_facts_give_the_truth_in_any_order(
    replay: Replay, amount: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A site without an API: every event arrives sometime, and the order does not matter."""
    source, known = replay.events.sources["generic"], dict[str, str]()

    def tell() -> list[Delivery]:
        changed = []
        for life in replay.site.lives:
            data = state_of(life, replay.site)
            if known.get(life.subscription) != data:
                known[life.subscription] = data
                changed.append(data)
        now = replay.site.account.now
        bodies = [
            f'{{"type": "subscriber.updated", "timestamp": "{now.isoformat()}", "data": {data}}}'
            for data in changed
        ]
        headers = ({"webhook-id": f"msg_{replay.chance.getrandbits(64)}"} for _ in bodies)
        parsed = [source.parse(h, body.encode(), now=now) for h, body in zip(headers, bodies, strict=True)]
        return [("generic", event) for event in parsed]

    rounds(replay, amount, tell, lost=0)
    with capsys.disabled():
        print(f"\n{replay.delivered} delivered, {amount} kills")  # noqa: T201
    assert replay.wrong_states() == []


def state_of(life: Life, site: MembershipSite) -> str:
    """Return the `data` of an event about a subscription."""
    begun = site.account.subscriptions[life.subscription]["start_date"]
    return json.dumps(
        {
            "id": life.subscription,
            "email": life.email,
            "starts_at": datetime.fromtimestamp(begun, site.account.now.tzinfo).isoformat(),
            "period_ends_at": life.paid_until.isoformat(),
            "renews": life.renews,
            "ended_at": life.ended_at.isoformat() if life.ended_at else None,
        }
    )
