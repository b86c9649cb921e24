import re

import pytest

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.app_impact import FeedDiff, diff_feeds, harmful_changes
from podcast_pipeline.feed.rss import PrivateAudience, PublicAudience, render_feed
from tests.support.golden import FEEDS, ordinary_catalog

FEED = (FEEDS / "ordinary.public.xml").read_text(encoding="utf-8")


def changed(pattern: str, replacement: str, count: int = 0) -> FeedDiff:
    after, made = re.subn(pattern, replacement, FEED, count=count, flags=re.DOTALL)
    assert made
    return diff_feeds(FEED.encode(), after.encode())


def titles(items: tuple[object, ...]) -> list[str]:
    return [getattr(getattr(item, "new", item), "title") for item in items]  # noqa: B009  item or change


def test_same_feed_is_no_change() -> None:
    """A feed compared with itself has no changes."""
    assert diff_feeds(FEED.encode(), FEED.encode()) == FeedDiff()
    assert harmful_changes(FeedDiff()) == ()


def test_first_feed_is_all_new_and_harmless() -> None:
    """Before the first publication nothing can be broken."""
    changes = diff_feeds(None, FEED.encode())
    assert titles(changes.new) == ["No words yet", "¿Qué es el agua?", "What is water?"]
    assert harmful_changes(changes) == ()


def test_new_episode_is_harmless() -> None:
    """A new item harms no subscriber."""
    changes = diff_feeds(
        render_feed(ordinary_catalog(), PublicAudience()), render_feed(ordinary_catalog(), PrivateAudience())
    )
    assert titles(changes.new) == ["The long cut"]
    assert not changes.removed + changes.guid_changed + changes.url_changed


def test_corrected_title_is_a_harmless_change() -> None:
    """The title may change: apps identify an episode by its guid and its audio."""
    changes = changed("<title>No words yet", "<title>No words")
    assert titles(changes.changed) == ["No words"]
    assert harmful_changes(changes) == ()


def test_new_audio_under_a_new_name_is_harmless() -> None:
    """A corrected recording has another hash in its name, so its address may change."""
    changes = changed(r"no-words-yet\.0{15}5", "no-words-yet.00000000000000aa")
    assert titles(changes.changed) == ["No words yet"]
    assert harmful_changes(changes) == ()


def test_changed_guid_is_harmful() -> None:
    """The same audio under another guid is a new episode for every app."""
    changes = changed("10000000-0000-4000-8000-00000000006", "20000000-0000-4000-8000-00000000006")
    assert len(changes.guid_changed) == 3
    assert not changes.new + changes.removed
    (line,) = harmful_changes(changes)
    assert line.startswith(
        "3 episodes would be downloaded again and shown as new: the guid changed (No words"
    )


def test_guid_is_case_sensitive() -> None:
    """A guid in capitals is another guid."""
    after = FEED.replace("10000000-0000-4000-8000-000000000069<", "ABC<")
    changes = diff_feeds(
        FEED.replace("10000000-0000-4000-8000-000000000069<", "abc<").encode(), after.encode()
    )
    assert titles(changes.guid_changed) == ["No words yet"]


def test_moved_audio_is_harmful() -> None:
    """Another address for the same file makes apps download it again."""
    changes = changed("https://media.news.example/audio/", "https://cdn.news.example/audio/", 1)
    assert harmful_changes(changes) == (
        "1 episode would be downloaded again: the address changed, the audio did not (No words yet)",
    )


def test_audio_without_a_hash_is_compared_by_length() -> None:
    """Without a hash in the name, the same length in bytes means the same audio."""
    before = (FEEDS / "imported.public.xml").read_text(encoding="utf-8")
    after = before.replace("https://cdn.old.example/17.m4a?x=1&amp;y=2", "https://new.example/other.m4a")
    longer = after.replace('length="123"', 'length="124"')
    assert titles(diff_feeds(before.encode(), after.encode()).url_changed) == ["Old one"]
    assert diff_feeds(before.encode(), longer.encode()).url_changed == ()


def test_changed_date_is_found_and_another_time_zone_is_no_change() -> None:
    """Dates are compared as instants."""
    assert titles(
        changed("17 Mar 2026 06:00:00 .0000</pubDate>", "17 Mar 2026 07:00:00 +0000</pubDate>").date_changed
    )
    assert (
        changed("17 Mar 2026 06:00:00 .0000</pubDate>", "17 Mar 2026 07:00:00 +0100</pubDate>") == FeedDiff()
    )


def test_removed_episode_is_harmful_unless_intended() -> None:
    """Only intended removals are allowed."""
    changes = changed("<item>.*?</item>", "", 1)
    assert harmful_changes(changes) == ("1 episode would disappear from apps (No words yet)",)
    assert harmful_changes(changes, intended_removals={"10000000-0000-4000-8000-000000000069"}) == ()


def test_changed_show_guid_is_harmful() -> None:
    """Directories know the show by its podcast:guid."""
    changes = changed("9b024349-ccf0-5f69-a609-6b82873eab3c", "917393e3-1b1e-5cef-ace4-edaa54e1f810")
    assert len(harmful_changes(changes)) == 1
    assert "another show" in harmful_changes(changes)[0]


def test_three_episodes_are_named_and_the_others_counted() -> None:
    """The message lists three titles and the number of the others."""
    item = '<item><title>{0}</title><guid>{1}{0}</guid><enclosure url="http://a.example/{0}"/></item>'
    feeds = [
        f"<rss><channel>{''.join(item.format(n, mark) for n in range(11))}</channel></rss>".encode()
        for mark in "ab"
    ]
    assert harmful_changes(diff_feeds(*feeds)) == (
        "11 episodes would be downloaded again and shown as new: the guid changed (0, 1, 2 and 8 more)",
    )


def test_unreadable_feed_is_an_error() -> None:
    """A web page instead of a feed raises FeedError."""
    with pytest.raises(FeedError, match="F1: this is <html>"):
        diff_feeds(b"<html/>", FEED.encode())
