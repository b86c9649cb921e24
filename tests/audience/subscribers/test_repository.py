"""Subscribers are added, changed, removed and erased, on both databases."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event, select, text

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.database.tables import audit_log, tokens
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.repository import may_create_secret_key
from podcast_pipeline.audience.subscribers.tokens import new_selector, to_token
from podcast_pipeline.errors import SubscriberError
from tests.support.databases import PROCESSES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
KEY = b"k" * 64
ANN = "ann@example.com"


@pytest.fixture
def subscribers(engine: Engine) -> Subscribers:
    """The subscribers of a show without any."""
    return Subscribers(engine, show_id=SHOW, secret_key=KEY)


def add(subscribers: Subscribers, email: str = ANN, paid_until: datetime | None = None) -> str:
    """Add somebody and return their token."""
    return subscribers.add(email, paid_until=paid_until, now=NOW, origin="cli")[1]


def entries(subscribers: Subscribers) -> list[tuple[str, str]]:
    """Return (action, origin) of the audit log, oldest first."""
    query = select(audit_log.c.action, audit_log.c.origin).order_by(audit_log.c.id)
    with subscribers.engine.connect() as connection:
        return [(action, origin) for action, origin in connection.execute(query)]


def test_added_subscriber_is_found_by_token(subscribers: Subscribers) -> None:
    """The token of a new subscriber leads to them, with its times."""
    subscriber, token = subscribers.add(ANN, plan="student", period="monthly", now=NOW, origin="cli")
    visitor = subscribers.visitor(token)
    assert visitor is not None
    assert visitor.subscriber == subscriber == subscribers.get(ANN)
    assert (subscriber.plan, subscriber.period, subscriber.created_at) == ("student", "monthly", NOW)
    assert visitor.token is not None
    assert (visitor.token.created_at, visitor.token.rotated_at) == (NOW, None)
    assert visitor.standing(NOW) == "active"
    assert entries(subscribers) == [("added", "cli")]


@pytest.mark.parametrize("spelling", ["ANN@Example.COM", "  ann@example.com\n", "Ann@EXAMPLE.com"])
def test_adding_again_changes_nothing(subscribers: Subscribers, spelling: str) -> None:
    """An existing address in any spelling keeps its subscriber and its token."""
    first = subscribers.add(ANN, now=NOW, origin="cli")
    assert subscribers.add(spelling, plan="student", now=LATER, origin="web") == first
    assert entries(subscribers) == [("added", "cli")]


def test_unicode_spellings_are_one_address(subscribers: Subscribers) -> None:
    """A composed and a decomposed umlaut are the same mailbox, and so is its domain in capitals."""
    token = add(subscribers, "ju\u0308rgen@exa\u0308mple.de")
    assert subscribers.feed_token("J\u00fcrgen@EX\u00c4MPLE.de") == token


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@example.com", "ann@localhost", "a b@example.com", "a@b@c.de"]
)
def test_an_invalid_address_is_refused(subscribers: Subscribers, email: str) -> None:
    """No row is written for text that is no address."""
    with pytest.raises(SubscriberError, match="is not an e-mail address"):
        add(subscribers, email)
    assert list(subscribers.list_all()) == []


def test_shows_are_apart(subscribers: Subscribers) -> None:
    """A token and an address of one show are unknown to another in the same database."""
    other = Subscribers(subscribers.engine, show_id=uuid4(), secret_key=KEY)
    token = add(subscribers)
    assert other.visitor(token) is None
    with pytest.raises(SubscriberError, match="nobody has this address"):
        other.get(ANN)
    assert add(other) != token
    assert [len(list(each.list_all())) for each in (subscribers, other)] == [1, 1]


def test_lapse_and_renewal(subscribers: Subscribers) -> None:
    """The state follows from paid_until and the current time."""
    add(subscribers, paid_until=LATER)
    assert subscribers.get(ANN).state(NOW) == "active"
    assert subscribers.get(ANN).state(LATER) == "lapsed"
    renewed = subscribers.renew(ANN, LATER + timedelta(days=30), now=LATER, origin="web")
    assert renewed.state(LATER) == "active"
    assert renewed.updated_at == LATER
    assert entries(subscribers) == [("added", "cli"), ("renewed", "web")]


def test_suspend_and_resume(subscribers: Subscribers) -> None:
    """A suspension has its instant and reason, stays as it began, and ends without a trace of it."""
    add(subscribers)
    subscribers.suspend(ANN, "chargeback of Ann", now=NOW, origin="cli")
    again = subscribers.suspend(ANN, "another", now=LATER, origin="cli")
    assert (again.state(LATER), again.suspended_at, again.suspended_reason) == (
        "suspended",
        NOW,
        "chargeback of Ann",
    )
    resumed = subscribers.resume(ANN, now=LATER, origin="cli")
    assert (resumed.state(LATER), resumed.suspended_reason) == ("active", None)
    assert [action for action, _ in entries(subscribers)] == ["added", "suspended", "resumed"]


def test_rotation_gives_a_new_token_at_once(subscribers: Subscribers) -> None:
    """The old token is known as rotated-out from that instant; the link is the new one."""
    old = add(subscribers)
    new = subscribers.rotate(ANN, now=LATER, origin="web")
    rotated, current = subscribers.visitor(old), subscribers.visitor(new)
    assert rotated is not None
    assert current is not None
    assert (rotated.standing(LATER), rotated.standing_since(LATER)) == ("rotated", LATER)
    assert current.standing(LATER) == "active"
    assert subscribers.feed_token(ANN) == new != old


def test_removed_subscriber_is_known_by_token_and_comes_back_with_a_new_one(subscribers: Subscribers) -> None:
    """A removed subscriber still gets a notice; adding them again reactivates the row with a new token."""
    old = add(subscribers)
    subscribers.suspend(ANN, "late", now=NOW, origin="cli")
    removed = subscribers.remove(ANN, now=NOW, origin="cli")
    visitor = subscribers.visitor(old)
    assert visitor is not None
    assert visitor.standing(NOW) == "removed"
    back, new = subscribers.add(ANN, plan="student", now=LATER, origin="cli")
    assert (back.id, back.state(LATER), back.plan) == (removed.id, "active", "student")
    assert new != old
    old_visitor = subscribers.visitor(old)
    assert old_visitor is not None
    assert old_visitor.standing(LATER) == "rotated"
    assert [action for action, _ in entries(subscribers)] == ["added", "suspended", "removed", "revived"]


@pytest.mark.parametrize("change", ["link", "rotate", "renew", "renew for ever", "resume", "suspend"])
def test_removed_subscriber_is_not_changed(subscribers: Subscribers, change: str) -> None:
    """A removed subscriber has no link and cannot be renewed: the message says to add them again."""
    add(subscribers)
    subscribers.remove(ANN, now=NOW, origin="cli")
    calls: dict[str, Callable[[], object]] = {
        "link": lambda: subscribers.feed_token(ANN),
        "rotate": lambda: subscribers.rotate(ANN, now=NOW, origin="cli"),
        "renew": lambda: subscribers.renew(ANN, LATER, now=NOW, origin="cli"),
        "renew for ever": lambda: subscribers.renew(ANN, None, now=NOW, origin="cli"),
        "resume": lambda: subscribers.resume(ANN, now=NOW, origin="cli"),
        "suspend": lambda: subscribers.suspend(ANN, None, now=NOW, origin="cli"),
    }
    with pytest.raises(SubscriberError, match="was removed; add this subscriber again"):
        calls[change]()


def test_link_with_another_key_is_an_error(subscribers: Subscribers) -> None:
    """With another key a link that would not work is never shown."""
    add(subscribers)
    stranger = Subscribers(subscribers.engine, show_id=SHOW, secret_key=b"j" * 64)
    with pytest.raises(SubscriberError, match="is not the key that made this link"):
        stranger.feed_token(ANN)


def test_another_secret_key_makes_no_links(subscribers: Subscribers) -> None:
    """A machine with a key of its own adds nobody; rotation moves to a new key, and canaries do not count."""
    stranger = Subscribers(subscribers.engine, show_id=SHOW, secret_key=b"j" * 64)
    ensure_canaries(subscribers, now=NOW)
    stranger.verify_secret_key()
    add(subscribers)
    with pytest.raises(SubscriberError, match=f"is not the key that made the current links, that of {ANN}"):
        stranger.add("bob@example.org", now=NOW, origin="cli")
    assert [each.email for each in subscribers.list_all()] == [ANN]
    stranger.rotate(ANN, now=NOW, origin="cli")
    stranger.add("bob@example.org", now=NOW, origin="cli")
    with pytest.raises(SubscriberError, match="secret key"):
        subscribers.verify_secret_key()


def test_guesses_lead_nowhere(subscribers: Subscribers) -> None:
    """A right selector with a wrong secret, an unknown selector, and noise find no subscriber."""
    selector, _, secret = add(subscribers).partition(".")
    wrong = "a" * 32 if secret != "a" * 32 else "b" * 32
    unknown = to_token(new_selector(), KEY)
    guesses = (
        f"{selector}.{wrong}",
        unknown,
        f"{'a' * 16}.{secret}",
        "",
        "x",
        selector,
        "\ud800",
        f" {selector}.{secret}",
    )
    assert [subscribers.visitor(guess) for guess in guesses] == [None] * len(guesses)


def test_a_guess_does_the_same_work_whatever_it_hits(
    subscribers: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong secret and an unknown selector: one statement, one row, two comparisons in constant time."""
    known = add(subscribers).partition(".")[0]
    add(subscribers, "bob@example.org")
    unknown = "2" * 16  # before all others in the alphabet: somebody's row comes after it
    compared: list[list[int]] = []
    work: list[str] = []

    def compare(one: str, other: str) -> bool:
        compared[-1].append(len(other))
        return compare_digest(one, other)

    monkeypatch.setattr("hmac.compare_digest", compare)
    event.listen(subscribers.engine, "before_cursor_execute", lambda *said: work.append(said[2]))
    for selector in (known, unknown):
        compared.append([])
        assert subscribers.visitor(f"{selector}.{'a' * 32}") is None
    assert compared == [[64, 16]] * 2
    asked = [statement for statement in work if statement.startswith("SELECT")]
    assert len(asked) == 2
    assert asked[0] == asked[1]
    with subscribers.engine.connect() as connection:  # and what it reads is a row, either way
        after = select(tokens.c.selector).where(tokens.c.selector >= unknown).limit(1)
        assert connection.scalar(after) is not None


