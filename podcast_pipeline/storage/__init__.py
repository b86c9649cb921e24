"""Object storage: the protocols of a reader and a store; implemented for a local folder and S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class ObjectInfo:
    """The metadata of an object, as of a HEAD request.

    Attributes:
        etag: opaque, without quotes, for `if_match`.
        sha256: hex, of the whole body, as recorded by `put`; None for objects of other programs.
        modified_at: aware, UTC.
    """

    key: str
    size_bytes: int
    content_type: str
    cache_control: str
    etag: str
    sha256: str | None
    modified_at: datetime


@dataclass(frozen=True)
class UnfinishedUpload:
    """A put that was never completed: it takes up storage, and no read and no list shows it.

    Attributes:
        id: the store's id of this upload of the key.
        size_bytes: of the received parts.
        modified_at: time of the last received part; aware, UTC.
    """

    key: str
    id: str
    size_bytes: int
    modified_at: datetime


class ObjectReader(Protocol):
    """Reads objects. Keys are `public/…` and `private/…`, without a leading slash.

    Every method may raise NotFound, Denied or StoreError, with the key as subject.
    """

    def head(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return a whole (small) object, with the metadata of exactly these bytes."""

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, in chunks of at most CHUNK_BYTES.

        Nothing is opened and no error is raised before the first chunk is requested.
        """

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, in order of key.

        A list has no headers: content_type and cache_control are "", sha256 is None.

        Args:
            prefix: `public/…` or `private/…`; the two may be in different buckets.
        """


class Store(ObjectReader, Protocol):
    """Reads and writes one bucket or two, with our credentials.

    Attributes:
        remote: whether `url` is served without our web server: true for S3.
    """

    remote: bool

    def put(
        self,
        key: str,
        body: bytes | Path,
        *,
        content_type: str,
        cache_control: str,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """Write an object atomically.

        Args:
            body: the bytes, or a file that is streamed.
            if_absent: only if there is no such object.
            if_match: only if the object still has this etag.

        Raises:
            PreconditionFailed: the condition does not hold; nothing was written.
        """

    def delete(self, key: str) -> None:
        """Delete an object; no error if there is none."""

    def purge(self, key: str, *, keep_current: bool = False) -> tuple[str, ...]:
        """Remove an object with all versions and unfinished puts of it that the store keeps.

        Args:
            keep_current: remove what was there before, and leave the object.

        Returns:
            What the store does not let us remove (object lock, permissions), one line each; empty when
            nothing is left.
        """

    def unfinished_uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """Yield the unfinished puts of keys that begin with `prefix`; some may still be in progress."""

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Abort an unfinished put and free its storage; no error if the put is completed or gone."""

    def url(self, key: str) -> str:
        """Return the public address of a key under `public/`."""

    def presigned_url(self, key: str, seconds: int) -> str | None:
        """Return an address for anybody to GET a private key for `seconds`; None if the store has none.

        The address is for GET only: other methods are answered 403 (encore#1846).
        """

    def anonymous(self) -> ObjectReader:
        """Return a reader without credentials; it raises Denied or NotFound for private objects."""
