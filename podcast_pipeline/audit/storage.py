"""Checks the bucket without credentials: private objects are closed, public ones contain no secrets."""

from collections.abc import Iterator

from podcast_pipeline.audit.finding import AuditFinding
from podcast_pipeline.audit.secrets import RestrictedText, check_public_data
from podcast_pipeline.errors import Denied, NotFound, StoreError
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog
from podcast_pipeline.model.media_types import is_public_type
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.objects import FEED_KEY

WHO = "storage"
REPLACED_KEYS = (CATALOG_KEY, FEED_KEY)
GUESSES = ("private/catalog.json", "private/probe.txt")
BEGIN_BYTES = 1 << 20
END_BYTES = 1 << 17
"""Of larger objects (audio) only the beginning and the end are read, which contain tags and pictures."""


def check_storage(
    anonymous_store: ObjectReader, keys: tuple[str, ...], secrets: RestrictedText, catalog: Catalog
) -> Iterator[AuditFinding]:
    """Find private objects that anonymous_store can read or list, and secrets in public ones.

    Args:
        anonymous_store: the store without credentials.
        keys: the keys of all objects, listed with credentials.
        catalog: says what was withdrawn and must be gone.
    """
    yield from _check_listing(anonymous_store)
    yield from _check_removed(catalog, keys)
    for key in dict.fromkeys((*GUESSES, *keys)):
        data = _read(anonymous_store, key)
        yield from _check_type(anonymous_store, key)
        if data is not None and not key.startswith("public/"):
            yield AuditFinding("P3", WHO, key, "a private object can be read without credentials")
        elif data is not None:
            yield from check_public_data(secrets, data, who=WHO, where=key)
        elif key.startswith("public/"):
            yield AuditFinding("H4", WHO, key, "a public object cannot be read")


def _check_removed(catalog: Catalog, keys: tuple[str, ...]) -> Iterator[AuditFinding]:
    """Find objects that were withdrawn and are still there."""
    for episode in catalog.episodes:
        readable = {key for version in episode.readable_versions for key in version.keys}
        gone = {key for version in episode.withdrawn_versions for key in version.keys} - readable
        public = {key for version in episode.transcripts for key in version.public_keys.values()}
        for key in sorted((public - episode.public_transcript_keys) & set(keys)):
            command = "release" if key in episode.pending_keys else _command_that_removes(episode)
            yield AuditFinding("P3", WHO, key, f"is no longer for everybody; run `podcast {command}`")
        pending = {key for withdrawal in episode.withdrawals for key in withdrawal.pending_keys}
        for key in sorted((gone | (pending - set(REPLACED_KEYS))) & set(keys)):
            yield AuditFinding("P10", WHO, key, "was withdrawn and is still stored; run `podcast release`")


def _command_that_removes(episode: Episode) -> str:
    """Return what removes a public file that the episode does not name; `publish` refuses who is down."""
    return f"{'unpublish' if episode.state == 'unpublished' else 'publish'} {episode.slug}"


def _check_listing(anonymous_store: ObjectReader) -> Iterator[AuditFinding]:
    for prefix in ("private/", "public/"):
        try:
            first = next(iter(anonymous_store.list(prefix)), None)
        except StoreError:
            continue
        if first is not None:
            yield AuditFinding("P3", WHO, prefix, "can be listed without credentials")


def _check_type(anonymous_store: ObjectReader, key: str) -> Iterator[AuditFinding]:
    """Find a public object of a type that we do not make, in whose name a script could run."""
    if not key.startswith("public/"):
        return
    try:
        content_type = anonymous_store.head(key).content_type
    except (Denied, NotFound):
        return
    if not is_public_type(key, content_type):
        message = f"is public as “{content_type}”, a type that we do not make; fetch or publish it again"
        yield AuditFinding("H6", WHO, key, message)


def _read(anonymous_store: ObjectReader, key: str) -> bytes | None:
    """Return an object, of a large one its beginning and end; None if it is not readable."""
    try:
        info = anonymous_store.head(key)
        if info.size_bytes <= BEGIN_BYTES + END_BYTES:
            return anonymous_store.get(key)[1]
        ends = ((0, BEGIN_BYTES), (info.size_bytes - END_BYTES, info.size_bytes))
        return b"".join(chunk for start, end in ends for chunk in anonymous_store.stream(key, start, end))
    except (Denied, NotFound):
        return None