def test_erasure_deletes_personal_data_but_keeps_the_count(subscribers: Subscribers) -> None:
    """Nothing that names the person is left in any table; the number of subscribers stays."""
    token = add(subscribers)
    add(subscribers, "bob@example.com")
    subscribers.suspend(ANN, "because of Ann", now=NOW, origin="cli")
    subscribers.rotate(ANN, now=NOW, origin="cli")
    subscribers.erase(ANN, now=LATER, origin="web")
    assert subscribers.visitor(token) is None
    with pytest.raises(SubscriberError, match="nobody has this address"):
        subscribers.get(ANN)
    assert subscribers.count_by_state(LATER) == {"active": 1, "erased": 1}
    assert [each.email for each in subscribers.list_all()] == ["bob@example.com"]
    assert entries(subscribers)[-1] == ("erased", "web")
    subscriber, _ = subscribers.add(ANN, now=LATER, origin="cli")
    assert subscriber.created_at == LATER


def test_erased_address_is_not_left_in_the_file(tmp_path: Path, opened: Callable[[], Engine]) -> None:
    """While a server is open, SQLite's files hold no byte of an erased address: no free page, no log."""
    engine, server = opened(), opened()
    subscribers = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    for number in range(200):
        add(subscribers, f"person{number}@example.com")
    for number in range(0, 200, 2):
        subscribers.erase(f"person{number}@example.com", now=NOW, origin="cli")
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"person101@" in data
    assert b"person100@" not in data
    engine.dispose()
    server.dispose()


