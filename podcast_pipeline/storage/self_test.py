"""What `podcast doctor` asks a store: not what it says of itself, what it does with an object of no worth."""

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
    """One thing a store must do; `advice` says what is wrong and what to do, "" where it is ok."""

    name: str
    ok: bool
    advice: str


@dataclass(frozen=True)
class _Probe:
    """A store and two keys in it that nobody else uses."""

    store: Store
    public: str
    private: str


def run_self_test(store: Store) -> list[StoreCheck]:
    """Try everything that publishing needs, under throw-away keys that are removed again.

    When not even a put is possible, that is the only check.
    """
    name = f"probe-{secrets.token_hex(8)}.txt"
    what = _Probe(store, f"public/{name}", f"private/{name}")
    first = _check("put", _put, what)
    if not first.ok:
        return [first]
    return [first, *(_check(name, step, what) for name, step in STEPS)]


def _check(name: str, step: Callable[[_Probe], None], what: _Probe) -> StoreCheck:
    try:
        step(what)
    except StoreError as error:
        return StoreCheck(name, False, str(error))
    return StoreCheck(name, True, "")


def _put(what: _Probe) -> None:
    for key in (what.public, what.private):
        what.store.put(key, BODY, **HEADERS)


def _put_if_absent(what: _Probe) -> None:
    _must_conflict(what, if_absent=True, if_match=None)


def _put_if_match(what: _Probe) -> None:
    etag = what.store.head(what.private).etag
    what.store.put(what.private, BODY, **HEADERS, if_match=etag)
    _must_conflict(what, if_absent=False, if_match=NO_ETAG)


def _must_conflict(what: _Probe, *, if_absent: bool, if_match: str | None) -> None:
    try:
        what.store.put(
            what.private,
            BODY,
            **HEADERS,
            if_absent=if_absent,
            if_match=if_match,
        )
    except PreconditionFailed:
        return
    raise StoreError(
        what.private,
        "was overwritten although a condition forbade it; set storage.conditional_writes = false, "
        "and publish with PostgreSQL or from one machine only",
    )


def _read_range(what: _Probe) -> None:
    _read_as(what.store, what.public)


def _read_as(reader: ObjectReader, key: str) -> None:
    found = b"".join(reader.stream(key, 2, 5))
    if found != BODY[2:5]:
        raise StoreError(key, f"bytes 2 to 4 read back as {found!r}; players could not seek")


def _list(what: _Probe) -> None:
    for key in (what.public, what.private):
        if [item.key for item in what.store.list(key)] != [key]:
            raise StoreError(key, "is not in the list of its own prefix; rebuild and gc would not see it")


def _anonymous_public(what: _Probe) -> None:
    anybody = what.store.anonymous()
    try:
        whole = anybody.get(what.public)[1]
        _read_as(anybody, what.public)
    except (Denied, NotFound) as error:
        raise StoreError(
            what.public,
            "is closed to everybody else; set the bucket policy that `podcast doctor --policy` prints,"
            " and check urls.media",
        ) from error
    if whole != BODY:
        raise StoreError(
            what.public, "reads otherwise without credentials; check urls.media and what is between"
        )


def _anonymous_private(what: _Probe) -> None:
    _must_refuse(what.private, what.store.anonymous().get)


def _anonymous_list(what: _Probe) -> None:
    anybody: ObjectReader = what.store.anonymous()
    for prefix in ("public/", "private/"):
        _must_refuse(prefix, lambda prefix: next(iter(anybody.list(prefix)), None))


def _must_refuse(subject: str, read: Callable[[str], object]) -> None:
    try:
        read(subject)
    except (Denied, NotFound):
        return
    raise StoreError(
        subject, "is open to anybody; set the bucket policy of docs/storage.md and remove every other"
    )


def _delete(what: _Probe) -> None:
    for key in (what.public, what.private):
        what.store.delete(key)
        try:
            what.store.head(key)
        except NotFound:
            continue
        raise StoreError(key, "is still there after it was deleted; gc could not make room")


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
