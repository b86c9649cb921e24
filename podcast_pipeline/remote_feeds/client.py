"""HTTP client for other hosts: limits on bytes and time, retries, and resumed downloads."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from podcast_pipeline import __version__
from podcast_pipeline.errors import FetchError, RemoteFileNotFound
from podcast_pipeline.feed.conformance.document import url_path
from podcast_pipeline.feed.conformance.responses import WEB_PLAYER_ORIGIN
from podcast_pipeline.feed.private import TOKEN_PATTERN
from podcast_pipeline.files import make_folder, sha256_of
from podcast_pipeline.remote_feeds.partial import PartialDownload

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
CHUNK_BYTES = 256 * 1024
ATTEMPTS = 4
USER_AGENT = f"podcast-pipeline/{__version__}"
MEDIA_ENDINGS = (".mp3", ".m4a", ".m4v", ".mp4", ".opus", ".ogg", ".jpg", ".jpeg", ".png", ".webp")

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SECRET = re.compile(rf"{TOKEN_PATTERN.pattern}|{_UUID}|(?=\D*\d)[a-z0-9_=]{{16,}}")

Method = Literal["GET", "HEAD"]


@dataclass(frozen=True)
class FetchedResponse:
    """A response of another host.

    Attributes:
        headers: names in lower case.
        body: at most the limit; empty for HEAD.
        complete: whether the body ended before the limit.
    """

    url: str
    status: int
    headers: dict[str, str]
    body: bytes = b""
    complete: bool = True


@dataclass(frozen=True)
class DownloadedFile:
    """A downloaded file, complete. content_type is the host's, without parameters."""

    path: Path
    size_bytes: int
    sha256: str
    content_type: str


class HttpClient:
    """A client for hosts that may be slow, wrong or gone; an unreachable host is not tried again."""

    def __init__(self) -> None:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=True, headers=headers)
        self._unreachable: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def request(
        self,
        url: str,
        *,
        method: Method = "GET",
        headers: Mapping[str, str] | None = None,
        limit_bytes: int = 0,
    ) -> FetchedResponse:
        """Return the response, of any status, with at most `limit_bytes` of its body; sends an Origin.

        Raises:
            FetchError: no response; the subject contains no secrets.
        """
        with self._open(method, url, {"Origin": WEB_PLAYER_ORIGIN, **(headers or {})}) as response:
            body, complete = _bounded(response, limit_bytes) if method == "GET" else (b"", True)
            return FetchedResponse(url, response.status_code, dict(response.headers), body, complete)

    def get(self, url: str, *, limit_bytes: int) -> FetchedResponse:
        """Return a whole file of at most `limit_bytes`.

        Raises:
            FetchError: no response, another status than 200, or a larger file.
        """
        response = self.request(url, limit_bytes=limit_bytes)
        if response.status != 200:
            raise FetchError(redact_url(url), f"answers {response.status}; check the address")
        if not response.complete:
            raise FetchError(redact_url(url), f"is larger than {limit_bytes} bytes; check the address")
        return response

    def download(self, url: str, target: Path, *, limit_bytes: int) -> DownloadedFile:
        """Download a file to `target`; an interrupted download is resumed.

        The bytes so far are in a `PartialDownload` with the host's validator. The rest is requested with
        Range and If-Range, so that two versions are never mixed.

        Raises:
            FetchError: the file cannot be downloaded completely; the part stays for the next run.
        """
        partial = PartialDownload(target)
        make_folder(target.parent)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                content_type = self._continue(url, partial, limit_bytes)
            except FetchError:
                if attempt == ATTEMPTS or not partial.path.exists():
                    raise
            else:
                break
        partial.finish()
        return DownloadedFile(target, target.stat().st_size, sha256_of(target), content_type)

    def _continue(self, url: str, partial: PartialDownload, limit_bytes: int) -> str:
        """Append the missing bytes and return the content type."""
        partial.load()
        have, validator = partial.size_bytes, partial.validator
        headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
        with self._open("GET", url, headers) as response:
            if have and response.status_code == 416:  # nothing is left to send, or it is another file now
                partial.discard()
                return self._continue(url, partial, limit_bytes)
            if response.status_code not in (200, 206):
                partial.discard()
                kind = RemoteFileNotFound if response.status_code in (404, 410) else FetchError
                raise kind(redact_url(url), f"answers {response.status_code}; check the address")
            have = have if response.status_code == 206 else 0
            total = have + int(response.headers.get("content-length", -1 - have))
            if total > limit_bytes:
                raise FetchError(redact_url(url), f"is larger than {limit_bytes} bytes; check the address")
            with partial.writer(_validator(response), appending=bool(have)) as write:
                for chunk in response.iter_raw():  # unbuffered: an interruption loses nothing
                    write(chunk)
                    if partial.size_bytes > limit_bytes:
                        raise FetchError(
                            redact_url(url), f"is larger than {limit_bytes} bytes; check the address"
                        )
            size = partial.size_bytes
            if total >= 0 and size != total:
                raise FetchError(redact_url(url), f"broke off after {size} of {total} bytes; run again")
            return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @contextmanager
    def _open(self, method: Method, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        if url_path(url) is None:
            raise FetchError(redact_url(url), "write it whole, with https://")
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise FetchError(redact_url(url), self._unreachable[host])
        try:
            with self._client.stream(method, url, headers=dict(headers)) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            self._unreachable[host] = f"cannot be reached: {error}; check the address and the network"
            raise FetchError(redact_url(url), self._unreachable[host]) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            raise FetchError(redact_url(url), f"cannot be fetched: {reason}; check the address") from error


def redact_url(url: str) -> str:
    """Return a URL without possible secrets: user, query, and long words of the path."""
    if url_path(url) is None:
        return "an address that is none"
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = "/".join("***" if _is_secret(word) else word for word in parts.path.split("/"))
    return urlunsplit((parts.scheme, host, path, "***" if parts.query else "", ""))


def secrets_in_url(url: str) -> tuple[str, ...]:
    """Return the words of a URL that `redact_url` hides, longest first, to hide them elsewhere too."""
    parts = urlsplit(url)
    words = [word for word in parts.path.split("/") if _is_secret(word)]
    words += [value for pair in parts.query.split("&") if (value := pair.partition("=")[2])]
    words += [parts.password or "", parts.username or ""]
    known = {form for word in words for form in (word, unquote(word)) if len(form) >= 8}
    return tuple(sorted(known, key=len, reverse=True))


def _is_secret(word: str) -> bool:
    lower = word.lower()
    if lower.endswith(MEDIA_ENDINGS):
        return False
    return bool(_SECRET.fullmatch(lower) or _SECRET.fullmatch(lower.rpartition(".")[0]))


def _bounded(response: httpx.Response, limit_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in response.iter_bytes(CHUNK_BYTES):
        body += chunk
        if len(body) > limit_bytes:
            return bytes(body[:limit_bytes]), False
    return bytes(body), True


def _validator(response: httpx.Response) -> str | None:
    """Return the value for If-Range: a strong ETag, else the date."""
    etag: str = response.headers.get("etag", "")
    strong = etag if etag and not etag.startswith("W/") else None
    return strong or response.headers.get("last-modified")
