"""`podcast withdraw`: its options, its question and its exit codes."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.support.pipeline import episode, objects
from tests.support.show import PODCAST, SLUG, ShowFolder, copy_show_folder
from tests.support.withdrawals import QUOTE


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A published show to change."""
    return copy_show_folder(published, tmp_path / "show")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--quote", QUOTE), 2, "--yes: is needed where nobody can be asked"),
        (("--quote", "…", "--yes"), 2, "--quote: is no passage"),
        (("--from", "12:30", "--yes"), 2, "belong together"),
        (("--from", "5", "--to", "4", "--yes"), 2, "is not after"),
        (("--from", "soon", "--to", "later", "--yes"), 2, "is no time of the audio"),
        (("--from", "1:00:00", "--to", "1:00:01", "--yes"), 1, "the audio ends at 1:1"),
        (("--version", "1", "--all", "--yes"), 2, "name one thing"),
        (("--version", "7", "--yes"), 1, "has no version 7; published are 1"),
        (("--quote", "nobody ever said that", "--yes"), 1, "in no published version"),
        (("--quote", "it was the", "--yes"), 1, "places (0:00"),
    ],
)
def test_a_wrong_call_changes_nothing(
    published: ShowFolder, arguments: tuple[str, ...], code: int, line: str
) -> None:
    """One line says what is wrong; nothing is removed."""
    before = objects(published)
    done = published.run("withdraw", SLUG, *arguments, PODCAST_DATABASE_URL="")
    assert (done.returncode, line in done.stderr) == (code, True), done.stderr
    assert objects(published) == before


def test_the_receipt(show: ShowFolder) -> None:
    """The document names what is gone and what cannot be called back, and not one withdrawn word."""
    done = show.run("--json", "withdraw", SLUG, "--quote", QUOTE, "--reason", "7 C 12/31", "--yes")
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout)
    assert (receipt["kind"], receipt["versions"], receipt["new_version"]) == ("passage", [1], 2)
    assert receipt["reason"] == "7 C 12/31"
    assert receipt["not_removed"] == []
    assert len(receipt["removed"]) == 8
    assert len(receipt["cannot_be_called_back"]["cdn_urls_to_purge"]) == 1
    assert "cold-hearted" not in done.stdout
    again = show.run("withdraw", SLUG, "--quote", QUOTE, "--yes")
    assert (again.returncode, "in no published version" in again.stderr) == (1, True)
    nothing = show.run("withdraw", SLUG, "--yes")
    assert (nothing.returncode, "nothing to finish" in nothing.stdout) == (0, True)


@pytest.mark.parametrize(("answer", "withdrawn"), [(b"n\n", False), (b"\n", False), (b"y\n", True)])
def test_it_asks_on_a_terminal(show: ShowFolder, answer: bytes, withdrawn: bool) -> None:
    """The question says what will be done; only a yes does it."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [PODCAST, "withdraw", SLUG, "--version", "1"],
        cwd=show.folder,
        env=show.environment,
        stdin=other_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.write(terminal, answer)
    output, _ = process.communicate()
    os.close(other_end)
    os.close(terminal)
    assert f"{SLUG}: version 1 of the transcript is withdrawn" in output.decode()
    assert bool(episode(show).withdrawals) == withdrawn
    assert (process.returncode == 0) == withdrawn
