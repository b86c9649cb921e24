"""Long archives: pages numbered from the oldest that never change once they are full."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podcast_pipeline.errors import GateClosed
from podcast_pipeline.feed.app_impact import diff_feeds, harmful_changes, merge_archive_pages
from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.feed.rss import (
    PrivateAudience,
    PublicAudience,
    render_archive_pages,
    render_feed,
    render_unpaged,
)
from podcast_pipeline.model import Enclosure, Episode
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, to_json
from podcast_pipeline.pipeline.commit import make_feed_renderer
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.objects import PRIVATE_CACHE
from podcast_pipeline.storage.published import read_archive, write_archive, write_feed
from tests.support.golden import ordinary_catalog

START = datetime(2020, 1, 7, 6, tzinfo=UTC)
BASE = "https://media.news.example"


def show(count: int, *, page_size: int | None = 10, unpublished: tuple[int, ...] = ()) -> Catalog:
    """Return a show of `count` episodes, e1 the oldest."""
    catalog = ordinary_catalog()
    changes = {"page_size": page_size, "media_url": BASE, "feed_url": f"{BASE}/feed.xml"}
    template = next(iter(catalog.published()))
    episodes = [
        _episode(template, number, is_out=number not in unpublished) for number in range(1, count + 1)
    ]
    return Catalog(show=catalog.show.model_copy(update=changes), episodes=tuple(episodes))


def _episode(template: Episode, number: int, *, is_out: bool) -> Episode:
    at = START + timedelta(days=number)
    return template.model_copy(
        update={
            "id": template.id.__class__(int=number),
            "guid": f"guid-{number}",
            "slug": f"e{number}",
            "title": f"Episode about {number}",
            "access": "public",
            "state": "published" if is_out else "unpublished",
            "publish_at": at,
            "published_at": at,
            "content_changed_at": at,
            "enclosure": Enclosure(
                key=f"public/audio/e{number}.{number:016x}.mp3", size_bytes=9, type="audio/mpeg", duration_s=9
            ),
        }
    )


def guids(feed: bytes) -> list[str]:
    document = parse_rss(feed)
    return [document.text(item, "guid").removeprefix("guid-") for item in document.items]


def links(feed: bytes) -> dict[str, str]:
    document = parse_rss(feed)
    found = document.all(document.channel, "atom:link")
    return {str(one.get("rel")): str(one.get("href")).removeprefix(f"{BASE}/") for one in found}


def test_everything_is_on_one_page_by_default() -> None:
    """Without page_size there is one document and no link to another."""
    catalog = show(35, page_size=None)
    assert (len(guids(render_feed(catalog, PublicAudience()))), render_archive_pages(catalog)) == (35, ())
    assert "next" not in links(render_feed(catalog, PublicAudience()))


def test_pages_cover_every_episode_once() -> None:
    """The feed has one to two pages of the newest, the archive the rest, oldest first."""
    catalog = show(35)
    pages = render_archive_pages(catalog)
    assert [guids(page)[0] for page in pages] == ["10", "20"]
    everything = guids(render_feed(catalog, PublicAudience())) + [
        g for page in reversed(pages) for g in guids(page)
    ]
    assert everything == [str(number) for number in range(35, 0, -1)]


def test_pages_name_each_other() -> None:
    """The links lead to the newer, older, first and last page."""
    catalog = show(45)
    assert links(render_feed(catalog, PublicAudience())) == {
        "self": "feed.xml",
        "first": "feed.xml",
        "next": "feed-archive-3.xml",
        "last": "feed-archive-1.xml",
    }
    one, two, three = map(links, render_archive_pages(catalog))
    assert (one["prev"], one.get("next"), one["self"]) == ("feed-archive-2.xml", None, "feed-archive-1.xml")
    assert (two["prev"], two["next"]) == ("feed-archive-3.xml", "feed-archive-1.xml")
    assert (three["prev"], three["next"]) == ("feed.xml", "feed-archive-2.xml")


def test_full_pages_never_change() -> None:
    """A page with a successor keeps its bytes when more episodes are published."""
    last: dict[int, bytes] = {}
    for count in range(20, 75):
        pages = render_archive_pages(show(count))
        for number, page in enumerate(pages[:-1]):
            assert last.setdefault(number, page) == page
    assert len(last) == 5


def test_unpublishing_moves_no_other_episode() -> None:
    """An episode that is taken down leaves a gap in its page; no other page changes."""
    before, after = render_archive_pages(show(45)), render_archive_pages(show(45, unpublished=(15,)))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_no_page_breaks_a_rule() -> None:
    """Each document is a feed of its own that keeps all rules; private feeds have one page."""
    catalog = show(45)
    for page in (render_feed(catalog, PublicAudience()), *render_archive_pages(catalog)):
        assert check_feed(page) == ()
    assert len(guids(render_feed(catalog, PrivateAudience()))) == 45


def test_harm_is_found_on_all_pages() -> None:
    """Pagination and a new page remove no episode; a removed episode is found on any page."""
    one_page, paged = render_feed(show(45, page_size=None), PublicAudience()), show(45)
    whole = merge_archive_pages(render_feed(paged, PublicAudience()), render_archive_pages(paged))
    assert (
        harmful_changes(diff_feeds(one_page, whole))
        == harmful_changes(diff_feeds(whole, render_unpaged(paged)))
        == ()
    )
    assert len(harmful_changes(diff_feeds(whole, render_unpaged(show(45, unpublished=(15,)))))) == 1


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty store."""
    return LocalStore(tmp_path / "store", base_url=BASE)


def write(store: LocalStore, catalog: Catalog) -> None:
    store.put(CATALOG_KEY, to_json(catalog), content_type="application/json", cache_control=PRIVATE_CACHE)
    write_archive(store, render_archive_pages)
    write_feed(store, make_feed_renderer((), allow=frozenset()))


def test_pages_are_written_before_the_feed_and_only_where_they_change(store: LocalStore) -> None:
    """A new episode writes the feed alone; the page that it completes is there before the feed names it."""
    write(store, show(35))
    before = {info.key: info.modified_at for info in store.list("public/feed-archive-")}
    etags = {key: store.head(key).etag for key in before}
    write(store, show(36))
    assert {key: store.head(key).etag for key in before} == etags
    write(store, show(40))
    assert [guids(page)[0] for page in read_archive(store)] == ["10", "20", "30"]


def test_a_harmful_change_is_refused_with_pages_too(store: LocalStore) -> None:
    """An episode that would vanish from the feed raises GateClosed."""
    write(store, show(35))
    with pytest.raises(GateClosed, match="would disappear"):
        write(store, show(35, unpublished=(33,)))
