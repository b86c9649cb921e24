"""Upload immutable objects, and verify each as an app would read it, before the catalog references it."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx

from podcast_pipeline.errors import DamagedObject, Denied, NotFound, PreconditionFailed, StoreError
from podcast_pipeline.model import Progress, ProgressCallback
from podcast_pipeline.model.media_types import is_public_type
from podcast_pipeline.storage import ObjectInfo, ObjectReader, Store
from podcast_pipeline.storage.objects import PRIVATE_CACHE, PROBE_KEY, StagedObject

UPLOAD_THREADS = 4
TIMEOUT_S = 20.0
PAUSES_S = (0.5, 2.0, 0.0)  # after each attempt to read by URL
_OPEN = "is readable by anybody; close private/ (see docs/how-to/storage.md) and run again"
REUPLOAD_AFTER = timedelta(days=1)
"""Shorter than the grace time of `gc`, which therefore never deletes an object that is being published."""


def upload(store: Store, objects: Iterable[StagedObject], *, now: datetime, report: ProgressCallback) -> None:
    """Upload the objects that are not in the store, and verify all of them.

    Args:
        objects: not referenced by a catalog yet. An object that is in the store for more than a day is
            uploaded again, so that `gc` does not delete it as orphaned while it is being published.

    Raises:
        StoreError: an upload failed, an object reads back differently, or `private/` is open to anybody. The
            catalog references none of the objects yet.
    """
    objects = list(objects)
    for staged in objects:
        _require_public_type(staged)
    if any(staged.key.startswith("private/") for staged in objects):
        check_private_is_closed(store)
    total = sum(staged.size_bytes for staged in objects)
    done = 0
    report(Progress(step="store", done=0, total=total, unit="bytes"))
    with ThreadPoolExecutor(UPLOAD_THREADS) as pool:
        for staged in pool.map(lambda staged: _put_and_read_back(store, staged, now), objects):
            done += staged.size_bytes
            report(Progress(step="store", done=done, total=total, unit="bytes"))


def _require_public_type(staged: StagedObject) -> None:
    """Refuse to make an object public under a type that we do not make, such as a page."""
    if staged.key.startswith("public/") and not is_public_type(staged.key, staged.content_type):
        raise StoreError(staged.key, f"would be public as “{staged.content_type}”; nothing of that type is")


def check_private_is_closed(store: Store) -> None:
    """Read a probe under `private/` without credentials.

    Raises:
        StoreError: anybody can read the probe.
    """
    if not object_exists(store, PROBE_KEY):
        store.put(PROBE_KEY, b"private\n", content_type="text/plain", cache_control=PRIVATE_CACHE)
    try:
        store.anonymous().get(PROBE_KEY)
    except (Denied, NotFound):
        return
    raise StoreError(PROBE_KEY, _OPEN)


def _put_and_read_back(store: Store, staged: StagedObject, now: datetime) -> StagedObject:
    stored = _head_or_none(store, staged.key)
    if stored is None:
        _put(store, staged, replacing=None)
    elif stored.sha256 != staged.sha256 or now - stored.modified_at > REUPLOAD_AFTER:
        _put(store, staged, replacing=stored.etag)
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
        return  # another publisher has just put the same bytes: the key contains their hash


def verify_upload(store: Store, staged: StagedObject) -> None:
    """Check length, type, bytes and a byte range as an app reads them, and that private objects are denied.

    Raises:
        StoreError: the object reads back differently, or is private and readable by anybody.
    """
    info = store.head(staged.key)
    _check_equal(staged.key, "length", info.size_bytes, staged.size_bytes)
    _check_equal(staged.key, "type", info.content_type, staged.content_type)
    if staged.key.startswith("private/"):
        _check_bytes(staged, store.stream(staged.key))
        _check_denied(store.anonymous(), staged.key)
    elif store.remote:
        _read_by_url(store.url(staged.key), staged)
    else:
        _check_bytes(staged, store.anonymous().stream(staged.key))


def _read_by_url(url: str, staged: StagedObject) -> None:
    """Read an object as an app does, with retries if the network or a proxy fails."""
    for pause_s in PAUSES_S:
        try:
            return _read_once(url, staged)
        except httpx.HTTPError as error:
            failed = error
            time.sleep(pause_s)
    reason = str(failed).partition("\n")[0] or type(failed).__name__
    raise StoreError(url, f"cannot be read back: {reason}; check the network and urls.media") from failed


def _read_once(url: str, staged: StagedObject) -> None:
    headers = {"Accept-Encoding": "identity"}  # a CDN may compress on the way
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True, headers=headers) as client:
        head = client.head(url).raise_for_status()
        part = client.get(url, headers={"Range": "bytes=0-0"}).raise_for_status()
        with client.stream("GET", url) as response:
            _check_bytes(staged, response.raise_for_status().iter_raw())
    _check_equal(url, "status of a range", part.status_code, 206)
    _check_equal(url, "length", int(head.headers.get("Content-Length", -1)), staged.size_bytes)
    _check_equal(url, "type", head.headers.get("Content-Type"), staged.content_type)
    _check_equal(url, "encoding", head.headers.get("Content-Encoding"), None)


def _check_bytes(staged: StagedObject, chunks: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    _check_equal(staged.key, "SHA-256", digest.hexdigest(), staged.sha256)


def _check_denied(anonymous: ObjectReader, key: str) -> None:
    try:
        first: Iterator[bytes] = anonymous.stream(key, 0, 1)
        next(iter(first), None)
    except (Denied, NotFound):
        return
    raise StoreError(key, _OPEN)


def object_exists(store: ObjectReader, key: str, *, sha256: str | None = None) -> bool:
    """Return whether there is a whole object under a key, with these bytes where their SHA-256 is given."""
    stored = _head_or_none(store, key)
    return stored is not None and sha256 in (None, stored.sha256)


def _head_or_none(store: ObjectReader, key: str) -> ObjectInfo | None:
    """Return the metadata of an object; of a damaged one None, so that it is stored again."""
    try:
        return store.head(key)
    except (NotFound, DamagedObject):
        return None


def _check_equal(subject: str, field: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise StoreError(
            subject, f"reads back with another {field}: {actual} instead of {expected}; run again"
        )
