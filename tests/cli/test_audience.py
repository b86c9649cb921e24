"""A lost or restored database, and a key that made none of the links, are noticed and asked about once."""

import json
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect as connect_sqlite

import pytest
from typer.testing import CliRunner, Result

from podcast_pipeline.audience.database import open_database, write_transaction
from podcast_pipeline.audience.database.generation import advance
from podcast_pipeline.audience.database.tables import database_generations
from podcast_pipeline.cli.app import app
from podcast_pipeline.cli.audience import open_subscribers
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.config import load_config
from podcast_pipeline.errors import OtherShow, SubscriberError
from podcast_pipeline.model.database_mark import DATABASE_MARK_KEY, DatabaseMark, database_mark_from_json
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.store import S3Store
from tests.support import databases
from tests.support.bucket_show import show_in_bucket
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.show import ShowFolder
from tests.support.terminal import run_on_terminal

ANN, KEY, OTHER_KEY = "ann@example.org", "k" * 64, "0" * 64
TODAY, TOMORROW = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))


@dataclass
class Server:
    """A show on a machine: its folder, its database, and copies of that."""

    folder: Path
    postgresql: str | None
    environment: dict[str, str]
    url: str = ""

    def run(self, *words: str, **environment: str) -> Result:
        """Run a command in this process."""
        settings = {
            "PODCAST_DATABASE_URL": self.url,
            "PODCAST_SECRET_KEY": KEY,
            "PODCAST_SCHEDULE_TIMEZONE": "UTC",
            **self.environment,
            **environment,
        }
        return CliRunner(env=settings).invoke(app, ["--project", str(self.folder), *words])

    def ok(self, *words: str, **environment: str) -> str:
        """Run a command that must succeed, and return its output."""
        done = self.run(*words, **environment)
        assert done.exit_code == 0, f"{done.output}{done.exception}"
        return done.output

    def refused(self, *words: str, **environment: str) -> str:
        """Run a command that must be refused by the guard, and return the line."""
        done = self.run(*words, **environment)
        assert isinstance(done.exception, SubscriberError), f"{done.output}{done.exception}"
        return str(done.exception)

    def back_up(self) -> str:
        """Return a copy of the database."""
        if self.postgresql:
            return databases.create_database(self.postgresql, template=self.url.rpartition("/")[2])
        copy = self.folder / f"backup-{len(list(self.folder.glob('backup-*')))}.db"
        with (
            closing(connect_sqlite(self.database)) as source,
            closing(connect_sqlite(copy)) as target,
        ):
            source.backup(target)
        return str(copy)

    def restore(self, backup: str) -> None:
        """Put a copy in the place of the database."""
        if self.postgresql:
            self.url = backup
            return
        self.lose()
        shutil.copy(backup, self.database)

    def lose(self) -> None:
        """Lose the database."""
        for file in self.database.parent.glob("podcast.db*"):
            file.unlink()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / ".podcast" / "podcast.db"

    @property
    def mark(self) -> DatabaseMark | None:
        """The mark in the local store."""
        path = self.folder / ".podcast/store/private/database.json"
        return database_mark_from_json(path.read_bytes()) if path.exists() else None

    @property
    def generation(self) -> int:
        """The generation of the mark."""
        assert self.mark
        return self.mark.generation


