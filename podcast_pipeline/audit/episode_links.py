"""Checks one-episode links: whom they let read what, and that they stand in notes alone (rule P8)."""

from collections.abc import Iterator

from lxml import etree

from podcast_pipeline.audit.finding import EPISODE_LINK_PATTERN, AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import AuditResponse, AuditVisitor, VisitorKind, check_response
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
NOTES = ("description", CONTENT)

SUBSCRIBERS: tuple[VisitorKind, ...] = ("active", "lapsed", "suspended", "rotated", "removed")
STATUS: dict[str, int] = {"published": 303, "scheduled": 404, "unpublished": 410}
"""Of a genuine link, by the episode's state; one of nobody here is 404."""

TOO_MANY_REQUESTS = 429
STRANGER_EPISODES = 2  # few enough to stay below the rate limit for guessed tokens

HEADERS = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex", "cache-control": "no-store"}


def check_episode_links(
    visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Open the visitor's link to each episode, in a browser that has no session."""
    episodes = catalog.episodes if visitor.who in SUBSCRIBERS else catalog.episodes[:STRANGER_EPISODES]
    for episode in episodes:
        visitor.client.cookies.clear()
        yield from _check_link(visitor, episode, catalog, secrets)
    visitor.client.cookies.clear()


def _check_link(
    visitor: AuditVisitor, episode: Episode, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    assert visitor.episode_token is not None
    show = catalog.show
    answer = visitor.request(f"{show.site_url}/r/{visitor.episode_token(episode.id)}/{episode.id}")
    yield from check_response(visitor, answer, secrets)
    expected = STATUS[episode.state] if visitor.who in SUBSCRIBERS else 404
    if answer.status not in (expected, *(() if visitor.who in SUBSCRIBERS else (TOO_MANY_REQUESTS,))):
        yield _finding(visitor, "P5", answer.url, f"answered {answer.status}, not {expected}")
    for name, value in HEADERS.items():
        if value not in answer.headers.get(name, ""):
            yield _finding(visitor, "P8", answer.url, f"{name} is not “{value}”; the link could be passed on")
    opens = visitor.is_active and answer.status == 303
    if ("set-cookie" in answer.headers) != opens:
        yield _finding(visitor, "P5", answer.url, "sets a cookie" if not opens else "sets no cookie")
    if answer.status == 303:
        yield from _check_reach(visitor, episode, catalog, secrets)


def _check_reach(
    visitor: AuditVisitor, episode: Episode, catalog: Catalog, secrets: RestrictedText
) -> Iterator[AuditFinding]:
    """Read with the cookie: this episode is open to an active subscriber, and no other to anybody."""
    yield from check_response(visitor, visitor.request(catalog.show.episode_url(episode.slug)), secrets)
    for other in catalog.published():
        for ending, key in (other.transcript.file_keys if other.transcript else {}).items():
            url = f"{catalog.show.episode_url(other.slug)}/transcript.{ending}?v={key.split('.')[-2]}"
            is_open = other.transcript_is_public or (visitor.is_active and other.id == episode.id)
            expected = 200 if is_open else 404
            answer = visitor.request(url)
            if answer.status != expected:
                message = f"answered {answer.status}, not {expected}, by the link to “{episode.slug}”"
                yield _finding(visitor, "P3", url, message)
            break  # one file of each is enough


def check_links_in_feed(
    visitor: AuditVisitor, answer: AuditResponse, catalog: Catalog
) -> Iterator[AuditFinding]:
    """Find links outside of notes, which apps show to others or export; and items that lack theirs."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    channel = etree.fromstring(answer.body, parser).find("channel")
    if channel is None:
        return
    for element in channel.iter(etree.Element):
        parent, values = element.getparent(), (element.text or "", *map(str, element.attrib.values()))
        is_notes = element.tag in NOTES and parent is not None and parent.tag == "item"
        if any(map(EPISODE_LINK_PATTERN.search, values)) and not (is_notes and visitor.is_active):
            name = etree.QName(element).localname
            yield _finding(visitor, "P8", answer.url, f"<{name}> has a one-episode link; apps pass it on")
    if visitor.is_active:
        yield from _check_first_lines(visitor, answer, catalog, channel)


def _check_first_lines(
    visitor: AuditVisitor, answer: AuditResponse, catalog: Catalog, channel: etree._Element
) -> Iterator[AuditFinding]:
    assert visitor.episode_token is not None
    lines = {
        item.findtext("guid"): (item.findtext(CONTENT) or "").partition("\n")[0]
        for item in channel.findall("item")
    }
    for episode in catalog.published():
        link = f"/r/{visitor.episode_token(episode.id)}/{episode.id}"
        is_theirs = episode.transcript and not episode.transcript_is_public
        if is_theirs and link not in lines.get(episode.guid, link):
            message = f"the notes of “{episode.slug}” do not begin with its link"
            yield _finding(visitor, "P5", answer.url, message)


def _finding(visitor: AuditVisitor, rule: str, url: str, message: str) -> AuditFinding:
    return AuditFinding(rule, visitor.who, redact(url), message)
