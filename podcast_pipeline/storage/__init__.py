"""Object storage: one protocol, a local folder and S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class ObjectInfo:
    """What a HEAD says.

    Attributes:
        etag: opaque, as `if_match` wants it, without quotes.
        sha256: hex, of the whole body, as recorded when it was put; None for objects not put by us.
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
    """A put that was begun and never completed: it takes room, and no read and no list shows it.

    Attributes:
        id: of this one among those of the key; the store's own.
        size_bytes: of what has arrived.
        modified_at: when the last of it arrived; aware, UTC.
    """

    key: str
    id: str
    size_bytes: int
    modified_at: datetime


class ObjectReader(Protocol):
    """Reading objects. Keys are `public/…` and `private/…`, without a leading slash.

    Every method raises NotFound, Denied or StoreError, with the key as subject.
    """

    def head(self, key: str) -> ObjectInfo:
        """Return what the store says of an object."""

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return a (small) object whole, with the info that belongs to these very bytes."""

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, in chunks of at most CHUNK_BYTES.

        Nothing is opened, and no error raised, before the first chunk is asked for.
        """

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, in order of key.

        A list knows no headers: content_type and cache_control are "", sha256 is None.

        Args:
            prefix: `public/…` or `private/…`; the two may be in different buckets.
        """


class Store(ObjectReader, Protocol):
    """A bucket, or two: reading with our credentials, and writing.

    Attributes:
        remote: whether `url` answers by itself, without our reader: true for S3.
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
        """Write an object, whole or not at all.

        Args:
            body: the bytes, or a file that is streamed.
            if_absent: only when there is no such object.
            if_match: only when the object still has this etag.

        Raises:
            Conflict: the condition does not hold; nothing was written.
        """

    def delete(self, key: str) -> None:
        """Remove an object; not an error when there is none."""

    def unfinished_uploads(self, prefix: str) -> Iterator[UnfinishedUpload]:
        """Yield the unfinished puts of keys that begin with `prefix`; one may still be under way."""

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Give up an unfinished put and the room it takes; not an error when it is finished or gone."""

    def url(self, key: str) -> str:
        """Return the address under which anybody reads a key under `public/`."""

    def presigned_url(self, key: str, seconds: int) -> str | None:
        """Return an address at which anybody may GET a private key for so long; None where there is none.

        It is for GET: another method is answered 403 (encore#1846).
        """

    def anonymous(self) -> ObjectReader:
        """Return the same reads without credentials; what is not public is Denied or NotFound."""