def test_audit_log_names_nobody(subscribers: Subscribers) -> None:
    """The log holds the subscriber's id and what changed, never an address or a reason."""
    subscriber, _ = subscribers.add(ANN, paid_until=LATER, now=NOW, origin="cli")
    subscribers.suspend(ANN, "Ann told us", now=NOW, origin="cli")
    with subscribers.engine.connect() as connection:
        rows = connection.execute(select(audit_log)).mappings().all()
    assert {row["subscriber_id"] for row in rows} == {subscriber.id}
    assert "ann" not in json.dumps([str(dict(row)) for row in rows]).lower()
    assert rows[0]["details"] == {"plan": "standard", "period": "yearly", "paid_until": LATER.isoformat()}


def test_count_agrees_with_the_computed_states(subscribers: Subscribers) -> None:
    """The SQL of `count` and `Subscriber.state` give the same numbers."""
    for number in range(5):
        add(subscribers, f"p{number}@example.com", paid_until=NOW + timedelta(days=number - 2))
    subscribers.suspend("p0@example.com", None, now=NOW, origin="cli")
    subscribers.suspend("p4@example.com", None, now=NOW, origin="cli")
    subscribers.remove("p4@example.com", now=NOW, origin="cli")
    states = [subscriber.state(NOW) for subscriber in subscribers.list_all()]
    assert subscribers.count_by_state(NOW) == {state: states.count(state) for state in states}
    assert subscribers.count_by_state(NOW) == {"suspended": 1, "lapsed": 2, "active": 1, "removed": 1}


