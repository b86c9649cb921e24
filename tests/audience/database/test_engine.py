"""The database opens, upgrades itself on SQLite, and translates errors into one line."""

import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, column, insert, select, table, text
from sqlalchemy.exc import DatabaseError, StatementError

from podcast_pipeline.audience.database import (
    connect,
    create_database,
    create_database_file,
    open_database,
    upgrade,
    write_transaction,
)
from podcast_pipeline.audience.database.engine import REVISIONS
from podcast_pipeline.audience.database.tables import audit_log, audit_purges, metadata
from podcast_pipeline.errors import SubscriberError
from tests.support import databases
from tests.support.databases import PROCESSES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _is_described(name: str | None, kind: str, parents: object) -> bool:
    """Leave out the tables of the full-text index: FTS5 with its shadow tables, tables of tsvector."""
    return kind != "table" or not str(name).startswith(("search_titles", "search_words"))


def test_migrations_agree_with_the_metadata(engine: Engine) -> None:
    """Alembic finds no difference between the migrated database and the tables in code."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "include_name": _is_described},
        )
        assert compare_metadata(context, metadata) == []


def test_revisions_are_those_of_the_migrations() -> None:
    """The revisions known without Alembic are the ones in the package, in order."""
    config = Config()
    config.set_main_option("script_location", "podcast_pipeline.audience.database:migrations")
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(reversed([step.revision for step in steps])) == REVISIONS


def test_every_table_has_show_id() -> None:
    """Every row belongs to a show."""
    assert [name for name, table in metadata.tables.items() if "show_id" not in table.c] == []


def test_sqlite_is_private(tmp_path: Path) -> None:
    """A new database and its folder: a file that only its owner can read, in WAL mode."""
    engine = create_database(None, tmp_path / "show" / ".podcast")
    path = tmp_path / "show" / ".podcast" / "podcast.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
    engine.dispose()


def _open(folder: Path) -> str:
    engine = open_database(None, folder)
    with engine.connect() as connection:
        revision = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    engine.dispose()
    return revision


def test_many_processes_open_an_earlier_database_at_once(tmp_path: Path) -> None:
    """One process upgrades and the others wait for it; none fails."""
    create_database_file(tmp_path)
    engine, config = connect(None, tmp_path), Config()
    config.set_main_option("script_location", "podcast_pipeline.audience.database:migrations")
    with write_transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, REVISIONS[0])
    engine.dispose()
    with ProcessPoolExecutor(6, mp_context=PROCESSES) as pool:
        assert list(pool.map(_open, [tmp_path] * 6)) == [REVISIONS[-1]] * 6


def _create(folder: Path) -> str:
    try:
        create_database(None, folder).dispose()
    except SubscriberError as error:
        return error.message
    return "made"


def test_many_processes_make_a_database_at_once(tmp_path: Path) -> None:
    """One makes it, and the others are refused."""
    with ProcessPoolExecutor(6, mp_context=PROCESSES) as pool:
        said = sorted(pool.map(_create, [tmp_path] * 6))
    assert said == [*["is there already; nothing was changed"] * 5, "made"]


def test_opening_makes_no_database(tmp_path: Path) -> None:
    """A missing, an empty and a deleted file are one line each, and none is made."""
    with pytest.raises(
        SubscriberError, match=r"podcast\.db: is missing; .*PODCAST_SECRET_KEY.*podcast db init"
    ):
        open_database(None, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "podcast.db").touch()
    with pytest.raises(SubscriberError, match=r"podcast\.db: has no tables; .*podcast db init"):
        open_database(None, tmp_path)
    engine = create_database(None, tmp_path)
    engine.dispose()
    for file in tmp_path.glob("podcast.db*"):
        file.unlink()
    with pytest.raises(SubscriberError, match="is missing"), engine.connect():
        pass
    assert list(tmp_path.glob("podcast.db*")) == []


def test_postgresql_waits_for_db_init(postgresql: str, tmp_path: Path) -> None:
    """An empty PostgreSQL database is refused with the command to run, and accepted after it."""
    name = f"test_{uuid4().hex}"
    server = connect(f"{postgresql}/postgres", tmp_path).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    with pytest.raises(SubscriberError, match=r"has no tables; .*podcast db init"):
        open_database(f"{postgresql}/{name}", tmp_path)
    create_database(f"{postgresql}/{name}", tmp_path).dispose()
    open_database(f"{postgresql}/{name}", tmp_path).dispose()
    server.dispose()


def test_upgrade_twice_changes_nothing(engine: Engine) -> None:
    """An upgrade of a current database is no error."""
    upgrade(engine)
    upgrade(engine)


def test_newer_schema_is_refused(engine: Engine, database_url: str | None, tmp_path: Path) -> None:
    """A database of a later release is neither opened nor upgraded."""
    with write_transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SubscriberError, match="newer podcast-pipeline"):
        open_database(database_url, tmp_path)
    with pytest.raises(SubscriberError, match="newer podcast-pipeline"):
        upgrade(engine)


@pytest.mark.parametrize(
    "url", ["mysql://u:geheim@host/db", "not a url", "sqlite:///x.db", "postgresql+asyncpg://h/d"]
)
def test_other_urls_are_refused_without_showing_them(url: str, tmp_path: Path) -> None:
    """Only PostgreSQL is supported; a password in the URL is not repeated."""
    with pytest.raises(SubscriberError, match="is not a PostgreSQL URL") as caught:
        open_database(url, tmp_path)
    assert "geheim" not in str(caught.value)


def test_unreachable_server_is_one_line(tmp_path: Path, closed_port: int) -> None:
    """A server that is down is one line that names it, without its password."""
    with pytest.raises(SubscriberError, match=r"^database pod on 127\.0\.0\.1: ") as caught:
        open_database(f"postgresql://u:geheim@127.0.0.1:{closed_port}/pod", tmp_path)
    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_role_without_rights_is_one_line(postgresql: str, tmp_path: Path) -> None:
    """Tables that another role owns and has not shared are an error of one line, not a traceback."""
    url = databases.create_database(postgresql)
    server = connect(f"{postgresql}/postgres", tmp_path)
    with server.begin() as connection:
        connection.execute(text("CREATE ROLE stranger LOGIN"))
    with pytest.raises(SubscriberError, match=r"permission denied for table alembic_version; check that"):
        open_database(url.replace("pod@", "stranger@"), tmp_path)
    databases.drop_database(url)
    with server.begin() as connection:
        connection.execute(text("DROP ROLE stranger"))
    server.dispose()


def test_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    """Something else under the database's name is one line that names the file."""
    (tmp_path / "podcast.db").write_text("these are not the bytes you are looking for" * 100)
    with pytest.raises(SubscriberError, match=r"podcast\.db: file is not a database"):
        open_database(None, tmp_path)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    """An overwritten page is one line that names the file and says what to do."""
    create_database(None, tmp_path).dispose()
    file = tmp_path / "podcast.db"
    pages = file.read_bytes()
    file.write_bytes(pages[:4096] + b"\xa5" * (len(pages) - 4096))
    with pytest.raises(SubscriberError, match=r"podcast\.db: .*malformed; restore it from a backup"):  # noqa: SIM117
        with open_database(None, tmp_path).connect() as connection:
            connection.execute(text("SELECT * FROM subscribers"))


