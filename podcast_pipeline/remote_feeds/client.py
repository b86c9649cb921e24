"""HTTP client for other hosts: guarded addresses, limits on bytes and time, retries, resumed downloads."""

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Literal, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from podcast_pipeline import __version__
from podcast_pipeline.errors import (
    FetchError,
    ForbiddenAddress,
    RemoteFileNotFound,
    RemoteFileUnusable,
    RemoteHostSlow,
)
from podcast_pipeline.feed.conformance.document import url_path
from podcast_pipeline.feed.conformance.responses import WEB_PLAYER_ORIGIN
from podcast_pipeline.feed.private import TOKEN_PATTERN
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.files import make_folder, sha256_of
from podcast_pipeline.remote_feeds.host_guard import HostGuard
from podcast_pipeline.remote_feeds.partial import PartialDownload
from podcast_pipeline.remote_feeds.transport import Deadline, GuardedTransport
from podcast_pipeline.remote_feeds.unpack import UnreadableEncoding, content_encoding, unpack

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
ATTEMPTS = 4
TRY_AGAIN = (408, 425, 429)
"""Statuses below 500 that may be another one later."""
USER_AGENT = f"podcast-pipeline/{__version__}"
MOST_TIME_OUTS = 3
"""After so many in a row the rest of a host's files is left for the next run."""
MEDIA_ENDINGS = (".mp3", ".m4a", ".m4v", ".mp4", ".opus", ".ogg", ".jpg", ".jpeg", ".png", ".webp")

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RANGE_START = re.compile(r"bytes (\d{1,19})-")
_SECRET = re.compile(rf"{TOKEN_PATTERN.pattern}|{_UUID}|(?=\D*\d)[a-z0-9_=]{{16,}}")

Method = Literal["GET", "HEAD"]


@dataclass(frozen=True)
class FetchLimits:
    """What another host may cost.

    Attributes:
        answer_s: for an answer, redirects and all; of a download for its beginning.
        slowest_bytes_per_s: of a download, in the mean; slower than speech is not delivered at all.
        total_bytes, total_s: of everything that one client fetches.
    """

    answer_s: float = 120.0
    slowest_bytes_per_s: int = 16_000
    total_bytes: int = 500 * 10**9
    total_s: float = 24 * 3600.0


@dataclass(frozen=True)
class FetchedResponse:
    """A response of another host.

    Attributes:
        final_url: after redirects; the base of relative addresses.
        headers: names in lower case.
        body: at most the limit; empty for HEAD.
        complete: whether the body ended before the limit.
    """

    url: str
    status: int
    headers: dict[str, str]
    body: bytes = b""
    complete: bool = True
    final_url: str = ""


@dataclass(frozen=True)
class DownloadedFile:
    """A downloaded file, complete and unpacked."""

    path: Path
    size_bytes: int
    sha256: str


