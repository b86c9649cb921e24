"""Reads by public URL: what anybody gets from a store whose S3 endpoint answers signed requests only."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from podcast_pipeline.errors import Denied, NotFound, StoreError
from podcast_pipeline.storage import CHUNK_BYTES, ObjectInfo
from podcast_pipeline.storage.keys import check_key, public_url

TIMEOUT_S = 20.0
NOT_FOUND_STATUSES = (404, 410)
DENIED_STATUSES = (401, 403)


class PublicUrlReader:
    """Reads `public/` as a browser does; anything else is Denied without asking.

    Args:
        base_url: address of `public/`, without a trailing slash.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def head(self, key: str) -> ObjectInfo:
        """Return what the headers say; `sha256` only where the store gives our metadata to anybody."""
        with self._ask("HEAD", key) as answer:
            return _info(key, answer)

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return an object whole."""
        with self._ask("GET", key) as answer:
            body = answer.read()
            return _info(key, answer), body

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`; errors come with the first chunk."""
        size = self.head(key).size_bytes
        end = size if end is None else min(end, size)
        if start < end:
            with self._ask("GET", key, f"bytes={start}-{end - 1}") as answer:
                yield from answer.iter_raw(CHUNK_BYTES)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Refuse: nobody can list by URL."""
        raise Denied(prefix, "cannot be listed without credentials")

    @contextmanager
    def _ask(self, method: str, key: str, range_: str | None = None) -> Iterator[httpx.Response]:
        if not check_key(key).startswith("public/"):
            raise Denied(key, "cannot be read without credentials")
        headers = {"Accept-Encoding": "identity"} | ({"Range": range_} if range_ else {})
        url = public_url(self._base_url, key)
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client,
                client.stream(method, url, headers=headers) as answer,
            ):
                _refuse(key, answer, wanted=206 if range_ else 200)
                yield answer
        except httpx.HTTPError as error:
            raise StoreError(url, f"cannot be read: {error}; check the network and urls.media") from error


def _refuse(key: str, answer: httpx.Response, *, wanted: int) -> None:
    if answer.status_code in NOT_FOUND_STATUSES:
        raise NotFound(key, "there is no such object at its public address")
    if answer.status_code in DENIED_STATUSES:
        raise Denied(key, "cannot be read without credentials")
    if answer.status_code != wanted:
        raise StoreError(
            key, f"its public address answers {answer.status_code} instead of {wanted}; check urls.media"
        )


def _info(key: str, answer: httpx.Response) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size_bytes=int(answer.headers["Content-Length"]),
        content_type=answer.headers.get("Content-Type", ""),
        cache_control=answer.headers.get("Cache-Control", ""),
        etag=answer.headers.get("ETag", "").removeprefix("W/").strip('"'),
        sha256=answer.headers.get("x-amz-meta-sha256"),
        modified_at=parsedate_to_datetime(answer.headers["Last-Modified"]).astimezone(UTC),
    )
