"""What is kept of an edition: one render for all, and nobody's notice for somebody else."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import feedparser
import pytest

from podcast_pipeline.access import Standing
from podcast_pipeline.feed import rss
from podcast_pipeline.feed.notice import notice
from podcast_pipeline.feed.private import NOBODY, address_notice, unaddressed
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.web.catalog_cache import Edition, Editions, Kept
from tests.feed.test_golden import ordinary

RENEW = "https://news.example/subscribe"
LATER = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)


def lapsed(number: int, at: datetime, standing: Standing = "lapsed") -> rss.Private:
    return rss.Private(False, notice(UUID(int=number), standing, at, renew_url=RENEW))


@pytest.fixture
def editions(tmp_path: Path) -> Editions:
    """Of a store without a catalog."""
    return Editions(LocalStore(tmp_path, base_url=""), empty=ordinary(), was_out=lambda: False)


def test_an_addressed_notice_is_a_rendered_one(editions: Editions) -> None:
    """For a notice that is newer than the episodes, the feed is what the renderer makes, byte for byte."""
    catalog = ordinary()
    standings: tuple[Standing, ...] = ("lapsed", "suspended", "rotated", "removed")
    for standing in standings:
        audience = lapsed(7, LATER, standing)
        assert editions.feed(Edition("a", catalog), audience).addressed() == rss.render(catalog, audience)


@pytest.mark.parametrize("days", [0, 400, 40_000])
def test_an_older_notice_says_the_same(editions: Editions, days: int) -> None:
    """A notice from between the episodes stands first; everything that is said is what the renderer says."""
    catalog, audience = ordinary(), lapsed(7, LATER - timedelta(days=days))
    ours, theirs = (
        feedparser.parse(feed)
        for feed in (
            editions.feed(Edition("a", catalog), audience).addressed(),
            rss.render(catalog, audience),
        )
    )
    assert ours.feed == theirs.feed
    assert sorted(map(repr, ours.entries)) == sorted(map(repr, theirs.entries))
    assert ours.entries[0].id == str(audience.notice and audience.notice.guid)


def test_many_lapsed_cost_one_render(editions: Editions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand lapsed subscribers are one render, and each finds the own notice and no other."""
    renders: list[rss.Audience] = []
    render = rss.render

    def counting(catalog: Catalog, audience: rss.Audience) -> bytes:
        renders.append(audience)
        return render(catalog, audience)

    monkeypatch.setattr(rss, "render", counting)
    edition = Edition("a", ordinary())
    feeds = {number: editions.feed(edition, lapsed(number, LATER)).addressed() for number in range(1000)}
    assert len(renders) == 1
    for number, feed in feeds.items():
        item = lapsed(number, LATER).notice
        assert item is not None
        assert feed.count(str(item.guid).encode()) == 1
        assert str(NOBODY).encode() not in feed
    assert len(set(feeds.values())) == 1000


def test_an_etag_is_of_exactly_these_bytes(editions: Editions) -> None:
    """Other bytes have another ETag and the same bytes the same, by token, notice, instant and edition."""
    later = ordinary().model_copy(update={"episodes": ordinary().episodes[1:]})
    tokens = ("a" * 16 + "." + "b" * 32, "a" * 16 + "." + "c" * 32)
    notices = (lapsed(7, LATER), lapsed(8, LATER), lapsed(7, LATER - timedelta(days=400)))
    made: dict[str, bytes] = {}
    for edition in (Edition("a", ordinary()), Edition("b", later), Edition("c", ordinary())):
        for audience in (rss.Private(), *notices):
            feed = editions.feed(edition, audience)
            for token in tokens:
                body = feed.to_bytes(token)
                assert len(body) == feed.size_bytes
                assert made.setdefault(feed.etag(token), body) == body
    assert len(made) == len(set(made.values())) == 16


def test_a_show_without_episodes_has_a_notice_too() -> None:
    """The notice's instant is the feed's where nothing else has one."""
    empty = ordinary().model_copy(update={"episodes": ()})
    audience = lapsed(7, LATER)
    assert audience.notice is not None
    feed = rss.render(empty, rss.Private(False, unaddressed(audience.notice)))
    assert address_notice(feed, audience.notice, changed_at=None) == rss.render(empty, audience)


def test_nobody_waits_for_what_another_wants() -> None:
    """While one result is being made, another is had; who wants the same one waits and it is made once."""
    kept: Kept[str] = Kept(2)
    may_end, has_begun, made = threading.Event(), threading.Event(), []

    def slow() -> str:
        has_begun.set()
        assert may_end.wait(10)
        made.append("slow")
        return "slow"

    threads = [threading.Thread(target=kept.get, args=("slow", slow)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert has_begun.wait(10)
    assert kept.get("quick", lambda: "quick") == "quick"
    may_end.set()
    for thread in threads:
        thread.join()
    assert (kept.get("slow", slow), made) == ("slow", ["slow"])


def test_a_failure_is_not_kept() -> None:
    """What could not be made is made by the next who asks."""
    kept: Kept[int] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 1) == 1
