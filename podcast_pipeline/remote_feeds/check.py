"""Asks a host for a feed and for what the feed names, as apps do, and says which rules the answers break."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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
    """A file that a feed names.

    Attributes:
        line: of the feed.
        mime, size_bytes: what the feed says of it. duration_s: of the audio it belongs to.
    """

    kind: ResourceKind
    url: str
    line: int | None
    mime: str | None = None
    size_bytes: int | None = None
    duration_s: float | None = None


def check_url(url: str, client: HttpClient, *, newest: int) -> tuple[FeedFinding, ...]:
    """Return what is wrong with a feed as its host serves it, and with the files of its newest items.

    Asks with HEAD, GET, If-None-Match, gzip and ranges; audio is never fetched whole. What the address
    of the feed keeps secret is in no finding.

    Args:
        newest: of how many items the audio, transcripts, chapters and artwork are asked for.

    Raises:
        FetchError: there is no feed to be had.
    """
    feed = client.request(url, limit_bytes=MAX_FEED_BYTES)
    findings = list(conformance.check_responses(_feed_answers(url, feed, client)))
    if feed.status == 200:
        findings += conformance.check_feed(feed.body)
        findings += _check_files(feed.body, client, newest=newest)
    hidden = secrets_in_url(url)
    return tuple(dict.fromkeys(_hide(finding, hidden) for finding in findings))


def _feed_answers(url: str, feed: FetchedResponse, web: HttpClient) -> Iterator[RecordedResponse]:
    yield _answer("feed", feed)
    if feed.status != 200:
        return
    yield _answer("feed", web.request(url, method="HEAD"), method="HEAD")
    asked = {"accept-encoding": "gzip"}
    yield _answer("feed", web.request(url, headers=asked, limit_bytes=MAX_FEED_BYTES), asked=asked)
    if etag := feed.headers.get("etag"):
        asked = {"if-none-match": etag}
        yield _answer("feed", web.request(url, headers=asked), asked=asked)


def _check_files(feed: bytes, web: HttpClient, *, newest: int) -> Iterator[FeedFinding]:
    try:
        document = parse_rss(feed)
    except UnreadableFeed:
        return  # `conformance.check` has said so
    with ThreadPoolExecutor(PARALLEL) as pool:
        for findings in pool.map(partial(_check_file, web), files_to_check(document, newest=newest)):
            yield from findings


def files_to_check(document: FeedDocument, *, newest: int) -> tuple[FileToCheck, ...]:
    """Return the files of the channel and of the first items, each address once."""
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


def _check_file(web: HttpClient, file: FileToCheck) -> list[FeedFinding]:
    """Return what is wrong with one file; its line is the feed's, the file's own is in the message."""
    try:
        findings = list(CHECKS[file.kind](file, web))
    except FetchError as problem:
        return [FeedFinding("H4", "error", file.line, f"{file.kind} {problem}", REACH)]
    return [replace(finding, line=file.line) for finding in findings]


def _check_audio(file: FileToCheck, web: HttpClient) -> Iterable[FeedFinding]:
    """H1, H2, H6, F8: asked for by its head and by four ranges."""
    head = web.request(file.url, method="HEAD")
    length = head.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else file.size_bytes or 1
    ranges = ("bytes=0-1", f"bytes={max(0, size - 2)}-", "bytes=-2", f"bytes={size}-")
    asked = [{"range": range_} for range_ in ranges]
    answers = [
        _answer("audio", head, file=file, method="HEAD"),
        *(_answer("audio", web.request(file.url, headers=a), file=file, asked=a) for a in asked),
    ]
    return conformance.check_responses(answers)


def _check_transcript(file: FileToCheck, web: HttpClient) -> Iterable[FeedFinding]:
    answer = web.request(file.url, limit_bytes=TRANSCRIPT_BYTES)
    yield from conformance.check_responses([_answer("transcript", answer, file=file)])
    if answer.status == 200 and answer.complete:
        found = conformance.check_transcript(answer.body, file.mime or "", duration_s=file.duration_s)
        yield from (_in_file(finding, file) for finding in found)


def _check_chapters(file: FileToCheck, web: HttpClient) -> Iterable[FeedFinding]:
    answer = web.request(file.url, limit_bytes=CHAPTERS_BYTES)
    yield from conformance.check_responses([_answer("chapters", answer, file=file)])
    if answer.status == 200 and answer.complete:
        found = conformance.check_chapters(answer.body, duration_s=file.duration_s)
        yield from (_in_file(finding, file) for finding in found)


def _check_artwork(file: FileToCheck, web: HttpClient) -> Iterable[FeedFinding]:
    yield from conformance.check_responses(
        [_answer("artwork", web.request(file.url, method="HEAD"), method="HEAD")]
    )
    answer = web.request(file.url, limit_bytes=ARTWORK_BYTES)
    yield from conformance.check_responses([_answer("artwork", answer)])
    if answer.status == 200:
        found = conformance.check_artwork(answer.body, answer.headers.get("content-type", ""))
        yield from (_in_file(finding, file) for finding in found)


CHECKS: dict[ResourceKind, Callable[[FileToCheck, HttpClient], Iterable[FeedFinding]]] = {
    "audio": _check_audio,
    "transcript": _check_transcript,
    "chapters": _check_chapters,
    "artwork": _check_artwork,
}


def _answer(
    kind: ResourceKind,
    answer: FetchedResponse,
    *,
    file: FileToCheck | None = None,
    method: Method = "GET",
    asked: dict[str, str] | None = None,
) -> RecordedResponse:
    return RecordedResponse(
        kind,
        redact_url(answer.url),
        answer.status,
        method,
        asked or {},
        answer.headers,
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
