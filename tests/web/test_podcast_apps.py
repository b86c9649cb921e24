"""The table of podcast apps, and its copy for people."""

from podcast_pipeline.web.podcast_apps import PODCAST_APPS
from tests.support.paths import ROOT


def test_the_page_for_people_has_the_same_rows() -> None:
    """The reference has every app with what it shows, version, day and source, in this order."""
    lines = (ROOT / "docs" / "reference" / "podcast-apps.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and "<http" in line]
    assert rows == [
        f"| {app.name} | {app.shows} | {app.version} | {app.read_on} | <{app.source}> |"
        for app in PODCAST_APPS
    ]


def test_recommended_apps_come_first() -> None:
    """First those that show the words, then those with the link, then those with nothing."""
    order = ["words", "link", "nothing"]
    assert sorted(PODCAST_APPS, key=lambda app: order.index(app.shows)) == list(PODCAST_APPS)


def test_what_takes_no_private_feed_has_no_button() -> None:
    """An app that shows nothing has no link to add the feed with; every other one has."""
    assert all(bool(app.links) == (app.shows != "nothing") for app in PODCAST_APPS)