def test_list_is_in_order_of_address(subscribers: Subscribers) -> None:
    """The list comes sorted, whatever the order of adding."""
    for name in ("cy", "Ann", "bob"):
        add(subscribers, f"{name}@example.com")
    assert [each.email for each in subscribers.list_all()] == [
        "Ann@example.com",
        "bob@example.com",
        "cy@example.com",
    ]


def test_key_may_be_minted_only_for_sqlite_without_tokens(engine: Engine) -> None:
    """A new key would orphan every link there is, and PostgreSQL may have other readers."""
    assert may_create_secret_key(engine) == (engine.dialect.name == "sqlite")
    add(Subscribers(engine, show_id=SHOW, secret_key=KEY))
    assert not may_create_secret_key(engine)


def test_repr_shows_no_key(subscribers: Subscribers) -> None:
    """The key is not in a traceback's locals."""
    assert "kkkk" not in repr(subscribers)


def _add_in_process(job: tuple[str | None, Path]) -> str:
    engine = open_database(*job)
    token = Subscribers(engine, show_id=SHOW, secret_key=KEY).add(ANN, now=NOW, origin="cli")[1]
    engine.dispose()
    return token


def test_processes_that_add_one_address_at_once(
    engine: Engine, database_url: str | None, tmp_path: Path
) -> None:
    """Six processes add the same address: one subscriber, one token, and all are told the same one."""
    with ProcessPoolExecutor(6, mp_context=PROCESSES) as pool:
        made = set(pool.map(_add_in_process, [(database_url, tmp_path)] * 6))
    assert len(made) == 1
    assert entries(Subscribers(engine, show_id=SHOW, secret_key=KEY)) == [("added", "cli")]


def test_rotation_while_others_read(subscribers: Subscribers) -> None:
    """While tokens are rotated in two threads, every token ever given is known at every moment."""
    given = [add(subscribers)]
    stop = datetime.now(UTC) + timedelta(seconds=1.5)

    def read() -> list[Visitor | None]:
        seen = []
        while datetime.now(UTC) < stop:
            seen += [subscribers.visitor(token) for token in given[-3:]]
        return seen

    def rotate() -> None:
        while datetime.now(UTC) < stop:
            given.append(subscribers.rotate(ANN, now=NOW, origin="cli"))

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        rotators = [pool.submit(rotate) for _ in range(2)]
        for rotator in rotators:
            rotator.result()
        assert all(visitor is not None for reader in readers for visitor in reader.result())
    with subscribers.engine.connect() as connection:
        query = select(tokens.c.selector).where(tokens.c.rotated_at.is_(None))
        current = connection.scalars(query).all()
    assert current == [subscribers.feed_token(ANN).partition(".")[0]]


def test_locked_database_is_one_line(
    tmp_path: Path, opened: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another program holds SQLite's lock too long, one line says so."""
    monkeypatch.setattr("podcast_pipeline.audience.database.engine.BUSY_S", 0.2)
    engine = opened()
    holder = sqlite3.connect(tmp_path / "podcast.db")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(SubscriberError, match="database is locked; check that it runs"):
        add(Subscribers(engine, show_id=SHOW, secret_key=KEY))
    holder.close()


def test_stolen_database_holds_no_token(subscribers: Subscribers) -> None:
    """No secret of a token is in any table."""
    secret = add(subscribers).partition(".")[2]
    with subscribers.engine.connect() as connection:
        for table in ("subscribers", "tokens", "audit_log"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608
            assert secret not in repr(rows)
