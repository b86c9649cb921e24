"""Opens the database and keeps its schema current."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import DatabaseError as Damaged
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import NullPool, PoolProxiedConnection, QueuePool

from podcast_pipeline.errors import SubscriberError

REVISIONS = ("0001", "0002", "0003", "0004")
"""The migrations, oldest first: known here so that opening a current database loads no Alembic."""

DATABASE_FILE_NAME = "podcast.db"
BUSY_S = 30  # how long SQLite waits for another writer
POOL_SIZE = 15  # at most; kept open, because opening one costs more than most questions
FREE_S = 10  # how long a visitor waits for one of the connections of a process
RACES = 10  # lost in a row; more is a mistake of ours
UPGRADE_LOCK = b"upgrade"
WRITERS = "podcast_writers"

SET_UP_WRONG = ("42501", "42P01")
"""PostgreSQL's insufficient_privilege and undefined_table, which its driver takes for our mistakes."""

MEND = "see that it runs and can be written"
RESTORE = "restore it from a backup"

PRAGMAS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what was erased is not left in free pages
)

Result = TypeVar("Result")


class ConnectionPool(QueuePool):
    """The connections of a process."""

    def connect(self) -> PoolProxiedConnection:
        """Return a connection.

        Raises:
            SubscriberError: none became free in time.
        """
        try:
            return super().connect()
        except NoneFree as error:
            raise SubscriberError(
                "database", f"all connections were in use for {FREE_S} s; see what holds it up"
            ) from error


POOL_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,
    "poolclass": ConnectionPool,
    "pool_timeout": FREE_S,
    "pool_size": POOL_SIZE,
    "max_overflow": 0,
}


def open_database(url: str | None, folder: Path) -> Engine:
    """Open the audience's database with a current schema.

    Args:
        url: PODCAST_DATABASE_URL, `postgresql://…`; None for SQLite.
        folder: where `podcast.db` lies, made if it is not there (the show's `.podcast`).

    Raises:
        SubscriberError: unreachable, not a database, or a schema that is behind (PostgreSQL) or newer.
    """
    engine = connect(url, folder)
    try:
        if engine.dialect.name == "sqlite" and _revision_of(engine) in (None, *REVISIONS[:-1]):
            upgrade(engine)
        _require_current(engine)
    except SubscriberError:
        engine.dispose()
        raise
    return engine


def connect(url: str | None, folder: Path) -> Engine:
    """Return an engine whatever the schema is; `podcast db upgrade` hands it to `upgrade`."""
    return _postgresql(url) if url else _sqlite(folder / DATABASE_FILE_NAME)


def upgrade(engine: Engine) -> None:
    """Bring the schema up to now, in one transaction under the database's own lock.

    A second process waits and then finds nothing to do.

    Raises:
        SubscriberError: the schema is newer than this program.
    """
    from alembic import command  # slow to import, rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "podcast_pipeline.audience.database:migrations")
    with _migrating(engine) as connection:
        if _revision(connection) not in (None, *REVISIONS):
            raise _newer(engine)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes.

    SQLite takes its write lock at the beginning: one that starts by reading could not be granted the
    lock later without a stale read, and SQLite would refuse at once instead of waiting. The threads of
    one process wait in a queue of their own: SQLite's waiting is sleep, up to 0.1 s at a time.
    """
    queue = engine.get_execution_options().get(WRITERS, nullcontext())
    with queue, engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        yield connection


def truncate_wal(engine: Engine) -> None:
    """See that what was deleted is not left on the disk.

    SQLite keeps old pages in the file, and new ones in its log, until somebody makes a checkpoint; a server
    that stays open may make none for months. PostgreSQL's own vacuum comes by itself.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:  # a checkpoint inside a transaction is refused
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def advisory_lock(connection: Connection, key: bytes) -> None:
    """Wait until no other transaction holds `key`, and hold it until this one ends.

    On SQLite there is nothing to wait for: whoever is in `writing` writes alone.
    """
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(key[:8].ljust(8), "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def retry_on_integrity_error(work: Callable[[], Result]) -> Result:
    """Do `work`, and again whenever another process made the same row between its look and its write."""
    for _ in range(RACES):
        with suppress(IntegrityError):
            return work()
    return work()


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it holds addresses
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(
        url, **POOL_OPTIONS, connect_args={"timeout": BUSY_S}, execution_options={WRITERS: Lock()}
    )
    _prepare_sqlite(engine, PRAGMAS)
    _speak_plainly(engine)
    return engine


def _prepare_sqlite(engine: Engine, pragmas: tuple[str, ...]) -> None:
    """Let SQLAlchemy say BEGIN: Python's own driver would commit before DDL and begin too late."""

    @event.listens_for(engine, "connect")
    def set_up(connection: SqliteConnection, record: object) -> None:  # noqa: ARG001
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


def _postgresql(address: str) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise _wrong_url() from error
    if url.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise _wrong_url()
    try:
        engine = create_engine(url.set(drivername="postgresql+psycopg"), **POOL_OPTIONS, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise SubscriberError(
            "PODCAST_DATABASE_URL", "PostgreSQL needs psycopg; pip install 'podcast-pipeline[postgresql]'"
        ) from error
    _speak_plainly(engine)
    return engine


def _wrong_url() -> SubscriberError:
    # The URL itself may hold a password and is not shown.
    return SubscriberError(
        "PODCAST_DATABASE_URL", "is not a PostgreSQL URL; write postgresql://user@host/name"
    )


def _speak_plainly(engine: Engine) -> None:
    """Turn what the database's operator can mend into one line.

    That is: down, full, locked, no rights, no tables, and a file that is damaged or no database at all.
    """

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        cause = context.original_exception
        is_operational = isinstance(context.sqlalchemy_exception, OperationalError)
        is_set_up_wrong = getattr(cause, "sqlstate", "") in SET_UP_WRONG
        is_damaged = type(cause) is Damaged  # sqlite3's mistakes of ours are subclasses of it
        if is_operational or is_set_up_wrong or is_damaged:
            line = str(cause).strip().partition("\n")[0]
            raise SubscriberError(_name(engine), f"{line}; {RESTORE if is_damaged else MEND}") from cause


def _name(engine: Engine) -> str:
    url = engine.url
    return str(url.database) if url.drivername == "sqlite" else f"database {url.database} on {url.host}"


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction for DDL.

    On SQLite without foreign keys: Alembic alters a table by making a new one and dropping the old.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            advisory_lock(connection, UPGRADE_LOCK)
            yield connection
        return
    alone = create_engine(
        engine.url, hide_parameters=True, poolclass=NullPool, connect_args={"timeout": BUSY_S}
    )
    _prepare_sqlite(alone, ("journal_mode = WAL",))
    _speak_plainly(alone)
    with write_transaction(alone) as connection:
        yield connection


def _revision_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return number


def _require_current(engine: Engine) -> None:
    revision = _revision_of(engine)
    if revision in (None, *REVISIONS[:-1]):
        raise SubscriberError(_name(engine), "its tables are not up to date; run `podcast db upgrade`")
    if revision not in REVISIONS:
        raise _newer(engine)


def _newer(engine: Engine) -> SubscriberError:
    return SubscriberError(
        _name(engine), "was made by a newer podcast-pipeline; install that version or restore a backup"
    )
