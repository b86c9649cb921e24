"""The bucket, asked without credentials."""

from collections.abc import Iterator

from podcast_pipeline.audit.finding import AuditFinding
from podcast_pipeline.audit.secrets import RestrictedText, check_public_data
from podcast_pipeline.errors import Denied, NotFound, StoreError
from podcast_pipeline.storage import ObjectReader

WHO = "storage"
GUESSES = ("private/catalog.json", "private/probe.txt")
BEGIN_BYTES = 1 << 20
END_BYTES = 1 << 17
"""Of larger objects (audio) the beginning and the end are read: that is where tags and pictures are."""


def check_storage(
    anonymous_store: ObjectReader, keys: tuple[str, ...], secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Find private objects that anybody can read or list, and secrets in public ones.

    Args:
        anybody: the store without credentials.
        keys: of every object, as a list with credentials has them.
    """
    yield from _listed(anonymous_store)
    for key in dict.fromkeys((*GUESSES, *keys)):
        data = _read(anonymous_store, key)
        if data is not None and not key.startswith("public/"):
            yield AuditFinding("P3", WHO, key, "a private object can be read without credentials")
        elif data is not None:
            yield from check_public_data(secrets, data, who=WHO, where=key)
        elif key.startswith("public/"):
            yield AuditFinding("H4", WHO, key, "a public object cannot be read")


def _listed(anybody: ObjectReader) -> Iterator[AuditFinding]:
    for prefix in ("private/", "public/"):
        try:
            found = next(iter(anybody.list(prefix)), None)
        except StoreError:
            continue
        if found is not None:
            yield AuditFinding("P3", WHO, prefix, "can be listed without credentials")


def _read(anybody: ObjectReader, key: str) -> bytes | None:
    """Return an object, of a large one its beginning and end; None where it is not open."""
    try:
        info = anybody.head(key)
        if info.size_bytes <= BEGIN_BYTES + END_BYTES:
            return anybody.get(key)[1]
        ends = ((0, BEGIN_BYTES), (info.size_bytes - END_BYTES, info.size_bytes))
        return b"".join(chunk for start, end in ends for chunk in anybody.stream(key, start, end))
    except (Denied, NotFound):
        return None
