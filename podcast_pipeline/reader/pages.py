"""The pages: the list of episodes, an episode and its files for a session, and what machines read."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Allow, Resource, Teaser
from podcast_pipeline.catalog import Catalog
from podcast_pipeline.feed.tags import credited
from podcast_pipeline.model import Correction, Episode, Show, TranscriptVersion
from podcast_pipeline.objects import PRIVATE
from podcast_pipeline.reader import structured, view
from podcast_pipeline.reader.door import Door
from podcast_pipeline.reader.editions import Editions, Kept
from podcast_pipeline.reader.feeds import hash16, transcript_key
from podcast_pipeline.reader.gate import Gate, Refused
from podcast_pipeline.reader.http import answer, from_bytes, from_store
from podcast_pipeline.reader.rendering import Templates, notes_html
from podcast_pipeline.stores import Store

DOWNLOADS = {"vtt": "VTT", "srt": "SRT", "txt": "TXT", "json": "JSON", "html": "HTML"}
KEPT_TRANSCRIPTS = 64  # an hour of speech is about 200 kB of HTML
NEWEST = 12  # on the first page; the rest is under its year
NO_WORDS = {"words": None, "old_version": None, "downloads": ()}
SESSION_HEADERS = {"cache-control": PRIVATE, "vary": "Cookie"}


@dataclass(frozen=True)
class Words:
    """A transcript as a page shows it, the same for everybody who may read it."""

    html: Markup
    language: str
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class Pages:
    """Endpoints that know a visitor by the session cookie."""

    gate: Gate
    editions: Editions
    store: Store
    door: Door
    templates: Templates
    zone: ZoneInfo
    kept: Kept[Words] = field(default_factory=lambda: Kept(KEPT_TRANSCRIPTS))

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self.index),
            Route("/episodes/{slug}", self.episode),
            Route("/episodes/{slug}/transcript.{ending}", self.transcript),
            Route("/episodes/{slug}/audio.{ending}", self.audio),
        ]

    def index(self, request: Request) -> Response:
        """Answer the list: the newest, or those of a `year`, a `season` or a `guest`."""
        visitor = self.door.visitor(request)
        decision = self.gate.admit(visitor, None, "page")
        catalog = self.editions.newest().catalog
        chosen, episodes = self._choose(catalog, request)
        if chosen and not episodes:
            raise Refused(NOT_FOUND)
        years = view.by_year(episodes, self.zone)
        count = Counter(e.publish_at.astimezone(self.zone).year for e in catalog.published())
        return self.templates.answer(
            request,
            "index.html",
            catalog.show,
            standing=_standing(decision),
            years=years,
            chosen=chosen,
            archive=sorted(count.items(), reverse=True) if sum(count.values()) > len(episodes) else (),
            canonical=f"{catalog.show.site_url}/" + (f"?{request.url.query}" if chosen else ""),
        )

    def _choose(self, catalog: Catalog, request: Request) -> tuple[str, list[Episode]]:
        published = list(catalog.published())
        match request.query_params.multi_items():
            case [("year", year)]:
                return year, [e for e in published if str(e.publish_at.astimezone(self.zone).year) == year]
            case [("season", season)]:
                return f"Season {season}", [e for e in published if str(e.season) == season]
            case [("guest", name)]:
                return name, [e for e in published if name in {p.name for p in view.guests(e)}]
        return "", published[:NEWEST]

    def episode(self, request: Request) -> Response:
        """Answer an episode's page: with the transcript, or with the teaser and how to subscribe."""
        episode = self._episode(request)
        decision = self.gate.admit(self.door.visitor(request), episode, "page")
        show = self.editions.newest().catalog.show
        is_allowed = isinstance(decision, Allow)
        words = self._transcript(episode, request) if is_allowed else {}
        return self.templates.answer(
            request,
            "episode.html",
            show,
            standing=_standing(decision),
            episode=episode,
            people=credited(show, episode) or show.hosts,
            chapters=[chapter for chapter in episode.chapters if chapter.toc],
            notes=notes_html(episode.notes),
            audio=self._audio_address(show, episode, is_allowed=is_allowed),
            audio_is_public=episode.access == "public",
            artwork=structured.artwork(show, episode),
            structured=structured.episode(show, episode),
            offer=not is_allowed,
            **{**NO_WORDS, **words},
        )

    def _transcript(self, episode: Episode, request: Request) -> dict[str, Any]:
        version = _version(episode, request.query_params.get("v"))
        if version is None:
            return {}
        return {
            "words": self.kept.get(
                (version.document_key, episode.chapters), lambda: self._words(episode, version)
            ),
            "old_version": version.version if version != episode.transcript else None,
            "downloads": [
                (name, f"/episodes/{episode.slug}/transcript.{ending}?v={hash16(version.file_keys[ending])}")
                for ending, name in DOWNLOADS.items()
                if ending in version.file_keys
            ],
        }

    def _words(self, episode: Episode, version: TranscriptVersion) -> Words:
        transcript = self.editions.transcript(version)
        turns = view.turns(transcript, episode.chapters)
        return Words(self.templates.turns(turns), transcript.language, transcript.corrections)

    def _audio_address(self, show: Show, episode: Episode, *, is_allowed: bool) -> str | None:
        enclosure = episode.enclosure
        if episode.access == "public":
            return enclosure.external_url or show.media_address(str(enclosure.key))
        if not is_allowed:
            return None
        if enclosure.key is None:
            return enclosure.external_url
        return f"/episodes/{episode.slug}/audio.{enclosure.key.rpartition('.')[2]}"

    def transcript(self, request: Request) -> Response:
        """Answer a transcript to save, in any format, the newest or the one that `v` names."""
        episode = self._admitted_to(request, "file")
        key = transcript_key(episode, request, formats=tuple(DOWNLOADS))
        name = f"{episode.slug}.{request.path_params['ending']}"
        return answer(
            request,
            from_store(self.store, key),
            headers={**SESSION_HEADERS, "content-disposition": f'attachment; filename="{name}"'},
        )

    def audio(self, request: Request) -> Response:
        """Answer the audio of a subscriber-only episode to a session."""
        episode = self._admitted_to(request, "file")
        key = episode.enclosure.key
        if key is None or key.rpartition(".")[2] != request.path_params["ending"]:
            raise Refused(NOT_FOUND)
        if key.startswith("public/"):
            address = self.editions.newest().catalog.show.media_address(key)
            return RedirectResponse(address, status_code=302, headers=SESSION_HEADERS)
        return answer(request, from_store(self.store, key), headers=SESSION_HEADERS)

    def _admitted_to(self, request: Request, resource: Resource) -> Episode:
        episode = self._episode(request)
        self.gate.admit(self.door.visitor(request), episode, resource)
        return episode

    def _episode(self, request: Request) -> Episode:
        episode = self.editions.newest().catalog.by_slug(request.path_params["slug"])
        if episode is None:
            raise Refused(NOT_FOUND)
        return episode


