"""A database of every earlier release, full of people, keeps every row when it is upgraded.

Nobody's link, plan, dates or state change, at any instant.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DatabaseError

from podcast_pipeline.audience.database import (
    connect,
    create_database_file,
    open_database,
    upgrade,
    write_transaction,
)
from podcast_pipeline.audience.database import tables as head
from podcast_pipeline.audience.database.engine import REVISIONS
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.tokens import secret_sha256, to_token
from podcast_pipeline.errors import SubscriberError
from tests.support.databases import create_database, drop_database

SHOW, OTHER = UUID(int=1), UUID(int=2)
KEY = b"k" * 64
THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = THEN + timedelta(days=200)
PEOPLE = 40
AUDIENCE = (
    "subscribers",
    "tokens",
    "sessions",
    "audit_log",
    "audit_purges",
    "network_addresses",
    "signin_requests",
)
SEARCH = ("search_episodes", "search_passages")
TABLES: dict[str, tuple[str, ...]] = {
    "0001": AUDIENCE,
    "0002": (*AUDIENCE, *SEARCH),
    "0003": (*AUDIENCE, *SEARCH, "search_shows"),
    "0004": (*AUDIENCE, *SEARCH, "search_shows"),
    "0005": (*AUDIENCE, *SEARCH, "search_shows"),
    "0006": (*AUDIENCE, *SEARCH, "search_shows"),
    "0007": (*AUDIENCE, *SEARCH, "search_shows"),
}
"""What a revision has; the paid times of 0007 have moved since, so later ones are upgraded from it."""

OLD_SUBSCRIBERS = Table(
    "subscribers",
    MetaData(),
    *(column._copy() for column in head.subscribers.columns if column.name != "news_since"),
    Column("plan", String(32)),
    Column("period", String(32)),
    Column("paid_until", head.UtcDateTime),
)
"""As it was up to 0006: one paid time."""

TERMS = ("plan", "period", "paid_until")


def token_of(number: int) -> str:
    """Return somebody's link."""
    return to_token("abcdefghijklmno" + "abcdefghijklmnopqrstuvwxyz234567"[number % 32], KEY)


