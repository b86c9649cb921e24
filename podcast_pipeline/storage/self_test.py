"""The checks of `podcast doctor` on a store: each tries an operation with a throw-away object."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from podcast_pipeline.errors import Denied, NotFound, PreconditionFailed, StoreError
from podcast_pipeline.storage import ObjectReader, Store

BODY = b"0123456789"
HEADERS: Any = {"content_type": "text/plain", "cache_control": "no-store"}
NO_ETAG = "0" * 32


@dataclass(frozen=True)
class StoreCheck:
    """The result of one check; `advice` is the fault and the fix, "" if the check is ok."""

    name: str
    ok: bool
    advice: str


@dataclass(frozen=True)
class _Probe:
    """A store and two throw-away keys."""

    store: Store
    public: str
    private: str


def run_self_test(store: Store) -> list[StoreCheck]:
    """Try every operation that publishing needs, with throw-away keys that are deleted afterwards.

    If the put fails, it is the only check.
    """
    name = f"probe-{secrets.token_hex(8)}.txt"
    probe = _Probe(store, f"public/{name}", f"private/{name}")
    first = _check("put", _put, probe)
    if not first.ok:
        return [first]
    return [first, *(_check(name, step, probe) for name, step in STEPS)]


def _check(name: str, step: Callable[[_Probe], None], probe: _Probe) -> StoreCheck:
    try:
        step(probe)
    except StoreError as error:
        return StoreCheck(name, False, str(error))
    return StoreCheck(name, True, "")


def _put(probe: _Probe) -> None:
    for key in (probe.public, probe.private):
        probe.store.put(key, BODY, **HEADERS)


def _put_if_absent(probe: _Probe) -> None:
    _must_fail(probe, if_absent=True, if_match=None)


def _put_if_match(probe: _Probe) -> None:
    etag = probe.store.head(probe.private).etag
    probe.store.put(probe.private, BODY, **HEADERS, if_match=etag)
    _must_fail(probe, if_absent=False, if_match=NO_ETAG)


def _must_fail(probe: _Probe, *, if_absent: bool, if_match: str | None) -> None:
    try:
        probe.store.put(
            probe.private,
            BODY,
            **HEADERS,
            if_absent=if_absent,
            if_match=if_match,
        )
    except PreconditionFailed:
        return
    raise StoreError(
        probe.private,
        "the store ignores the precondition of a write; set storage.conditional_writes = false, "
        "and publish with PostgreSQL or from one machine only",
    )


def _read_range(probe: _Probe) -> None:
    _read_part(probe.store, probe.public)


def _read_part(reader: ObjectReader, key: str) -> None:
    part = b"".join(reader.stream(key, 2, 5))
    if part != BODY[2:5]:
        raise StoreError(
            key, f"bytes 2 to 4 read back as {part!r}; check that the store supports byte ranges"
        )


def _list(probe: _Probe) -> None:
    for key in (probe.public, probe.private):
        if [item.key for item in probe.store.list(key)] != [key]:
            raise StoreError(
                key, "is missing from a list, so `rebuild` and `gc` cannot work; check the permission to list"
            )


def _anonymous_public(probe: _Probe) -> None:
    reader = probe.store.anonymous()
    try:
        body = reader.get(probe.public)[1]
        _read_part(reader, probe.public)
    except (Denied, NotFound) as error:
        raise StoreError(
            probe.public,
            "cannot be read without credentials; set the bucket policy that `podcast doctor --policy` prints,"
            " and check urls.media",
        ) from error
    if body != BODY:
        raise StoreError(
            probe.public, "reads differently without credentials; check urls.media and its proxies"
        )


def _anonymous_private(probe: _Probe) -> None:
    _must_be_denied(probe.private, probe.store.anonymous().get)


def _anonymous_list(probe: _Probe) -> None:
    reader: ObjectReader = probe.store.anonymous()
    for prefix in ("public/", "private/"):
        _must_be_denied(prefix, lambda prefix: next(iter(reader.list(prefix)), None))


def _must_be_denied(subject: str, read: Callable[[str], object]) -> None:
    try:
        read(subject)
    except (Denied, NotFound):
        return
    raise StoreError(
        subject, "is open to anybody; set the bucket policy of docs/how-to/storage.md and remove all others"
    )


def _delete(probe: _Probe) -> None:
    for key in (probe.public, probe.private):
        probe.store.delete(key)
        try:
            probe.store.head(key)
        except NotFound:
            continue
        raise StoreError(
            key, "still exists after it was deleted, so `gc` cannot work; check the permission to delete"
        )


STEPS: tuple[tuple[str, Callable[[_Probe], None]], ...] = (
    ("put only if absent", _put_if_absent),
    ("put only if unchanged", _put_if_match),
    ("ranged read", _read_range),
    ("list", _list),
    ("anybody reads public/", _anonymous_public),
    ("nobody reads private/", _anonymous_private),
    ("nobody lists", _anonymous_list),
    ("delete", _delete),
)
