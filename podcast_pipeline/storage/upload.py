"""Puts objects that never change, and reads each back as an app would before anything names it."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx

from podcast_pipeline.errors import Denied, NotFound, PreconditionFailed, StoreError
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.storage import ObjectInfo, ObjectReader, Store
from podcast_pipeline.storage.objects import PRIVATE_CACHE, PROBE_KEY, StagedObject

UPLOAD_THREADS = 4
TIMEOUT_S = 20.0
PAUSES_S = (0.5, 2.0, 0.0)  # after each attempt to read by URL
REUPLOAD_AFTER = timedelta(
    days=1
)  # shorter than any grace time: `gc` never removes what is about to be named


def upload(store: Store, objects: Iterable[StagedObject], *, now: datetime, report: ProgressCallback) -> None:
    """Store what is not there yet and read everything back.

    Args:
        objects: what no catalog names yet. One that has lain there unnamed for more than a day is stored
            anew, so that `gc` does not take it for refuse while it is being published.

    Raises:
        StoreError: an upload failed, an object reads back otherwise than it was put, or `private/`
            is open to anybody. Nothing names any of the objects yet.
    """
    waiting = list(objects)
    if any(staged.key.startswith("private/") for staged in waiting):
        check_private_is_closed(store)
    total = sum(staged.size_bytes for staged in waiting)
    done = 0
    report(Progress(step="store", done=0, total=total, unit="bytes"))
    with ThreadPoolExecutor(UPLOAD_THREADS) as pool:
        for staged in pool.map(lambda staged: _put_and_read_back(store, staged, now), waiting):
            done += staged.size_bytes
            report(Progress(step="store", done=done, total=total, unit="bytes"))


def check_private_is_closed(store: Store) -> None:
    """Raise StoreError when anybody can read under `private/`; asks for a probe without credentials."""
    if not object_exists(store, PROBE_KEY):
        store.put(PROBE_KEY, b"private\n", content_type="text/plain", cache_control=PRIVATE_CACHE)
    try:
        store.anonymous().get(PROBE_KEY)
    except (Denied, NotFound):
        return
    raise StoreError(
        PROBE_KEY, "is readable by anybody; close private/ (see docs/storage.md), then run again"
    )


def _put_and_read_back(store: Store, staged: StagedObject, now: datetime) -> StagedObject:
    known = _look(store, staged.key)
    if known is None:
        _put(store, staged, replacing=None)
    elif known.sha256 != staged.sha256 or now - known.modified_at > REUPLOAD_AFTER:
        _put(store, staged, replacing=known.etag)
    verify_upload(store, staged)
    return staged


def _put(store: Store, staged: StagedObject, *, replacing: str | None) -> None:
    try:
        store.put(
            staged.key,
            staged.body,
            content_type=staged.content_type,
            cache_control=staged.cache_control,
            if_absent=replacing is None,
            if_match=replacing,
        )
    except PreconditionFailed:
        return  # somebody else has just put the same bytes: the name is their hash


def verify_upload(store: Store, staged: StagedObject) -> None:
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
    """Read an object as an app does, and again where the network or the server in front fails."""
    for pause_s in PAUSES_S:
        try:
            return _read_once(url, staged)
        except httpx.HTTPError as error:
            failed = error
            time.sleep(pause_s)
    why = str(failed).partition("\n")[0] or type(failed).__name__
    raise StoreError(url, f"cannot be read back: {why}; check the network and urls.media") from failed


def _read_once(url: str, staged: StagedObject) -> None:
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
        head = client.head(url).raise_for_status()
        part = client.get(url, headers={"Range": "bytes=0-0"}).raise_for_status()
        with client.stream("GET", url) as answer:
            _read_all(staged, answer.raise_for_status().iter_raw())
    _same(url, "status of a range", part.status_code, 206)
    _same(url, "length", int(head.headers.get("Content-Length", -1)), staged.size_bytes)
    _same(url, "type", head.headers.get("Content-Type"), staged.content_type)
    _same(url, "encoding", head.headers.get("Content-Encoding"), None)


def _read_all(staged: StagedObject, chunks: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    _same(staged.key, "SHA-256", digest.hexdigest(), staged.sha256)


def _refuse_anonymous(anybody: ObjectReader, key: str) -> None:
    try:
        first: Iterator[bytes] = anybody.stream(key, 0, 1)
        next(iter(first), None)
    except (Denied, NotFound):
        return
    raise StoreError(key, "is readable by anybody; close private/ (see docs/storage.md), then run again")


def object_exists(store: ObjectReader, key: str) -> bool:
    """Say whether there is an object under a key."""
    return _look(store, key) is not None


def _look(store: ObjectReader, key: str) -> ObjectInfo | None:
    try:
        return store.head(key)
    except NotFound:
        return None


def _same(name: str, what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise StoreError(name, f"reads back with another {what}: {found} instead of {wanted}; run again")
