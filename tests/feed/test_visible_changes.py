"""Differences between two feeds that a listener sees, and spellings that look the same."""

from pathlib import Path

import pytest

from podcast_pipeline.feed.visible_changes import HostChanges, VisibleChange, compare_feeds
from podcast_pipeline.remote_feeds.client import redact_url, secrets_in_url
from tests.support.golden import FEEDS
from tests.support.show import ShowFolder, copy_show_folder

RIGHT = (FEEDS / "right" / "full.xml").read_text(encoding="utf-8")
TOKEN = "a" * 16 + "." + "2" * 32


def visible_changes(old: str, new: str) -> tuple[VisibleChange, ...]:
    assert old in RIGHT
    return compare_feeds(RIGHT.encode(), RIGHT.replace(old, new, 1).encode())[0]


def test_the_same_feed_looks_the_same() -> None:
    """A feed compared with itself has no changes."""
    assert compare_feeds(RIGHT.encode(), RIGHT.encode()) == ((), HostChanges())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<itunes:explicit>false", "<itunes:explicit>no"),
        ("<p>Notes with a <a href", "<p>Notes  with a\n<a  href"),
        ("<title>A show</title>", "<title> A  show </title>"),
        ('isPermaLink="false"', 'isPermaLink="true"'),
    ],
)
def test_another_spelling_is_no_change(old: str, new: str) -> None:
    """`no` for `false`, other white space, CDATA or not: apps show the same."""
    assert visible_changes(old, new) == ()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("<title>A show</title>", "<title>Another</title>", "title"),
        ("<p>Notes with", "<p>Words with", "notes"),
        ('<a href="https://n.example">link', '<a href="https://m.example">link', "notes"),
        ("<itunes:explicit>false", "<itunes:explicit>true", "explicit"),
    ],
)
def test_another_value_is_a_change(old: str, new: str, field: str) -> None:
    """Other words, links or flags are found by their field."""
    assert field in {one.field for one in visible_changes(old, new)}


def test_another_host_is_a_move() -> None:
    """Files of the same item on another host are counted, not listed."""
    moved = RIGHT.replace('url="https://n.example/', 'url="https://m.example/')
    fields = {one.field for one in compare_feeds(RIGHT.encode(), moved.encode())[0]}
    assert compare_feeds(RIGHT.encode(), moved.encode())[1].audio == RIGHT.count(
        '<enclosure url="https://n.example/'
    )
    assert fields.isdisjoint({"audio", "artwork", "chapters"})


def test_diff_prints_a_new_title_and_exits_3_on_harm(published: ShowFolder, tmp_path: Path) -> None:
    """`feed diff` prints an edited title; a changed audio address is exit 3."""
    show = copy_show_folder(published, tmp_path / "show")
    quiet = show.run("feed", "diff")
    assert (quiet.returncode, quiet.stdout) == (0, "nothing that a listener would notice\n")
    path = show.folder / "show.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"Late Proofs"', '"Later"'), encoding="utf-8")
    assert show.run("feed", "diff").stdout == "the show: title was “Late Proofs” and is “Later”\n"
    moved = show.run("feed", "diff", PODCAST_URLS_MEDIA="https://m.example")
    assert (moved.returncode, "apps: 1 episode would be downloaded again" in moved.stdout) == (3, True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://h.example/feeds/{TOKEN}/feed.xml", "https://h.example/feeds/***/feed.xml"),
        ("https://ann:geheim@h.example/a.mp3?auth=x", "https://h.example/a.mp3?***"),
        ("https://h.example/rss/8f3a9b2c1d4e5f60718293.xml", "https://h.example/rss/***"),
        (
            "https://h.example/550e8400-e29b-41d4-a716-446655440000/rss",
            "https://h.example/***/rss",
        ),
        ("https://h.example/episodes/two-winters-and-a-will", None),
        ("https://h.example/audio/e1.0011223344556677.mp3", None),
    ],
)
def test_an_address_is_shown_without_its_secret(url: str, shown: str | None) -> None:
    """Tokens, passwords and queries are stars; ordinary names stay readable."""
    assert redact_url(url) == (shown or url)
    assert not any(secret in redact_url(url) for secret in secrets_in_url(url))
