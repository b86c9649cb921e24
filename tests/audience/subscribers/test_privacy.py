"""Canaries, the data export, network addresses, erasure and retention."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import DatabaseError

from podcast_pipeline.access import TOKEN_GRACE
from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import audit_log, audit_purges, network_addresses, sessions
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import (
    DownloadLog,
    DownloadUsage,
    client_network,
)
from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data
from podcast_pipeline.audience.subscribers.privacy.retention import PurgeCounts, purge
from podcast_pipeline.audience.subscribers.sessions import SESSION_LIFETIME, BrowserSessions
from podcast_pipeline.audience.subscribers.signin import SignIn
from podcast_pipeline.errors import SubscriberError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
KEY = b"k" * 64
ANN = "ann@example.com"
KEPT = {"network_kept": timedelta(days=30), "audit_kept": timedelta(days=730)}


@pytest.fixture
def people(engine: Engine) -> Subscribers:
    """A show with one subscriber."""
    made = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    made.add(ANN, now=NOW, origin="cli")
    return made


def test_canaries_have_their_states(people: Subscribers) -> None:
    """Each canary's token has its state, when added and when refreshed much later."""
    for now in (NOW, NOW + timedelta(days=100)):
        made = ensure_canaries(people, now=now)
        assert list(made) == ["active", "lapsed", "suspended", "rotated", "removed"]
        for state, (subscriber, token) in made.items():
            visitor = people.visitor(token)
            assert visitor is not None
            assert visitor.standing(now) == state
            assert subscriber.is_canary
            since = visitor.standing_since(now)
            assert since is not None
            assert state == "active" or now - since < TOKEN_GRACE


def test_refreshing_canaries_makes_no_new_ones(people: Subscribers) -> None:
    """The same subscribers and tokens come back; a new secret key gives them new tokens."""
    first, again = ensure_canaries(people, now=NOW), ensure_canaries(people, now=NOW)
    assert [(s.id, token) for s, token in first.values()] == [(s.id, token) for s, token in again.values()]
    stranger = Subscribers(people.engine, show_id=SHOW, secret_key=b"j" * 64)
    for state, (subscriber, token) in ensure_canaries(stranger, now=NOW).items():
        assert subscriber.id == first[state][0].id
        visitor = stranger.visitor(token)
        assert visitor is not None
        assert visitor.standing(NOW) == state


def test_canaries_are_invisible_elsewhere(people: Subscribers) -> None:
    """They are not counted, listed, found by address, or mailed."""
    made = ensure_canaries(people, now=NOW)
    assert people.count_by_state(NOW) == {"active": 1}
    assert [subscriber.email for subscriber in people.list_all()] == [ANN]
    signin = SignIn(people.engine, show_id=SHOW, secret_key=KEY)
    for subscriber, _ in made.values():
        with pytest.raises(SubscriberError, match="nobody has this address"):
            people.get(subscriber.email)
        nonce = signin.request(subscriber.email, browser="b", now=NOW)
        mail = signin.mail(str(nonce), now=NOW)
        assert mail is not None
        assert mail.email is None


def test_data_export_contains_everything_but_secrets(people: Subscribers) -> None:
    """A data export contains all rows about a person as JSON, no hash, and nothing of other people."""
    people.add("bob@example.com", now=NOW, origin="cli")
    people.suspend(ANN, "chargeback", now=NOW, origin="web")
    ann = people.get(ANN)
    cookie = BrowserSessions(people.engine, show_id=SHOW).open(
        ann.id, scope="account", selector=None, now=NOW
    )
    DownloadLog(people.engine, show_id=SHOW).record(
        ann.id, episode_id=None, address="192.0.2.7", app="Overcast/1.0", now=NOW
    )
    SignIn(people.engine, show_id=SHOW, secret_key=KEY).request(ANN, browser="b", now=NOW)
    told = export_personal_data(people, "ANN@example.com")
    text = json.dumps(told)
    assert told["subscriber"]["email"] == ANN
    assert told["subscriber"]["suspended_reason"] == "chargeback"
    assert [entry["action"] for entry in told["audit_log"]] == ["added", "suspended"]
    assert told["network_addresses"][0]["address"] == "192.0.2.7"
    assert [len(told[name]) for name in ("tokens", "sessions", "signin_requests")] == [1, 1, 1]
    assert not any(
        word in text for word in ("sha256", "hmac", "bob@", cookie, people.feed_token(ANN).partition(".")[2])
    )


def test_data_export_of_an_unknown_address_is_an_error(people: Subscribers) -> None:
    """An unknown address is an error of one line."""
    with pytest.raises(SubscriberError, match="nobody has this address"):
        export_personal_data(people, "nobody@example.com")


