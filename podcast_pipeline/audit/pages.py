"""Crawls every page and file that can be linked to or guessed, and checks the answers and links."""

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
    check_public_type,
    check_response,
)
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog

LINK = re.compile(
    r"""(?:href|src|content|url|loc)["']?\s*[=:]\s*["'](https?://[^"'<>\s]+|/[^"'<>\s]*)|<loc>([^<]+)<"""
)
AUDIO = re.compile(r"\.(mp3|m4a|opus|wav)(\?|$)")
PATHS = (
    *("/", "/robots.txt", "/sitemap.xml", "/signin", "/account", "/feeds/", "/mail/stop/made-up"),
    *("/signin/account", "/signin/account/back?code=made-up&state=made-up"),
    *("/students", "/students/sent", "/students/link/made-up"),
    *("/subscribe", "/subscribe/done"),
    "/there-is-no-such-page",
)
SEARCH_COUNT = 8
PAGE_STATUS: dict[str, int] = {"published": 200, "scheduled": 404, "unpublished": 410}
WITHDRAWN_STATUS: dict[VisitorKind, int] = {"active": 410, "lapsed": 403, "suspended": 403}
"""Of a withdrawn version; to all others it is one that never was."""

FILE_STATUS: dict[VisitorKind, int] = {"active": 200, "lapsed": 403, "suspended": 403}
"""By session; all others, also with a rotated token or a removed subscription, have none: 404."""


