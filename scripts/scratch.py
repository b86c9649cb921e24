"""The database that a benchmark measures: `--database sqlite`, `postgresql`, or a URL.

`postgresql` starts a real server (Debian's package) in a temporary folder and ends it with the benchmark. It
waits for no disk (scripts/start_postgres.sh); a URL names an empty database, of a server that may.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from podcast_pipeline.audience.database import (
    connect,
    create_database,
    has_database,
    open_database,
    upgrade,
)
from tests.support.postgres import running_postgresql


def add_option(parser: argparse.ArgumentParser) -> None:
    """Ask which database."""
    parser.add_argument(
        "--database",
        default="sqlite",
        metavar="WHICH",
        help="sqlite (the default), postgresql (one is started, and ended), or an empty one's URL",
    )


@contextmanager
def scratch(which: str) -> Iterator[str | None]:
    """Yield the URL of a migrated database; None is SQLite, which `open_or_create` makes."""
    if which == "sqlite":
        yield None
        return
    with running_postgresql() if which == "postgresql" else nullcontext() as server:
        url = f"{server}/postgres" if server else which
        migrated = connect(url, Path())
        upgrade(migrated)
        migrated.dispose()
        yield url


def open_or_create(url: str | None, folder: Path) -> Engine:
    """Open a database; a new SQLite file is made first."""
    return (open_database if has_database(url, folder) else create_database)(url, folder)


def processor_ms(pid: int) -> float:
    """Return how much of a processor a process has taken; of one that is gone nothing.

    Source: clock_getcpuclockid(3); what /proc says is sampled by the clock that wakes the readers.
    """
    try:
        return time.clock_gettime(~pid << 3 | 2) * 1000
    except OSError:
        return 0.0


@dataclass(frozen=True)
class Meter:
    """Reads what a process and the database have taken of the processor.

    Attributes:
        pid: of the process that searches.
        engine: on PostgreSQL, which must run on this machine, its processes count too.
    """

    pid: int
    engine: Engine

    def read(self) -> tuple[float, float]:
        """Return milliseconds in the process and in the database's own."""
        if self.engine.dialect.name == "sqlite":
            return processor_ms(self.pid), 0.0
        query = text("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
        with self.engine.connect() as connection:
            backends = connection.scalars(query).all()
        return processor_ms(self.pid), sum(map(processor_ms, backends))