class HttpClient:
    """A client for hosts that may be slow, wrong, hostile or gone; an unreachable host is not tried again."""

    def __init__(self, *, guard: HostGuard | None = None, limits: FetchLimits | None = None) -> None:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self._guard, self._limits, self._deadline = guard or HostGuard(), limits or FetchLimits(), Deadline()
        self._client = httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=True,
            headers=headers,
            transport=GuardedTransport(self._guard, self._deadline),
        )
        self._unreachable: dict[str, str] = {}
        self._time_outs: Counter[str] = Counter()
        self._ends_s = monotonic() + self._limits.total_s
        self._left_bytes = self._limits.total_bytes
        self._lock = threading.Lock()

    def trust_hosts_like(self, url: str) -> None:
        """Allow hosts of the class of an address that the person typed: loopback, or a private network."""
        self._guard.trust_hosts_like(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def allows_name(self, url: str) -> bool:
        """Tell whether an address may stay in a feed of ours: a name, or an address of an allowed class."""
        return self._guard.allows_name(url)

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
            body, complete = self._bounded(response, limit_bytes) if method == "GET" else (b"", True)
            return FetchedResponse(
                url, response.status_code, dict(response.headers), body, complete, str(response.url)
            )

    def get(self, url: str, *, limit_bytes: int) -> FetchedResponse:
        """Return a whole file of at most `limit_bytes`.

        Raises:
            FetchError: no response, another status than 200, or a larger file.
        """
        response = self.request(url, limit_bytes=limit_bytes)
        if response.status != 200:
            raise _status_error(url, response.status)
        if not response.complete:
            raise _too_large(url, limit_bytes)
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
                self._continue(url, partial, limit_bytes)
            except (RemoteFileUnusable, ForbiddenAddress):
                partial.discard()
                raise
            except RemoteHostSlow:
                raise
            except FetchError:
                if attempt == ATTEMPTS or not partial.path.exists():
                    raise
            else:
                break
        self._time_outs.pop(_host(url), None)
        partial.finish()
        return DownloadedFile(target, target.stat().st_size, sha256_of(target))

    def _continue(self, url: str, partial: PartialDownload, limit_bytes: int) -> None:
        """Append the missing bytes; a packed answer is unpacked and always begins anew."""
        partial.load()
        have, validator = partial.size_bytes, partial.validator
        headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
        with self._open("GET", url, headers) as response:
            if have and response.status_code == 416:  # nothing is left to send, or it is another file now
                partial.discard()
                self._continue(url, partial, limit_bytes)
                return
            if response.status_code not in (200, 206):
                partial.discard()
                raise _status_error(url, response.status_code)
            have = have if response.status_code == 206 else 0
            is_packed = content_encoding(response.headers) is not None
            if response.status_code == 206 and (is_packed or _range_start(response) != have):
                partial.discard()
                raise FetchError(redact_url(url), "answers another range than was asked for; run again")
            total = -1 if is_packed else have + _content_length(response, default=-1 - have)
            if total > limit_bytes:
                raise _too_large(url, limit_bytes)
            validator = None if is_packed else _validator(response)
            with partial.writer(validator, appending=bool(have)) as write:
                for chunk in self._chunks(response):
                    write(chunk)
                    if partial.size_bytes > limit_bytes:
                        raise _too_large(url, limit_bytes)
            size = partial.size_bytes
            if total >= 0 and size != total:
                raise FetchError(redact_url(url), f"broke off after {size} of {total} bytes; run again")

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield an unpacked body, unbuffered, so that an interruption loses nothing; keep it to its speed."""
        begun_s, received = monotonic(), 0
        for chunk in unpack(self._counted(response), content_encoding(response.headers)):
            received += len(chunk)
            allowed_s = self._limits.answer_s + received / self._limits.slowest_bytes_per_s
            self._deadline.at_s = min(begun_s + allowed_s, self._ends_s)
            yield chunk

    def _bounded(self, response: httpx.Response, limit_bytes: int) -> tuple[bytes, bool]:
        body = bytearray()
        for chunk in unpack(self._counted(response), content_encoding(response.headers)):
            body += chunk
            if len(body) > limit_bytes:
                return bytes(body[:limit_bytes]), False
        return bytes(body), True

    def _counted(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield a body as it comes over the wire, and count it for the whole run."""
        for chunk in response.iter_raw():
            with self._lock:
                self._left_bytes -= len(chunk)
            if self._left_bytes < 0:
                raise self._run_is_over(str(response.url))
            yield chunk

    def _run_is_over(self, url: str) -> FetchError:
        limits = self._limits
        message = (
            f"is beyond the {limits.total_bytes / 1e9:g} GB or {limits.total_s / 3600:g} hours of one run"
        )
        return FetchError(redact_url(url), f"{message}; run again to go on")

    def _too_late(self, url: str) -> FetchError:
        if monotonic() >= self._ends_s:
            return self._run_is_over(url)
        limits = self._limits
        message = f"takes longer than {limits.answer_s:g} s, at under {limits.slowest_bytes_per_s} bytes/s"
        return RemoteHostSlow(redact_url(url), f"{message}; run again to go on")

    @contextmanager
    def _open(self, method: Method, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        address = web_address(url)
        if address is None:
            raise FetchError(redact_url(url), "write it whole, with https://")
        host = _host(address)
        if host in self._unreachable:
            raise FetchError(redact_url(url), self._unreachable[host])
        if monotonic() >= self._ends_s or self._left_bytes < 0:
            raise self._run_is_over(url)
        with (
            self._deadline.within(min(self._limits.answer_s, self._ends_s - monotonic())),
            self._named_errors(url, host),
            self._client.stream(method, address, headers=dict(headers)) as response,
        ):
            yield response

    @contextmanager
    def _named_errors(self, url: str, host: str) -> Iterator[None]:
        """Raise what goes wrong as FetchError, with the address and without its secrets."""
        try:
            yield
        except ForbiddenAddress as error:
            raise ForbiddenAddress(redact_url(url), error.message) from error
        except UnreadableEncoding as error:
            raise RemoteFileUnusable(redact_url(url), f"{error}; ask its host") from error
        except httpx.TimeoutException as error:
            self._count_time_out(host)
            raise (
                self._too_late(url) if self._deadline.is_over else self._unanswered(url, host, error)
            ) from error
        except httpx.ConnectError as error:
            raise self._unanswered(url, host, error) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            raise FetchError(redact_url(url), f"cannot be fetched: {reason}; check the address") from error

    def _count_time_out(self, host: str) -> None:
        with self._lock:
            self._time_outs[host] += 1
        if self._time_outs[host] >= MOST_TIME_OUTS:
            about = f"is left for the next run: its host was too slow {MOST_TIME_OUTS} times; run again"
            self._unreachable[host] = about

    def _unanswered(self, url: str, host: str, error: httpx.TransportError) -> FetchError:
        if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return FetchError(redact_url(url), "cannot be fetched: no answer in time; run again later")
        self._unreachable[host] = f"cannot be reached: {error}; check the address and the network"
        return FetchError(redact_url(url), self._unreachable[host])


def _host(url: str) -> str:
    return urlsplit(web_address(url) or "").netloc


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


def _status_error(url: str, status: int) -> FetchError:
    kind: type[FetchError] = FetchError
    if status in (404, 410):
        kind = RemoteFileNotFound
    elif 400 <= status < 500 and status not in TRY_AGAIN:
        kind = RemoteFileUnusable
    what_to_do = "run again later" if kind is FetchError else "check the address"
    return kind(redact_url(url), f"answers {status}; {what_to_do}")


def _too_large(url: str, limit_bytes: int) -> RemoteFileUnusable:
    return RemoteFileUnusable(redact_url(url), f"is larger than {limit_bytes} bytes; check the address")


def _content_length(response: httpx.Response, *, default: int) -> int:
    length: str = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else default


def _range_start(response: httpx.Response) -> int | None:
    found = _RANGE_START.match(response.headers.get("content-range", ""))
    return int(found[1]) if found else None


def _validator(response: httpx.Response) -> str | None:
    """Return the value for If-Range: a strong ETag, else the date."""
    etag: str = response.headers.get("etag", "")
    strong = etag if etag and not etag.startswith("W/") else None
    return strong or response.headers.get("last-modified")
