"""Asks a host for a feed and for what the feed names, as apps do, and says which rules the answers break."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from podcast_pipeline.errors import FetchError
from podcast_pipeline.feed import conformance
from podcast_pipeline.feed.conformance import Answer, Finding
from podcast_pipeline.feed.conformance.answers import Kind
from podcast_pipeline.feed.conformance.document import LIMIT_BYTES, Document, Element, Unreadable, read
from podcast_pipeline.feed.text import seconds_of
from podcast_pipeline.remote_feeds.client import Fetched, Method, Web, redact, secrets_in

PARALLEL = 4
TRANSCRIPT_BYTES = 20 * 1024 * 1024
CHAPTERS_BYTES = 2 * 1024 * 1024
ARTWORK_BYTES = 10 * 1024 * 1024
REACH = "make it reachable for everybody, or take it out of the feed"


@dataclass(frozen=True)
class Named:
    """A file that a feed names.

    Attributes:
        line: of the feed.
        mime, size_bytes: what the feed says of it. duration_s: of the audio it belongs to.
    """

    kind: Kind
    url: str
    line: int | None
    mime: str | None = None
    size_bytes: int | None = None
    duration_s: float | None = None


def check_url(url: str, web: Web, *, newest: int) -> tuple[Finding, ...]:
    """Return what is wrong with a feed as its host serves it, and with the files of its newest items.

    Asks with HEAD, GET, If-None-Match, gzip and ranges; audio is never fetched whole. What the address
    of the feed keeps secret is in no finding.

    Args:
        newest: of how many items the audio, transcripts, chapters and artwork are asked for.

    Raises:
        FetchError: there is no feed to be had.
    """
    feed = web.ask(url, limit_bytes=LIMIT_BYTES)
    findings = list(conformance.check_answers(_feed_answers(url, feed, web)))
    if feed.status == 200:
        findings += conformance.check(feed.body)
        findings += _check_files(feed.body, web, newest=newest)
    hidden = secrets_in(url)
    return tuple(dict.fromkeys(_hide(finding, hidden) for finding in findings))


def _feed_answers(url: str, feed: Fetched, web: Web) -> Iterator[Answer]:
    yield _answer("feed", feed)
    if feed.status != 200:
        return
    yield _answer("feed", web.ask(url, method="HEAD"), method="HEAD")
    asked = {"accept-encoding": "gzip"}
    yield _answer("feed", web.ask(url, headers=asked, limit_bytes=LIMIT_BYTES), asked=asked)
    if etag := feed.headers.get("etag"):
        asked = {"if-none-match": etag}
        yield _answer("feed", web.ask(url, headers=asked), asked=asked)


def _check_files(feed: bytes, web: Web, *, newest: int) -> Iterator[Finding]:
    try:
        document = read(feed)
    except Unreadable:
        return  # `conformance.check` has said so
    with ThreadPoolExecutor(PARALLEL) as pool:
        for findings in pool.map(partial(_check_file, web), named_files(document, newest=newest)):
            yield from findings


def named_files(document: Document, *, newest: int) -> tuple[Named, ...]:
    """Return the files of the channel and of the first items, each address once."""
    found = [*_artwork(document, document.channel)]
    for item in document.items[:newest]:
        found += _files(document, item)
    return tuple({file.url: file for file in reversed(found)}.values())[::-1]


def _files(document: Document, item: Element) -> Iterator[Named]:
    duration_s = seconds_of(document.text(item, "itunes:duration"))
    for element in document.all(item, "enclosure"):
        length = element.get("length", "")
        size = int(length) if length.isdecimal() else None
        yield Named("audio", element.get("url", ""), _line(element), element.get("type"), size)
    for name in ("transcript", "chapters"):
        for element in document.all(item, f"podcast:{name}"):
            kind: Kind = "transcript" if name == "transcript" else "chapters"
            url, mime = element.get("url", ""), element.get("type")
            yield Named(kind, url, _line(element), mime, duration_s=duration_s)
    yield from _artwork(document, item)


def _artwork(document: Document, parent: Element) -> Iterator[Named]:
    for element in document.all(parent, "itunes:image"):
        yield Named("artwork", element.get("href", ""), _line(element))


def _line(element: Element) -> int | None:
    return cast(int, element.sourceline)


def _check_file(web: Web, file: Named) -> list[Finding]:
    """Return what is wrong with one file; its line is the feed's, the file's own is in the message."""
    try:
        findings = list(CHECKS[file.kind](file, web))
    except FetchError as problem:
        return [Finding("H4", "error", file.line, f"{file.kind} {problem}", REACH)]
    return [replace(finding, line=file.line) for finding in findings]


def _check_audio(file: Named, web: Web) -> Iterable[Finding]:
    """H1, H2, H6, F8: asked for by its head and by four ranges."""
    head = web.ask(file.url, method="HEAD")
    length = head.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else file.size_bytes or 1
    ranges = ("bytes=0-1", f"bytes={max(0, size - 2)}-", "bytes=-2", f"bytes={size}-")
    asked = [{"range": range_} for range_ in ranges]
    answers = [
        _answer("audio", head, file=file, method="HEAD"),
        *(_answer("audio", web.ask(file.url, headers=a), file=file, asked=a) for a in asked),
    ]
    return conformance.check_answers(answers)


def _check_transcript(file: Named, web: Web) -> Iterable[Finding]:
    answer = web.ask(file.url, limit_bytes=TRANSCRIPT_BYTES)
    yield from conformance.check_answers([_answer("transcript", answer, file=file)])
    if answer.status == 200 and answer.complete:
        found = conformance.check_transcript(answer.body, file.mime or "", duration_s=file.duration_s)
        yield from (_in_file(finding, file) for finding in found)


def _check_chapters(file: Named, web: Web) -> Iterable[Finding]:
    answer = web.ask(file.url, limit_bytes=CHAPTERS_BYTES)
    yield from conformance.check_answers([_answer("chapters", answer, file=file)])
    if answer.status == 200 and answer.complete:
        found = conformance.check_chapters(answer.body, duration_s=file.duration_s)
        yield from (_in_file(finding, file) for finding in found)


def _check_artwork(file: Named, web: Web) -> Iterable[Finding]:
    yield from conformance.check_answers(
        [_answer("artwork", web.ask(file.url, method="HEAD"), method="HEAD")]
    )
    answer = web.ask(file.url, limit_bytes=ARTWORK_BYTES)
    yield from conformance.check_answers([_answer("artwork", answer)])
    if answer.status == 200:
        found = conformance.check_artwork(answer.body, answer.headers.get("content-type", ""))
        yield from (_in_file(finding, file) for finding in found)


CHECKS: dict[Kind, Callable[[Named, Web], Iterable[Finding]]] = {
    "audio": _check_audio,
    "transcript": _check_transcript,
    "chapters": _check_chapters,
    "artwork": _check_artwork,
}


def _answer(
    kind: Kind,
    answer: Fetched,
    *,
    file: Named | None = None,
    method: Method = "GET",
    asked: dict[str, str] | None = None,
) -> Answer:
    return Answer(
        kind,
        redact(answer.url),
        answer.status,
        method,
        asked or {},
        answer.headers,
        expected_type=file.mime if file else None,
        expected_size_bytes=file.size_bytes if file else None,
    )


def _in_file(finding: Finding, file: Named) -> Finding:
    where = f", line {finding.line}" if finding.line else ""
    return replace(finding, message=f"{redact(file.url)}{where}: {finding.message}")


def _hide(finding: Finding, secrets: Iterable[str]) -> Finding:
    message = finding.message
    for secret in secrets:
        message = message.replace(secret, "***")
    return replace(finding, message=message)
