"""`podcast unpublish` does nothing for ever without being asked, and `unschedule` is the way back."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podcast_pipeline import publish
from tests.support.pipeline import catalog, context_of, objects
from tests.support.show import SLUG, ShowFolder, build_show_folder, copy_show_folder
from tests.support.terminal import run_on_terminal


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode is public."""
    return copy_show_folder(published, tmp_path / "show")


@pytest.fixture
def scheduled(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode goes out tomorrow."""
    show = build_show_folder(tmp_path / "scheduled")
    shutil.copy(published.episode / "transcript.json", show.episode)
    shutil.copytree(published.episode / "build", show.episode / "build")
    now = datetime.now(UTC)
    publish(context_of(show, now), SLUG, publish_at=now + timedelta(days=1))
    return show


def states(show: ShowFolder) -> list[str]:
    """Return the states in the catalog."""
    return [episode.state for episode in catalog(show).episodes]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_without_a_terminal_it_needs_yes(show: ShowFolder, options: tuple[str, ...]) -> None:
    """A script that does not say --yes gets exit 2 and a line with all that is for ever; nothing changes."""
    before = objects(show)
    done = show.run(*options, "unpublish", SLUG)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    for words in (
        "--yes",
        "for ever",
        "slug, id and guid",
        "keeps its address",
        f"podcast withdraw {SLUG} --all",
    ):
        assert words in done.stderr
    assert objects(show) == before
    assert show.run(*options, "unpublish", "--yes", SLUG).returncode == 0
    assert states(show) == ["unpublished"]


def test_an_unpublished_episode_is_not_asked_about(show: ShowFolder) -> None:
    """The second time there is nothing to lose."""
    assert show.run("unpublish", "--yes", SLUG).returncode == 0
    assert show.run("unpublish", SLUG).returncode == 0


def test_on_a_terminal_it_asks(show: ShowFolder) -> None:
    """No and Enter change nothing; yes is for ever."""
    before = objects(show)
    for answer in ("n", ""):
        refused = run_on_terminal(show, "unpublish", SLUG, answer=answer)
        assert (refused.returncode, "is for ever" in refused.text) == (1, True)
        assert objects(show) == before
    done = run_on_terminal(show, "unpublish", SLUG, answer="y")
    assert (done.returncode, f"{SLUG}: unpublished" in done.text) == (0, True)
    assert states(show) == ["unpublished"]


def test_a_scheduled_episode_is_not_unpublished_by_mistake(scheduled: ShowFolder) -> None:
    """The line names `unschedule`; who means it says so."""
    done = scheduled.run("unpublish", SLUG)
    assert (done.returncode, f"podcast unschedule {SLUG}" in done.stderr) == (2, True)
    asked = run_on_terminal(scheduled, "unpublish", SLUG, answer="")
    assert (asked.returncode, f"podcast unschedule {SLUG}" in asked.text) == (1, True)
    assert states(scheduled) == ["scheduled"]
    assert scheduled.run("unpublish", SLUG, "--yes").returncode == 0
    assert states(scheduled) == ["unpublished"]


def test_unschedule_makes_a_draft(scheduled: ShowFolder) -> None:
    """The episode is listed as a draft; the same command again has nothing to do; it can be published."""
    (before,) = catalog(scheduled).episodes
    done = scheduled.run("unschedule", SLUG)
    assert (done.returncode, done.stderr) == (0, "")
    assert "a draft again" in done.stdout
    assert "draft" in scheduled.run("list").stdout
    assert scheduled.run("unschedule", SLUG).stdout == f"{SLUG}: is not scheduled\n"
    assert scheduled.run("publish", SLUG, "--yes").returncode == 0
    (after,) = catalog(scheduled).episodes
    assert (after.id, after.guid, after.slug) == (before.id, before.guid, before.slug)
    assert after.state == "published"
    late = scheduled.run("unschedule", SLUG)
    assert (late.returncode, "is public since" in late.stderr) == (1, True)
