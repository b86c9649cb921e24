"""Every page and file that can be linked to or guessed, and every link on them."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from podcast_pipeline.audit.finding import AuditFinding, redact
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import (
    STRANGERS,
    AuditResponse,
    AuditVisitor,
    VisitorKind,
    check_response,
)
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog

LINK = re.compile(
    r"""(?:href|src|content|url|loc)["']?\s*[=:]\s*["'](https?://[^"'<>\s]+|/[^"'<>\s]*)|<loc>([^<]+)<"""
)
AUDIO = re.compile(r"\.(mp3|m4a|opus|wav)(\?|$)")
ALWAYS = (
    *("/", "/robots.txt", "/sitemap.xml", "/signin", "/account", "/feeds/", "/mail/stop/made-up"),
    "/there-is-no-such-page",
)
SEARCHES = 8
PAGE: dict[str, int] = {"published": 200, "scheduled": 404, "unpublished": 410}
FILE: dict[VisitorKind, int] = {"active": 200, "lapsed": 403, "suspended": 403}
"""By session; a replaced or closed link opens none, so who has one is a stranger here: 404."""


class SiteCrawler:
    """One visitor's walk over the site; what was asked once is not asked again."""

    def __init__(self, visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText) -> None:
        self.visitor = visitor
        self.catalog = catalog
        self.secrets = secrets
        self._places = {_origin(catalog.show.site_url), _origin(catalog.show.media_url)}
        self._seen: set[str] = set()

    def crawl(self) -> Iterator[AuditFinding]:
        """Come in by the private link, if there is one, and look at everything."""
        site = self.catalog.show.site_url
        if self.visitor.token:
            for page in ("", "add"):
                yield from self._guess(f"{site}/feeds/{self.visitor.token}/{page}")
        for episode in self.catalog.episodes:
            yield from self._episode(episode)
        for path in (*ALWAYS, *(f"/search?q={quote(q)}" for q in self.secrets.probe_queries(SEARCHES))):
            yield from self._guess(f"{site}{path}")
        yield from self._follow(self.catalog.show.feed_url, "the show")

    def probe_private_keys(self, keys: tuple[str, ...]) -> Iterator[AuditFinding]:
        """Ask for objects under `private/` by every address that somebody would try."""
        show = self.catalog.show
        for key in keys:
            for base in (show.site_url, show.media_url, f"{show.media_url}/%2e%2e"):
                answer, findings = self._look(f"{base}/{key}")
                yield from findings
                if answer.status < 400:
                    yield AuditFinding("P3", self.visitor.who, redact(answer.url), "a private object is open")

    def _episode(self, episode: Episode) -> Iterator[AuditFinding]:
        page = self.catalog.show.episode_url(episode.slug)
        yield from self._expect(page, PAGE[episode.state])
        for version in episode.transcripts:
            yield from self._guess(f"{page}?v={_hash16(version.document_key)}")
            for ending, key in version.file_keys.items():
                yield from self._expect(f"{page}/transcript.{ending}?v={_hash16(key)}", self._file(episode))
        if episode.access == "subscribers" and episode.enclosure.key:
            suffix = episode.enclosure.key.rpartition(".")[2]
            yield from self._expect(f"{page}/audio.{suffix}", self._file(episode))

    def _file(self, episode: Episode) -> int:
        return FILE.get(self.visitor.who, 404) if episode.state == "published" else 404

    def _expect(self, url: str, status: int) -> Iterator[AuditFinding]:
        """Ask for what has to be answered in one way, and follow its links."""
        answer, findings = self._look(url)
        yield from findings
        got = 200 if answer.status in (206, 302) else answer.status
        if got != status:
            rule = "P3" if self.visitor.who in STRANGERS else "P5"
            yield AuditFinding(rule, self.visitor.who, redact(url), f"answered {answer.status}, not {status}")
        yield from self._links_of(answer)

    def _guess(self, url: str) -> Iterator[AuditFinding]:
        """Ask for what may or may not be there."""
        answer, findings = self._look(url)
        yield from findings
        yield from self._links_of(answer)

    def _follow(self, url: str, linked_from: str) -> Iterator[AuditFinding]:
        """Ask for what is linked, and what is linked there; a link that leads nowhere is a finding."""
        answer, findings = self._look(url)
        yield from findings
        if answer.status >= 400:
            line = f"linked from {linked_from}, answered {answer.status}"
            yield AuditFinding("H4", self.visitor.who, redact(url), line)
        yield from self._links_of(answer)

    def _links_of(self, answer: AuditResponse) -> Iterator[AuditFinding]:
        waiting = [(url, answer.url) for url in self._links(answer)]
        while waiting:
            url, linked_from = waiting.pop()
            if url in self._seen:
                continue
            found, findings = self._look(url)
            yield from findings
            if found.status >= 400:
                line = f"linked from {redact(linked_from)}, answered {found.status}"
                yield AuditFinding("H4", self.visitor.who, redact(url), line)
            waiting += [(each, url) for each in self._links(found)]

    def _look(self, url: str) -> tuple[AuditResponse, list[AuditFinding]]:
        self._seen.add(url)
        headers = {"range": "bytes=0-262143"} if AUDIO.search(url) else {}
        answer = self.visitor.request(url, **headers)
        return answer, list(check_response(self.visitor, answer, self.secrets))

    def _links(self, answer: AuditResponse) -> list[str]:
        """Return the links of a page that is there, to our own places, without those seen."""
        if answer.status >= 400 or not answer.is_text:
            return []
        found = [unescape(a or b) for a, b in LINK.findall(answer.body.decode("utf-8", "replace"))]
        if "location" in answer.headers:
            found.append(answer.headers["location"])
        urls = dict.fromkeys(urldefrag(urljoin(answer.url, link)).url for link in found)
        return [u for u in urls if u not in self._seen and _origin(u) in self._places and _is_real(u)]


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _is_real(url: str) -> bool:
    """Leave out what stands for an address: `{token}` in a text, a bare `…`."""
    return url.isascii() and not set(url) & set("{}")


def _hash16(key: str) -> str:
    return key.split(".")[-2]
