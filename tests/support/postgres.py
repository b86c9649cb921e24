"""A real, temporary PostgreSQL for tests and benchmarks."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tests.support.paths import ROOT
from tests.support.ports import free_port

SCRIPT = ROOT / "scripts" / "start_postgres.sh"


def is_installed() -> bool:
    """Return whether Debian's package is installed."""
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Run a server in a temporary folder and yield its URL without a database."""
    folder, port = Path(mkdtemp(prefix="podcast-postgresql-")), str(free_port())
    folder.chmod(0o755)  # user postgres must get in
    try:
        subprocess.run([SCRIPT, folder / "server", port, "start"], check=True)
        try:
            yield f"postgresql://pod@127.0.0.1:{port}"
        finally:
            subprocess.run([SCRIPT, folder / "server", port, "stop"], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
