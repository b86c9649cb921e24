"""Fixtures for tests that run on both databases: a real SQLite file and a real, throw-away PostgreSQL."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from podcast_pipeline.database import connect, open_database, upgrade

PROCESSES = get_context("forkserver")
"""For races between real processes; what they need is imported once, before they fork."""
PROCESSES.set_forkserver_preload(
    [
        "podcast_pipeline.subscribers.repository",
        "alembic.command",
        "psycopg",
        "podcast_pipeline.publish",
        "podcast_pipeline.stores.s3",
        "tests.bucket_house",
    ]
)

SCRIPT = Path(__file__).parent.parent / "scripts" / "start_postgres.sh"
TEMPLATE = "podcast_template"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Yield the base URL of a server that lives as long as this test run; its template is migrated."""
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("PostgreSQL is not installed; apt-get install postgresql")
    folder = Path(mkdtemp(prefix="podcast-postgresql-"))
    folder.chmod(0o755)  # user postgres must get in
    port = str(_free_port())
    subprocess.run([SCRIPT, folder / "server", port, "start"], check=True)
    try:
        base = f"postgresql://pod@127.0.0.1:{port}"
        _run(f"{base}/postgres", f"CREATE DATABASE {TEMPLATE}")
        template = connect(f"{base}/{TEMPLATE}", folder)
        upgrade(template)
        template.dispose()
        yield base
    finally:
        subprocess.run([SCRIPT, folder / "server", port, "stop"], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy."""
    folder = tmp_path_factory.mktemp("sqlite")
    open_database(None, folder).dispose()
    return folder / "podcast.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """Yield the URL of a fresh, migrated database: None is SQLite in `tmp_path`."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "podcast.db")
        yield None
        return
    base = request.getfixturevalue("postgresql")
    name = f"test_{uuid4().hex}"
    _run(f"{base}/postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield f"{base}/{name}"
    _run(f"{base}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine on a fresh database."""
    opened = open_database(database_url, tmp_path)
    yield opened
    opened.dispose()


def _run(url: str, statement: str) -> None:
    server = connect(url, Path())
    with server.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(statement))
    server.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
