"""`podcast pull`, and what `publish` and `status` say of another producer's publication."""

import json
from pathlib import Path

import pytest

from tests.support.producers import Producer, prepare_origin, two_producers
from tests.support.show import SLUG, ShowFolder


@pytest.fixture
def producers(published: ShowFolder, tmp_path: Path) -> tuple[Producer, Producer]:
    """Two producers, whose folders are equal to what is published."""
    return two_producers(prepare_origin(published, tmp_path / "origin"), tmp_path / "two")


def test_the_second_producer_is_told_what_to_do(producers: tuple[Producer, Producer]) -> None:
    """`status` says that the folder is behind, `publish` and `pull` leave with 3, each conflict is a line."""
    a, b = producers
    b.set_title("Title of B")
    b.correct("w5", "west")
    b.correct("w13", "south")
    assert b.show.run("publish", SLUG).returncode == 0
    status = a.show.run("status", SLUG)
    assert (
        "folder: another producer has published title and the transcript (version 3) since" in status.stdout
    )
    a.set_title("Title of A")
    refused = a.show.run("publish", SLUG)
    assert (refused.returncode, refused.stderr.count("\n")) == (3, 1)
    assert "title is “Title of A” here and “Title of B” published" in refused.stderr
    assert f"run `podcast pull {SLUG}`" in refused.stderr
    pulled = a.show.run("pull", SLUG)
    assert (pulled.returncode, pulled.stdout.count("taken from the published episode")) == (3, 2)
    assert "conflict: title is “Title of A” here and “Title of B” published" in pulled.stderr
    assert "open episode.toml, keep one side" in pulled.stderr
    a.resolve(ours=True)
    again = a.show.run("--json", "pull", SLUG)
    assert json.loads(again.stdout) == {"slug": SLUG, "taken": [], "conflicts": []}
    assert a.show.run("publish", SLUG).returncode == 0
    assert "folder:" not in a.show.run("status", SLUG).stdout


def test_what_was_merged_is_printed(producers: tuple[Producer, Producer]) -> None:
    """Publication and rehearsal list each change that came from the other producer."""
    a, b = producers
    b.correct("w5", "west")
    b.publish()
    a.set_title("Title of A")
    rehearsal = a.show.run("publish", SLUG, "--dry-run")
    assert (
        "would take from the published episode: [00:00:02] w2 w3. Then w4 [-w5-]{+west+}" in rehearsal.stdout
    )
    done = a.show.run("publish", SLUG)
    assert "taken from the published episode: [00:00:02] w2 w3. Then w4 [-w5-]{+west+}" in done.stdout


def test_a_draft_has_nothing_to_pull(producers: tuple[Producer, Producer]) -> None:
    """The line says that nothing is published."""
    a, _ = producers
    a.replace("episode.toml", "^id = .*", 'id = "00000000-0000-4000-8000-000000000000"')
    done = a.show.run("pull", SLUG)
    assert (done.returncode, "nothing of it is published" in done.stderr) == (1, True)


def test_without_a_terminal_an_unknown_folder_is_refused(producers: tuple[Producer, Producer]) -> None:
    """A folder of an earlier release without receipt is not published over a newer episode."""
    a, b = producers
    b.set_title("Title of B")
    b.publish()
    for name in ("base.json", "published.json"):
        (a.folder / name).unlink()
    done = a.show.run("publish", SLUG, "--yes")
    assert (done.returncode, "has no base.json" in done.stderr) == (3, True)
    assert f"podcast pull {SLUG}" in done.stderr
