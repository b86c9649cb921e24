"""Asks a service that show.toml names for JSON: guarded addresses, no redirects, limits on bytes and time."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from podcast_pipeline.errors import FetchError, RemoteFileUnusable
from podcast_pipeline.remote_feeds.client import USER_AGENT
from podcast_pipeline.remote_feeds.host_guard import HostGuard
from podcast_pipeline.remote_feeds.transport import Deadline, GuardedTransport

ANSWER_S = 10.0
MAX_BYTES = 512_000
HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}


class JsonClient:
    """A client for the services of one show; any number of threads may use it.

    Args:
        typed_url: the service's address in show.toml; hosts of its class may be asked, so that a service in
            the house works.
        answer_s: for a whole answer.
    """

    def __init__(self, typed_url: str, *, guard: HostGuard | None = None, answer_s: float = ANSWER_S) -> None:
        self._typed_url, self._guard = typed_url, guard or HostGuard()
        self._deadline, self._answer_s = Deadline(), answer_s
        self._client = httpx.Client(
            timeout=answer_s, headers=HEADERS, transport=GuardedTransport(self._guard, self._deadline)
        )

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that a service answers.

        Args:
            body: a form, as `application/x-www-form-urlencoded`.

        Raises:
            FetchError: the host is not public, cannot be reached, takes too long, or answers with another
                status than 200, more than MAX_BYTES, or no JSON object. No error has the answer or a query.
        """
        self._guard.trust_hosts_like(self._typed_url)
        host = httpx.URL(url).host
        form = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            with (
                self._deadline.within(self._answer_s),
                self._client.stream(method, url, headers={**form, **(headers or {})}, content=body) as answer,
            ):
                if answer.status_code != 200:
                    raise RemoteFileUnusable(host, f"answers with status {answer.status_code}")
                return _parse(host, _read(host, answer))
        except httpx.HTTPError as error:
            raise FetchError(host, f"cannot be asked ({type(error).__name__})") from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _read(host: str, answer: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise RemoteFileUnusable(host, f"answers with more than {MAX_BYTES} bytes")
    return bytes(body)


def _parse(host: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RemoteFileUnusable(host, "answers with no JSON") from error
    if not isinstance(found, dict):
        raise RemoteFileUnusable(host, "answers with no JSON object")
    return found
