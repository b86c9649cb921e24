"""The pages of a feed, from its host or, the first one only, from a file that the person typed."""

import os
import re
import select
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from stat import S_ISFIFO, S_ISREG, S_ISSOCK
from time import monotonic

from podcast_pipeline.errors import FeedError, FetchError
from podcast_pipeline.feed import parse
from podcast_pipeline.feed.app_impact import parse_feed
from podcast_pipeline.feed.conformance.document import MAX_FEED_BYTES, FeedDocument
from podcast_pipeline.feed.untrusted.mending import ReadableFeed, readable_feed
from podcast_pipeline.remote_feeds.client import HttpClient, redact_url

APP_ADDRESS = re.compile(r"(?:feed|podcast|pcast|itpc|itms-podcast|antennapod-subscribe):", re.IGNORECASE)
"""What apps write before, or instead of, https: in the address of a feed."""

WEB_PAGE = re.compile(rb"<html[\s>]|<!doctype html", re.IGNORECASE)
BEGIN_BYTES = 1000
STDIN = "-"
BLOCK_BYTES = 1 << 20
LONGEST_SILENCE_S = 60.0
MOST_PAGES = 1000
MOST_BYTES = 4 * MAX_FEED_BYTES
LONGEST_S = 900.0


CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s;"']{1,40})""", re.IGNORECASE)
"""Of a Content-Type."""


@dataclass(frozen=True)
class ReadPage:
    """A page of a feed.

    Attributes:
        remarks: how it was mended; see `readable_feed`.
    """

    document: FeedDocument
    remarks: tuple[str, ...]


def typed_source(text: str) -> str:
    """Return what a person typed; an app's address of a feed (feed:, podcast://) as one of the web."""
    found = APP_ADDRESS.match(text)
    if not found:
        return text
    rest = text[found.end() :]
    return rest if is_web_address(rest) else f"https://{rest.removeprefix('//')}"


def is_web_address(source: str) -> bool:
    """Tell whether what a person typed is an address of the web, and no file."""
    return source.lower().startswith(("http://", "https://"))


def read_pages(source: str, client: HttpClient) -> Iterator[ReadPage]:
    """Yield a feed and, where it has pagination, the pages with older items; http(s) only.

    Args:
        source: an address, or a file.

    Raises:
        FeedError: a page is no feed, or they have no end.
    """
    begun_s, left_bytes = monotonic(), MOST_BYTES
    seen: set[str] = set()
    address: str | None = source
    while address and address not in seen:
        if len(seen) == MOST_PAGES or left_bytes < 0 or monotonic() - begun_s > LONGEST_S:
            raise FeedError(_named(source), f"has no end: {_bounds()} were read; nothing was imported")
        seen.add(address)
        feed, base_url = _read(address, client, is_first=len(seen) == 1)
        left_bytes -= len(feed.body)
        if WEB_PAGE.search(feed.body, 0, BEGIN_BYTES):
            raise FeedError(_named(address), "is a web page, no feed; look there for the feed's address")
        document = parse_feed(feed.body, base_url=base_url)
        yield ReadPage(document, feed.remarks)
        address = parse.next_page_url(document)


def read_feed_file(name: str) -> bytes:
    """Return a feed from a file that a person typed: a regular one, a pipe (`<(curl …)`), or - for stdin.

    Raises:
        FeedError: it is a device or a terminal, a pipe that stays silent, empty, or larger than any feed.
    """
    handle = sys.stdin.fileno() if name == STDIN else os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    try:
        body = _read_handle(handle, name)
    finally:
        if name != STDIN:
            os.close(handle)
    if len(body) > MAX_FEED_BYTES:
        raise FeedError(name, f"is larger than {MAX_FEED_BYTES} bytes, so it is no feed; check the name")
    return body


def _read_handle(handle: int, name: str) -> bytes:
    mode = os.fstat(handle).st_mode
    if not (S_ISREG(mode) or S_ISFIFO(mode) or S_ISSOCK(mode)):
        raise FeedError(name, "is no file and no pipe; name the feed's file, or pipe the feed into it")
    body = bytearray()
    while len(body) <= MAX_FEED_BYTES:
        if not select.select([handle], [], [], LONGEST_SILENCE_S)[0]:
            raise FeedError(name, f"sent nothing for {LONGEST_SILENCE_S:g} s; save the feed as a file")
        block = os.read(handle, BLOCK_BYTES)
        if not block:
            break
        body += block
    if not body:
        raise FeedError(name, "is empty; name the feed's file")
    return bytes(body)


def read_feed(source: str, client: HttpClient) -> ReadableFeed:
    """Return one feed, decoded and mended, from the address or the file that a person typed."""
    return _read(source, client, is_first=True)[0]


def _read(address: str, client: HttpClient, *, is_first: bool) -> tuple[ReadableFeed, str]:
    """Return a page and the address against which its own are relative."""
    if is_web_address(address):
        response = client.get(address, limit_bytes=MAX_FEED_BYTES)
        charset = CHARSET.search(response.headers.get("content-type", ""))
        feed = readable_feed(response.body, http_charset=charset[1] if charset else "")
        return feed, response.final_url
    if not is_first:
        raise FetchError(_named(address), "is no address of the web; a next page is never a file")
    return readable_feed(read_feed_file(address)), ""


def _named(source: str) -> str:
    return redact_url(source) if is_web_address(source) else source


def _bounds() -> str:
    return f"{MOST_PAGES} pages, {MOST_BYTES // 1024**2} MB or {LONGEST_S / 60:g} minutes"
