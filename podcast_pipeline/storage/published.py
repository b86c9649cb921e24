"""Read and replace the mutable objects, such as catalog and feed, each by compare-and-swap."""

import json
import random
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from podcast_pipeline.errors import NotFound, OtherShow, PreconditionFailed, StoreError
from podcast_pipeline.feed.paging import ARCHIVE_PREFIX, archive_key
from podcast_pipeline.model import Show
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, catalog_from_json, to_json
from podcast_pipeline.model.database_mark import DATABASE_MARK_KEY, DatabaseMark, database_mark_from_json
from podcast_pipeline.storage import ObjectReader, Store
from podcast_pipeline.storage.objects import FEED_CACHE, FEED_KEY, FEED_TYPE, PRIVATE_CACHE

ATTEMPTS = 30
LONGEST_PAUSE_S = 0.5
Result = TypeVar("Result")


def check_show(store: ObjectReader, show: Show) -> None:
    """Refuse the store of another show, before anything else is read or written.

    An unreadable store or catalog is left to the command that needs it.

    Raises:
        OtherShow: the catalog is of another show.
    """
    try:
        stored = json.loads(store.get(CATALOG_KEY)[1])["show"]
        show_id, title = UUID(stored["id"]), str(stored["title"])
    except (StoreError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if show_id != show.id:
        raise _other_show(show_id, title, show)


def _other_show(show_id: UUID, title: str, show: Show) -> OtherShow:
    return OtherShow(
        CATALOG_KEY,
        f"is of the show “{title}” (id {show_id}), and show.toml describes “{show.title}” (id {show.id}); "
        "correct [storage] in show.toml, or its id if this is the same show",
    )


def read_catalog(store: ObjectReader) -> tuple[Catalog | None, str | None]:
    """Return the catalog and its etag; (None, None) before the first publication."""
    try:
        info, body = store.get(CATALOG_KEY)
    except NotFound:
        return None, None
    return catalog_from_json(body), info.etag


def update_catalog(store: Store, change: Callable[[Catalog | None], Catalog]) -> Catalog:
    """Replace the catalog by `change(catalog)`; an unchanged catalog is not written.

    Args:
        change: pure; called again with the newer catalog after a lost race. An exception aborts the update.

    Raises:
        PreconditionFailed: other publishers kept writing; nothing was changed.
        OtherShow: the catalog is of another show.
        StoreError: the catalog was written by a later release.
    """

    def attempt() -> Catalog:
        catalog, etag = read_catalog(store)
        if catalog is not None:
            catalog.check_writable()
        changed = change(catalog)
        if catalog is not None and changed.show.id != catalog.show.id:  # published between look and swap
            raise _other_show(catalog.show.id, catalog.show.title, changed.show)
        if changed != catalog:
            changed = changed.signed()
            _swap(store, CATALOG_KEY, to_json(changed), "application/json", PRIVATE_CACHE, etag)
        return changed

    return _retry_lost_races(CATALOG_KEY, attempt)


def write_feed(store: Store, render: Callable[[Catalog, bytes | None], bytes]) -> bool:
    """Update the public feed to the catalog; an unchanged feed is not written.

    The feed's etag is read before the catalog, so a writer with an older catalog loses the race.

    Args:
        render: from the catalog and the published feed (None before the first) to the new feed; an exception
            aborts the update.

    Returns:
        Whether the feed changed.
    """

    def attempt() -> bool:
        old, etag = read_feed(store)
        catalog, _ = read_catalog(store)
        if catalog is None:
            return False
        new = render(catalog, old)
        if new == old:
            return False
        _swap(store, FEED_KEY, new, FEED_TYPE, FEED_CACHE, etag)
        return True

    return _retry_lost_races(FEED_KEY, attempt)


def write_archive(store: Store, render: Callable[[Catalog], tuple[bytes, ...]]) -> None:
    """Update the archive pages to the catalog, before the feed links to them.

    Args:
        render: from the catalog to the pages, oldest first.
    """

    def attempt() -> None:
        etags = {info.key: info.etag for info in store.list(ARCHIVE_PREFIX)}
        catalog, _ = read_catalog(store)
        for number, page in enumerate(render(catalog) if catalog else (), start=1):
            _write_page(store, archive_key(number), page, etags.get(archive_key(number)))

    _retry_lost_races(ARCHIVE_PREFIX, attempt)


def read_archive(store: ObjectReader) -> tuple[bytes, ...]:
    """Return the archive pages, the older pages of the public feed."""
    return tuple(store.get(info.key)[1] for info in store.list(ARCHIVE_PREFIX))


def _write_page(store: Store, key: str, page: bytes, etag: str | None) -> None:
    if etag is None or store.get(key)[1] != page:
        _swap(store, key, page, FEED_TYPE, FEED_CACHE, etag)


def read_feed(store: ObjectReader) -> tuple[bytes | None, str | None]:
    """Return the public feed and its etag; (None, None) before the first publication."""
    try:
        info, body = store.get(FEED_KEY)
    except NotFound:
        return None, None
    return body, info.etag


def read_database_mark(store: ObjectReader) -> tuple[DatabaseMark | None, str | None]:
    """Return the mark of the subscribers' database and its etag; (None, None) where there is none yet."""
    try:
        info, body = store.get(DATABASE_MARK_KEY)
    except NotFound:
        return None, None
    return database_mark_from_json(body), info.etag


def update_database_mark(store: Store, change: Callable[[DatabaseMark | None], DatabaseMark | None]) -> None:
    """Replace the mark by `change(mark)`; an unchanged mark, or None, is not written."""

    def attempt() -> None:
        mark, etag = read_database_mark(store)
        changed = change(mark)
        if changed is not None and changed != mark:
            _swap(store, DATABASE_MARK_KEY, to_json(changed), "application/json", PRIVATE_CACHE, etag)

    _retry_lost_races(DATABASE_MARK_KEY, attempt)


def _swap(
    store: Store, key: str, body: bytes, content_type: str, cache_control: str, etag: str | None
) -> None:
    store.put(
        key,
        body,
        content_type=content_type,
        cache_control=cache_control,
        if_absent=etag is None,
        if_match=etag,
    )


def _retry_lost_races(key: str, attempt: Callable[[], Result]) -> Result:
    """Attempt to read, change and swap; again from the reading where somebody else was first.

    Raises:
        PreconditionFailed: others were first ATTEMPTS times.
    """
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except PreconditionFailed:
            time.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 (jitter, no secret)
    raise PreconditionFailed(key, "others keep changing it; run the same command again")
