"""Fixtures for tests on both databases: a real SQLite file and a real, temporary PostgreSQL."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from podcast_pipeline.audience import database
from podcast_pipeline.audience.database import connect, open_database, upgrade
from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME, ConnectionPool
from podcast_pipeline.files import make_folder
from tests.support.parts import how_to_get
from tests.support.postgres import is_installed, running_postgresql

PROCESSES = get_context("forkserver")
"""Processes for race tests; the modules below are imported once, before the fork."""
PROCESSES.set_forkserver_preload(
    [
        "podcast_pipeline.audience.signin_mail",
        "podcast_pipeline.audience.subscribers.repository",
        "alembic.command",
        "psycopg",
        "podcast_pipeline.pipeline.publish",
        "podcast_pipeline.storage.s3.store",
        "podcast_pipeline.cli.app",
        "tests.support.bucket_show",
    ]
)

TEMPLATE = "podcast_template"
LONGEST_REQUEST_S = 60


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Yield the base URL of a server that lives as long as this test run; its template is migrated."""
    if not is_installed():
        pytest.skip(how_to_get("postgres"))
    with running_postgresql() as base, TemporaryDirectory() as folder:
        _run(f"{base}/postgres", f"CREATE DATABASE {TEMPLATE}")
        template = connect(f"{base}/{TEMPLATE}", Path(folder))
        upgrade(template)
        template.dispose()
        yield base


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """Yield the URL of a fresh, migrated database: None is SQLite in `tmp_path`."""
    if request.param == "sqlite":
        create_sqlite(tmp_path)
        yield None
        return
    url = create_database(request.getfixturevalue("postgresql"))
    yield url
    drop_database(url)


@pytest.fixture
def engine(database_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine on a fresh database."""
    made = open_database(database_url, tmp_path)
    yield made
    close_engine(made)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Yield a function that opens the SQLite database in `tmp_path` once more; close all engines."""
    engines: list[Engine] = []
    create_sqlite(tmp_path)

    def open_one() -> Engine:
        engines.append(open_database(None, tmp_path))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()


@dataclass
class ShowDatabases:
    """The databases of the shows that tests create.

    Attributes:
        server: the PostgreSQL server, with a database for each show; None is SQLite in each show's folder.
    """

    server: str | None = None
    urls: dict[Path, str] = field(default_factory=dict)

    def url(self, folder: Path) -> str | None:
        """Return the URL of a show's database, created on first use."""
        if self.server is None:
            return None
        if folder not in self.urls:
            self.urls[folder] = create_database(self.server)
        return self.urls[folder]

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment variables with the database of a show and its key."""
        url = self.url(folder)
        return {"PODCAST_DATABASE_URL": url, "PODCAST_SECRET_KEY": "k" * 32} if url else {}

    def copy(self, folder: Path, to: Path) -> None:
        """Copy the database of a show, if there is one, for a copy of its folder."""
        if self.server and folder in self.urls:
            self.urls[to] = create_database(self.server, template=_name(self.urls[folder]))

    def drop(self, folder: Path) -> None:
        """Drop the database of a show, if there is one."""
        if folder in self.urls:
            drop_database(self.urls.pop(folder))


SHOW_DATABASES = ShowDatabases()


@pytest.fixture(scope="session", autouse=True)
def shows(request: pytest.FixtureRequest) -> None:
    """Use the database of `--database` for every show."""
    if request.config.getoption("--database") == "postgresql":
        SHOW_DATABASES.server = request.getfixturevalue("postgresql")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, shows: None) -> Iterator[None]:
    """Run a module's tests with shows on SQLite, and again with shows on PostgreSQL."""
    before = SHOW_DATABASES.server
    SHOW_DATABASES.server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    yield
    SHOW_DATABASES.server = before


def is_deselected(item: pytest.Item, database: str | None) -> bool:
    """Return whether a parametrized test runs on another database than `--database`."""
    call = getattr(item, "callspec", None)
    legs = {call.params.get(name) for name in ("database_url", "each_database")} if call else set()
    return bool(database and legs - {None, database})


def close_engine(engine: Engine) -> None:
    """Close an engine once no thread uses it: a request that its client left may still be at work.

    A connection that is given back to a closed engine stays open until it is collected, in another test.
    """
    assert isinstance(engine.pool, ConnectionPool)
    until = time.monotonic() + LONGEST_REQUEST_S
    while (in_use := engine.pool.checkedout()) and time.monotonic() < until:
        time.sleep(0.01)
    engine.dispose()
    assert not in_use, f"{in_use} connections were never given back"


def create_sqlite(folder: Path) -> None:
    """Put a migrated SQLite file into a folder that has none yet."""
    path = folder / DATABASE_FILE_NAME
    make_folder(folder, mode=0o700)
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(_migrated_sqlite())


@cache
def _migrated_sqlite() -> bytes:
    with TemporaryDirectory() as folder:
        database.create_database(None, Path(folder)).dispose()
        return (Path(folder) / DATABASE_FILE_NAME).read_bytes()


def create_database(server: str, *, template: str = TEMPLATE) -> str:
    """Create a copy of the template database and return its URL."""
    name = f"test_{uuid4().hex}"
    # copying files is half the work of writing them through the log, which is for servers that are safe
    _run(f"{server}/postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return f"{server}/{name}"


def drop_database(url: str) -> None:
    """Drop a database together with its open connections."""
    _run(f"{url.rpartition('/')[0]}/postgres", f"DROP DATABASE {_name(url)} WITH (FORCE)")


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _run(url: str, statement: str) -> None:
    server = connect(url, Path())
    with server.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(statement))
    server.dispose()
