"""`--allow NAME` passes one gate; on a terminal a gate asks, elsewhere it is refused."""

from pathlib import Path

import pytest

from tests.support.pipeline import feed
from tests.support.show import SLUG, ShowFolder, copy_show_folder
from tests.support.terminal import run_on_terminal

MOVED = {"PODCAST_URLS_SITE": "http://127.0.0.1:9999"}
"""Another address of the same audio: apps would download it again."""


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode is public."""
    return copy_show_folder(published, tmp_path / "show")


def test_without_a_terminal_a_gate_is_refused_and_named(show: ShowFolder) -> None:
    """The line says what would happen and the option that lets it; the feed stays."""
    before = feed(show)
    done = show.run("rebuild", **MOVED)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert "would be downloaded again" in done.stderr
    assert "--allow redownloads" in done.stderr
    assert feed(show) == before
    assert show.run("rebuild", "--allow", "redownloads", **MOVED).returncode == 0
    assert b"127.0.0.1:9999" in feed(show)


def test_on_a_terminal_a_gate_asks(show: ShowFolder) -> None:
    """Enter stops; y goes on."""
    before = feed(show)
    refused = run_on_terminal(show, "rebuild", answer="", **MOVED)
    assert (refused.returncode, "would be downloaded again" in refused.text) == (1, True)
    assert feed(show) == before
    assert run_on_terminal(show, "rebuild", answer="y", **MOVED).returncode == 0
    assert b"127.0.0.1:9999" in feed(show)


def test_yes_passes_no_gate(show: ShowFolder) -> None:
    """On a terminal too: who wants no question gets the refusal."""
    done = run_on_terminal(show, "publish", SLUG, "--yes", answer="y", **MOVED)
    assert (done.returncode, "--allow redownloads" in done.text) == (3, True)


@pytest.mark.parametrize("command", ["rebuild", "release", "publish"])
def test_an_unknown_gate_is_wrong_usage(show: ShowFolder, command: str) -> None:
    """`--allow SLUG`, as an old script has it, is refused before any work with the names of the gates."""
    done = show.run(command, *([SLUG] if command == "publish" else []), "--allow", SLUG)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert f"--allow {SLUG}" in done.stderr
    assert "redownloads" in done.stderr


def test_allow_without_a_name_is_wrong_usage(show: ShowFolder) -> None:
    """The flag of earlier releases passes nothing."""
    assert show.run("rebuild", "--allow", **MOVED).returncode == 2