class SiteCrawler:
    """Crawls the site as one visitor, following each link once."""

    def __init__(self, visitor: AuditVisitor, catalog: Catalog, secrets: RestrictedText) -> None:
        self.visitor = visitor
        self.catalog = catalog
        self.secrets = secrets
        self._origins = {_origin(catalog.show.site_url), _origin(catalog.show.media_url)}
        self._seen: set[str] = set()

    def crawl(self) -> Iterator[AuditFinding]:
        """Request the private link, if any, every episode's pages and files, and all links on them."""
        site = self.catalog.show.site_url
        if self.visitor.token:
            for page in ("", "add"):
                yield from self._probe(f"{site}/feeds/{self.visitor.token}/{page}")
        for episode in self.catalog.episodes:
            yield from self._episode(episode)
        for path in (*PATHS, *(f"/search?q={quote(q)}" for q in self.secrets.probe_queries(SEARCH_COUNT))):
            yield from self._probe(f"{site}{path}")
        yield from self._follow(self.catalog.show.feed_url, "the show")

    def probe_private_keys(self, keys: tuple[str, ...]) -> Iterator[AuditFinding]:
        """Request objects under `private/` at every likely URL, with path traversal too."""
        show = self.catalog.show
        for key in keys:
            for base in (show.site_url, show.media_url, f"{show.media_url}/%2e%2e"):
                answer, findings = self._request(f"{base}/{key}")
                yield from findings
                if answer.status < 400:
                    yield AuditFinding(
                        "P3", self.visitor.who, redact(answer.url), "a private object is readable"
                    )

    def check_public_types(self, keys: tuple[str, ...]) -> Iterator[AuditFinding]:
        """Request the head of each public object at its address: a CDN may give it another type."""
        for key in keys:
            answer = self.visitor.request(self.catalog.show.object_url(key), method="HEAD")
            yield from check_public_type(self.visitor, answer, key)

    def _episode(self, episode: Episode) -> Iterator[AuditFinding]:
        page = self.catalog.show.episode_url(episode.slug)
        yield from self._expect(page, PAGE_STATUS[episode.state])
        yield from self._withdrawn(episode, page)
        for version in episode.readable_versions:
            for path in ("", "/changes"):
                yield from self._probe(f"{page}{path}?v={_hash16(version.document_key)}")
            for ending, key in version.files.items():
                yield from self._expect(f"{page}/transcript.{ending}?v={_hash16(key)}", self._file(episode))
        yield from self._public_files(episode)
        if episode.access == "subscribers" and episode.enclosure.key:
            suffix = episode.enclosure.key.rpartition(".")[2]
            yield from self._expect(f"{page}/audio.{suffix}", self._file(episode))

    def _withdrawn(self, episode: Episode, page: str) -> Iterator[AuditFinding]:
        """Request what was withdrawn: 410 to the active, 403 to the lapsed, to others as if never there."""
        readable = {key for version in episode.readable_versions for key in version.keys}
        never_was = 404 if episode.transcript_is_public and episode.transcript else PAGE_STATUS[episode.state]
        page_status = WITHDRAWN_STATUS.get(self.visitor.who, never_was)
        file_status = WITHDRAWN_STATUS.get(self.visitor.who, 404)
        if episode.state == "scheduled":
            page_status = file_status = 404
        for version in episode.withdrawn_versions:
            yield from self._expect(f"{page}?v={_hash16(version.document_key)}", page_status)
            files = {ending: key for ending, key in version.files.items() if key not in readable}
            for ending, key in files.items():
                yield from self._expect(f"{page}/transcript.{ending}?v={_hash16(key)}", file_status)

    def _public_files(self, episode: Episode) -> Iterator[AuditFinding]:
        """Request the files for everybody: there where the transcript is public, else not left behind."""
        for version in (episode.transcript,) if episode.transcript else ():
            for key in version.public_keys.values():
                url = self.catalog.show.object_url(key)
                if episode.transcript_is_public:
                    yield from self._expect(url, 200)
                elif self.visitor.request(url).status < 400:
                    message = "is open to everybody; the transcript is for subscribers"
                    yield AuditFinding("P3", self.visitor.who, redact(url), message)

    def _file(self, episode: Episode) -> int:
        if episode.state == "published" and episode.transcript_is_public:
            return 200
        return FILE_STATUS.get(self.visitor.who, 404) if episode.state == "published" else 404

    def _expect(self, url: str, status: int) -> Iterator[AuditFinding]:
        """Request a URL whose status is known, and follow its links."""
        answer, findings = self._request(url)
        yield from findings
        received = 200 if answer.status in (206, 302) else answer.status
        if received != status:
            rule = "P3" if self.visitor.who in STRANGERS else "P5"
            yield AuditFinding(rule, self.visitor.who, redact(url), f"answered {answer.status}, not {status}")
        yield from self._follow_links(answer)

    def _probe(self, url: str) -> Iterator[AuditFinding]:
        """Request a URL that need not exist, and follow its links."""
        answer, findings = self._request(url)
        yield from findings
        yield from self._follow_links(answer)

    def _follow(self, url: str, linked_from: str) -> Iterator[AuditFinding]:
        """Request a linked URL, and follow its links; a broken link is a finding."""
        answer, findings = self._request(url)
        yield from findings
        if answer.status >= 400:
            message = f"linked from {linked_from}, answered {answer.status}"
            yield AuditFinding("H4", self.visitor.who, redact(url), message)
        yield from self._follow_links(answer)

    def _follow_links(self, answer: AuditResponse) -> Iterator[AuditFinding]:
        queue = [(url, answer.url) for url in self._links(answer)]
        while queue:
            url, linked_from = queue.pop()
            if url in self._seen:
                continue
            linked, findings = self._request(url)
            yield from findings
            if linked.status >= 400:
                message = f"linked from {redact(linked_from)}, answered {linked.status}"
                yield AuditFinding("H4", self.visitor.who, redact(url), message)
            queue += [(each, url) for each in self._links(linked)]

    def _request(self, url: str) -> tuple[AuditResponse, list[AuditFinding]]:
        self._seen.add(url)
        headers = {"range": "bytes=0-262143"} if AUDIO.search(url) else {}
        answer = self.visitor.request(url, **headers)
        return answer, list(check_response(self.visitor, answer, self.secrets))

    def _links(self, answer: AuditResponse) -> list[str]:
        """Return a successful response's links to the show's own origins, without requested ones."""
        if answer.status >= 400 or not answer.is_text:
            return []
        links = [unescape(a or b) for a, b in LINK.findall(answer.body.decode("utf-8", "replace"))]
        if "location" in answer.headers:
            links.append(answer.headers["location"])
        urls = dict.fromkeys(urldefrag(urljoin(answer.url, link)).url for link in links)
        return [u for u in urls if u not in self._seen and _origin(u) in self._origins and _is_real(u)]


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _is_real(url: str) -> bool:
    """Return whether a URL is no placeholder, like `{token}` in a text or a bare `…`."""
    return url.isascii() and not set(url) & set("{}")


def _hash16(key: str) -> str:
    return key.split(".")[-2]
