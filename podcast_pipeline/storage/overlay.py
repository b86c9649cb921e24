"""A store as it would be with some objects more; it can only be read."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from podcast_pipeline.storage import CHUNK_BYTES, ObjectInfo, ObjectReader
from podcast_pipeline.storage.objects import StagedObject


class OverlayReader:
    """Reads staged objects, and everything else from a store.

    Args:
        modified_at: of the staged objects, aware.
    """

    def __init__(
        self, below: ObjectReader, objects: Iterable[StagedObject], *, modified_at: datetime
    ) -> None:
        self._below = below
        self._staged = {staged.key: staged for staged in objects}
        self._modified_at = modified_at

    def head(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""
        staged = self._staged.get(key)
        return self._info(staged) if staged else self._below.head(key)

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return a whole (small) object."""
        staged = self._staged.get(key)
        if staged is None:
            return self._below.get(key)
        return self._info(staged), b"".join(_chunks(staged, 0, staged.size_bytes))

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`."""
        staged = self._staged.get(key)
        if staged is None:
            return self._below.stream(key, start, end)
        return _chunks(staged, start, staged.size_bytes if end is None else end)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with `prefix`, in order of key."""
        found = {info.key: info for info in self._below.list(prefix)}
        found |= {key: self._info(staged) for key, staged in self._staged.items() if key.startswith(prefix)}
        return (found[key] for key in sorted(found))

    def _info(self, staged: StagedObject) -> ObjectInfo:
        return ObjectInfo(
            key=staged.key,
            size_bytes=staged.size_bytes,
            content_type=staged.content_type,
            cache_control=staged.cache_control,
            etag=staged.sha256[:32],
            sha256=staged.sha256,
            modified_at=self._modified_at,
        )


def _chunks(staged: StagedObject, start: int, end: int) -> Iterator[bytes]:
    """Yield a part of a staged object in chunks of at most CHUNK_BYTES."""
    if isinstance(staged.body, bytes):
        yield staged.body[start:end]
        return
    with staged.body.open("rb") as file:
        file.seek(start)
        while start < end and (chunk := file.read(min(CHUNK_BYTES, end - start))):
            start += len(chunk)
            yield chunk