def test_erasure_deletes_network_addresses(people: Subscribers) -> None:
    """After erasure no network address of the person is left."""
    DownloadLog(people.engine, show_id=SHOW).record(
        people.get(ANN).id, episode_id=None, address="192.0.2.7", app="x", now=NOW
    )
    people.erase(ANN, now=NOW, origin="cli")
    with people.engine.connect() as connection:
        assert connection.execute(select(network_addresses)).all() == []


def test_who_was_erased_meanwhile_leaves_no_trace(people: Subscribers) -> None:
    """A download or session that is written during an erasure is refused and not stored."""
    ann, selector = people.get(ANN).id, people.feed_token(ANN).partition(".")[0]
    people.erase(ANN, now=NOW, origin="cli")
    with pytest.raises(SubscriberError, match="was erased meanwhile"):
        DownloadLog(people.engine, show_id=SHOW).record(
            ann, episode_id=None, address="192.0.2.7", app="x", now=NOW
        )
    for kept in (selector, None):
        with pytest.raises(SubscriberError, match="was erased meanwhile"):
            BrowserSessions(people.engine, show_id=SHOW).open(ann, scope="reading", selector=kept, now=NOW)
    with people.engine.connect() as connection:
        assert not connection.execute(select(network_addresses)).all()
        assert not connection.execute(select(sessions)).all()


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "unknown"),
        ("1" * 500, "unknown"),
    ],
)
def test_location_of_an_address(address: str, location: str) -> None:
    """IPv6 is one household for each /64; an address inside IPv6 is IPv4's; noise is unknown."""
    assert client_network(address) == location


def test_use_is_counted_per_episode_and_window(people: Subscribers) -> None:
    """Downloads, locations and apps of one subscriber and episode are counted from a moment on."""
    network, ann, episode = DownloadLog(people.engine, show_id=SHOW), people.get(ANN).id, uuid4()
    for address, app, hours in (
        ("192.0.2.7", "A", 0),
        ("192.0.2.7", "B", 1),
        ("192.0.2.8", "A\x00" * 500, 30),
    ):
        network.record(ann, episode_id=episode, address=address, app=app, now=NOW - timedelta(hours=hours))
    network.record(ann, episode_id=uuid4(), address="192.0.2.9", app="C", now=NOW)
    for hours in (1, 24):
        assert network.usage_of(ann, episode, since=NOW - timedelta(hours=hours)) == DownloadUsage(2, 1, 2)
    assert network.usage_of(ann, episode, since=NOW - timedelta(days=2)) == DownloadUsage(3, 2, 3)


def test_retention_deletes_old_rows(people: Subscribers) -> None:
    """Only rows past their retention time are deleted, and only this show's."""
    network, sessions = DownloadLog(people.engine, show_id=SHOW), BrowserSessions(people.engine, show_id=SHOW)
    ann = people.get(ANN).id
    for days in (29, 30, 31):
        network.record(ann, episode_id=None, address="192.0.2.7", app="x", now=NOW - timedelta(days=days))
    sessions.open(ann, scope="reading", selector=None, now=NOW - SESSION_LIFETIME)
    cookie = sessions.open(ann, scope="reading", selector=None, now=NOW)
    SignIn(people.engine, show_id=SHOW, secret_key=KEY).request(ANN, browser="b", now=NOW - timedelta(days=2))
    assert purge(people.engine, show_id=uuid4(), **KEPT, now=NOW) == PurgeCounts(0, 0, 0, 0, 0, 0, 0, 0)
    assert purge(people.engine, show_id=SHOW, **KEPT, now=NOW) == PurgeCounts(1, 0, 1, 1, 0, 0, 0, 0)
    assert sessions.visitor(cookie, now=NOW) is not None


def test_audit_log_retention_records_its_purges(people: Subscribers) -> None:
    """Old entries are deleted only after the purge was recorded; newer ones are still protected."""
    later = NOW + timedelta(days=731)
    people.renew(ANN, later, now=later, origin="web")
    assert purge(people.engine, show_id=SHOW, **KEPT, now=later) == PurgeCounts(0, 1, 0, 0, 0, 0, 0, 0)
    with people.engine.connect() as connection:
        assert connection.scalars(select(audit_log.c.action)).all() == ["renewed"]
        assert connection.execute(select(audit_purges.c.purged_before, audit_purges.c.at)).all() == [
            (later - KEPT["audit_kept"], later)
        ]
    with pytest.raises(DatabaseError, match="append-only"), write_transaction(people.engine) as connection:
        connection.execute(audit_log.delete())


def test_purge_of_another_show_does_not_release_ours(people: Subscribers) -> None:
    """A purge by one show's retention does not release another show's entries."""
    with write_transaction(people.engine) as connection:
        row = {"show_id": uuid4(), "purged_before": NOW + timedelta(days=1), "at": NOW}
        connection.execute(insert(audit_purges).values(row))
    with pytest.raises(DatabaseError, match="append-only"), write_transaction(people.engine) as connection:
        connection.execute(audit_log.delete())
