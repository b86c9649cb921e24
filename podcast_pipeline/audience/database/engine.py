"""Opens the database, migrates its schema, and runs write transactions."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import DatabaseError as DamagedFileError
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool, PoolProxiedConnection, QueuePool

from podcast_pipeline.audience.database.patience import remaining_s
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.extras import install_extra
from podcast_pipeline.files import make_folder, sync_to_disk

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""The migrations, oldest first; listed here so that opening a current database loads no Alembic."""

DATABASE_FILE_NAME = "podcast.db"
BUSY_S = 30  # SQLite's timeout for the write lock
POOL_SIZE = 15  # at most; connections stay open, because opening one costs more than most queries
POOL_TIMEOUT_S = 10  # for a free connection of the process's pool
MAX_RETRIES = 10  # of lost races in a row; more is a bug of ours
UPGRADE_LOCK = b"upgrade"
WRITER_LOCK = "podcast_writers"

SETUP_ERRORS = ("42501", "42P01")
"""PostgreSQL's insufficient_privilege and undefined_table, which its driver reports as programming errors."""

CHECK_ADVICE = "check that it runs and is writable"
RESTORE_ADVICE = "restore it from a backup"
MISSING_ADVICE = (
    "subscribers are kept in the database of the server: set PODCAST_DATABASE_URL and PODCAST_SECRET_KEY, or "
    "restore a lost one from its backup; `podcast db init` makes a new, empty one"
)

PRAGMAS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # erased data does not stay in free pages
    "synchronous = FULL",  # on the disk when a transaction returns; some builds of SQLite default to less
)

Result = TypeVar("Result")


class ConnectionPool(QueuePool):
    """The connection pool of a process."""

    def connect(self) -> PoolProxiedConnection:
        """Return a connection.

        Raises:
            SubscriberError: no connection became free in time.
        """
        try:
            return super().connect()
        except PoolTimeoutError as error:
            raise SubscriberError(
                "database",
                f"all connections were in use for {POOL_TIMEOUT_S} s; look for a slow query or transaction",
            ) from error


POOL_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,
    "poolclass": ConnectionPool,
    "pool_timeout": POOL_TIMEOUT_S,
    "pool_size": POOL_SIZE,
    "max_overflow": 0,
}


def open_database(url: str | None, folder: Path) -> Engine:
    """Open the audience's database with a current schema; none is ever made here.

    Args:
        url: PODCAST_DATABASE_URL, `postgresql://…`; None for SQLite.
        folder: the folder of `podcast.db` (the show's `.podcast`).

    Raises:
        SubscriberError: there is no database, it is unreachable, or its schema is outdated (PostgreSQL) or
            newer than this program.
    """
    engine = connect(url, folder)
    try:
        require_tables(engine)
        if engine.dialect.name == "sqlite" and _current_revision(engine) in REVISIONS[:-1]:
            upgrade(engine)
        _require_current(engine)
    except SubscriberError:
        engine.dispose()
        raise
    return engine


def connect(url: str | None, folder: Path) -> Engine:
    """Return an engine without a check of the schema; a SQLite file must exist when it is used."""
    return _postgresql(url) if url else _sqlite(folder / DATABASE_FILE_NAME)


def create_database(url: str | None, folder: Path) -> Engine:
    """Make a new, empty database; only `podcast init` and `podcast db init` do.

    A killed run leaves a file or a database without tables, and can be repeated.

    Raises:
        SubscriberError: there is one already.
    """
    if url is None:
        create_database_file(folder)
    engine = connect(url, folder)
    try:
        _migrate(engine, is_new=True)
    except SubscriberError:
        engine.dispose()
        raise
    return engine


def create_database_file(folder: Path) -> None:
    """Make the folder and an empty file that only its owner can read, if there is none: it gets addresses."""
    make_folder(folder, mode=0o700)
    os.close(os.open(folder / DATABASE_FILE_NAME, os.O_CREAT | os.O_RDWR, 0o600))
    sync_to_disk(folder)


def has_database(url: str | None, folder: Path) -> bool:
    """Tell whether there is a database with tables of any release."""
    if url is None and not (folder / DATABASE_FILE_NAME).is_file():
        return False
    engine = connect(url, folder)
    try:
        return _current_revision(engine) is not None
    finally:
        engine.dispose()


def require_tables(engine: Engine) -> None:
    """Raise SubscriberError, naming `podcast db init`, where the database has no tables of any release."""
    if _current_revision(engine) is None:
        raise SubscriberError(database_name(engine), f"has no tables; {MISSING_ADVICE}")


def upgrade(engine: Engine) -> None:
    """Run the missing migrations in one transaction, under an advisory lock or SQLite's write lock.

    A second process waits and then finds the schema current.

    Raises:
        SubscriberError: the schema is newer than this program.
    """
    _migrate(engine, is_new=False)


