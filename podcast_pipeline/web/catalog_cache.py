"""What is out: the catalog as the store has it now, and what is derived from it, kept while it holds."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from podcast_pipeline.errors import NotFound, StoreError
from podcast_pipeline.feed import atom, private, rss
from podcast_pipeline.model import Transcript, TranscriptVersion
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, catalog_from_json, transcript_from_json
from podcast_pipeline.storage import Store

Value = TypeVar("Value")

KEPT_FEEDS = 9  # with transcripts and without, a notice of each standing, and Atom


class Cached(Generic[Value]):
    """A result that is made when it is first wanted; who wants it meanwhile waits for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: list[Value] = []

    def get_or_compute(self, compute: Callable[[], Value]) -> Value:
        """Return the result; what fails is tried again by the next."""
        with self._lock:
            if not self._made:
                self._made.append(compute())
            return self._made[0]


class Lru(Generic[Value]):
    """The last few results of something slow; nobody waits for what somebody else wants."""

    def __init__(self, max_entries: int) -> None:
        self._size = max_entries
        self._lock = Lock()
        self._values: OrderedDict[Hashable, Cached[Value]] = OrderedDict()

    def get_or_compute(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return what `key` stands for, made now if it is not here."""
        with self._lock:
            once = self._values.setdefault(key, Cached())
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return once.get_or_compute(compute)


@dataclass(frozen=True)
class CatalogSnapshot:
    """The catalog as it was under one ETag."""

    etag: str
    catalog: Catalog


class CatalogCache:
    """Reads the store for the reader.

    Args:
        empty: the catalog of a show that has published nothing yet.
        was_out: whether anything was ever published; asked only where the store has no catalog.
        check_every_s: for how long the catalog is believed without asking the store.
    """

    def __init__(
        self,
        store: Store,
        *,
        empty: Catalog,
        was_ever_published: Callable[[], bool],
        check_every_s: float = 0,
    ) -> None:
        self._store = store
        self._empty = CatalogSnapshot("", empty)
        self._was_out = was_ever_published
        self._check_every_s = check_every_s
        self._edition: CatalogSnapshot | None = None
        self._checked_at = 0.0
        self._lock = Lock()
        self._feeds: Lru[tuple[bytes, str]] = Lru(KEPT_FEEDS)

    def newest(self) -> CatalogSnapshot:
        """Return the newest edition.

        Raises:
            StoreError: the store cannot be asked, or what was published is not in it: an empty feed would
                take every episode out of every app.
        """
        with self._lock:
            if self._edition is None or monotonic() - self._checked_at >= self._check_every_s:
                self._edition = self._ask(self._edition)
                self._checked_at = monotonic()
            return self._edition

    def _ask(self, known: CatalogSnapshot | None) -> CatalogSnapshot:
        try:
            if known is not None and self._store.head(CATALOG_KEY).etag == known.etag:
                return known
            info, body = self._store.get(CATALOG_KEY)
        except NotFound as error:
            if (known or self._empty) is not self._empty or self._was_out():
                raise StoreError(
                    CATALOG_KEY, "was published and is gone; see that the store is there, and the right one"
                ) from error
            return self._empty
        return CatalogSnapshot(info.etag, catalog_from_json(body))

    def private_feed(self, snapshot: CatalogSnapshot, audience: rss.PrivateAudience) -> private.PrivateFeed:
        """Return the private feed of an audience, before a token is put in.

        It is rendered once for all who get the same, and a notice is addressed afterwards: what is kept
        names nobody, so subscribers cannot be mixed up (castopod 74f9325).
        """
        notice = audience.notice
        shared = replace(audience, notice=notice and private.placeholder_notice(notice))
        body, sha256 = self._feeds.get_or_compute(
            (snapshot.etag, shared), lambda: _hashed(rss.render_feed(snapshot.catalog, shared))
        )
        return private.PrivateFeed(body, sha256, notice, snapshot.catalog.content_changed_at())

    def atom_feed(self, snapshot: CatalogSnapshot) -> bytes:
        """Return the Atom feed of the pages, rendered once."""
        return self._feeds.get_or_compute(
            (snapshot.etag, "atom"), lambda: _hashed(atom.render_atom(snapshot.catalog))
        )[0]

    def transcript(self, version: TranscriptVersion) -> Transcript:
        """Return the words of a published version."""
        return transcript_from_json(self._store.get(version.document_key)[1], version.document_key)


def _hashed(body: bytes) -> tuple[bytes, str]:
    return body, hashlib.sha256(body).hexdigest()
