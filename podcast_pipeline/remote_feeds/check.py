"""Check a feed and its files over HTTP, with the requests that apps send."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import cast

from podcast_pipeline.errors import FetchError
from podcast_pipeline.feed import conformance
from podcast_pipeline.feed.conformance import FeedFinding, RecordedResponse
from podcast_pipeline.feed.conformance.document import (
    MAX_FEED_BYTES,
    Element,
    FeedDocument,
    UnreadableFeed,
    parse_rss,
)
from podcast_pipeline.feed.conformance.responses import ResourceKind
from podcast_pipeline.feed.text import parse_duration
from podcast_pipeline.remote_feeds.client import (
    FetchedResponse,
    HttpClient,
    Method,
    redact_url,
    secrets_in_url,
)

PARALLEL = 4
TRANSCRIPT_BYTES = 20 * 1024 * 1024
CHAPTERS_BYTES = 2 * 1024 * 1024
ARTWORK_BYTES = 10 * 1024 * 1024
REACH = "make it reachable for everybody, or take it out of the feed"


@dataclass(frozen=True)
class FileToCheck:
    """A file that a feed lists.

    Attributes:
        line: of the feed.
        mime, size_bytes: as in the feed.
        duration_s: of the audio it belongs to.
    """

    kind: ResourceKind
    url: str
    line: int | None
    mime: str | None = None
    size_bytes: int | None = None
    duration_s: float | None = None


def check_url(
    url: str, client: HttpClient, *, newest: int, now: datetime | None = None
) -> tuple[FeedFinding, ...]:
    """Return the broken rules of a feed, of its host's responses, and of the files of its newest items.

    Requests use HEAD, GET, If-None-Match, gzip and byte ranges; audio is never fetched whole. No finding
    contains a secret of the feed's URL.

    Args:
        newest: number of items whose audio, transcripts, chapters and artwork are requested.
        now: see `check_feed`.

    Raises:
        FetchError: the feed cannot be fetched.
    """
    client.trust_hosts_like(url)
    feed = client.request(url, limit_bytes=MAX_FEED_BYTES)
    findings = list(conformance.check_responses(_feed_responses(url, feed, client)))
    if feed.status == 200:
        findings += conformance.check_feed(feed.body, now=now)
        findings += _check_files(feed.body, client, newest=newest)
    hidden = secrets_in_url(url)
    return tuple(dict.fromkeys(_hide(finding, hidden) for finding in findings))


def _feed_responses(url: str, feed: FetchedResponse, client: HttpClient) -> Iterator[RecordedResponse]:
    yield _recorded("feed", feed)
    if feed.status != 200:
        return
    yield _recorded("feed", client.request(url, method="HEAD"), method="HEAD")
    headers = {"accept-encoding": "gzip"}
    yield _recorded("feed", client.request(url, headers=headers, limit_bytes=MAX_FEED_BYTES), headers=headers)
    if etag := feed.headers.get("etag"):
        headers = {"if-none-match": etag}
        yield _recorded("feed", client.request(url, headers=headers), headers=headers)


def _check_files(feed: bytes, client: HttpClient, *, newest: int) -> Iterator[FeedFinding]:
    try:
        document = parse_rss(feed)
    except UnreadableFeed:
        return  # `conformance.check_feed` has reported it
    with ThreadPoolExecutor(PARALLEL) as pool:
        for findings in pool.map(partial(_check_file, client), files_to_check(document, newest=newest)):
            yield from findings


def files_to_check(document: FeedDocument, *, newest: int) -> tuple[FileToCheck, ...]:
    """Return the files of the channel and of the first items, each URL once."""
    found = [*_artwork(document, document.channel)]
    for item in document.items[:newest]:
        found += _files(document, item)
    return tuple({file.url: file for file in reversed(found)}.values())[::-1]


def _files(document: FeedDocument, item: Element) -> Iterator[FileToCheck]:
    duration_s = parse_duration(document.text(item, "itunes:duration"))
    for element in document.all(item, "enclosure"):
        length = element.get("length", "")
        size = int(length) if length.isdecimal() else None
        yield FileToCheck("audio", element.get("url", ""), _line(element), element.get("type"), size)
    for name in ("transcript", "chapters"):
        for element in document.all(item, f"podcast:{name}"):
            kind: ResourceKind = "transcript" if name == "transcript" else "chapters"
            url, mime = element.get("url", ""), element.get("type")
            yield FileToCheck(kind, url, _line(element), mime, duration_s=duration_s)
    yield from _artwork(document, item)


def _artwork(document: FeedDocument, parent: Element) -> Iterator[FileToCheck]:
    for element in document.all(parent, "itunes:image"):
        yield FileToCheck("artwork", element.get("href", ""), _line(element))


def _line(element: Element) -> int | None:
    return cast(int, element.sourceline)


def _check_file(client: HttpClient, file: FileToCheck) -> list[FeedFinding]:
    """Return the broken rules of one file; `line` is the feed's, the file's own line is in the message."""
    try:
        findings = list(CHECKS[file.kind](file, client))
    except FetchError as problem:
        return [FeedFinding("H4", "error", file.line, f"{file.kind} {problem}", REACH)]
    return [replace(finding, line=file.line) for finding in findings]


def _check_audio(file: FileToCheck, client: HttpClient) -> Iterable[FeedFinding]:
    """H1, H2, H6, F8: request the head and four byte ranges."""
    head = client.request(file.url, method="HEAD")
    length = head.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else file.size_bytes or 1
    ranges = ("bytes=0-1", f"bytes={max(0, size - 2)}-", "bytes=-2", f"bytes={size}-")
    headers = [{"range": range_} for range_ in ranges]
    responses = [
        _recorded("audio", head, file=file, method="HEAD"),
        *(_recorded("audio", client.request(file.url, headers=a), file=file, headers=a) for a in headers),
    ]
    return conformance.check_responses(responses)


def _check_transcript(file: FileToCheck, client: HttpClient) -> Iterable[FeedFinding]:
    response = client.request(file.url, limit_bytes=TRANSCRIPT_BYTES)
    yield from conformance.check_responses([_recorded("transcript", response, file=file)])
    if response.status == 200 and response.complete:
        found = conformance.check_transcript(response.body, file.mime or "", duration_s=file.duration_s)
        yield from (_in_file(finding, file) for finding in found)


def _check_chapters(file: FileToCheck, client: HttpClient) -> Iterable[FeedFinding]:
    response = client.request(file.url, limit_bytes=CHAPTERS_BYTES)
    yield from conformance.check_responses([_recorded("chapters", response, file=file)])
    if response.status == 200 and response.complete:
        found = conformance.check_chapters(response.body, duration_s=file.duration_s)
        yield from (_in_file(finding, file) for finding in found)


def _check_artwork(file: FileToCheck, client: HttpClient) -> Iterable[FeedFinding]:
    yield from conformance.check_responses(
        [_recorded("artwork", client.request(file.url, method="HEAD"), method="HEAD")]
    )
    response = client.request(file.url, limit_bytes=ARTWORK_BYTES)
    yield from conformance.check_responses([_recorded("artwork", response)])
    if response.status == 200:
        found = conformance.check_artwork(response.body, response.headers.get("content-type", ""))
        yield from (_in_file(finding, file) for finding in found)


CHECKS: dict[ResourceKind, Callable[[FileToCheck, HttpClient], Iterable[FeedFinding]]] = {
    "audio": _check_audio,
    "transcript": _check_transcript,
    "chapters": _check_chapters,
    "artwork": _check_artwork,
}


def _recorded(
    kind: ResourceKind,
    response: FetchedResponse,
    *,
    file: FileToCheck | None = None,
    method: Method = "GET",
    headers: dict[str, str] | None = None,
) -> RecordedResponse:
    return RecordedResponse(
        kind,
        redact_url(response.url),
        response.status,
        method,
        headers or {},
        response.headers,
        expected_type=file.mime if file else None,
        expected_size_bytes=file.size_bytes if file else None,
    )


def _in_file(finding: FeedFinding, file: FileToCheck) -> FeedFinding:
    where = f", line {finding.line}" if finding.line else ""
    return replace(finding, message=f"{redact_url(file.url)}{where}: {finding.message}")


def _hide(finding: FeedFinding, secrets: Iterable[str]) -> FeedFinding:
    message = finding.message
    for secret in secrets:
        message = message.replace(secret, "***")
    return replace(finding, message=message)
