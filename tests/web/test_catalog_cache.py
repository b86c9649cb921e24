"""CatalogCache: one render for all subscribers, and no notice for the wrong one."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import feedparser
import pytest

from podcast_pipeline.access import Standing
from podcast_pipeline.feed import rss
from podcast_pipeline.feed.notice import build_notice
from podcast_pipeline.feed.private import PLACEHOLDER_GUID, personalize_notice, placeholder_notice
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.web.catalog_cache import CatalogCache, CatalogSnapshot, Lru
from tests.support.golden import ordinary_catalog

RENEW = "https://news.example/subscribe"
LATER = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)


def no_link(_: UUID) -> str:
    """Refuse: no feed with a notice has a one-episode link."""
    raise AssertionError


def lapsed(number: int, at: datetime, standing: Standing = "lapsed") -> rss.PrivateAudience:
    return rss.PrivateAudience(False, build_notice(UUID(int=number), standing, at, renew_url=RENEW))


@pytest.fixture
def cache(tmp_path: Path) -> CatalogCache:
    """A cache over a store without a catalog."""
    return CatalogCache(
        LocalStore(tmp_path, base_url=""), empty=ordinary_catalog(), was_ever_published=lambda: False
    )


def test_an_addressed_notice_is_a_rendered_one(cache: CatalogCache) -> None:
    """For a notice that is newer than the episodes, the feed is what the renderer makes, byte for byte."""
    catalog = ordinary_catalog()
    standings: tuple[Standing, ...] = ("lapsed", "suspended", "rotated", "removed")
    for standing in standings:
        audience = lapsed(7, LATER, standing)
        assert cache.private_feed(CatalogSnapshot("a", catalog), audience).with_notice() == rss.render_feed(
            catalog, audience
        )


@pytest.mark.parametrize("days", [0, 400, 40_000])
def test_an_older_notice_says_the_same(cache: CatalogCache, days: int) -> None:
    """A notice from between the episodes stands first; the feed's contents equal a direct rendering."""
    catalog, audience = ordinary_catalog(), lapsed(7, LATER - timedelta(days=days))
    ours, theirs = (
        feedparser.parse(feed)
        for feed in (
            cache.private_feed(CatalogSnapshot("a", catalog), audience).with_notice(),
            rss.render_feed(catalog, audience),
        )
    )
    assert ours.feed == theirs.feed
    assert sorted(map(repr, ours.entries)) == sorted(map(repr, theirs.entries))
    assert ours.entries[0].id == str(audience.notice and audience.notice.guid)


def test_many_lapsed_cost_one_render(cache: CatalogCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand lapsed subscribers cost one render, and each gets only their own notice."""
    renders: list[rss.Audience] = []
    render = rss.render_feed

    def counting(catalog: Catalog, audience: rss.Audience) -> bytes:
        renders.append(audience)
        return render(catalog, audience)

    monkeypatch.setattr(rss, "render_feed", counting)
    edition = CatalogSnapshot("a", ordinary_catalog())
    feeds = {
        number: cache.private_feed(edition, lapsed(number, LATER)).with_notice() for number in range(1000)
    }
    assert len(renders) == 1
    for number, feed in feeds.items():
        item = lapsed(number, LATER).notice
        assert item is not None
        assert feed.count(str(item.guid).encode()) == 1
        assert str(PLACEHOLDER_GUID).encode() not in feed
    assert len(set(feeds.values())) == 1000


def test_an_etag_is_of_exactly_these_bytes(cache: CatalogCache) -> None:
    """Other bytes have another ETag and the same bytes the same, by token, notice, instant and edition."""
    later = ordinary_catalog().model_copy(update={"episodes": ordinary_catalog().episodes[1:]})
    tokens = ("a" * 16 + "." + "b" * 32, "a" * 16 + "." + "c" * 32)
    notices = (lapsed(7, LATER), lapsed(8, LATER), lapsed(7, LATER - timedelta(days=400)))
    made: dict[str, bytes] = {}
    for edition in (
        CatalogSnapshot("a", ordinary_catalog()),
        CatalogSnapshot("b", later),
        CatalogSnapshot("c", ordinary_catalog()),
    ):
        for audience in (rss.PrivateAudience(transcripts=False), *notices):
            feed = cache.private_feed(edition, audience)
            for token in tokens:
                body = feed.to_bytes(token, no_link)
                assert len(body) == feed.size_bytes
                assert made.setdefault(feed.etag(token), body) == body
    assert len(made) == len(set(made.values())) == 16


def test_a_show_without_episodes_has_a_notice_too() -> None:
    """The notice's instant is the feed's where nothing else has one."""
    empty = ordinary_catalog().model_copy(update={"episodes": ()})
    audience = lapsed(7, LATER)
    assert audience.notice is not None
    feed = rss.render_feed(empty, rss.PrivateAudience(False, placeholder_notice(audience.notice)))
    assert personalize_notice(feed, audience.notice, changed_at=None) == rss.render_feed(empty, audience)


def test_a_slow_key_does_not_block_another() -> None:
    """While one key is computed, another is available; callers of the same key wait for one computation."""
    kept: Lru[str] = Lru(2)
    may_end, has_begun, made = threading.Event(), threading.Event(), []

    def slow() -> str:
        has_begun.set()
        assert may_end.wait(10)
        made.append("slow")
        return "slow"

    threads = [threading.Thread(target=kept.get_or_compute, args=("slow", slow)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert has_begun.wait(10)
    assert kept.get_or_compute("quick", lambda: "quick") == "quick"
    may_end.set()
    for thread in threads:
        thread.join()
    assert (kept.get_or_compute("slow", slow), made) == ("slow", ["slow"])


def test_a_failure_is_not_cached() -> None:
    """After an exception the next call computes again."""
    kept: Lru[int] = Lru(2)
    with pytest.raises(ZeroDivisionError):
        kept.get_or_compute("a", lambda: 1 // 0)
    assert kept.get_or_compute("a", lambda: 1) == 1
