"""Rules H1 to H6: recorded HTTP responses of a host."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from podcast_pipeline.feed.conformance.finding import FeedFinding, Severity
from podcast_pipeline.model import CHAPTERS_TYPE

ResourceKind = Literal["feed", "artwork", "audio", "transcript", "chapters"]

WEB_PLAYER_ORIGIN = "https://player.example"
"""The Origin header of a web player; a bucket sends CORS headers only to requests that have one."""

CORS_KINDS = ("feed", "transcript", "chapters")
CONTENT_TYPES: dict[ResourceKind, tuple[str, ...]] = {
    "feed": ("application/rss+xml", "application/xml", "text/xml"),
    "artwork": ("image/jpeg", "image/png"),
    "audio": ("audio/", "video/"),
    "transcript": ("text/vtt", "application/x-subrip", "application/json", "text/html", "text/plain"),
    "chapters": (CHAPTERS_TYPE, "application/json"),
}


@dataclass(frozen=True)
class RecordedResponse:
    """One request and its response.

    Attributes:
        url: for messages; the caller has removed tokens.
        request_headers: the conditions, ranges and encodings of the request; names in lower case.
        headers: of the response; names in lower case.
        size_bytes: of the received body; None if it was not read.
        expected_type, expected_size_bytes: as stated in the feed; None if the feed states none.
    """

    kind: ResourceKind
    url: str
    status: int
    method: Literal["GET", "HEAD"] = "GET"
    request_headers: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    size_bytes: int | None = None
    expected_type: str | None = None
    expected_size_bytes: int | None = None

    @property
    def is_unconditional(self) -> bool:
        """Whether the request is for the whole file, without conditions."""
        return not {"range", "if-none-match", "if-modified-since"} & self.request_headers.keys()


def check_responses(responses: Iterable[RecordedResponse]) -> tuple[FeedFinding, ...]:
    """Return the findings of a host's responses, in their order."""
    return tuple(finding for response in responses for rule in RULES for finding in rule(response))


def _availability(response: RecordedResponse) -> Iterator[FeedFinding]:
    """H1: HEAD requests are answered. H4: every file is available without a password."""
    if response.method == "HEAD" and response.status != 200:
        yield _finding(
            "H1", response, f"HEAD is answered {response.status}", "answer HEAD like GET, without the body"
        )
    elif response.status in (401, 403):
        yield _finding(
            "H4", response, f"answered with status {response.status}", "allow access without a password"
        )
    elif response.is_unconditional and response.status != 200:
        yield _finding(
            "H4", response, f"answered with status {response.status}", "serve it, or remove it from the feed"
        )


def _byte_ranges(response: RecordedResponse) -> Iterator[FeedFinding]:
    """H2: byte-range requests are answered 206, with Content-Range."""
    if response.kind != "audio" or (response.status >= 400 and "range" not in response.request_headers):
        return
    if "range" in response.request_headers:
        if response.status == 416:
            return
        if response.status != 206 or not response.headers.get("content-range", "").startswith("bytes "):
            fix = "answer 206 with Content-Range; Apple rejects the audio otherwise"
            yield _finding("H2", response, f"a byte-range request is answered {response.status}", fix)
    elif response.headers.get("accept-ranges") != "bytes":
        yield _finding("H2", response, "byte ranges are not offered", "send Accept-Ranges: bytes")


def _caching(response: RecordedResponse) -> Iterator[FeedFinding]:
    """H3: a feed supports conditional requests, compression and caching."""
    if response.status in (429, 503) and "retry-after" not in response.headers:
        yield _finding(
            "H3", response, f"{response.status} without Retry-After", "send Retry-After", "warning"
        )
    if response.kind != "feed":
        return
    if response.status == 200 and "cache-control" not in response.headers:
        yield _finding("H3", response, "no Cache-Control", "send Cache-Control: max-age=300", "warning")
    if (
        "gzip" in response.request_headers.get("accept-encoding", "")
        and "content-encoding" not in response.headers
    ):
        yield _finding(
            "H3", response, "the feed is not compressed", "enable gzip on the server or the CDN", "warning"
        )
    if "if-none-match" in response.request_headers:
        if response.status != 304:
            yield _finding(
                "H3", response, f"If-None-Match is answered {response.status}", "answer 304", "warning"
            )
    elif response.status == 200:
        for name in ("etag", "last-modified"):
            if name not in response.headers:
                yield _finding("H3", response, f"no {name}", "send ETag and Last-Modified", "warning")


def _cors(response: RecordedResponse) -> Iterator[FeedFinding]:
    """H5: web players may read the feed and its files (CORS), without cookies."""
    if response.kind not in CORS_KINDS or response.status != 200:
        return
    if response.headers.get("access-control-allow-origin") not in ("*", WEB_PLAYER_ORIGIN):
        yield _finding(
            "H5", response, "web players cannot read it", "send Access-Control-Allow-Origin: *", "warning"
        )
    if "access-control-allow-credentials" in response.headers:
        fix = "remove the header Access-Control-Allow-Credentials"
        yield _finding("H5", response, "web pages can send the listener's cookies", fix)


def _type_and_length(response: RecordedResponse) -> Iterator[FeedFinding]:
    """H6: the Content-Type is the one stated in the feed, or fits the kind of file.

    F8: the length of the file is the one stated in the feed.
    """
    if response.status not in (200, 206):
        return
    mime = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    allowed = (response.expected_type,) if response.expected_type else CONTENT_TYPES[response.kind]
    if not mime.startswith(allowed):
        yield _finding("H6", response, f"the Content-Type is “{mime}”", f"serve it as {allowed[0]}")
    length = response.headers.get("content-length", "")
    size = response.size_bytes
    if size is None and length.isdecimal():
        size = int(length)
    expected = response.expected_size_bytes
    if response.status == 200 and size is not None and expected is not None and size != expected:
        yield _finding(
            "F8",
            response,
            f"the file has {size} bytes, the feed states {expected}",
            "correct the length in the feed",
        )


def _finding(
    rule: str, response: RecordedResponse, message: str, fix: str, severity: Severity = "error"
) -> FeedFinding:
    return FeedFinding(rule, severity, None, f"{response.kind} {response.url}: {message}", fix)


RULES: tuple[Callable[[RecordedResponse], Iterator[FeedFinding]], ...] = (
    _availability,
    _byte_ranges,
    _caching,
    _cors,
    _type_and_length,
)