def _version(episode: Episode, wanted: str | None) -> TranscriptVersion | None:
    if wanted is None:
        return episode.transcript
    for version in episode.transcripts:
        if hash16(version.document_key) == wanted:
            return version
    raise Refused(NOT_FOUND)


def _standing(decision: object) -> str:
    return decision.standing if isinstance(decision, Teaser) else "active"


@dataclass(frozen=True)
class ForMachines:
    """What crawlers and load balancers ask for."""

    editions: Editions
    site_url: str

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/robots.txt", self.robots),
            Route("/sitemap.xml", self.sitemap),
            Route("/healthz", self.health),
        ]

    def robots(self, request: Request) -> Response:
        """Answer robots.txt; what is behind a token is nobody's to crawl."""
        closed = "\n".join(f"Disallow: {path}" for path in ("/feeds/", "/account", "/signin", "/search"))
        body = f"User-agent: *\n{closed}\nSitemap: {self.site_url}/sitemap.xml\n"
        content = from_bytes(body.encode(), content_type="text/plain; charset=utf-8")
        return answer(request, content, headers={"cache-control": "public, max-age=3600"})

    def sitemap(self, request: Request) -> Response:
        """Answer the pages of published episodes; only what F13 allows stands in an address."""
        catalog = self.editions.newest().catalog
        pages = [
            f"<url><loc>{structured.xml(catalog.show.page_address(episode.slug))}</loc>"
            f"<lastmod>{episode.content_changed_at.isoformat()}</lastmod></url>"
            for episode in catalog.published()
        ]
        body = "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
                f"<url><loc>{structured.xml(catalog.show.site_url)}/</loc></url>",
                *pages,
                "</urlset>\n",
            ]
        )
        content = from_bytes(body.encode(), content_type="application/xml; charset=utf-8")
        return answer(request, content, headers={"cache-control": "public, max-age=300"})

    def health(self, request: Request) -> Response:
        """Answer `ok` when the store can be asked; 503 otherwise."""
        self.editions.newest()
        content = from_bytes(b"ok\n", content_type="text/plain; charset=utf-8")
        return answer(request, content, headers={"cache-control": "no-store"})
