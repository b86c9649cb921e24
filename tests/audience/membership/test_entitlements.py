"""What membership sites say becomes entitlements: in any order, any number of times, from any process."""

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, select

from podcast_pipeline.audience.database import open_database, write_transaction
from podcast_pipeline.audience.database.tables import audit_log, entitlements, membership_events, tokens
from podcast_pipeline.audience.database.tables import subscribers as subscriber_rows
from podcast_pipeline.audience.membership.entitlements import Applied, apply_membership
from podcast_pipeline.audience.membership.facts import Membership, entitlement_end
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.entitlement_rows import is_active
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data
from podcast_pipeline.audience.subscribers.privacy.retention import purge
from podcast_pipeline.errors import SubscriberError
from tests.support.databases import PROCESSES

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
KEY = b"k" * 64
ANN, BOB = "ann@example.com", "bob@example.com"
GRACE = 7
FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MANY = settings(FEW, max_examples=40)


def seen(number: int, **facts: Any) -> Membership:
    """Return an observation of Ann's paid month at Stripe, `number` seconds after NOW."""
    plain = {
        "source": "stripe",
        "foreign_id": "sub_1",
        "email": ANN,
        "period": "monthly",
        "starts_at": NOW - DAY,
        "period_ends_at": NOW + 30 * DAY,
        "observed_at": NOW + number * SECOND,
    }
    return Membership.model_validate({**plain, **facts})


@pytest.fixture
def people(engine: Engine) -> Subscribers:
    """The subscribers of a show without any."""
    return Subscribers(engine, show_id=SHOW, secret_key=KEY)


def apply(people: Subscribers, membership: Membership, now: datetime = NOW) -> Applied:
    return apply_membership(people, membership, grace_days=GRACE, now=now, origin="hook")


def log(people: Subscribers) -> list[tuple[str, str, str]]:
    """Return (action, origin, actor) of the audit log, oldest first."""
    kept = audit_log.c
    query = select(kept.action, kept.origin, kept.actor).where(kept.show_id == people.show_id)
    with people.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(kept.id))]


def rows(people: Subscribers) -> dict[tuple[str, str], tuple[object, ...]]:
    """Return (source, foreign id) -> address and all that the source said."""
    kept = entitlements.c
    columns = (kept.plan, kept.period, kept.starts_at, kept.ends_at, kept.cancelled_at, kept.suspended_at)
    query = (
        select(kept.source, kept.foreign_id, subscriber_rows.c.email_normalized, *columns, kept.observed_at)
        .join_from(entitlements, subscriber_rows)
        .where(kept.show_id == people.show_id)
    )
    with people.engine.connect() as connection:
        return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(query)}


def truth(memberships: list[Membership]) -> dict[tuple[str, str], tuple[object, ...]]:
    """Return what `rows` must be: the newest observation of each subscription."""
    newest = {(m.source, m.foreign_id): m for m in sorted(memberships, key=lambda m: m.order)}
    return {
        key: (
            m.email,
            *(m.plan, m.period, m.starts_at, entitlement_end(m, grace_days=GRACE)),
            *(m.cancelled_at, m.suspended_at, m.observed_at),
        )
        for key, m in newest.items()
    }


def test_a_join_makes_a_subscriber_with_a_link(people: Subscribers) -> None:
    """Nobody had the address: a subscriber, an entitlement and a link; the source is the actor."""
    applied = apply(people, seen(0))
    ann = people.get(ANN)
    assert applied == Applied("created", ann.id, is_new_subscriber=True)
    assert (ann.state(NOW), ann.plan, ann.period, ann.paid_until) == (
        "active",
        "standard",
        "monthly",
        NOW + 37 * DAY,
    )
    visitor = people.visitor(people.feed_token(ANN))
    assert visitor is not None
    assert visitor.subscriber == ann
    assert log(people) == [("added", "hook", "stripe")]
    assert ann.manual is None


@pytest.mark.parametrize("who", ["cli", "job", "key 3f"])
def test_the_audit_log_names_the_actor(people: Subscribers, who: str) -> None:
    """By default it follows from the origin; an API key is named."""
    (people.by(who) if who.startswith("key") else people).add(
        ANN, now=NOW, origin="api" if who.startswith("key") else "job" if who == "job" else "cli"
    )
    assert [actor for *_, actor in log(people)] == [who]


