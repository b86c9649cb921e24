"""Pagination of a long public feed: the newest episodes in the feed, the older ones on archive pages.

Archive pages are numbered from the oldest and are full from the start, so a page changes only when its own
episodes change, and once when the link of the last page to its successor changes.

Source: RFC 5005, section 3; rule F17.
"""

from dataclasses import dataclass

from podcast_pipeline.feed.text import single_line
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.model.catalog import Catalog

ARCHIVE_PREFIX = "public/feed-archive-"


@dataclass(frozen=True)
class FeedPage:
    """One document of the public feed.

    Attributes:
        catalog: the show, and the episodes of this page.
        links: (rel, address) of the other pages.
    """

    catalog: Catalog
    address: str
    links: tuple[tuple[str, str], ...] = ()


def archive_key(number: int) -> str:
    """Return the key of an archive page; the oldest is number 1."""
    return f"{ARCHIVE_PREFIX}{number}.xml"


def newest_page(catalog: Catalog) -> FeedPage:
    """Return the feed's own page: all episodes, or the newest page_size to 2 × page_size - 1."""
    show, archived = catalog.show, _archive_page_count(catalog)
    if not archived:
        return FeedPage(catalog, single_line(show.feed_url))
    page = catalog.model_copy(update={"episodes": _listed(catalog)[archived * _size(show) :]})
    links = (
        ("first", single_line(show.feed_url)),
        ("next", _address(show, archived)),
        ("last", _address(show, 1)),
    )
    return FeedPage(page, single_line(show.feed_url), links)


def archive_pages(catalog: Catalog) -> tuple[FeedPage, ...]:
    """Return the archive pages, oldest first; none if all episodes fit into the feed."""
    return tuple(_page(catalog, number) for number in range(1, _archive_page_count(catalog) + 1))


def _page(catalog: Catalog, number: int) -> FeedPage:
    show, size = catalog.show, _size(catalog.show)
    page = catalog.model_copy(update={"episodes": _listed(catalog)[(number - 1) * size : number * size]})
    newer = (
        _address(show, number + 1) if number < _archive_page_count(catalog) else single_line(show.feed_url)
    )
    older = (("next", _address(show, number - 1)),) if number > 1 else ()
    links = (("first", single_line(show.feed_url)), ("prev", newer), *older, ("last", _address(show, 1)))
    return FeedPage(page, _address(show, number), links)


def _listed(catalog: Catalog) -> tuple[Episode, ...]:
    """Return all episodes ever in the public feed; an unpublished one keeps its place, so no other moves."""
    return tuple(e for e in catalog.episodes if e.access == "public" and e.state != "scheduled")


def _archive_page_count(catalog: Catalog) -> int:
    """Return the number of archive pages; the feed itself keeps at least one page of episodes."""
    return max(0, len(_listed(catalog)) // _size(catalog.show) - 1) if catalog.show.page_size else 0


def _size(show: Show) -> int:
    return show.page_size or 1


def _address(show: Show, number: int) -> str:
    return single_line(show.object_url(archive_key(number)))