def make_server(folder: Path, postgresql: str | None = None, **environment: str) -> Server:
    """Return a machine with an empty database."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "show.toml").write_bytes((ROOT / "show.toml").read_bytes())
    url = databases.create_database(postgresql, template="template1") if postgresql else ""
    server = Server(folder, postgresql, environment, url)
    server.ok("db", "init")
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    """A machine on each database, with a local store."""
    on_postgresql = request.param == "postgresql"
    return make_server(tmp_path / "show", request.getfixturevalue("postgresql") if on_postgresql else None)


@pytest.fixture
def sqlite(tmp_path: Path) -> Server:
    """A machine with SQLite."""
    return make_server(tmp_path / "show")


REVOCATIONS = (("rotate", ANN), ("suspend", ANN), ("remove", ANN), ("remove", ANN, "--erase"))


@pytest.mark.parametrize("words", REVOCATIONS, ids=lambda words: " ".join(words))
def test_an_older_copy_is_noticed(server: Server, words: tuple[str, ...]) -> None:
    """After any revocation the copy from before is refused by every command; a copy from after is not."""
    server.ok("subscribers", "add", ANN)
    before = server.back_up()
    server.ok("subscribers", *words)
    after = server.back_up()
    server.restore(before)
    for command in (("subscribers", "list"), ("subscribers", "add", "bob@example.org"), ("serve",)):
        line = server.refused(*command)
        assert "is an older copy: 1 " in line
        assert f"accept_restored = {TODAY}" in line
    assert "is an older copy" in server.run("doctor").output
    server.restore(after)
    server.ok("subscribers", "list")


def test_what_revokes_nothing_is_not_asked_about(server: Server) -> None:
    """A copy from before additions, renewals and an import has nothing to undo that opens a link again."""
    server.ok("subscribers", "add", ANN)
    before = server.back_up()
    server.ok("subscribers", "add", "bob@example.org")
    server.ok("subscribers", "renew", ANN, "--until", "2099-01-01")
    server.restore(before)
    server.ok("subscribers", "list")


def test_a_date_answers_once(server: Server) -> None:
    """`accept_restored` answers once for what is found up to that day; a new restoration is asked about."""
    server.ok("subscribers", "add", ANN)
    before, again = server.back_up(), server.back_up()
    server.ok("subscribers", "rotate", ANN)
    server.restore(before)
    accepted = {"PODCAST_DATABASE_ACCEPT_RESTORED": TODAY}
    assert "older copy" in server.refused(
        "subscribers", "list", PODCAST_DATABASE_ACCEPT_RESTORED="2026-01-01"
    )
    assert "accepted by accept_restored" in server.ok("subscribers", "list", **accepted)
    assert server.ok("subscribers", "list", **accepted) == server.ok("subscribers", "list")
    server.ok("subscribers", "rotate", ANN)
    server.ok("subscribers", "rotate", ANN)
    server.restore(again)
    assert "older copy" in server.refused("subscribers", "list", **accepted)
    server.ok("subscribers", "list", PODCAST_DATABASE_ACCEPT_RESTORED=TOMORROW)


def test_on_a_terminal_it_asks_once(sqlite: Server) -> None:
    """No leaves all as it is; yes goes on, and the next command does not ask."""
    sqlite.ok("subscribers", "add", ANN)
    before = sqlite.back_up()
    sqlite.ok("subscribers", "rotate", ANN)
    sqlite.restore(before)
    show, variables = ShowFolder(sqlite.folder), {"PODCAST_DATABASE_URL": "", "PODCAST_SECRET_KEY": KEY}
    refused = run_on_terminal(show, "subscribers", "list", answer="n", **variables)
    assert (refused.returncode, "Go on with it?" in refused.text, ANN in refused.text) == (1, True, False)
    done = run_on_terminal(show, "subscribers", "list", answer="y", **variables)
    assert (done.returncode, ANN in done.text) == (0, True)
    sqlite.ok("subscribers", "list")
    sqlite.ok("subscribers", "rotate", ANN)
    sqlite.restore(before)
    serve = run_on_terminal(show, "serve", "--port", str(free_port()), answer="y", **variables)
    assert (serve.returncode, "Go on" in serve.text, "is an older copy" in serve.text) == (1, False, True)


def test_a_lost_database_is_not_replaced_by_an_empty_one(server: Server) -> None:
    """Where subscribers were, `db init` needs an answer; with it the new database is the one from then on."""
    server.ok("subscribers", "add", ANN)
    if server.postgresql:
        server.url = databases.create_database(server.postgresql, template="template1")
    else:
        server.lose()
    assert "podcast db init" in server.refused("subscribers", "list")
    assert "in another database" in server.refused("db", "init")
    assert server.postgresql or not server.database.exists()
    server.ok("db", "init", PODCAST_DATABASE_ACCEPT_RESTORED=TODAY)
    assert json.loads(server.ok("--json", "subscribers", "list")) == {"subscribers": []}
    server.ok("subscribers", "add", ANN)


def test_another_database_is_noticed(server: Server, tmp_path: Path) -> None:
    """An empty database, or one with other people, is refused where the show's subscribers are in another."""
    elsewhere = make_server(tmp_path / "elsewhere", server.postgresql)
    full = make_server(tmp_path / "full", server.postgresql)
    full.ok("subscribers", "add", "bob@example.org")
    server.ok("subscribers", "add", ANN)
    empty = elsewhere.back_up()
    server.restore(empty)
    assert "has no subscribers, but this show had some" in server.refused("subscribers", "add", ANN)
    server.restore(full.back_up())
    assert "is not the database that" in server.refused("subscribers", "list")


def test_a_second_laptop_on_s3(s3_store: S3Store, tmp_path: Path) -> None:
    """A second producer's laptop gets no second database and no second key, and `doctor` says so."""
    bucket = show_in_bucket(tmp_path / "server", s3_store, datetime.now(UTC)).environment
    first = make_server(tmp_path / "server", **bucket)
    first.ok("subscribers", "add", ANN)
    laptop = Server(tmp_path / "laptop", None, bucket)
    laptop.folder.mkdir()
    shutil.copy(first.folder / "show.toml", laptop.folder)
    own = {"PODCAST_SECRET_KEY": ""}
    assert "PODCAST_SECRET_KEY" in laptop.refused("subscribers", "add", "new@b.example", **own)
    assert "PODCAST_SECRET_KEY" in laptop.refused("serve", **own)
    assert "in another database" in laptop.refused("db", "init", **own)
    findings = json.loads(laptop.run("--json", "doctor", **own).stdout)["findings"]
    said = {finding["name"]: finding for finding in findings}
    assert (said["database"]["ok"], said["secret key"]["ok"]) == (None, None)
    assert "podcast db init" in said["database"]["said"]
    made = {path.name for path in (laptop.folder / ".podcast").rglob("*")}
    assert not {"podcast.db", "secret_key"} & made


