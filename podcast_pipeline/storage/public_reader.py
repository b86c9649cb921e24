"""Read by public URL: anonymous access to a store whose S3 endpoint answers only signed requests."""

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
    """Reads `public/` like a browser; raises Denied for other keys, without a request.

    Args:
        base_url: address of `public/`, without a trailing slash.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def head(self, key: str) -> ObjectInfo:
        """Return the metadata in the headers; `sha256` only if the store makes our metadata public."""
        with self._request("HEAD", key) as response:
            return _info(key, response)

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return a whole object."""
        with self._request("GET", key) as response:
            body = response.read()
            return _info(key, response), body

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`; errors come with the first chunk."""
        size = self.head(key).size_bytes
        end = size if end is None else min(end, size)
        if start < end:
            with self._request("GET", key, f"bytes={start}-{end - 1}") as response:
                yield from response.iter_raw(CHUNK_BYTES)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Raise Denied: a list is impossible by URL."""
        raise Denied(prefix, "cannot be listed without credentials")

    @contextmanager
    def _request(self, method: str, key: str, range_: str | None = None) -> Iterator[httpx.Response]:
        if not check_key(key).startswith("public/"):
            raise Denied(key, "cannot be read without credentials")
        headers = {"Accept-Encoding": "identity"} | ({"Range": range_} if range_ else {})
        url = public_url(self._base_url, key)
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client,
                client.stream(method, url, headers=headers) as response,
            ):
                _check_status(key, response, expected=206 if range_ else 200)
                yield response
        except httpx.HTTPError as error:
            raise StoreError(url, f"cannot be read: {error}; check the network and urls.media") from error


def _check_status(key: str, response: httpx.Response, *, expected: int) -> None:
    if response.status_code in NOT_FOUND_STATUSES:
        raise NotFound(key, "there is no such object at its public address")
    if response.status_code in DENIED_STATUSES:
        raise Denied(key, "cannot be read without credentials")
    if response.status_code != expected:
        raise StoreError(
            key, f"its public address returns {response.status_code} instead of {expected}; check urls.media"
        )


def _info(key: str, response: httpx.Response) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size_bytes=int(response.headers["Content-Length"]),
        content_type=response.headers.get("Content-Type", ""),
        cache_control=response.headers.get("Cache-Control", ""),
        etag=response.headers.get("ETag", "").removeprefix("W/").strip('"'),
        sha256=response.headers.get("x-amz-meta-sha256"),
        modified_at=parsedate_to_datetime(response.headers["Last-Modified"]).astimezone(UTC),
    )
