"""Notifications of new transcripts: their recipients, opt-in and unsubscribe, and none is sent twice."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Cursor
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event, select

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import audit_log, news_mails, subscribers
from podcast_pipeline.audience.subscribers import Subscribers, notifications, unsubscribe_token
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.csv.exporter import export_csv
from podcast_pipeline.audience.subscribers.csv.importer import import_csv
from podcast_pipeline.audience.subscribers.notifications import (
    NOTIFICATION_WINDOW,
    NotificationQueue,
    Recipient,
    should_notify,
)
from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data
from podcast_pipeline.audience.subscribers.privacy.retention import PurgeCounts, purge
from podcast_pipeline.model import Subscriber
from tests.support.notifications import EPISODE, NOW, OUT, POLICY, transcript
from tests.support.subscriptions import entitlement, paid

BEFORE, AFTER = OUT - timedelta(days=1), OUT + timedelta(hours=1)
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
KEY = b"k" * 64
ANN, BOB = "ann@example.com", "bob@example.com"


def clock() -> datetime:
    return NOW


PERSON = paid(
    Subscriber(
        id=UUID(int=7),
        show_id=SHOW,
        email=ANN,
        email_normalized=ANN,
        created_at=BEFORE,
        updated_at=BEFORE,
        news_since=BEFORE,
    ),
    None,
)
PAID_1_S = {"entitlements": (entitlement(ends_at=NOW + timedelta(seconds=1)),)}
LAPSED = {"entitlements": (entitlement(ends_at=NOW),)}
CORRECTED = (transcript(BEFORE - timedelta(days=9)), transcript(OUT))


@pytest.mark.parametrize(
    ("case", "person", "episode", "notified"),
    [
        ("asked before it came out", {}, {}, True),
        ("asked in the second in which it came out", {"news_since": OUT}, {}, True),
        ("never asked", {"news_since": None}, {}, False),
        ("asked after it came out", {"news_since": AFTER}, {}, False),
        ("lapsed this second", LAPSED, {}, False),
        ("paid for one second more", PAID_1_S, {}, True),
        ("suspended", {"suspended_at": BEFORE}, {}, False),
        ("removed", {"removed_at": BEFORE}, {}, False),
        ("a public transcript", {}, {"transcript_is_public": True}, True),
        ("lapsed, a public transcript", LAPSED, {"transcript_is_public": True}, False),
        ("removed, a public transcript", {"removed_at": BEFORE}, {"transcript_is_public": True}, False),
        ("a canary", {"is_canary": True}, {}, False),
        ("scheduled", {}, {"state": "scheduled", "published_at": None}, False),
        ("unpublished", {}, {"state": "unpublished"}, False),
        ("without a transcript", {}, {"transcripts": ()}, False),
        ("bonus for subscribers", {}, {"access": "subscribers"}, True),
        ("an old episode whose transcript is new", {}, {"published_at": BEFORE - NOTIFICATION_WINDOW}, True),
        ("a correction of what was out before", {}, {"published_at": BEFORE - timedelta(days=9),
                                                     "transcripts": CORRECTED}, False),
        ("out for a year", {"news_since": OUT - NOTIFICATION_WINDOW},
         {
                "published_at": NOW - NOTIFICATION_WINDOW,
                "transcripts": (transcript(NOW - NOTIFICATION_WINDOW),),
            },
            False,
        ),
    ],
)  # fmt: skip
def test_who_is_notified(
    case: str, person: dict[str, object], episode: dict[str, object], notified: bool
) -> None:
    """Only subscribers with an opt-in before the publication and access now are notified."""
    changed_person, changed_episode = PERSON.model_copy(update=person), EPISODE.model_copy(update=episode)
    assert should_notify(changed_person, changed_episode, policy=POLICY, now=NOW) is notified, case


def test_unsubscribe_token_round_trip() -> None:
    """A token gives its subscriber's id with its own key; changed anywhere, or with another key, None."""
    value = unsubscribe_token.to_unsubscribe_token(PERSON.id, KEY)
    assert unsubscribe_token.parse_unsubscribe_token(value, KEY) == PERSON.id
    assert unsubscribe_token.parse_unsubscribe_token(value, b"j" * 64) is None
    changed = [value[:n] + ("A" if value[n] != "A" else "B") + value[n + 1 :] for n in range(48)]
    made_up = ["", "x", "é" * 48, "A" * 47, "A" * 48, "A" * 49, f"{value}\n", f"{value}=="]
    assert [unsubscribe_token.parse_unsubscribe_token(text, KEY) for text in (*changed, *made_up)] == [
        None
    ] * 56