def person(number: int) -> dict[str, Any]:
    """Return a row: every third is lapsed, fifth suspended, seventh removed, eleventh erased."""
    is_erased = number % 11 == 0
    email = None if is_erased else f"Zoë{number}@Müller.example"
    return {
        "id": UUID(int=100 + number),
        "show_id": OTHER if number % 4 == 3 else SHOW,
        "email": email,
        "email_normalized": email and email.lower(),
        "plan": "student" if number % 2 else "standard",
        "period": "monthly",
        "paid_until": THEN if number % 3 == 0 else None,
        "suspended_at": THEN if number % 5 == 0 else None,
        "suspended_reason": "“asked” for a pause" if number % 5 == 0 else None,
        "removed_at": THEN if number % 7 == 0 or is_erased else None,
        "erased_at": THEN if is_erased else None,
        "created_at": THEN,
        "updated_at": THEN + timedelta(seconds=number),
        "is_canary": number == 39,
    }


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table before the upgrade."""
    people = [person(number) for number in range(PEOPLE)]
    who = [{"show_id": p["show_id"], "subscriber_id": p["id"]} for p in people[:32]]
    made = {"created_at": THEN}
    of = [(n, w) for n, w in enumerate(who) if people[n]["erased_at"] is None]
    return {
        "subscribers": people,
        "tokens": [
            {
                **w,
                **made,
                "selector": token_of(n).partition(".")[0],
                "secret_sha256": secret_sha256(token_of(n)),
            }
            for n, w in of
        ],
        "sessions": [
            {
                **w,
                **made,
                "id": uuid4(),
                "cookie_sha256": f"{n:064x}",
                "scope": "reading",
                "selector": token_of(n).partition(".")[0] if n % 2 else None,
                "expires_at": NOW,
            }
            for n, w in of
        ],
        "audit_log": [
            {**w, "action": "added", "origin": "cli", "at": THEN, "details": {"plan": "standard", "n": n}}
            for n, w in enumerate(who)
        ],
        "audit_purges": [{"show_id": SHOW, "purged_before": THEN - timedelta(days=9), "at": THEN}],
        "network_addresses": [
            {
                **w,
                "episode_id": uuid4() if n % 2 else None,
                "address": "2001:db8::",
                "app": "AntennaPod",
                "seen_at": THEN,
            }
            for n, w in of
        ],
        "signin_requests": [
            {
                "show_id": SHOW,
                "subscriber_id": None if n % 3 else UUID(int=100 + n),
                "tries": n % 5,
                **{
                    name: f"{n:063x}{i}"
                    for i, name in enumerate(("address_hmac", "browser_hmac", "link_hmac"))
                },
                "code_hmac": "0" * 64,
                "created_at": THEN,
                "spent_at": THEN if n % 2 else None,
            }
            for n in range(9)
        ],
        "search_episodes": [
            {
                "id": n,
                "show_id": SHOW if n % 2 else OTHER,
                "episode_id": UUID(int=n),
                "digest": "0" * 64,
                "passage_count": 1,
                "title": "Flood",
                "guests": "Zoë",
                "notes": "…",
                "body": "flood zoe",
            }
            for n in range(6)
        ],
        "search_passages": [
            {
                "id": n << 20,
                "show_id": SHOW,
                "speaker": "s0",
                "text": "A flood.",
                "marks": "0",
                "body": "a flood",
            }
            for n in range(6)
        ],
        "search_shows": [{"show_id": SHOW, "edition": uuid4()}, {"show_id": OTHER, "edition": uuid4()}],
    }


MATCHED = {
    "sqlite": (
        "INSERT INTO search_words (rowid, body) SELECT id, body FROM search_passages",
        "SELECT count(*) FROM search_words WHERE search_words MATCH 'flood'",
    ),
    "postgresql": (
        "INSERT INTO search_words (id, body) SELECT id, to_tsvector('simple', body) FROM search_passages",
        "SELECT count(*) FROM search_words WHERE body @@ to_tsquery('simple', 'flood')",
    ),
}
"""What fills the words to search in, and what asks for them."""


@pytest.fixture(params=REVISIONS[:-1])
def old(request: pytest.FixtureRequest, bare_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    """A full database of an earlier revision."""
    create_database_file(tmp_path)
    engine = connect(bare_url, tmp_path)
    with write_transaction(engine) as connection:
        filled = min(request.param, max(TABLES))
        make_tables(connection, filled)
        for name in TABLES[filled]:
            table = OLD_SUBSCRIBERS if name == "subscribers" else head.metadata.tables[name]
            connection.execute(insert(table), rows()[name])
        if request.param != "0001":
            connection.execute(text(MATCHED[engine.dialect.name][0]))
        make_tables(connection, request.param)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a database without tables; None is SQLite."""
    if request.param == "sqlite":
        yield None
        return
    url = create_database(request.getfixturevalue("postgresql"), template="template1")
    yield url
    drop_database(url)


