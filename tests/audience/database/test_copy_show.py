"""A show's subscribers are copied from SQLite to PostgreSQL: every link in every app keeps working."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from podcast_pipeline.audience.database import create_database, open_database
from podcast_pipeline.audience.database.copy_show import AUDIENCE_TABLES, copy_show
from podcast_pipeline.audience.database.tables import audit_log
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.cli.app import app
from podcast_pipeline.errors import SubscriberError
from tests.support import databases
from tests.support.paths import ROOT

SHOW, NOW, KEY = uuid4(), datetime(2026, 11, 26, 12, tzinfo=UTC), b"k" * 32
LATER = NOW + timedelta(days=1)
STATES = ("active", "lapsed", "suspended", "removed", "rotated", "erased")


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    """A migrated PostgreSQL database without anybody."""
    url = databases.create_database(postgresql)
    yield url
    databases.drop_database(url)


@pytest.fixture
def engines(url: str, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """SQLite and PostgreSQL."""
    both = create_database(None, tmp_path), open_database(url, tmp_path)
    yield both
    for engine in both:
        engine.dispose()


def of(engine: Engine, show_id: UUID = SHOW) -> Subscribers:
    return Subscribers(engine, show_id=show_id, secret_key=KEY)


def fill(subscribers: Subscribers) -> dict[str, str]:
    """Add somebody in each state and return their tokens."""
    tokens = {
        state: subscribers.add(f"{state}@example.org", paid_until=LATER, now=NOW, origin="cli")[1]
        for state in STATES
    }
    subscribers.renew("lapsed@example.org", NOW, now=NOW, origin="cli")
    subscribers.suspend("suspended@example.org", "chargeback", now=NOW, origin="cli")
    subscribers.remove("removed@example.org", now=NOW, origin="cli")
    subscribers.rotate("rotated@example.org", now=NOW, origin="cli")
    subscribers.erase("erased@example.org", now=NOW, origin="cli")
    return tokens


def standings(subscribers: Subscribers, tokens: dict[str, str]) -> dict[str, str | None]:
    visitors = {state: subscribers.visitor(token) for state, token in tokens.items()}
    return {state: visitor.standing(NOW) if visitor else None for state, visitor in visitors.items()}


def history(engine: Engine) -> list[tuple[object, ...]]:
    kept = audit_log.c
    query = select(kept.show_id, kept.subscriber_id, kept.action, kept.at, kept.details).order_by(kept.id)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_links_states_and_history_are_copied(engines: tuple[Engine, Engine]) -> None:
    """The same links work, each in its state; sessions and the audit log are copied, and continue."""
    sqlite, postgresql = engines
    tokens = fill(of(sqlite))
    ann, selector = of(sqlite).get("active@example.org"), tokens["active"].partition(".")[0]
    cookie = BrowserSessions(sqlite, show_id=SHOW).open(ann.id, scope="reading", selector=selector, now=NOW)
    fill(of(sqlite, uuid4()))  # another show's stay where they are
    ensure_canaries(of(sqlite), now=NOW)
    assert copy_show(sqlite, postgresql, SHOW) == len(list(of(sqlite).list_all())) == len(STATES) - 1
    moved = of(postgresql)
    assert standings(moved, tokens) == standings(of(sqlite), tokens)
    assert list(moved.list_all()) == list(of(sqlite).list_all())
    assert moved.feed_token("active@example.org") == tokens["active"]
    assert BrowserSessions(postgresql, show_id=SHOW).visitor(cookie, now=NOW) is not None
    assert history(postgresql) == [row for row in history(sqlite) if row[0] == SHOW]
    moved.resume("suspended@example.org", now=LATER, origin="cli")
    assert history(postgresql)[-1][2] == "resumed"


def test_existing_subscribers_are_not_overwritten(engines: tuple[Engine, Engine]) -> None:
    """Where the show has subscribers already, they stay as they are."""
    sqlite, postgresql = engines
    fill(of(sqlite))
    copy_show(sqlite, postgresql, SHOW)
    before = history(postgresql)
    with pytest.raises(SubscriberError, match="has subscribers of this show"):
        copy_show(sqlite, postgresql, SHOW)
    assert history(postgresql) == before


def test_an_interrupted_copy_is_rolled_back(
    engines: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done as a whole or not at all."""
    sqlite, postgresql = engines
    fill(of(sqlite))
    monkeypatch.setattr(
        "podcast_pipeline.audience.database.copy_show.AUDIENCE_TABLES", (*AUDIENCE_TABLES, None)
    )
    with pytest.raises(AttributeError):
        copy_show(sqlite, postgresql, SHOW)
    assert history(postgresql) == []
    monkeypatch.undo()
    assert copy_show(sqlite, postgresql, SHOW) == len(STATES) - 1


def test_the_command(url: str, tmp_path: Path) -> None:
    """`podcast db copy` takes the database beside the show to the one of PODCAST_DATABASE_URL."""
    (tmp_path / "show.toml").write_bytes((ROOT / "show.toml").read_bytes())

    def run(*words: str, to: str = "") -> tuple[int, str]:
        runner = CliRunner(env={"PODCAST_DATABASE_URL": to})
        done = runner.invoke(app, ["--project", str(tmp_path), *words])
        return done.exit_code, done.stdout or str(done.exception)

    assert "set it to the PostgreSQL database" in run("db", "copy")[1]
    assert "does not exist" in run("db", "copy", to=url)[1]
    assert run("db", "init")[0] == 0
    link = run("subscribers", "add", "ann@example.org")
    assert run("db", "copy", to=url) == (0, "1 subscriber copied, with their links\n")
    assert run("subscribers", "link", "ann@example.org", to=url) == link
