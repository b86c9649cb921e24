"""Rules H1 to H6: what a host answered, as somebody recorded it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from podcast_pipeline.feed.conformance.finding import FeedFinding, Severity
from podcast_pipeline.model import CHAPTERS_TYPE

ResourceKind = Literal["feed", "artwork", "audio", "transcript", "chapters"]

WEB_PLAYER_ORIGIN = "https://player.example"
"""Where a web player comes from that asks: a bucket tells nobody else who may read."""

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
    """One request and what came back.

    Attributes:
        url: for messages; the caller leaves tokens out of it.
        asked: the request's headers that matter here; names in lower case.
        headers: the answer's; names in lower case.
        size_bytes: of the body that came, None where it was not read.
        expected_type, expected_size_bytes: what the feed says of it, None where it says nothing.
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
        """A request for the whole thing, without conditions."""
        return not {"range", "if-none-match", "if-modified-since"} & self.request_headers.keys()


def check_responses(answers: Iterable[RecordedResponse]) -> tuple[FeedFinding, ...]:
    """Return what is wrong with what a host answered, in the order of the answers."""
    return tuple(finding for answer in answers for rule in RULES for finding in rule(answer))


def _reachable(answer: RecordedResponse) -> Iterator[FeedFinding]:
    """H1: HEAD works. H4: everything can be had without a password."""
    if answer.method == "HEAD" and answer.status != 200:
        yield _find(
            "H1", answer, f"HEAD is answered {answer.status}", "answer HEAD like GET, without the body"
        )
    elif answer.status in (401, 403):
        yield _find("H4", answer, f"answered {answer.status}", "let everybody in who has the address")
    elif answer.is_unconditional and answer.status != 200:
        yield _find("H4", answer, f"answered {answer.status}", "serve it, or take it out of the feed")


def _ranges(answer: RecordedResponse) -> Iterator[FeedFinding]:
    """H2: a range is answered 206 and says which one it is."""
    if answer.kind != "audio" or (answer.status >= 400 and "range" not in answer.request_headers):
        return
    if "range" in answer.request_headers:
        if answer.status == 416:
            return
        if answer.status != 206 or not answer.headers.get("content-range", "").startswith("bytes "):
            fix = "answer 206 with Content-Range; Apple refuses the audio otherwise"
            yield _find("H2", answer, f"a range is answered {answer.status}", fix)
    elif answer.headers.get("accept-ranges") != "bytes":
        yield _find("H2", answer, "ranges are not offered", "send Accept-Ranges: bytes")


def _conditions(answer: RecordedResponse) -> Iterator[FeedFinding]:
    """H3: a feed can be asked for again without being sent again, is sent small, and is kept a while."""
    if answer.status in (429, 503) and "retry-after" not in answer.headers:
        yield _find("H3", answer, f"{answer.status} without Retry-After", "say when to come back", "warning")
    if answer.kind != "feed":
        return
    if answer.status == 200 and "cache-control" not in answer.headers:
        yield _find("H3", answer, "no Cache-Control", "send max-age=300 or so", "warning")
    if (
        "gzip" in answer.request_headers.get("accept-encoding", "")
        and "content-encoding" not in answer.headers
    ):
        yield _find("H3", answer, "it is not compressed", "let the server or the CDN send gzip", "warning")
    if "if-none-match" in answer.request_headers:
        if answer.status != 304:
            yield _find("H3", answer, f"If-None-Match is answered {answer.status}", "answer 304", "warning")
    elif answer.status == 200:
        for name in ("etag", "last-modified"):
            if name not in answer.headers:
                yield _find("H3", answer, f"no {name}", "send ETag and Last-Modified", "warning")


def _origins(answer: RecordedResponse) -> Iterator[FeedFinding]:
    """H5: players in a browser may read it, and not with cookies."""
    if answer.kind not in CORS_KINDS or answer.status != 200:
        return
    if answer.headers.get("access-control-allow-origin") not in ("*", WEB_PLAYER_ORIGIN):
        yield _find(
            "H5", answer, "web players may not read it", "send Access-Control-Allow-Origin: *", "warning"
        )
    if "access-control-allow-credentials" in answer.headers:
        fix = "leave Access-Control-Allow-Credentials out"
        yield _find("H5", answer, "web pages may send the listener's cookies", fix)


def _types(answer: RecordedResponse) -> Iterator[FeedFinding]:
    """H6: the type is the one that the feed names, or one of its kind. F8: the length is the one it names."""
    if answer.status not in (200, 206):
        return
    mime = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    allowed = (answer.expected_type,) if answer.expected_type else CONTENT_TYPES[answer.kind]
    if not mime.startswith(allowed):
        yield _find("H6", answer, f"the type is “{mime}”", f"serve it as {allowed[0]}")
    length = answer.headers.get("content-length", "")
    size = answer.size_bytes if answer.size_bytes is not None else int(length) if length.isdecimal() else None
    expected = answer.expected_size_bytes
    if answer.status == 200 and size is not None and expected is not None and size != expected:
        yield _find(
            "F8", answer, f"it has {size} bytes, the feed says {expected}", "correct the length in the feed"
        )


def _find(
    rule: str, answer: RecordedResponse, message: str, fix: str, severity: Severity = "error"
) -> FeedFinding:
    return FeedFinding(rule, severity, None, f"{answer.kind} {answer.url}: {message}", fix)


RULES: tuple[Callable[[RecordedResponse], Iterator[FeedFinding]], ...] = (
    _reachable,
    _ranges,
    _conditions,
    _origins,
    _types,
)