def test_another_key_is_asked_about_once(server: Server) -> None:
    """A key that made none of the links is refused by every command on subscribers, until it is accepted."""
    server.ok("subscribers", "add", ANN)
    other = {"PODCAST_SECRET_KEY": OTHER_KEY}
    for command in (("subscribers", "list"), ("subscribers", "rotate", ANN), ("serve", "--port", "1")):
        assert "is not the key that made the current links" in server.refused(*command, **other)
    server.ok("subscribers", "list", **other, PODCAST_DATABASE_ACCEPT_RESTORED=TODAY)
    server.ok("subscribers", "rotate", ANN, **other)
    server.ok("subscribers", "link", ANN, **other)
    assert "is not the key" in server.refused("subscribers", "list", PODCAST_SECRET_KEY="1" * 64)


def test_a_show_of_an_earlier_release_is_marked_without_a_question(server: Server) -> None:
    """A database with subscribers and no mark gets its mark at the first command; an empty one gets none."""
    assert server.mark is None
    server.ok("subscribers", "list")
    assert server.mark is None
    server.ok("subscribers", "add", ANN)
    assert server.generation == 0
    (server.folder / ".podcast/store/private/database.json").unlink()
    engine = open_database(server.url or None, server.folder / ".podcast")
    with write_transaction(engine) as connection:  # as the migration leaves it
        connection.execute(database_generations.delete())
    engine.dispose()
    server.ok("subscribers", "list")
    assert server.generation == 0


def test_a_run_that_was_killed_before_the_mark(server: Server) -> None:
    """A database ahead of its mark is the right one; the next command brings the mark up."""
    server.ok("subscribers", "add", ANN)
    engine = open_database(server.url or None, server.folder / ".podcast")
    with write_transaction(engine) as connection:
        advance(connection, load_config(server.folder, {}).show.id)
    engine.dispose()
    assert server.generation == 0
    server.ok("subscribers", "list")
    assert server.generation == 1


def test_a_store_that_is_away_does_not_stop_the_office(sqlite: Server) -> None:
    """Subscribers are changed with a warning; the mark follows with the next command."""
    sqlite.ok("subscribers", "add", ANN)
    store, away = (sqlite.folder / ".podcast" / name for name in ("store", "away"))
    store.rename(away)
    store.write_text("no folder")
    assert "the next command on subscribers writes it" in sqlite.ok("subscribers", "rotate", ANN)
    store.unlink()
    away.rename(store)
    sqlite.ok("subscribers", "list")
    assert sqlite.generation == 1


def test_a_damaged_mark_is_a_line(sqlite: Server) -> None:
    """A mark that cannot be read is said, and does not stop."""
    sqlite.ok("subscribers", "add", ANN)
    LocalStore(sqlite.folder / ".podcast/store", base_url="").put(
        DATABASE_MARK_KEY, b"{}", content_type="application/json", cache_control="no-cache"
    )
    assert "private/database.json: is damaged" in sqlite.ok("subscribers", "list")


def test_a_mark_of_another_show_is_refused(sqlite: Server) -> None:
    """Before anything was published the mark alone tells whose store it is."""
    sqlite.ok("subscribers", "add", ANN)
    toml = sqlite.folder / "show.toml"
    toml.write_text(toml.read_text().replace("e70a5795", "00000000"))
    done = sqlite.run("subscribers", "list")
    assert isinstance(done.exception, OtherShow)


def test_a_reader_who_takes_a_new_link_is_marked_too(sqlite: Server) -> None:
    """A rotation by the account page of a running server brings the mark up at once."""
    sqlite.ok("subscribers", "add", ANN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODCAST_SECRET_KEY", KEY)
        session = CliSession(sqlite.folder, Output(quiet=True))
        people = open_subscribers(session, may_ask=False)
        people.rotate(ANN, now=datetime.now(UTC), origin="web")
        assert sqlite.generation == 1
        people.erase(ANN, now=datetime.now(UTC), origin="web")
        assert sqlite.generation == 2
        session.close()


def test_gc_keeps_the_mark(sqlite: Server) -> None:
    """The mark is no orphan."""
    sqlite.ok("subscribers", "add", ANN)
    assert "database.json" not in str(sqlite.run("gc", "--yes").output)
    assert sqlite.mark