@pytest.fixture
def people(engine: Engine) -> Subscribers:
    """A show with Ann, who opted in to notifications, Bob, who did not, and the canaries."""
    made = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    for email in (ANN, BOB):
        made.add(email, now=BEFORE, origin="cli")
    ensure_canaries(made, now=NOW)
    with write_transaction(engine) as connection:  # even if somebody had switched it on for them
        connection.execute(
            subscribers.update().where(subscribers.c.is_canary.is_(True)).values(news_since=BEFORE)
        )
    made.enable_notifications(ANN, now=BEFORE, origin="web")
    return made


@pytest.fixture
def of(people: Subscribers) -> NotificationQueue:
    """The notification queue of that show."""
    return NotificationQueue(people, POLICY)


def pending(of: NotificationQueue) -> list[UUID]:
    return list(of.pending(EPISODE, clock=clock))


def test_nobody_is_notified_twice(people: Subscribers, of: NotificationQueue) -> None:
    """A claim, confirmed or not, cannot be made again; a released one can."""
    ann = people.get(ANN).id
    assert pending(of) == [ann]
    selector = people.feed_token(ANN).partition(".")[0]
    assert [of.claim(ann, EPISODE, now=NOW) for _ in range(2)] == [Recipient(ANN, selector), None]
    assert (pending(of), of.count_unconfirmed(EPISODE.id)) == ([], 1)
    of.release(ann, EPISODE.id)
    assert (pending(of), of.count_unconfirmed(EPISODE.id)) == ([ann], 0)
    of.claim(ann, EPISODE, now=NOW)
    of.confirm(ann, EPISODE.id, now=NOW)
    assert (pending(of), of.count_unconfirmed(EPISODE.id), of.claim(ann, EPISODE, now=NOW)) == ([], 0, None)
    other = EPISODE.model_copy(update={"id": UUID(int=10)})
    assert list(of.pending(other, clock=clock)) == [ann]


@pytest.mark.parametrize("change", ["stop_news", "suspend", "remove", "erase", "renew"])
def test_a_change_before_the_claim_counts(people: Subscribers, of: NotificationQueue, change: str) -> None:
    """A subscriber who unsubscribes, lapses or is removed after the listing gets no mail."""
    ann = people.get(ANN).id
    meanwhile: dict[str, Callable[[], object]] = {
        "stop_news": lambda: people.disable_notifications(ann, now=NOW, origin="mail"),
        "suspend": lambda: people.suspend(ANN, None, now=NOW, origin="cli"),
        "remove": lambda: people.remove(ANN, now=NOW, origin="cli"),
        "erase": lambda: people.erase(ANN, now=NOW, origin="cli"),
        "renew": lambda: people.renew(ANN, NOW, now=NOW, origin="cli"),
    }
    for each in of.pending(EPISODE, clock=clock):
        assert each == ann
        meanwhile[change]()
        assert of.claim(each, EPISODE, now=NOW) is None
    assert pending(of) == []


def test_two_shows_in_one_database(people: Subscribers, of: NotificationQueue) -> None:
    """Another show's subscribers get no notifications of this show, and its unsubscribe links do nothing."""
    neighbour = Subscribers(people.engine, show_id=uuid4(), secret_key=KEY)
    neighbour.add("eve@example.com", now=BEFORE, origin="cli")
    neighbour.enable_notifications("eve@example.com", now=BEFORE, origin="web")
    assert pending(of) == [people.get(ANN).id]
    neighbour.disable_notifications(people.get(ANN).id, now=NOW, origin="mail")
    assert people.get(ANN).news_since == BEFORE