def test_instants_come_back_aware_in_utc(engine: Engine) -> None:
    """An instant written in any zone is read in UTC on both databases, to the second."""
    berlin = NOW.astimezone(timezone(timedelta(hours=1))).replace(microsecond=999_999)
    with write_transaction(engine) as connection:
        connection.execute(insert(audit_purges).values(show_id=uuid4(), purged_before=berlin, at=NOW))
    with engine.connect() as connection:
        read = connection.scalars(select(audit_purges.c.purged_before)).one()
    assert read == NOW
    assert read.tzinfo is UTC


def test_naive_times_are_refused(engine: Engine) -> None:
    """A time without a zone is a bug and does not reach the database."""
    query = insert(audit_purges).values(show_id=uuid4(), purged_before=NOW.replace(tzinfo=None), at=NOW)
    with pytest.raises(StatementError, match="not an instant"), write_transaction(engine) as connection:
        connection.execute(query)


def _entry(engine: Engine) -> None:
    row = {"show_id": uuid4(), "subscriber_id": uuid4(), "action": "added", "origin": "cli", "at": NOW}
    with write_transaction(engine) as connection:
        connection.execute(insert(audit_log).values(**row, details={}))


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET origin = 'web'", "DELETE FROM audit_log"])
def test_audit_log_is_append_only(engine: Engine, statement: str) -> None:
    """The database itself refuses to change or delete an entry."""
    _entry(engine)
    with pytest.raises(DatabaseError, match="append-only"), write_transaction(engine) as connection:
        connection.execute(text(statement))


def test_postgresql_audit_log_is_not_truncated(postgresql: str, tmp_path: Path) -> None:
    """TRUNCATE, which fires no row trigger, is refused as well."""
    engine = connect(f"{postgresql}/podcast_template", tmp_path)
    with pytest.raises(DatabaseError, match="append-only"), write_transaction(engine) as connection:
        connection.execute(text("TRUNCATE audit_log"))
    engine.dispose()


def test_errors_hide_what_was_written(engine: Engine) -> None:
    """A database error's text holds no parameters: they may be addresses or hashes."""
    query = insert(table("no_such_table", column("email"))).values(email="ann@example.com")
    with pytest.raises((DatabaseError, SubscriberError)) as caught, write_transaction(engine) as connection:
        connection.execute(query)
    assert "ann@example.com" not in str(caught.value)
