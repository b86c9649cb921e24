"""HTTP for anything that has bytes: HEAD, ranges, conditions, gzip. No access rules in here.

Source: RFC 9110; conformance rules H1 to H3.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from secrets import token_hex

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from podcast_pipeline.storage import ObjectReader

ByteRange = tuple[int, int]
"""Bytes from start up to, not including, end."""

MAX_SPANS = 16  # more is nobody's player; the whole is answered instead (RFC 9110, 14.2)
GZIP_FROM_BYTES = 500  # below this the answer fits one packet anyway
GZIP_MARK = "-gz"  # other bytes need another ETag (RFC 9110, 8.8.3)
TEXT_TYPES = re.compile(r"text/|image/svg\+xml|application/(json|rss\+xml|atom\+xml|xml|x-subrip)")
RANGE = re.compile(r"bytes\s*=\s*(.+)", re.IGNORECASE)
RANGE_PART = re.compile(r"([0-9]*)-([0-9]*)")
BEYOND = 10**18  # the end of no file: what a longer number means (RFC 9110, 14.1.2 expects such numbers)
ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')
REFUSES_GZIP = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


class RangeNotSatisfiable(Exception):
    """No requested range is inside the content: 416."""


@dataclass(frozen=True)
class Content:
    """What an address has to give right now.

    Attributes:
        type: Content-Type, with its charset.
        etag: opaque, without quotes; other bytes have another.
        modified_at: aware, whole seconds; None where there is no honest instant.
        read: yields the bytes from a start up to, not including, an end.
        cache_control: as an object was put; empty for what is made here.
    """

    type: str
    size_bytes: int
    etag: str
    modified_at: datetime | None
    read: Callable[[int, int], Iterator[bytes]]
    cache_control: str = ""

    @property
    def is_text(self) -> bool:
        """Whether gzip makes it smaller."""
        return TEXT_TYPES.match(self.type) is not None


def content_from_bytes(
    body: bytes, *, content_type: str, modified_at: datetime | None = None, cache_control: str = ""
) -> Content:
    """Return bytes as content; its ETag is their SHA-256, shortened."""
    return Content(
        type=content_type,
        size_bytes=len(body),
        etag=hashlib.sha256(body).hexdigest()[:32],
        modified_at=modified_at and modified_at.replace(microsecond=0),
        read=lambda start, end: iter((body[start:end],)),
        cache_control=cache_control,
    )


def content_from_store(store: ObjectReader, key: str) -> Content:
    """Return an object as content: text is read whole, anything else is streamed; raises NotFound."""
    info = store.head(key)
    if TEXT_TYPES.match(info.content_type):  # a feed may be replaced between head and stream
        info, body = store.get(key)
        return content_from_bytes(
            body,
            content_type=info.content_type,
            modified_at=info.modified_at,
            cache_control=info.cache_control,
        )
    return Content(
        type=info.content_type,
        size_bytes=info.size_bytes,
        etag=re.sub(r"[^\w.-]", "", info.etag),
        modified_at=info.modified_at.replace(microsecond=0),
        read=lambda start, end: store.stream(key, start, end),
        cache_control=info.cache_control,
    )


def content_response(request: Request, content: Content, *, headers: Mapping[str, str]) -> Response:
    """Answer GET or HEAD for content that the visitor may have; conditions and ranges are honoured.

    Args:
        headers: Cache-Control and whatever else this address says.
    """
    is_zipped = _takes_gzip(request, content)
    tag = f'"{content.etag}{GZIP_MARK}"' if is_zipped else f'"{content.etag}"'
    said = {"etag": tag, "accept-ranges": "bytes", **headers}
    if content.modified_at:
        said["last-modified"] = format_datetime(content.modified_at.astimezone(UTC), usegmt=True)
    if content.is_text:
        said["vary"] = ", ".join(filter(None, (said.get("vary"), "Accept-Encoding")))
    if _is_not_modified(request, content):
        return Response(status_code=304, headers=said)
    said["content-type"] = content.type
    if is_zipped:
        body = gzip.compress(b"".join(content.read(0, content.size_bytes)), compresslevel=6, mtime=0)
        return _whole(request, (body,), len(body), {**said, "content-encoding": "gzip"})
    try:
        spans = _spans(request, content, said)
    except RangeNotSatisfiable:
        return Response(status_code=416, headers={**said, "content-range": f"bytes */{content.size_bytes}"})
    if spans:
        return _partial(content, spans, said)
    return _whole(request, content.read(0, content.size_bytes), content.size_bytes, said)


def _whole(request: Request, body: Iterable[bytes], size_bytes: int, said: dict[str, str]) -> Response:
    said = {**said, "content-length": str(size_bytes)}
    return Response(headers=said) if request.method == "HEAD" else StreamingResponse(body, headers=said)


def _takes_gzip(request: Request, content: Content) -> bool:
    accepted = request.headers.get("accept-encoding", "")
    if not content.is_text or content.size_bytes < GZIP_FROM_BYTES or "range" in request.headers:
        return False
    return "gzip" in accepted.lower() and not REFUSES_GZIP.search(accepted)


def _is_not_modified(request: Request, content: Content) -> bool:
    lines = request.headers.getlist("if-none-match")
    if lines:  # it comes before If-Modified-Since, RFC 9110, 13.2.2
        tags = ", ".join(lines)
        known = {tag.removesuffix(GZIP_MARK) for tag in ENTITY_TAG.findall(tags)}
        return tags.strip() == "*" or content.etag in known
    since = _instant(request.headers.get("if-modified-since"))
    return since is not None and content.modified_at is not None and content.modified_at <= since


def _instant(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _spans(request: Request, content: Content, said: Mapping[str, str]) -> list[ByteRange]:
    """Return what of the content is asked for; empty means all of it."""
    condition = request.headers.get("if-range")
    if request.method != "GET" or "range" not in request.headers:
        return []
    if condition is not None and condition not in (said["etag"], said.get("last-modified")):
        return []
    return parse_range(request.headers["range"], content.size_bytes)


def parse_range(header: str, size_bytes: int) -> list[ByteRange]:
    """Return the spans of a Range header, in order, overlapping ones joined; empty if it is to be ignored.

    Raises:
        Unsatisfiable: the header is well formed and lies outside.
    """
    match = RANGE.fullmatch(header.strip())
    parts = [RANGE_PART.fullmatch(part.strip()) for part in match[1].split(",")] if match else []
    if not parts or len(parts) > MAX_SPANS:
        return []
    spans: list[ByteRange] = []
    for part in parts:
        if part is None or part[0] == "-":
            return []
        first, last = map(_number, part.groups())
        if part[1] and part[2] and last < first:
            return []
        start = first if part[1] else max(0, size_bytes - last)
        end = min(size_bytes, last + 1) if part[1] and part[2] else size_bytes
        if start < end:
            spans.append((start, end))
    if not spans:
        raise RangeNotSatisfiable
    return _joined(spans)


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    return min(int(significant[: len(str(BEYOND))]), BEYOND)


def _joined(spans: list[ByteRange]) -> list[ByteRange]:
    joined: list[ByteRange] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _partial(content: Content, spans: list[ByteRange], said: dict[str, str]) -> Response:
    if len(spans) == 1:
        ((start, end),) = spans
        said = {
            **said,
            "content-range": _content_range(content, start, end),
            "content-length": str(end - start),
        }
        return StreamingResponse(content.read(start, end), status_code=206, headers=said)
    boundary = token_hex(16)
    heads = [
        f"--{boundary}\r\nContent-Type: {content.type}\r\n"
        f"Content-Range: {_content_range(content, start, end)}\r\n\r\n".encode()
        for start, end in spans
    ]
    tail = f"--{boundary}--\r\n".encode()
    size = sum(map(len, heads)) + sum(end - start + 2 for start, end in spans) + len(tail)
    said = {
        **said,
        "content-type": f"multipart/byteranges; boundary={boundary}",
        "content-length": str(size),
    }
    return StreamingResponse(_multipart(content, spans, heads, tail), status_code=206, headers=said)


def _multipart(content: Content, spans: list[ByteRange], heads: list[bytes], tail: bytes) -> Iterator[bytes]:
    for head, (start, end) in zip(heads, spans, strict=True):
        yield head
        yield from content.read(start, end)
        yield b"\r\n"
    yield tail


def _content_range(content: Content, start: int, end: int) -> str:
    return f"bytes {start}-{end - 1}/{content.size_bytes}"