def test_many_subscribers_are_read_in_batches(
    people: Subscribers, of: NotificationQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pending subscriber comes once, for any batch size, with notified and other ones between them."""
    monkeypatch.setattr(notifications, "BATCH_SUBSCRIBERS", 2)
    wanted = {people.get(ANN).id}
    for number in range(9):
        subscriber, _ = people.add(f"{number}@example.com", now=BEFORE, origin="cli")
        if number % 3:
            people.enable_notifications(subscriber.email, now=BEFORE if number % 2 else AFTER, origin="web")
        if number % 3 and number % 2:
            wanted.add(subscriber.id)
    found = pending(of)
    assert (len(found), set(found)) == (len(wanted), wanted)


def test_pending_notifications_are_found_by_index(opened: Callable[[], Engine]) -> None:
    """Pending subscribers are read by the index, without a scan or a sort (SQLite)."""
    people, plan = Subscribers(opened(), show_id=SHOW, secret_key=KEY), list[str]()

    @event.listens_for(people.engine, "before_cursor_execute")
    def explain(
        _: object, cursor: Cursor, statement: str, parameters: tuple[object, ...], *__: object
    ) -> None:
        plan.extend(step[3] for step in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    assert pending(NotificationQueue(people, POLICY)) == []
    assert plan[0].startswith("SEARCH subscribers USING INDEX ix_subscribers_news")
    assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN")]


def test_opt_in_and_unsubscribe_are_in_the_audit_log(people: Subscribers) -> None:
    """Opt-in and unsubscribe are in the audit log with their origins, once each, without an address."""
    ann = people.get(ANN).id
    people.enable_notifications(ANN, now=NOW, origin="web")  # is on already
    for _ in range(2):
        people.disable_notifications(ann, now=NOW, origin="mail")
    people.disable_notifications(uuid4(), now=NOW, origin="mail")
    with people.engine.connect() as connection:
        query = select(audit_log).where(audit_log.c.action.like("news%")).order_by(audit_log.c.id)
        entries = connection.execute(query).mappings().all()
    assert [(e["action"], e["origin"], e["subscriber_id"]) for e in entries] == [
        ("news_on", "web", ann),
        ("news_off", "mail", ann),
    ]
    assert "@" not in str(entries)
    assert people.get(ANN).news_since is None


def test_erasure_and_data_export_of_notifications(people: Subscribers, of: NotificationQueue) -> None:
    """The data export contains opt-in and notifications; after erasure none of them is left."""
    ann = people.get(ANN).id
    of.claim(ann, EPISODE, now=NOW)
    held = export_personal_data(people, ANN)
    assert held["subscriber"]["news_since"] == BEFORE.isoformat()
    assert [mail["episode_id"] for mail in held["news_mails"]] == [str(EPISODE.id)]
    assert json.dumps(held)
    people.erase(ANN, now=NOW, origin="web")
    with people.engine.connect() as connection:
        assert connection.execute(select(news_mails)).all() == []
        query = select(subscribers.c.news_since).where(subscribers.c.id == ann)
        assert connection.scalar(query) is None


def test_an_import_is_no_opt_in(people: Subscribers, tmp_path: Path) -> None:
    """A CSV export contains the opt-in; an import neither opts in nor unsubscribes."""
    written = io.StringIO()
    export_csv(people, written, now=NOW)
    header, ann, bob = written.getvalue().splitlines()
    assert header.endswith(",news_since,sources")
    assert (ann.split(",")[-2], bob.split(",")[-2:]) == (BEFORE.isoformat(), ["", "manual"])
    path = tmp_path / "people.csv"
    opted_in = bob.replace(",,manual", f",{BEFORE.isoformat()},manual")
    path.write_text(written.getvalue().replace(bob, opted_in), encoding="utf-8")
    lines = list(import_csv(people, path, zone=ZoneInfo("UTC"), now=NOW))
    assert [(line.outcome, line.message) for line in lines] == [("unchanged", "")] * 2
    assert (people.get(ANN).news_since, people.get(BOB).news_since) == (BEFORE, None)


@pytest.mark.parametrize("way", ["add", "import"])
def test_a_reactivated_subscriber_has_no_opt_in(people: Subscribers, tmp_path: Path, way: str) -> None:
    """A removed subscriber who is reactivated gets no notifications without a new opt-in."""
    people.remove(ANN, now=NOW, origin="cli")
    if way == "add":
        people.add(ANN, now=NOW, origin="cli")
    else:
        (tmp_path / "people.csv").write_text(f"email\n{ANN}\n")
        list(import_csv(people, tmp_path / "people.csv", zone=ZoneInfo("UTC"), now=NOW))
    assert people.get(ANN).removed_at is None
    assert people.get(ANN).news_since is None


def test_retention_deletes_old_notifications(people: Subscribers, of: NotificationQueue) -> None:
    """After a year the claim is deleted, and the episode causes no more notifications."""
    of.claim(people.get(ANN).id, EPISODE, now=NOW)
    kept = {"network_kept": timedelta(days=30), "audit_kept": timedelta(days=7300)}
    assert purge(people.engine, show_id=SHOW, **kept, now=NOW + NOTIFICATION_WINDOW) == PurgeCounts(
        0, 0, 0, 0, 0, 0, 0, 0
    )
    late = NOW + NOTIFICATION_WINDOW + timedelta(seconds=1)
    assert purge(people.engine, show_id=SHOW, **kept, now=late) == PurgeCounts(0, 0, 0, 0, 1, 0, 0, 0)
    assert list(of.pending(EPISODE, clock=lambda: late)) == []
