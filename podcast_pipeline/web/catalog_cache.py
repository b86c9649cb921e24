"""Cache of the published catalog and of the feeds rendered from it, valid while its ETag stays the same."""

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from threading import Condition, Lock
from time import monotonic
from typing import Generic, TypeVar

from cachetools import LRUCache, cached

from podcast_pipeline.errors import NotFound, StoreError
from podcast_pipeline.feed import atom, private, rss
from podcast_pipeline.images import picture_size_px
from podcast_pipeline.model import Transcript, TranscriptVersion
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, catalog_from_json, transcript_from_json
from podcast_pipeline.storage import ObjectReader

Value = TypeVar("Value")

CACHED_FEEDS = 9  # with transcripts, without, with a notice for each standing, and Atom

CACHED_PICTURES = 4096  # two numbers each


class Lru(Generic[Value]):
    """An LRU cache of slow results; computing one key never blocks another key."""

    def __init__(self, max_entries: int) -> None:
        by_key = cached(LRUCache(max_entries), key=lambda key, _: key, condition=Condition())
        self._get_or_compute = by_key(lambda _, compute: compute())

    def get_or_compute(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the result for `key`; compute a missing one, once for all who ask for it meanwhile."""
        value: Value = self._get_or_compute(key, compute)
        return value


@dataclass(frozen=True)
class CatalogSnapshot:
    """The catalog under one ETag."""

    etag: str
    catalog: Catalog


class CatalogCache:
    """Reads the catalog from the store for the web site.

    Args:
        empty: the catalog of a show that has published nothing yet.
        was_ever_published: returns whether anything was ever published; called only if the store has no
            catalog.
        check_every_s: for how many seconds the cached catalog is used without asking the store.
    """

    def __init__(
        self,
        store: ObjectReader,
        *,
        empty: Catalog,
        was_ever_published: Callable[[], bool],
        check_every_s: float = 0,
    ) -> None:
        self._store = store
        self._empty = CatalogSnapshot("", empty)
        self._was_ever_published = was_ever_published
        self._check_every_s = check_every_s
        self._snapshot: CatalogSnapshot | None = None
        self._checked_at = 0.0
        self._lock = Lock()
        self._feeds: Lru[tuple[bytes, str]] = Lru(CACHED_FEEDS)
        self._pictures: Lru[tuple[int, int] | None] = Lru(CACHED_PICTURES)

    def newest(self) -> CatalogSnapshot:
        """Return the newest catalog.

        Raises:
            StoreError: the store is unavailable, or the published catalog is missing: an empty feed would
                remove every episode from every app.
        """
        with self._lock:
            if self._snapshot is None or monotonic() - self._checked_at >= self._check_every_s:
                self._snapshot = self._refresh(self._snapshot)
                self._checked_at = monotonic()
            return self._snapshot

    def _refresh(self, known: CatalogSnapshot | None) -> CatalogSnapshot:
        try:
            if known is not None and self._store.head(CATALOG_KEY).etag == known.etag:
                return known
            info, body = self._store.get(CATALOG_KEY)
        except NotFound as error:
            if (known or self._empty) is not self._empty or self._was_ever_published():
                raise StoreError(
                    CATALOG_KEY, "is missing although episodes were published; check [storage] in show.toml"
                ) from error
            return self._empty
        return CatalogSnapshot(info.etag, catalog_from_json(body))

    def private_feed(self, snapshot: CatalogSnapshot, audience: rss.PrivateAudience) -> private.PrivateFeed:
        """Return the private feed of an audience, before a token is inserted.

        The feed is rendered once per audience, and the notice is personalised afterwards: the cache holds
        no personal data, so that subscribers cannot be mixed up (castopod 74f9325).
        """
        notice = audience.notice
        shared = replace(audience, notice=notice and private.placeholder_notice(notice))
        body, sha256 = self._feeds.get_or_compute(
            (snapshot.etag, shared), lambda: _hashed(rss.render_feed(snapshot.catalog, shared))
        )
        return private.PrivateFeed(body, sha256, notice, snapshot.catalog.content_changed_at())

    def atom_feed(self, snapshot: CatalogSnapshot) -> bytes:
        """Return the Atom feed of the episode pages, rendered once."""
        return self._feeds.get_or_compute(
            (snapshot.etag, "atom"), lambda: _hashed(atom.render_atom(snapshot.catalog))
        )[0]

    def picture_size_px(self, key: str | None) -> tuple[int, int] | None:
        """Return (width, height) of a published picture, read once; None without one that can be read."""
        if key is None:
            return None
        try:
            return self._pictures.get_or_compute(key, lambda: picture_size_px(self._store.get(key)[1]))
        except StoreError:
            return None

    def transcript(self, version: TranscriptVersion) -> Transcript:
        """Read the transcript of a published version."""
        return transcript_from_json(self._store.get(version.document_key)[1], version.document_key)


def _hashed(body: bytes) -> tuple[bytes, str]:
    return body, hashlib.sha256(body).hexdigest()