def test_a_known_subscriber_keeps_link_and_manual_entitlement(people: Subscribers) -> None:
    """The address decides, in any spelling; a source changes its own entitlements only."""
    token = people.add(ANN, paid_until=NOW + DAY, now=NOW, origin="cli")[1]
    assert apply(people, seen(0, email=" ANN@Example.com")).outcome == "created"
    apply(people, seen(1, ended_at=NOW, ended_because="refund"))
    ann = people.get(ANN)
    assert people.feed_token(ANN) == token
    assert [(each.source, each.ends_at) for each in ann.entitlements] == [
        ("manual", NOW + DAY),
        ("stripe", NOW),
    ]
    assert (ann.state(NOW), ann.state(NOW + DAY)) == ("active", "lapsed")
    assert [action for action, *_ in log(people)] == ["added", "entitlement_added", "entitlement_changed"]


@pytest.mark.parametrize(
    ("facts", "ends_at"),
    [
        ({}, NOW + 37 * DAY),
        ({"renews": False, "cancelled_at": NOW}, NOW + 30 * DAY),
        ({"ended_at": NOW, "ended_because": "refund"}, NOW),
        ({"ended_at": NOW, "ended_because": "dispute"}, NOW),
        ({"suspended_at": NOW}, NOW),
        ({"period_ends_at": None}, None),
    ],
)
def test_when_access_ends(people: Subscribers, facts: dict[str, Any], ends_at: datetime | None) -> None:
    """With the grace days, with the cancelled period, or at once; and at that second."""
    apply(people, seen(0))
    apply(people, seen(1, **facts))
    ann = people.get(ANN)
    assert ann.paid_until == ends_at
    assert ann.state((ends_at or NOW + 9999 * DAY) - SECOND) == "active"
    if ends_at:
        assert ann.state(ends_at) == "lapsed"
        assert people.count_by_state(ends_at) == {"lapsed": 1}
        assert people.count_by_state(ends_at - SECOND) == {"active": 1}


def test_an_old_or_repeated_observation_changes_nothing(people: Subscribers) -> None:
    """Only the newest counts; within a second the source's own ids decide."""
    apply(people, seen(1, observed_id="evt_2", ended_at=NOW, ended_because="refund"))
    before = rows(people)
    assert apply(people, seen(0)).outcome == "stale"
    assert apply(people, seen(1, observed_id="evt_1")).outcome == "stale"
    assert apply(people, seen(1, observed_id="evt_2", ended_at=NOW)).outcome == "unchanged"
    assert rows(people) == before
    assert apply(people, seen(1, observed_id="evt_3")).outcome == "changed"
    assert len(log(people)) == 2


def test_a_change_of_address_is_followed_where_nobody_has_it(people: Subscribers) -> None:
    """The link stays; another subscriber's address is told, and followed once it is free."""
    apply(people, seen(0))
    token = people.feed_token(ANN)
    people.add(BOB, now=NOW, origin="cli")
    taken = apply(people, seen(1, email=BOB))
    assert (taken.outcome, taken.remark) == (
        "unchanged",
        "the new address is another subscriber's; the old one stays",
    )
    people.erase(BOB, now=NOW, origin="cli")
    assert apply(people, seen(2, email=BOB)).outcome == "changed"
    assert people.feed_token(BOB) == token
    with pytest.raises(SubscriberError, match="nobody has this address"):
        people.get(ANN)
    assert log(people)[-1] == ("address_changed", "hook", "stripe")
    assert apply(people, seen(3, email="nonsense")).remark.startswith(
        "the new address is not an e-mail address"
    )
    assert people.get(BOB).paid_until == NOW + 37 * DAY


@pytest.mark.parametrize("is_first", [True, False])
def test_who_buys_for_somebody_else_does_not_get_their_account(people: Subscribers, is_first: bool) -> None:
    """The address of a subscriber with two subscriptions does not follow one of them, in either order."""
    anns, strangers = seen(0), seen(1, foreign_id="sub_of_a_stranger")
    for bought in (strangers, anns) if is_first else (anns, strangers):
        apply(people, bought)
    moved = apply(people, seen(2, foreign_id="sub_of_a_stranger", email=BOB))
    assert moved.remark == "the new address is that of one of several subscriptions; the old one stays"
    assert people.get(ANN).state(NOW) == "active"


def test_what_names_nobody_adds_nobody(people: Subscribers) -> None:
    """An unknown subscription without an address is unknown; an address that is none is one line."""
    assert apply(people, seen(0, email=None)) == Applied("unknown")
    with pytest.raises(SubscriberError, match="nonsense: is not an e-mail address"):
        apply(people, seen(0, email="nonsense"))
    assert list(people.list_all()) == []
    apply(people, seen(0))
    assert apply(people, seen(1, email=None, ended_at=NOW)).outcome == "changed"


