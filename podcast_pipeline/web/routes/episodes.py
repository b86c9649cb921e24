"""An episode's page, and its files for a session."""

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Allow, Resource, Teaser
from podcast_pipeline.feed.tags import credited_persons
from podcast_pipeline.model import Correction, Episode, Show, TranscriptVersion, http_url_or_none
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import PRIVATE_CACHE
from podcast_pipeline.web import epub, json_ld, view
from podcast_pipeline.web.authorization import AccessDenied, Authorizer
from podcast_pipeline.web.byte_ranges import content_from_bytes, content_from_store, content_response
from podcast_pipeline.web.catalog_cache import CatalogCache, Lru
from podcast_pipeline.web.routes.feeds import hash_in_key, transcript_key
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates, notes_html

DOWNLOADS = {"vtt": "VTT", "srt": "SRT", "txt": "TXT", "json": "JSON", "html": "HTML"}
KEPT_TRANSCRIPTS = 64  # an hour of speech is about 200 kB of HTML
NO_WORDS = {"words": None, "shown": None, "downloads": (), "versions": ()}
SESSION_HEADERS = {"cache-control": PRIVATE_CACHE, "vary": "Cookie"}


@dataclass(frozen=True)
class TranscriptHtml:
    """A transcript as a page shows it, the same for everybody who may read it."""

    html: Markup
    language: str
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class EpisodeRoutes:
    """Endpoints that know a visitor by the session cookie."""

    authorizer: Authorizer
    catalog_cache: CatalogCache
    store: Store
    cookies: SessionCookies
    templates: Templates
    transcript_cache: Lru[TranscriptHtml] = field(default_factory=lambda: Lru(KEPT_TRANSCRIPTS))

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/episodes/{slug}", self.episode),
            Route("/episodes/{slug}/transcript.epub", self.book),
            Route("/episodes/{slug}/transcript.{ending}", self.transcript),
            Route("/episodes/{slug}/audio.{ending}", self.audio),
        ]

    def episode(self, request: Request) -> Response:
        """Answer an episode's page: with the transcript, or with the teaser and how to subscribe."""
        episode = self._episode(request)
        decision = self.authorizer.authorize(self.cookies.visitor(request), episode, "page")
        show = self.catalog_cache.newest().catalog.show
        is_allowed = isinstance(decision, Allow)
        words = self._transcript(episode, request) if is_allowed else {}
        audio = self._audio_address(show, episode, is_allowed=is_allowed)
        return self.templates.page_response(
            request,
            "episode.html",
            show,
            standing=_standing(decision),
            episode=episode,
            people=credited_persons(show, episode) or show.hosts,
            chapters=[chapter for chapter in episode.chapters if chapter.toc],
            notes=notes_html(episode.notes),
            audio=audio,
            audio_is_public=episode.access == "public",
            artwork=json_ld.episode_artwork_url(show, episode),
            structured=json_ld.podcast_episode(show, episode, audio=audio),
            offer=not is_allowed,
            **{**NO_WORDS, **words},
        )

    def _transcript(self, episode: Episode, request: Request) -> dict[str, Any]:
        version = _version(episode, request.query_params.get("v"))
        if version is None:
            return {}
        return {
            "words": self.transcript_cache.get_or_compute(
                (version.document_key, episode.chapters), lambda: self._words(episode, version)
            ),
            "shown": version,
            "downloads": _downloads(episode, version),
            "versions": [(known, hash_in_key(known.document_key)) for known in reversed(episode.transcripts)],
        }

    def _words(self, episode: Episode, version: TranscriptVersion) -> TranscriptHtml:
        transcript = self.catalog_cache.transcript(version)
        turns = view.speaker_turns(transcript, episode.chapters)
        return TranscriptHtml(
            self.templates.transcript_html(turns), transcript.language, transcript.corrections
        )

    def _audio_address(self, show: Show, episode: Episode, *, is_allowed: bool) -> str | None:
        enclosure = episode.enclosure
        if episode.access != "public" and not is_allowed:
            return None
        if enclosure.key is None:
            return http_url_or_none(enclosure.external_url)
        if episode.access == "public":
            return show.object_url(enclosure.key)
        return f"/episodes/{episode.slug}/audio.{enclosure.key.rpartition('.')[2]}"

    def transcript(self, request: Request) -> Response:
        """Answer a transcript to save, in any format, the newest or the one that `v` names."""
        episode = self._admitted_to(request, "file")
        key = transcript_key(episode, request, formats=tuple(DOWNLOADS))
        headers = _to_save(episode, request.path_params["ending"])
        return content_response(request, content_from_store(self.store, key), headers=headers)

    def book(self, request: Request) -> Response:
        """Answer a transcript as an EPUB, the newest or the one whose document `v` names."""
        episode = self._admitted_to(request, "file")
        version = _version(episode, request.query_params.get("v"))
        if version is None:
            raise AccessDenied(NOT_FOUND)
        show = self.catalog_cache.newest().catalog.show
        body = epub.to_epub(
            self.templates.environment,
            show=show,
            episode=episode,
            people=credited_persons(show, episode) or show.hosts,
            version=version,
            transcript=self.catalog_cache.transcript(version),
        )
        content = content_from_bytes(
            body, content_type=epub.CONTENT_TYPE, modified_at=episode.content_changed_at
        )
        return content_response(request, content, headers=_to_save(episode, "epub"))

    def audio(self, request: Request) -> Response:
        """Answer the audio of a subscriber-only episode to a session."""
        episode = self._admitted_to(request, "file")
        key = episode.enclosure.key
        if key is None or key.rpartition(".")[2] != request.path_params["ending"]:
            raise AccessDenied(NOT_FOUND)
        if key.startswith("public/"):
            address = self.catalog_cache.newest().catalog.show.object_url(key)
            return RedirectResponse(address, status_code=302, headers=SESSION_HEADERS)
        return content_response(request, content_from_store(self.store, key), headers=SESSION_HEADERS)

    def _admitted_to(self, request: Request, resource: Resource) -> Episode:
        episode = self._episode(request)
        self.authorizer.authorize(self.cookies.visitor(request), episode, resource)
        return episode

    def _episode(self, request: Request) -> Episode:
        episode = self.catalog_cache.newest().catalog.by_slug(request.path_params["slug"])
        if episode is None:
            raise AccessDenied(NOT_FOUND)
        return episode


def _version(episode: Episode, wanted: str | None) -> TranscriptVersion | None:
    if wanted is None:
        return episode.transcript
    for version in episode.transcripts:
        if hash_in_key(version.document_key) == wanted:
            return version
    raise AccessDenied(NOT_FOUND)


def _downloads(episode: Episode, version: TranscriptVersion) -> list[tuple[str, str]]:
    """Return name and address of every file of a version; `v` is the hash in the file's key."""
    keys = {ending: version.file_keys[ending] for ending in DOWNLOADS if ending in version.file_keys}
    named = [(DOWNLOADS[ending], ending, key) for ending, key in keys.items()]
    return [
        (name, f"/episodes/{episode.slug}/transcript.{ending}?v={hash_in_key(key)}")
        for name, ending, key in [*named, ("EPUB", "epub", version.document_key)]
    ]


def _to_save(episode: Episode, ending: str) -> dict[str, str]:
    return {**SESSION_HEADERS, "content-disposition": f'attachment; filename="{episode.slug}.{ending}"'}


def _standing(decision: object) -> str:
    return decision.standing if isinstance(decision, Teaser) else "active"
