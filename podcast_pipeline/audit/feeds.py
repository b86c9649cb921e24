"""Checks private feeds and the files behind a token: rules P2, P5, P6 and H5."""

from collections.abc import Iterator

from lxml import etree

from podcast_pipeline.audit.episode_links import check_links_in_feed
from podcast_pipeline.audit.finding import AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import AuditResponse, AuditVisitor, VisitorKind, check_response
from podcast_pipeline.model import Episode, TranscriptVersion
from podcast_pipeline.model.catalog import Catalog

FORMER: tuple[VisitorKind, ...] = ("lapsed", "suspended", "rotated", "removed")
"""Visitors whose feed continues with a notice, and whose files are refused with a reason (403)."""

STRANGER_EPISODES = 2
"""Episodes to try with a made-up token, few enough to stay below the rate limit for guessed tokens."""

TOO_MANY_REQUESTS = 429
FEED_FORMATS = ("vtt", "srt", "json")
PODCAST = "{https://podcastindex.org/namespace/1.0}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PRIVATE_TAGS = {f"{ITUNES}block": "Yes", f"{PODCAST}block": "yes", f"{PODCAST}locked": "yes"}


def check_private_feed(
    visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Request a visitor's feed and the files that an active subscriber's feed lists."""
    url = f"{catalog.show.site_url}/feeds/{visitor.token}/feed.xml"
    answer = visitor.request(url)
    yield from check_response(visitor, answer, secrets)
    yield from _check_head(visitor, answer)
    expected = 200 if visitor.is_active or visitor.who in FORMER else 404
    if answer.status not in (expected, *_rate_limited(visitor)):
        yield _finding(visitor, "P5", url, f"answered {answer.status}, not {expected}")
    if answer.status == 200:
        for check in (_check_private_tags, _check_headers, _check_items, check_links_in_feed):
            yield from check(visitor, answer, catalog)
    episodes = [episode for episode in catalog.episodes if episode.state == "published"]
    for episode in episodes if answer.status == 200 else episodes[:STRANGER_EPISODES]:
        yield from _check_files(visitor, episode, catalog, secrets)


def _check_files(
    visitor: AuditVisitor, episode: Episode, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    there = [(path, 200) for path in _paths(episode)]
    withdrawn = [(path, 410) for path in _withdrawn_paths(episode)]
    for path, active_status in (*there, *withdrawn):
        expected = _expected_status(visitor, episode, active_status)
        url = f"{catalog.show.site_url}/feeds/{visitor.token}/{path}"
        answer = visitor.request(url)
        yield from check_response(visitor, answer, secrets)
        if answer.status not in (expected, *_rate_limited(visitor), *((302,) if visitor.is_active else ())):
            yield _finding(visitor, "P5", url, f"answered {answer.status}, not {expected}")
        if answer.status < 400:
            yield from _check_cache_control(visitor, answer)
        yield from _check_head(visitor, answer)
        conditional = visitor.request(url, if_none_match="*")
        if answer.status >= 400 and conditional.status == 304:
            yield _finding(visitor, "P5", url, "a conditional request is answered 304; decide access first")


def _expected_status(visitor: AuditVisitor, episode: Episode, active_status: int) -> int:
    """Return the status of a file, by that which an active subscriber gets: 200, or 410 where withdrawn."""
    if visitor.is_active or visitor.who not in FORMER:
        return active_status if visitor.is_active else 404
    if not episode.transcript_is_public or visitor.who in ("lapsed", "suspended"):
        return 200 if episode.transcript_is_public and active_status == 200 else 403
    return 200 if active_status == 200 else 404


def _paths(episode: Episode) -> Iterator[str]:
    for version in episode.readable_versions:
        yield from _transcript_paths(episode, version)
    if episode.access == "subscribers":
        if episode.enclosure.key:
            yield f"audio/{episode.id}.{episode.enclosure.key.rpartition('.')[2]}"
        if episode.chapters_key:
            yield f"chapters/{episode.id}.json"


def _withdrawn_paths(episode: Episode) -> set[str]:
    """Return the paths of files that were withdrawn and that no other version has, too."""
    paths = {path for version in episode.withdrawn_versions for path in _transcript_paths(episode, version)}
    return paths - set(_paths(episode))


def _transcript_paths(episode: Episode, version: TranscriptVersion) -> Iterator[str]:
    for form, key in version.file_keys.items():
        if form in FEED_FORMATS:
            yield f"transcripts/{episode.id}.{form}?v={key.split('.')[-2]}"


def _check_private_tags(visitor: AuditVisitor, answer: AuditResponse, _: Catalog) -> Iterator[AuditFinding]:
    """P2: tags and a header keep the feed out of directories and search engines."""
    channel = _channel(answer)
    for name, value in PRIVATE_TAGS.items():
        if channel is None or channel.findtext(name) != value:
            yield _finding(visitor, "P2", answer.url, f"<{name.rpartition('}')[2]}> is not “{value}”")
    if "noindex" not in answer.headers.get("x-robots-tag", ""):
        yield _finding(visitor, "P2", answer.url, "no X-Robots-Tag: noindex")


def _check_headers(visitor: AuditVisitor, answer: AuditResponse, _: Catalog) -> Iterator[AuditFinding]:
    """P5: no shared cache stores the feed, and conditional requests work; H5: no cookies."""
    yield from _check_cache_control(visitor, answer)
    etag = answer.headers.get("etag", "")
    if not etag or visitor.request(answer.url, if_none_match=etag).status != 304:
        yield _finding(visitor, "P5", answer.url, "no ETag, or If-None-Match with it is not answered 304")
    if "set-cookie" in answer.headers or "access-control-allow-credentials" in answer.headers:
        yield _finding(visitor, "H5", answer.url, "uses cookies; only the token in the URL may count")


def _check_items(visitor: AuditVisitor, answer: AuditResponse, catalog: Catalog) -> Iterator[AuditFinding]:
    """P5: items stay in every state; transcripts only for an active subscriber, a notice for all others."""
    channel = _channel(answer)
    items = channel.findall("item") if channel is not None else []
    guids = {item.findtext("guid") for item in items}
    missing = {episode.guid for episode in catalog.published()} - guids
    if missing:
        message = f"{len(missing)} episodes are missing; a feed keeps all its items"
        yield _finding(visitor, "P5", answer.url, message)
    notices = len(items) - sum(1 for episode in catalog.published() if episode.guid in guids)
    if notices != (not visitor.is_active):
        yield _finding(visitor, "P5", answer.url, f"{notices} notice items")
    tags = [tag.get("url", "") for item in items for tag in item.findall(f"{PODCAST}transcript")]
    listed = sum("/feeds/" in url for url in tags)
    has_transcripts = any(e.transcript and not e.transcript_is_public for e in catalog.published())
    if visitor.is_active and has_transcripts and not listed:
        yield _finding(visitor, "P5", answer.url, "lists no transcripts for an active subscriber")
    if not visitor.is_active and listed:
        yield _finding(visitor, "P5", answer.url, f"lists {listed} transcripts for an inactive subscriber")


def _check_cache_control(visitor: AuditVisitor, answer: AuditResponse) -> Iterator[AuditFinding]:
    directives = answer.headers.get("cache-control", "")
    if "private" not in directives and "no-store" not in directives:
        yield _finding(visitor, "P5", answer.url, f"Cache-Control “{directives}” lets shared caches store it")


def _check_head(visitor: AuditVisitor, answer: AuditResponse) -> Iterator[AuditFinding]:
    """P6: HEAD is answered like GET, for players that send HEAD first; a redirect is for GET alone."""
    head = visitor.request(answer.url, method="HEAD")
    expected = 200 if answer.status == 302 else answer.status
    if head.status not in (expected, *_rate_limited(visitor)):
        yield _finding(visitor, "P6", answer.url, f"HEAD is answered {head.status}, GET {answer.status}")


def _rate_limited(visitor: AuditVisitor) -> tuple[int, ...]:
    return () if visitor.is_active or visitor.who in FORMER else (TOO_MANY_REQUESTS,)


def _channel(answer: AuditResponse) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(answer.body, parser)
    return None if root is None else root.find("channel")


def _finding(visitor: AuditVisitor, rule: str, url: str, message: str) -> AuditFinding:
    return AuditFinding(rule, visitor.who, redact(url), message)