def test_somebody_removed_comes_back_by_a_new_subscription_only(people: Subscribers) -> None:
    """A new one that holds gives them a new link; the old one going on is told."""
    apply(people, seen(0))
    old = people.feed_token(ANN)
    people.remove(ANN, now=NOW, origin="cli")
    assert "was removed here, and the subscription goes on" in apply(people, seen(1)).remark
    assert apply(people, seen(2, foreign_id="sub_0", ended_at=NOW)).outcome == "created"
    assert people.get(ANN).state(NOW) == "removed"
    apply(people, seen(3, foreign_id="sub_2"))
    assert people.get(ANN).state(NOW) == "active"
    assert people.feed_token(ANN) != old
    assert log(people)[-1][0] == "revived"


def test_nobody_erased_comes_back_by_a_late_event(people: Subscribers) -> None:
    """The row keeps a keyed hash of the subscription; a new subscription is a new person."""
    apply(people, seen(0))
    people.erase(ANN, now=NOW, origin="cli")
    assert apply(people, seen(1)) == Applied("erased")
    assert people.count_by_state(NOW) == {"erased": 1}
    with people.engine.connect() as connection:
        (row,) = connection.execute(select(entitlements)).mappings()
    assert (row["foreign_id"][:7], row["address_hmac"], row["ends_at"]) == ("erased:", None, NOW)
    assert "sub_1" not in str(dict(row))
    assert apply(people, seen(2, foreign_id="sub_2")).is_new_subscriber
    assert apply(people, seen(3)).outcome == "created", "the address is somebody's again"
    people.erase(ANN, now=NOW, origin="cli")
    assert [apply(people, seen(4, foreign_id=each)).outcome for each in ("sub_1", "sub_2")] == ["erased"] * 2


EVENTS: tuple[tuple[str | None, str], ...] = (
    ("sub_1", '{"amount":900}'),
    (None, '{"email":"ANN@example.com"}'),
    ("sub_9", '{"was":"ann@example.com"}'),
    ("sub_9", '{"email":"joann@example.org"}'),
    (None, '{"email":"joann@example.com"}'),
    (None, "{}"),
)
"""(foreign id, body): two about Ann, one about somebody who had her address, three of others."""


def store_events(people: Subscribers) -> None:
    with write_transaction(people.engine) as connection:
        for number, (foreign_id, body) in enumerate(EVENTS):
            event = {
                "show_id": SHOW,
                "source": "stripe",
                "event_id": f"evt_{number}",
                "kind": "invoice.paid",
                "foreign_id": foreign_id,
                "occurred_at": NOW,
                "received_at": NOW,
                "details": {"amount": 900},
                "body": body,
                "attempts": 0,
                "last_error": f"{number}",
            }
            connection.execute(insert(membership_events).values(event))


def kept_events(people: Subscribers) -> list[tuple[object, ...]]:
    """Return (body, error, foreign id, details) of each event."""
    kept = membership_events.c
    query = select(kept.body, kept.last_error, kept.foreign_id, kept.details).order_by(kept.id)
    with people.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_events_of_a_person_are_exported_and_erased(people: Subscribers) -> None:
    """The data export has them whole; erasure deletes bodies and ids at once, and her address from others."""
    apply(people, seen(0))
    store_events(people)
    held = export_personal_data(people, ANN)
    assert [event["body"] for event in held["membership_events"]] == [body for _, body in EVENTS[:2]]
    assert [each["foreign_id"] for each in held["entitlements"]] == ["sub_1"]
    people.erase(ANN, now=NOW, origin="cli")
    assert kept_events(people) == [
        *([(None, None, None, {})] * 2),
        (None, None, "sub_9", {"amount": 900}),
        (EVENTS[3][1], "3", "sub_9", {"amount": 900}),
        (None, None, None, {"amount": 900}),  # contains hers; rather once too often
        ("{}", "5", None, {"amount": 900}),
    ]


def test_bodies_of_events_go_after_30_days(people: Subscribers) -> None:
    """Ids, amounts and dates stay as long as the audit log."""
    store_events(people)
    kept = {"network_kept": 30 * DAY, "audit_kept": 730 * DAY}
    assert purge(people.engine, show_id=SHOW, **kept, now=NOW + 30 * DAY).membership_events == 0
    late = purge(people.engine, show_id=SHOW, **kept, now=NOW + 30 * DAY + SECOND)
    assert late.membership_events == len(EVENTS)
    assert kept_events(people) == [(None, None, foreign_id, {"amount": 900}) for foreign_id, _ in EVENTS]
    purge(people.engine, show_id=SHOW, **kept, now=NOW + 731 * DAY)
    assert kept_events(people) == []


