"""Puts objects that never change, and reads each back as an app would before anything names it."""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from podcast_pipeline.errors import Conflict, Denied, NotFound, StoreError
from podcast_pipeline.model import Progress, Report
from podcast_pipeline.objects import PRIVATE, PROBE_KEY, StagedObject
from podcast_pipeline.stores import Reader, Store

PARALLEL = 4
TIMEOUT_S = 60.0


def deliver(store: Store, objects: Iterable[StagedObject], *, report: Report) -> None:
    """Store what is not there yet and read everything back.

    Raises:
        StoreError: an upload failed, an object reads back otherwise than it was put, or `private/`
            is open to anybody. Nothing names any of the objects yet.
    """
    waiting = list(objects)
    if any(staged.key.startswith("private/") for staged in waiting):
        refuse_open_private(store)
    total = sum(staged.size_bytes for staged in waiting)
    done = 0
    report(Progress(step="store", done=0, total=total, unit="bytes"))
    with ThreadPoolExecutor(PARALLEL) as pool:
        for staged in pool.map(lambda staged: _put_and_read_back(store, staged), waiting):
            done += staged.size_bytes
            report(Progress(step="store", done=done, total=total, unit="bytes"))


def refuse_open_private(store: Store) -> None:
    """Raise StoreError when anybody can read under `private/`; asks for a probe without credentials."""
    if not _is_there(store, PROBE_KEY):
        store.put(PROBE_KEY, b"private\n", content_type="text/plain", cache_control=PRIVATE)
    try:
        store.anonymous().get(PROBE_KEY)
    except (Denied, NotFound):
        return
    raise StoreError(
        PROBE_KEY, "is readable by anybody; close private/ (see docs/storage.md), then run again"
    )


def _put_and_read_back(store: Store, staged: StagedObject) -> StagedObject:
    try:
        known = store.head(staged.key)
    except NotFound:
        _put(store, staged)
    else:
        if known.sha256 != staged.sha256:
            raise StoreError(
                staged.key, "lies there with other bytes than its name says; remove it, run again"
            )
    read_back(store, staged)
    return staged


def _put(store: Store, staged: StagedObject) -> None:
    try:
        store.put(
            staged.key,
            staged.body,
            content_type=staged.content_type,
            cache_control=staged.cache_control,
            if_absent=True,
        )
    except Conflict:
        return  # somebody else has just put the same bytes: the name is their hash


def read_back(store: Store, staged: StagedObject) -> None:
    """Check length, type, bytes, and a range of an object as an app sees it; private ones are refused.

    Raises:
        StoreError: names the object and the difference.
    """
    info = store.head(staged.key)
    _same(staged.key, "length", info.size_bytes, staged.size_bytes)
    _same(staged.key, "type", info.content_type, staged.content_type)
    if staged.key.startswith("private/"):
        _read_all(staged, store.stream(staged.key))
        _refuse_anonymous(store.anonymous(), staged.key)
    elif store.remote:
        _read_by_url(store.url(staged.key), staged)
    else:
        _read_all(staged, store.anonymous().stream(staged.key))


def _read_by_url(url: str, staged: StagedObject) -> None:
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
        try:
            head = client.head(url)
            part = client.get(url, headers={"Range": "bytes=0-0"})
            with client.stream("GET", url) as answer:
                _read_all(staged, answer.iter_raw())
        except httpx.HTTPError as error:
            raise StoreError(url, f"cannot be read back: {error}; check urls.media in show.toml") from error
    _same(url, "status of HEAD", head.status_code, 200)
    _same(url, "status of a range", part.status_code, 206)
    _same(url, "length", int(head.headers.get("Content-Length", -1)), staged.size_bytes)
    _same(url, "type", head.headers.get("Content-Type"), staged.content_type)
    _same(url, "encoding", head.headers.get("Content-Encoding"), None)


def _read_all(staged: StagedObject, chunks: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    _same(staged.key, "SHA-256", digest.hexdigest(), staged.sha256)


def _refuse_anonymous(anybody: Reader, key: str) -> None:
    try:
        first: Iterator[bytes] = anybody.stream(key, 0, 1)
        next(iter(first), None)
    except (Denied, NotFound):
        return
    raise StoreError(key, "is readable by anybody; close private/ (see docs/storage.md), then run again")


def _is_there(store: Reader, key: str) -> bool:
    try:
        store.head(key)
    except NotFound:
        return False
    return True


def _same(name: str, what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise StoreError(name, f"reads back with another {what}: {found} instead of {wanted}; run again")
