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


class Once(Generic[Value]):
    """A result that is made when it is first wanted; who wants it meanwhile waits for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: list[Value] = []

    def value(self, make: Callable[[], Value]) -> Value:
        """Return the result; what fails is tried again by the next."""
        with self._lock:
            if not self._made:
                self._made.append(make())
            return self._made[0]


class Kept(Generic[Value]):
    """The last few results of something slow; nobody waits for what somebody else wants."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._values: OrderedDict[Hashable, Once[Value]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return what `key` stands for, made now if it is not here."""
        with self._lock:
            once = self._values.setdefault(key, Once())
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return once.value(make)


@dataclass(frozen=True)
class Edition:
    """The catalog as it was under one ETag."""

    etag: str
    catalog: Catalog


class Editions:
    """Reads the store for the reader.

    Args:
        empty: the catalog of a show that has published nothing yet.
        was_out: whether anything was ever published; asked only where the store has no catalog.
        check_every_s: for how long the catalog is believed without asking the store.
    """

    def __init__(
        self, store: Store, *, empty: Catalog, was_out: Callable[[], bool], check_every_s: float = 0
    ) -> None:
        self._store = store
        self._empty = Edition("", empty)
        self._was_out = was_out
        self._check_every_s = check_every_s
        self._edition: Edition | None = None
        self._checked_at = 0.0
        self._lock = Lock()
        self._feeds: Kept[tuple[bytes, str]] = Kept(KEPT_FEEDS)

    def newest(self) -> Edition:
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

    def _ask(self, known: Edition | None) -> Edition:
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
        return Edition(info.etag, catalog_from_json(body))

    def feed(self, edition: Edition, audience: rss.Private) -> private.PrivateFeed:
        """Return the private feed of an audience, before a token is put in.

        It is rendered once for all who get the same, and a notice is addressed afterwards: what is kept
        names nobody, so subscribers cannot be mixed up (castopod 74f9325).
        """
        notice = audience.notice
        shared = replace(audience, notice=notice and private.unaddressed(notice))
        body, sha256 = self._feeds.get(
            (edition.etag, shared), lambda: _hashed(rss.render(edition.catalog, shared))
        )
        return private.PrivateFeed(body, sha256, notice, edition.catalog.content_changed_at())

    def atom(self, edition: Edition) -> bytes:
        """Return the Atom feed of the pages, rendered once."""
        return self._feeds.get((edition.etag, "atom"), lambda: _hashed(atom.render(edition.catalog)))[0]

    def transcript(self, version: TranscriptVersion) -> Transcript:
        """Return the words of a published version."""
        return transcript_from_json(self._store.get(version.document_key)[1], version.document_key)


def _hashed(body: bytes) -> tuple[bytes, str]:
    return body, hashlib.sha256(body).hexdigest()