def observations() -> st.SearchStrategy[list[Membership]]:
    """Yield observations of a few subscriptions of three people at two sources."""
    day = st.integers(-3, 3).map(lambda n: NOW + n * DAY)
    facts = st.fixed_dictionaries(
        {
            "source": st.sampled_from(("stripe", "memberful")),
            "foreign_id": st.sampled_from("123456"),
            "plan": st.sampled_from(("standard", "student")),
            "starts_at": day,
            "period_ends_at": st.none() | day,
            "renews": st.booleans(),
            "cancelled_at": st.none() | day,
            "suspended_at": st.none() | day,
            "ended_at": st.none() | day,
        }
    )
    return st.lists(facts, min_size=1, max_size=12).map(
        lambda many: [
            seen(
                number // 3,
                **each,
                observed_id=str(number),
                email=f"{int(str(each['foreign_id'])) % 3}@example.com",
            )
            for number, each in enumerate(many)
        ]
    )


@given(made=observations(), seed=st.integers(0, 2**16))
@FEW
def test_any_order_gives_the_truth(engine: Engine, made: list[Membership], seed: int) -> None:
    """Shuffled and repeated, from two sources: the newest observations, and one link for each person."""
    people = Subscribers(engine, show_id=uuid4(), secret_key=KEY)
    chance, links = random.Random(seed), dict[str, str]()
    shuffled = made + chance.choices(made, k=len(made) // 2)
    chance.shuffle(shuffled)
    for membership in shuffled:
        apply(people, membership)
        links.setdefault(str(membership.email), people.feed_token(str(membership.email)))
    assert rows(people) == truth(made)
    assert {person.email: people.feed_token(person.email) for person in people.list_all()} == links
    for now in (NOW + days * DAY + n * SECOND for days in range(-4, 12) for n in (-1, 0)):
        states = [person.state(now) for person in people.list_all()]
        assert people.count_by_state(now) == {state: states.count(state) for state in states}


INSTANT = st.none() | st.integers(0, 3).map(lambda n: NOW + n * SECOND)


@given(
    made=st.lists(
        st.tuples(INSTANT, INSTANT, st.lists(st.tuples(INSTANT, INSTANT, INSTANT), max_size=3)), max_size=8
    )
)
@MANY
def test_the_condition_in_sql_is_the_state(engine: Engine, made: list[Any]) -> None:
    """Who is active by `is_active` is active by `Subscriber.state`, with any entitlements at any instant."""
    people = Subscribers(engine, show_id=uuid4(), secret_key=KEY)
    with people.transaction(NOW, "cli") as change:
        for number, (suspended_at, removed_at, given) in enumerate(made):
            address = f"{number}@example.com"
            values = {"suspended_at": suspended_at, "removed_at": removed_at}
            row = change.new_subscriber_row(EmailAddress(address, address)) | values
            change.connection.execute(insert(subscriber_rows).values(row))
            for starts_at, ends_at, stopped_at in given:
                manual = change.new_manual_row(row["id"], SubscriptionTerms(paid_until=ends_at))
                own = {"foreign_id": str(manual["id"]), "starts_at": starts_at, "suspended_at": stopped_at}
                change.connection.execute(insert(entitlements).values(manual | own))
    for now in (NOW + n * SECOND for n in range(-1, 5)):
        states = {person.email: person.state(now) for person in people.list_all()}
        is_here = subscriber_rows.c.show_id == people.show_id
        with engine.connect() as connection:
            active = set(connection.scalars(select(subscriber_rows.c.email).where(is_here, is_active(now))))
        assert active == {email for email, state in states.items() if state == "active"}
        assert people.count_by_state(now) == {
            state: list(states.values()).count(state) for state in set(states.values())
        }


@dataclass(frozen=True)
class Job:
    """The arguments of a worker process."""

    url: str | None
    folder: Path
    seed: int


def many() -> list[Membership]:
    """Return 60 observations of eight subscriptions of four people."""
    chance = random.Random(1)
    return [
        seen(
            n,
            foreign_id=str(n % 8),
            email=f"{n % 4}@example.com",
            source=("stripe", "memberful")[n % 8 // 4],
            period_ends_at=NOW + chance.randrange(99) * DAY,
        )
        for n in range(60)
    ]


def work(job: Job) -> None:
    """Apply all observations, in an order of this process's own."""
    engine = open_database(job.url, job.folder)
    made = many()
    random.Random(job.seed).shuffle(made)
    for membership in made:
        apply(Subscribers(engine, show_id=SHOW, secret_key=KEY), membership)
    engine.dispose()


def test_processes_agree(engine: Engine, database_url: str | None, tmp_path: Path) -> None:
    """Four processes apply the same observations at once: the truth, and one link for each person."""
    people = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    with ProcessPoolExecutor(4, mp_context=PROCESSES) as pool:
        list(pool.map(work, [Job(database_url, tmp_path, seed) for seed in range(4)]))
    assert rows(people) == truth(many())
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tokens)) == 4
    assert [action for action, *_ in log(people)].count("added") == 4