def _migrate(engine: Engine, *, is_new: bool) -> None:
    from alembic import command  # slow to import, rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "podcast_pipeline.audience.database:migrations")
    with _migration_transaction(engine) as connection:
        revision = _revision(connection)
        if is_new and revision is not None:
            raise SubscriberError(database_name(engine), "is there already; nothing was changed")
        if revision not in (None, *REVISIONS):
            raise _newer_schema(engine)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes.

    SQLite takes its write lock at BEGIN IMMEDIATE: a transaction that starts by reading cannot get the
    lock later without a stale read, and SQLite would refuse at once instead of waiting. The threads of
    one process wait for a lock in Python: SQLite polls with sleeps of up to 0.1 s.
    """
    with _turn_to_write(engine), engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        yield connection


@contextmanager
def _turn_to_write(engine: Engine) -> Iterator[None]:
    lock: Lock | None = engine.get_execution_options().get(WRITER_LOCK)
    if lock is None:
        yield
        return
    patience_s = remaining_s()
    if not lock.acquire(timeout=-1 if patience_s is None else patience_s):
        raise SubscriberError(database_name(engine), "was being written for too long; try again")
    try:
        yield
    finally:
        lock.release()


def truncate_wal(engine: Engine) -> None:
    """Checkpoint SQLite's write-ahead log, so that deleted data does not stay on the disk.

    SQLite keeps old pages in the file, and new ones in its log, until a checkpoint; a server that stays open
    may make none for months. PostgreSQL vacuums by itself.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:  # a checkpoint inside a transaction is refused
            connection.cursor().execute(f"PRAGMA busy_timeout = {BUSY_S * 1000}")
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def advisory_lock(connection: Connection, key: bytes) -> None:
    """Take PostgreSQL's advisory lock on `key` until the transaction ends; wait for another holder.

    SQLite needs none: a `write_transaction` is the only one that writes.
    """
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(key[:8].ljust(8), "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def retry_on_integrity_error(work: Callable[[], Result]) -> Result:
    """Do `work`; retry when another process inserted the same row between its read and its write."""
    for _ in range(MAX_RETRIES):
        with suppress(IntegrityError):
            return work()
    return work()


def _sqlite(path: Path) -> Engine:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(
        url, **POOL_OPTIONS, connect_args={"timeout": BUSY_S}, execution_options={WRITER_LOCK: Lock()}
    )
    _prepare_sqlite(engine, PRAGMAS)
    _translate_errors(engine)
    return engine


def _prepare_sqlite(engine: Engine, pragmas: tuple[str, ...]) -> None:
    """Let SQLAlchemy send BEGIN: Python's sqlite3 would commit before DDL and begin too late."""

    @event.listens_for(engine, "do_connect")
    def require_file(*_: object) -> None:
        """Refuse a missing file, which SQLite would make."""
        if not Path(str(engine.url.database)).is_file():
            raise SubscriberError(database_name(engine), f"is missing; {MISSING_ADVICE}")

    @event.listens_for(engine, "connect")
    def set_up(connection: SqliteConnection, record: object) -> None:  # noqa: ARG001
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        patience_s = remaining_s()
        waits_s = BUSY_S if patience_s is None else patience_s
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(waits_s * 1000)}")
        connection.exec_driver_sql(f"BEGIN {mode}")


def _postgresql(address: str) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise _invalid_url() from error
    if url.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise _invalid_url()
    try:
        engine = create_engine(url.set(drivername="postgresql+psycopg"), **POOL_OPTIONS, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise SubscriberError(
            "PODCAST_DATABASE_URL", f"PostgreSQL needs psycopg; {install_extra('postgresql')}"
        ) from error

    @event.listens_for(engine, "begin")
    def limit_waiting(connection: Connection) -> None:
        patience_s = remaining_s()
        if patience_s is not None:  # 0 would wait for ever
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, int(patience_s * 1000))}")

    _translate_errors(engine)
    return engine


def _invalid_url() -> SubscriberError:
    # The URL may contain a password and is not shown.
    return SubscriberError(
        "PODCAST_DATABASE_URL", "is not a PostgreSQL URL; write postgresql://user@host/name"
    )


def _translate_errors(engine: Engine) -> None:
    """Raise SubscriberError, one line, for the errors that the database's operator can correct.

    They are: down, full, locked, no privileges, no tables, a damaged file, a file that is no database.
    """

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        cause = context.original_exception
        is_operational = isinstance(context.sqlalchemy_exception, OperationalError)
        is_setup_error = getattr(cause, "sqlstate", "") in SETUP_ERRORS
        is_damaged = type(cause) is DamagedFileError  # its subclasses in sqlite3 are bugs of ours
        if is_operational or is_setup_error or is_damaged:
            line = str(cause).strip().partition("\n")[0]
            advice = RESTORE_ADVICE if is_damaged else CHECK_ADVICE
            raise SubscriberError(database_name(engine), f"{line}; {advice}") from cause


def database_name(engine: Engine) -> str:
    """Return the name of a database for messages: its path, or its name and host."""
    url = engine.url
    return str(url.database) if url.drivername == "sqlite" else f"database {url.database} on {url.host}"


@contextmanager
def _migration_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction for DDL.

    On SQLite without foreign keys: Alembic alters a table by making a new one and dropping the old one.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            advisory_lock(connection, UPGRADE_LOCK)
            yield connection
        return
    migration_engine = create_engine(
        engine.url, hide_parameters=True, poolclass=NullPool, connect_args={"timeout": BUSY_S}
    )
    _prepare_sqlite(migration_engine, ("journal_mode = WAL",))
    _translate_errors(migration_engine)
    with write_transaction(migration_engine) as connection:
        yield connection


def _current_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return number


def _require_current(engine: Engine) -> None:
    revision = _current_revision(engine)
    if revision in REVISIONS[:-1]:
        raise SubscriberError(
            database_name(engine), "its tables are not up to date; run `podcast db upgrade`"
        )
    if revision not in REVISIONS:
        raise _newer_schema(engine)


def _newer_schema(engine: Engine) -> SubscriberError:
    return SubscriberError(
        database_name(engine),
        "was made by a newer podcast-pipeline; install that version or restore a backup",
    )