def make_tables(connection: Connection, revision: str) -> None:
    """Make the tables of an earlier revision."""
    config = Config()
    config.set_main_option("script_location", "podcast_pipeline.audience.database:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


Contents = dict[str, list[tuple[Any, ...]]]


def contents(engine: Engine, like: MetaData) -> Contents:
    """Return the rows of every table, in the columns that it has in `like`, as the driver gives them.

    The paid time has moved into `entitlements`.
    """
    found = {}
    with engine.connect() as connection:
        for name, table in like.tables.items():
            kept = [column for column in table.columns if column.name not in TERMS]
            read = connection.execute(select(*kept))
            found[name] = sorted((tuple(row) for row in read), key=repr)
    return found


def test_every_row_is_kept(old: Engine, bare_url: str | None, tmp_path: Path) -> None:
    """Every table and column keeps its rows; new columns are empty; the database works."""
    tables = MetaData()
    tables.reflect(
        old, only=lambda name, _: not name.startswith(("alembic", "search_words", "search_titles"))
    )
    before = contents(old, tables)
    counts = {name: len(kept) for name, kept in rows().items()}
    counts["entitlements"] = counts["subscribers"]  # since 0008
    assert {name: len(kept) for name, kept in before.items()} == {
        name: counts.get(name, 0) for name in before
    }
    if bare_url:
        with pytest.raises(SubscriberError, match="podcast db upgrade"):
            open_database(bare_url, tmp_path)
        upgrade(old)
    engine = open_database(bare_url, tmp_path)
    assert contents(engine, tables) == before
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISIONS[-1]
        assert set(connection.scalars(select(head.subscribers.c.news_since))) == {None}
        assert connection.scalar(select(head.news_mails)) is None
        assert connection.scalar(select(head.search_vocabulary)) is None
        assert set(connection.scalars(select(head.search_episodes.c.has_vocabulary))) <= {False}
        assert set(connection.scalars(select(head.audit_log.c.actor))) == {None}
        assert terms_of(connection) == {
            row["id"]: (str(row["id"]), *(row[name] for name in TERMS)) for row in rows()["subscribers"]
        }
        shows = (
            {row["show_id"] for row in rows()["search_episodes"]} if "search_episodes" in before else set()
        )
        assert set(connection.scalars(select(head.search_shows.c.show_id))) == shows
        words = connection.scalar(text(MATCHED[engine.dialect.name][1]))
    assert words == (len(rows()["search_passages"]) if shows else 0)
    _use(engine)
    engine.dispose()


def terms_of(connection: Connection) -> dict[UUID, tuple[object, ...]]:
    """Return subscriber's id -> foreign id, plan, period and end of the manual entitlement."""
    kept = head.entitlements.c
    query = select(kept.subscriber_id, kept.foreign_id, kept.plan, kept.period, kept.ends_at)
    found = {row[0]: tuple(row[1:]) for row in connection.execute(query.where(kept.source == "manual"))}
    assert len(found) == len(connection.execute(select(kept.id)).all())
    return found


INSTANTS = tuple(THEN + timedelta(seconds=number) for number in range(-2, 3))
CASES = tuple(product((None, *INSTANTS[1:4]), (None, INSTANTS[1]), (None, INSTANTS[2]), (None, INSTANTS[3])))
"""(paid_until, suspended_at, removed_at, erased_at)."""


def state_before(case: tuple[datetime | None, ...], now: datetime) -> str:
    """Return the state as the release before entitlements computed it."""
    paid_until, suspended_at, removed_at, erased_at = case
    if erased_at or removed_at:
        return "erased" if erased_at else "removed"
    if suspended_at:
        return "suspended"
    return "lapsed" if paid_until and paid_until <= now else "active"


def test_nobody_s_state_changes_at_any_instant(bare_url: str | None, tmp_path: Path) -> None:
    """Every combination of dates, around each of them: state and count are those of the release before."""
    create_database_file(tmp_path)
    engine = connect(bare_url, tmp_path)
    with write_transaction(engine) as connection:
        make_tables(connection, "0006")
        people = [person(1) | {"id": UUID(int=500 + n), "show_id": SHOW} for n in range(len(CASES))]
        for n, (one, case) in enumerate(zip(people, CASES, strict=True)):
            email = None if case[3] else f"{n}@example.com"
            dates = dict(zip(("paid_until", "suspended_at", "removed_at", "erased_at"), case, strict=True))
            one |= {**dates, "email": email, "email_normalized": email, "plan": "student"}
        connection.execute(insert(OLD_SUBSCRIBERS), people)
    upgrade(engine)
    after = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    known = {subscriber.id: subscriber for subscriber in after.list_all()}
    for now in INSTANTS:
        states = {UUID(int=500 + n): state_before(case, now) for n, case in enumerate(CASES)}
        assert {id_: subscriber.state(now) for id_, subscriber in known.items()} == {
            id_: state for id_, state in states.items() if state != "erased"
        }
        assert after.count_by_state(now) == {
            state: list(states.values()).count(state) for state in set(states.values())
        }
    for n, (paid_until, *_) in enumerate(CASES):
        if subscriber := known.get(UUID(int=500 + n)):
            assert (subscriber.plan, subscriber.period, subscriber.paid_until) == (
                "student",
                "monthly",
                paid_until,
            )
    engine.dispose()


def _use(engine: Engine) -> None:
    """Open a link, change somebody, and see that the log still only grows."""
    people = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    visitor = people.visitor(token_of(1))
    assert visitor is not None
    assert visitor.subscriber is not None
    assert visitor.subscriber.id == UUID(int=101)
    assert people.visitor(token_of(3)) is None, "another show's"
    email = str(visitor.subscriber.email)
    assert people.enable_notifications(email, now=NOW, origin="web").news_since == NOW
    people.erase(email, now=NOW, origin="web")
    assert people.visitor(token_of(1)) is None
    with pytest.raises(DatabaseError, match="append-only"), write_transaction(engine) as connection:
        connection.execute(text("DELETE FROM audit_log"))
