"""HTTP responses for byte content: HEAD, byte ranges, conditional requests, compression. No access rules.

Source: RFC 9110; feed rules H1 to H3 in docs/reference/feed-rules.md.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from secrets import token_hex

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from podcast_pipeline.model.media_types import is_public_type
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.web.content_coding import (
    ETAG_MARKS,
    Coding,
    Compressor,
    choose_coding,
    compress_quickly,
)

ByteRange = tuple[int, int]
"""Offsets (start, end) in bytes; end is exclusive."""

UNKNOWN_TYPE = "application/octet-stream"
MAX_RANGES = 16  # no player requests more; more get the whole content (RFC 9110, 14.2)
COMPRESSED_FROM_BYTES = 500  # a smaller response fits one packet anyway
TEXT_TYPES = re.compile(r"text/|image/svg\+xml|application/(json|rss\+xml|atom\+xml|xml|x-subrip)")
RANGE = re.compile(r"bytes\s*=\s*(.+)", re.IGNORECASE)
RANGE_PART = re.compile(r"([0-9]*)-([0-9]*)")
MAX_OFFSET = 10**18  # larger than any file; longer numbers are clipped to it (RFC 9110, 14.1.2)
ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')


class RangeNotSatisfiable(Exception):
    """No requested byte range is inside the content: 416."""


@dataclass(frozen=True)
class Content:
    """The current content of a URL.

    Attributes:
        type: Content-Type, with its charset.
        etag: opaque, without quotes; different for different bytes.
        modified_at: aware, whole seconds; None if unknown.
        read: yields the bytes from a start offset to an exclusive end offset.
        cache_control: as stored with an object; empty for generated content.
    """

    type: str
    size_bytes: int
    etag: str
    modified_at: datetime | None
    read: Callable[[int, int], Iterator[bytes]]
    cache_control: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the type is text, which compression makes smaller."""
        return TEXT_TYPES.match(self.type) is not None


def content_from_bytes(
    body: bytes, *, content_type: str, modified_at: datetime | None = None, cache_control: str = ""
) -> Content:
    """Return bytes as content; the ETag is their SHA-256, shortened."""
    return Content(
        type=content_type,
        size_bytes=len(body),
        etag=hashlib.sha256(body).hexdigest()[:32],
        modified_at=modified_at and modified_at.replace(microsecond=0),
        read=lambda start, end: iter((body[start:end],)),
        cache_control=cache_control,
    )


def content_from_store(store: ObjectReader, key: str) -> Content:
    """Return a stored object as content: text is read whole, other types are streamed; raises NotFound."""
    info = store.head(key)
    if TEXT_TYPES.match(info.content_type):  # a feed may be replaced between head and get
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


def media_from_store(store: ObjectReader, key: str) -> Content:
    """Return a stored object that may be of another host: of a type of ours, or a download without a type.

    An earlier release took over types of other hosts, so that a page could be stored as audio.
    """
    content = content_from_store(store, key)
    return content if is_public_type(key, content.type) else replace(content, type=UNKNOWN_TYPE)


def content_response(
    request: Request,
    content: Content,
    *,
    headers: Mapping[str, str],
    compress: Compressor = compress_quickly,
) -> Response:
    """Respond to GET or HEAD with content, honouring conditional requests and byte ranges.

    The caller has checked access.

    Args:
        headers: Cache-Control and other headers of this URL.
        compress: makes text smaller for a client that takes it.
    """
    coding = _coding(request, content)
    etag = f"{content.etag}{ETAG_MARKS[coding]}" if coding else content.etag
    response_headers = {"etag": f'"{etag}"', "accept-ranges": "bytes", **headers}
    if content.modified_at:
        response_headers["last-modified"] = format_datetime(content.modified_at.astimezone(UTC), usegmt=True)
    if content.type == UNKNOWN_TYPE:
        response_headers["content-disposition"] = "attachment"
    if content.is_text:
        response_headers["vary"] = ", ".join(filter(None, (response_headers.get("vary"), "Accept-Encoding")))
    if _is_not_modified(request, content):
        return Response(status_code=304, headers=response_headers)
    response_headers["content-type"] = content.type
    if coding:
        body = compress(coding, b"".join(content.read(0, content.size_bytes)))
        return _whole(request, (body,), len(body), {**response_headers, "content-encoding": coding})
    try:
        spans = _requested_ranges(request, content, response_headers)
    except RangeNotSatisfiable:
        return Response(
            status_code=416, headers={**response_headers, "content-range": f"bytes */{content.size_bytes}"}
        )
    if spans:
        return _partial(content, spans, response_headers)
    return _whole(request, content.read(0, content.size_bytes), content.size_bytes, response_headers)


