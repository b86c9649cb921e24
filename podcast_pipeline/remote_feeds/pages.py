"""The pages of a feed, from its host or, the first one only, from a file that the person typed."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from time import monotonic

from podcast_pipeline.errors import FeedError, FetchError
from podcast_pipeline.feed import parse
from podcast_pipeline.feed.app_impact import parse_feed
from podcast_pipeline.feed.conformance.document import MAX_FEED_BYTES, FeedDocument
from podcast_pipeline.remote_feeds.client import HttpClient, redact_url

MOST_PAGES = 1000
MOST_BYTES = 4 * MAX_FEED_BYTES
LONGEST_S = 900.0


def is_web_address(source: str) -> bool:
    """Tell whether what a person typed is an address of the web, and no file."""
    return source.lower().startswith(("http://", "https://"))


def read_pages(source: str, client: HttpClient) -> Iterator[FeedDocument]:
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
        body, base_url = _read(address, client, is_first=len(seen) == 1)
        left_bytes -= len(body)
        document = parse_feed(body, base_url=base_url)
        yield document
        address = parse.next_page_url(document)


def read_feed_file(path: Path) -> bytes:
    """Return a feed from a file that a person typed.

    Raises:
        FeedError: it is no regular file (a device, a pipe), or larger than any feed.
    """
    status = path.stat()
    if not S_ISREG(status.st_mode):
        raise FeedError(path, "is no regular file; name the feed's file")
    with path.open("rb") as file:
        body = file.read(MAX_FEED_BYTES + 1)
    if len(body) > MAX_FEED_BYTES:
        raise FeedError(path, f"is larger than {MAX_FEED_BYTES} bytes, so it is no feed; check the name")
    return body


def _read(address: str, client: HttpClient, *, is_first: bool) -> tuple[bytes, str]:
    """Return a page and the address against which its own are relative."""
    if is_web_address(address):
        response = client.get(address, limit_bytes=MAX_FEED_BYTES)
        return response.body, response.final_url
    if not is_first:
        raise FetchError(_named(address), "is no address of the web; a next page is never a file")
    return read_feed_file(Path(address)), ""


def _named(source: str) -> str:
    return redact_url(source) if is_web_address(source) else source


def _bounds() -> str:
    return f"{MOST_PAGES} pages, {MOST_BYTES // 1024**2} MB or {LONGEST_S / 60:g} minutes"
