"""Private feeds and the files behind a token: rules P1, P2, P5, P6."""

from collections.abc import Iterator

from lxml import etree

from podcast_pipeline.audit.finding import AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import AuditResponse, AuditVisitor, VisitorKind, check_response
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog

TELLS: tuple[VisitorKind, ...] = ("lapsed", "suspended", "rotated", "removed")
"""Whose feed goes on with a notice, and whose files are refused with a line that says why."""

STRANGER_EPISODES = 2
"""Whoever guesses tokens is told to wait; the audit's own guesses stay below that."""

TOO_MANY = 429
FEED_FORMATS = ("vtt", "srt", "json")
PODCAST = "{https://podcastindex.org/namespace/1.0}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
MARKS = {f"{ITUNES}block": "Yes", f"{PODCAST}block": "yes", f"{PODCAST}locked": "yes"}


def check_private_feed(
    visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Ask for a visitor's feed and the files that it names, or would name."""
    url = f"{catalog.show.site_url}/feeds/{visitor.token}/feed.xml"
    answer = visitor.request(url)
    yield from check_response(visitor, answer, secrets)
    yield from _same_by_head(visitor, answer)
    wanted = 200 if visitor.is_active or visitor.who in TELLS else 404
    if answer.status not in (wanted, *_waits(visitor)):
        yield _find(visitor, "P5", url, f"answered {answer.status}, not {wanted}")
    if answer.status == 200:
        for rule in (_marks, _headers, _items):
            yield from rule(visitor, answer, catalog)
    episodes = [episode for episode in catalog.episodes if episode.state == "published"]
    for episode in episodes if answer.status == 200 else episodes[:STRANGER_EPISODES]:
        yield from _files(visitor, episode, catalog, secrets)


def _files(
    visitor: AuditVisitor, episode: Episode, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    wanted = 200 if visitor.is_active else 403 if visitor.who in TELLS else 404
    for path in _paths(episode):
        url = f"{catalog.show.site_url}/feeds/{visitor.token}/{path}"
        answer = visitor.request(url)
        yield from check_response(visitor, answer, secrets)
        if answer.status not in (wanted, *_waits(visitor), *((302,) if visitor.is_active else ())):
            yield _find(visitor, "P5", url, f"answered {answer.status}, not {wanted}")
        if answer.status < 400:
            yield from _kept_by_nobody(visitor, answer)
        yield from _same_by_head(visitor, answer)
        again = visitor.request(url, if_none_match="*")
        if answer.status >= 400 and again.status == 304:
            yield _find(visitor, "P5", url, "a condition opens it: 304; access is decided first")


def _paths(episode: Episode) -> Iterator[str]:
    for version in episode.transcripts:
        for form, key in version.file_keys.items():
            if form in FEED_FORMATS:
                yield f"transcripts/{episode.id}.{form}?v={key.split('.')[-2]}"
    if episode.access == "subscribers":
        if episode.enclosure.key:
            yield f"audio/{episode.id}.{episode.enclosure.key.rpartition('.')[2]}"
        if episode.chapters_key:
            yield f"chapters/{episode.id}.json"


def _marks(visitor: AuditVisitor, answer: AuditResponse, _: Catalog) -> Iterator[AuditFinding]:
    """P2: nobody lists this feed."""
    channel = _channel(answer)
    for name, value in MARKS.items():
        if channel is None or channel.findtext(name) != value:
            yield _find(visitor, "P2", answer.url, f"<{name.rpartition('}')[2]}> is not “{value}”")
    if "noindex" not in answer.headers.get("x-robots-tag", ""):
        yield _find(visitor, "P2", answer.url, "no X-Robots-Tag: noindex")


def _headers(visitor: AuditVisitor, answer: AuditResponse, _: Catalog) -> Iterator[AuditFinding]:
    """P5: no cache keeps it for others, and asking again is cheap."""
    yield from _kept_by_nobody(visitor, answer)
    etag = answer.headers.get("etag", "")
    if not etag or visitor.request(answer.url, if_none_match=etag).status != 304:
        yield _find(visitor, "P5", answer.url, "no ETag that If-None-Match knows again")
    if "set-cookie" in answer.headers or "access-control-allow-credentials" in answer.headers:
        yield _find(visitor, "H5", answer.url, "a cookie counts where the token should")


def _items(visitor: AuditVisitor, answer: AuditResponse, catalog: Catalog) -> Iterator[AuditFinding]:
    """P5: the items stay whatever the state; transcripts are for who paid, a notice for who has not."""
    channel = _channel(answer)
    items = channel.findall("item") if channel is not None else []
    guids = {item.findtext("guid") for item in items}
    missing = {episode.guid for episode in catalog.published()} - guids
    if missing:
        yield _find(visitor, "P5", answer.url, f"{len(missing)} episodes are missing; items stay for ever")
    notices = len(items) - sum(1 for episode in catalog.published() if episode.guid in guids)
    if notices != (not visitor.is_active):
        yield _find(visitor, "P5", answer.url, f"{notices} notice items")
    named = sum(len(item.findall(f"{PODCAST}transcript")) for item in items)
    has_words = any(episode.transcripts for episode in catalog.published())
    if visitor.is_active and has_words and not named:
        yield _find(visitor, "P5", answer.url, "names no transcripts although it is paid")
    if not visitor.is_active and named:
        yield _find(visitor, "P5", answer.url, f"names {named} transcripts although it is not paid")


def _kept_by_nobody(visitor: AuditVisitor, answer: AuditResponse) -> Iterator[AuditFinding]:
    rule = answer.headers.get("cache-control", "")
    if "private" not in rule and "no-store" not in rule:
        yield _find(visitor, "P5", answer.url, f"Cache-Control “{rule}” lets caches keep it for others")


def _same_by_head(visitor: AuditVisitor, answer: AuditResponse) -> Iterator[AuditFinding]:
    """P6: players ask HEAD first, and give up on another answer; a redirect is for GET alone."""
    head = visitor.request(answer.url, method="HEAD")
    wanted = 200 if answer.status == 302 else answer.status
    if head.status not in (wanted, *_waits(visitor)):
        yield _find(visitor, "P6", answer.url, f"HEAD is answered {head.status}, GET {answer.status}")


def _waits(visitor: AuditVisitor) -> tuple[int, ...]:
    return () if visitor.is_active or visitor.who in TELLS else (TOO_MANY,)


def _channel(answer: AuditResponse) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(answer.body, parser)
    return None if root is None else root.find("channel")


def _find(visitor: AuditVisitor, rule: str, url: str, message: str) -> AuditFinding:
    return AuditFinding(rule, visitor.who, redact(url), message)