def _whole(request: Request, body: Iterable[bytes], size_bytes: int, headers: dict[str, str]) -> Response:
    headers = {**headers, "content-length": str(size_bytes)}
    return Response(headers=headers) if request.method == "HEAD" else StreamingResponse(body, headers=headers)


def _coding(request: Request, content: Content) -> Coding | None:
    if not content.is_text or content.size_bytes < COMPRESSED_FROM_BYTES or "range" in request.headers:
        return None
    return choose_coding(request.headers.get("accept-encoding", ""))


def _is_not_modified(request: Request, content: Content) -> bool:
    lines = request.headers.getlist("if-none-match")
    if lines:  # takes precedence over If-Modified-Since (RFC 9110, 13.2.2)
        tags = ", ".join(lines)
        known = {content.etag, *(f"{content.etag}{mark}" for mark in ETAG_MARKS.values())}
        return tags.strip() == "*" or not known.isdisjoint(ENTITY_TAG.findall(tags))
    since = _parse_http_date(request.headers.get("if-modified-since"))
    return since is not None and content.modified_at is not None and content.modified_at <= since


def _parse_http_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _requested_ranges(request: Request, content: Content, headers: Mapping[str, str]) -> list[ByteRange]:
    """Return the requested byte ranges; empty means the whole content."""
    condition = request.headers.get("if-range")
    if request.method != "GET" or "range" not in request.headers:
        return []
    if condition is not None and condition not in (headers["etag"], headers.get("last-modified")):
        return []
    return parse_range(request.headers["range"], content.size_bytes)


def parse_range(header: str, size_bytes: int) -> list[ByteRange]:
    """Parse a Range header into sorted byte ranges, overlapping ones merged; empty for an invalid header.

    Raises:
        RangeNotSatisfiable: the header is valid, and every range is outside the content.
    """
    match = RANGE.fullmatch(header.strip())
    parts = [RANGE_PART.fullmatch(part.strip()) for part in match[1].split(",")] if match else []
    if not parts or len(parts) > MAX_RANGES:
        return []
    spans: list[ByteRange] = []
    for part in parts:
        if part is None or part[0] == "-":
            return []
        first, last = map(_offset, part.groups())
        if part[1] and part[2] and last < first:
            return []
        start = first if part[1] else max(0, size_bytes - last)
        end = min(size_bytes, last + 1) if part[1] and part[2] else size_bytes
        if start < end:
            spans.append((start, end))
    if not spans:
        raise RangeNotSatisfiable
    return _merge(spans)


def _offset(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    return min(int(significant[: len(str(MAX_OFFSET))]), MAX_OFFSET)


def _merge(spans: list[ByteRange]) -> list[ByteRange]:
    merged: list[ByteRange] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _partial(content: Content, spans: list[ByteRange], headers: dict[str, str]) -> Response:
    if len(spans) == 1:
        ((start, end),) = spans
        headers = {
            **headers,
            "content-range": _content_range(content, start, end),
            "content-length": str(end - start),
        }
        return StreamingResponse(content.read(start, end), status_code=206, headers=headers)
    boundary = token_hex(16)
    heads = [
        f"--{boundary}\r\nContent-Type: {content.type}\r\n"
        f"Content-Range: {_content_range(content, start, end)}\r\n\r\n".encode()
        for start, end in spans
    ]
    tail = f"--{boundary}--\r\n".encode()
    size = sum(map(len, heads)) + sum(end - start + 2 for start, end in spans) + len(tail)
    headers = {
        **headers,
        "content-type": f"multipart/byteranges; boundary={boundary}",
        "content-length": str(size),
    }
    return StreamingResponse(_multipart(content, spans, heads, tail), status_code=206, headers=headers)


def _multipart(content: Content, spans: list[ByteRange], heads: list[bytes], tail: bytes) -> Iterator[bytes]:
    for head, (start, end) in zip(heads, spans, strict=True):
        yield head
        yield from content.read(start, end)
        yield b"\r\n"
    yield tail


def _content_range(content: Content, start: int, end: int) -> str:
    return f"bytes {start}-{end - 1}/{content.size_bytes}"
