"""Remove what was withdrawn, or is no longer public, and record in the catalog that it is done."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from podcast_pipeline.errors import NotFound, StoreError
from podcast_pipeline.feed.paging import ARCHIVE_PREFIX, archive_key
from podcast_pipeline.feed.rss import render_archive_pages
from podcast_pipeline.model import Episode, Withdrawal
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog
from podcast_pipeline.pipeline.assemble import referenced_keys
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import FEED_KEY
from podcast_pipeline.storage.published import update_catalog

Part = TypeVar("Part", Episode, Withdrawal)

REPLACED_KEYS = (CATALOG_KEY, FEED_KEY)
"""Objects that stay; only older versions of them are removed."""


@dataclass(frozen=True)
class Removal:
    """The result of a removal.

    Attributes:
        removed: keys of the objects that are gone.
        not_removed: what the store does not let us remove, one line each.
    """

    removed: tuple[str, ...] = ()
    not_removed: tuple[str, ...] = ()


def remove_pending_objects(
    context: Context,
    catalog: Catalog,
    *,
    slug: str | None = None,
    before_record: Callable[[Removal], None] = lambda _: None,
) -> Removal:
    """Remove what catalog and feed must not reference any more: withdrawn, or a transcript taken back.

    Args:
        slug: of one episode; None: of all.
        before_record: called with the result before the catalog forgets what was to be removed.

    Raises:
        StoreError: an object is still there. The catalog says what is to be removed: run again.
    """
    episodes = [e for e in catalog.episodes if slug in (None, e.slug)]
    pending = sorted({key for e in episodes for key in _pending_keys(e)})
    if not pending:
        return Removal()
    with step(context.report, "remove"):
        referenced = _referenced_keys(context, catalog)
        doomed = [key for key in pending if key not in referenced]
        kept = [line for key in doomed for line in _purge(context.store, key)]
        kept += _remove_stale_archive(context.store, catalog, doomed)
        before_record(_removal(doomed, kept))
        _record(context, {e.id for e in episodes}, frozenset(pending))
        if CATALOG_KEY in pending:  # the version that still names what was to be removed
            kept += _purge(context.store, CATALOG_KEY)
    return _removal(doomed, kept)


def remove_unreferenced(context: Context, catalog: Catalog, keys: Iterable[str]) -> None:
    """Remove objects that were stored for a catalog which another publisher has changed meanwhile."""
    referenced = _referenced_keys(context, catalog)
    for key in sorted(set(keys) - referenced):
        _purge(context.store, key)


def _pending_keys(episode: Episode) -> Iterable[str]:
    return (*episode.pending_keys, *(key for w in episode.withdrawals for key in w.pending_keys))


def _referenced_keys(context: Context, catalog: Catalog) -> set[str]:
    """Return the keys that a publication since the withdrawal references: equal bytes have equal keys."""
    current = context.catalog() or catalog
    return {key for episode in current.episodes for key in referenced_keys(episode)}


def _removal(pending: Iterable[str], kept: Iterable[str]) -> Removal:
    named = " ".join(kept)
    removed = tuple(key for key in pending if key not in REPLACED_KEYS and f"{key}:" not in named)
    return Removal(removed, tuple(dict.fromkeys(kept)))


def _purge(store: Store, key: str) -> tuple[str, ...]:
    if key in REPLACED_KEYS:
        return store.purge(key, keep_current=True)
    kept = store.purge(key)
    if not kept and _exists(store, key):
        raise StoreError(key, "is still there after its removal; run the same command again")
    return kept


def _exists(store: Store, key: str) -> bool:
    try:
        store.head(key)
    except NotFound:
        return False
    return True


def _remove_stale_archive(store: Store, catalog: Catalog, removed: Iterable[str]) -> Iterable[str]:
    """Remove the pages that the feed's archive no longer has and that name a removed object."""
    names = [key.rpartition("/")[2].encode() for key in removed if key not in REPLACED_KEYS]
    current = {archive_key(number) for number, _ in enumerate(render_archive_pages(catalog), start=1)}
    stale = [info.key for info in store.list(ARCHIVE_PREFIX) if info.key not in current]
    naming = [key for key in stale if any(name in store.get(key)[1] for name in names)]
    return [line for key in naming for line in store.purge(key)]


def _record(context: Context, ids: set[object], removed: frozenset[str]) -> None:
    def clear(current: Catalog | None) -> Catalog:
        if current is None:
            raise StoreError(CATALOG_KEY, "is gone; restore it")
        return current.with_episodes(_cleared(e, removed) for e in current.episodes if e.id in ids)

    with context.publisher_lock():
        update_catalog(context.store, clear)


def _cleared(episode: Episode, removed: frozenset[str]) -> Episode:
    withdrawals = tuple(_without(withdrawal, removed) for withdrawal in episode.withdrawals)
    return _without(episode.model_copy(update={"withdrawals": withdrawals}), removed)


def _without(part: Part, removed: frozenset[str]) -> Part:
    left = tuple(key for key in part.pending_keys if key not in removed)
    return part.model_copy(update={"pending_keys": left})
