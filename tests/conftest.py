"""Fixtures that tests of several folders use, and the options of the test run."""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.databases import (
    database_url,
    each_database,
    engine,
    is_deselected,
    opened,
    postgresql,
    shows,
)
from tests.support.imported_show import empty_show, old_host
from tests.support.parts import summary
from tests.support.ports import closed_port
from tests.support.s3 import s3_server, s3_store
from tests.support.show import published

__all__ = [
    "closed_port",
    "database_url",
    "each_database",
    "empty_show",
    "engine",
    "old_host",
    "opened",
    "postgresql",
    "published",
    "s3_server",
    "s3_store",
    "shows",
]

hypothesis.settings.register_profile("tests", deadline=None)  # machines are noisy; speed is a benchmark's
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--soak`, `--database` (one database for all shows) and `--fuzz-s`."""
    parser.addoption("--soak", action="store_true", help="run the full counts of the kill and race tests")
    parser.addoption("--database", choices=("sqlite", "postgresql"), help="where all shows keep subscribers")
    parser.addoption("--fuzz-s", type=float, default=20, help="processor time for a parser and an engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the soak tests without `--soak`, and with `--database` the tests on the other database."""
    database, is_soak = config.getoption("--database"), config.getoption("--soak")
    unasked = {
        i for i in items if is_deselected(i, database) or (i.get_closest_marker("soak") and not is_soak)
    }
    config.hook.pytest_deselected(items=list(unasked))
    items[:] = [item for item in items if item not in unasked]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line about the parts whose tests were skipped, and how to get them."""
    skipped = terminalreporter.stats.get("skipped", [])
    line = summary(str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple))
    if line:
        terminalreporter.line(line, yellow=True)


@pytest.fixture(scope="session", autouse=True)
def no_fsync() -> Iterator[None]:
    """Replace fsync, which guards against a power cut, in this process: no test cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_user_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep speeds and trusted weights of the tests away from those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user-cache")))
        yield


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Give each test the usual umask: a command that ran in this process has left its own."""
    before = os.umask(0o022)
    yield
    os.umask(before)
