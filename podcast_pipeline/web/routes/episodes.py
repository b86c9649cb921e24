"""Episode pages, and the files of an episode for a browser with a cookie.

/episodes/<slug>                       the page; ?v=<hash> shows an older transcript
/episodes/<slug>/changes               a version beside the one before it; ?v=<hash> of an older one
/episodes/<slug>/transcript.epub       the transcript as EPUB
/episodes/<slug>/transcript.<format>   docx, txt, html, vtt, srt or json
/episodes/<slug>/audio.<ending>        audio of a subscriber-only episode, with byte ranges
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Allow, FeedWithNotice, Teaser
from podcast_pipeline.errors import NotFound
from podcast_pipeline.feed.tags import credited_persons
from podcast_pipeline.images import small_jpeg
from podcast_pipeline.model import Correction, Episode, FileFormat, Show, TranscriptVersion, http_url_or_none
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.objects import PRIVATE_CACHE
from podcast_pipeline.web import cards, epub, json_ld, view
from podcast_pipeline.web.authorization import AccessDenied, Authorizer, ReaderFinder
from podcast_pipeline.web.byte_ranges import (
    content_from_bytes,
    content_from_store,
    content_response,
    media_from_store,
)
from podcast_pipeline.web.catalog_cache import CatalogCache, Lru
from podcast_pipeline.web.content_coding import CompressedOnce, compress_quickly
from podcast_pipeline.web.routes.feeds import (
    hash_in_key,
    newest_withdrawn,
    nothing_withdrawn,
    transcript_key,
    withdrawn_file,
)
from podcast_pipeline.web.templating import Templates, typeset_notes
from podcast_pipeline.web.threads import reads_if
from podcast_pipeline.web.version_changes import VersionChanges, version_before
from podcast_pipeline.web.view import TeaserTurn

DOWNLOADS: dict[FileFormat, str] = {
    "docx": "Word",
    "txt": "Text",
    "html": "HTML",
    "vtt": "VTT",
    "srt": "SRT",
    "json": "JSON",
}
"""Files by format, each with the name that its link has."""

CACHED_TRANSCRIPTS = 64  # an hour of speech is about 200 kB of HTML
CACHED_TEASERS = 1024
CACHED_COVERS = 16  # some 200 kB each
COVER_PX = 1200
NO_TRANSCRIPT = {"words": None, "shown": None, "downloads": (), "versions": ()}
SESSION_HEADERS = {"cache-control": PRIVATE_CACHE, "vary": "Cookie"}


@dataclass(frozen=True)
class TranscriptHtml:
    """A transcript rendered for the page; the same for every visitor with access."""

    html: Markup
    language: str
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class EpisodeRoutes:
    """Endpoints under `/episodes`, authorized by the session cookie, or by that of a one-episode link."""

    authorizer: Authorizer
    catalog_cache: CatalogCache
    store: ObjectReader
    readers: ReaderFinder
    templates: Templates
    transcript_cache: Lru[TranscriptHtml] = field(default_factory=lambda: Lru(CACHED_TRANSCRIPTS))
    cover_cache: Lru[bytes | None] = field(default_factory=lambda: Lru(CACHED_COVERS))
    teaser_cache: Lru[tuple[TeaserTurn, ...]] = field(default_factory=lambda: Lru(CACHED_TEASERS))
    compress_once: CompressedOnce = field(default_factory=lambda: CompressedOnce(CACHED_TRANSCRIPTS))

    @cached_property
    def version_changes(self) -> VersionChanges:
        """The comparisons of published versions."""
        return VersionChanges(self.catalog_cache)

    def routes(self) -> list[Route]:
        """Return the routes."""
        for_page = partial(reads_if, self.readers.needs_database)
        return [
            Route("/episodes/{slug}", for_page(self.episode)),
            Route("/episodes/{slug}/changes", for_page(self.changes)),
            Route("/episodes/{slug}/transcript.epub", for_page(self.book)),
            Route("/episodes/{slug}/transcript.{ending}", for_page(self.transcript)),
            Route("/episodes/{slug}/audio.{ending}", for_page(self.audio)),
        ]

    def episode(self, request: Request) -> Response:
        """Return an episode's page: with the transcript, or with the teaser and an offer to subscribe."""
        episode = self._episode(request)
        decision = self._page_decision(request, episode)
        show = self.catalog_cache.newest().catalog.show
        is_allowed = isinstance(decision, Allow)
        transcript = self._transcript_values(episode, request) if is_allowed else {}
        audio = self._audio_url(show, episode, is_allowed=is_allowed)
        card = cards.episode_card(show, episode)
        return self.templates.page_response(
            _of_version(request) if transcript else request,
            "episode.html",
            show,
            standing=_standing(decision),
            episode=episode,
            people=credited_persons(show, episode) or show.hosts,
            chapters=[chapter for chapter in episode.chapters if chapter.toc],
            notes=typeset_notes(show, episode),
            audio=audio,
            compress=self.compress_once if transcript else compress_quickly,
            audio_is_public=episode.access == "public",
            card=card,
            picture_size_px=self.catalog_cache.picture_size_px(card.picture_key),
            structured=json_ld.podcast_episode(show, episode, audio=audio),
            offer=not is_allowed,
            is_cited="v" in request.query_params,
            correction=self._newest_correction(episode),
            teaser=() if is_allowed else self._teaser(episode),
            **{**NO_TRANSCRIPT, **transcript},
        )

    def changes(self, request: Request) -> Response:
        """Return a version beside the one before it; to the page for who may not read the words."""
        episode = self._episode(request)
        if not isinstance(self._page_decision(request, episode), Allow):
            return RedirectResponse(f"/episodes/{episode.slug}", status_code=303, headers=SESSION_HEADERS)
        version = _version(episode, request.query_params.get("v"))
        before = version_before(episode, version) if version else None
        if version is None or before is None:
            raise AccessDenied(NOT_FOUND)
        return self.templates.page_response(
            request,
            "changes.html",
            self.catalog_cache.newest().catalog.show,
            episode=episode,
            versions=[(known, hash_in_key(known.document_key)) for known in (before, version)],
            changes=self.version_changes.of(episode, version),
        )

    def _page_decision(self, request: Request, episode: Episode) -> Allow | Teaser | FeedWithNotice:
        withdrawn = _withdrawn_document(episode, request) if "v" in request.query_params else None
        return self.authorizer.authorize(self.readers.reader(request, episode), episode, "page", withdrawn)

    def _newest_correction(self, episode: Episode) -> tuple[TranscriptVersion, tuple[float, ...]] | None:
        """Return the version that the newest correction made, and where it changed words, in seconds."""
        version = episode.transcript
        if version is None or version.version == 1:
            return None
        return version, self._changed_sentences(episode, version)

    def _changed_sentences(self, episode: Episode, version: TranscriptVersion) -> tuple[float, ...]:
        return tuple(dict.fromkeys(start_s for start_s, _ in self.version_changes.of(episode, version)))

    def _transcript_values(self, episode: Episode, request: Request) -> dict[str, Any]:
        version = _version(episode, request.query_params.get("v"))
        if version is None:
            return {}
        before = version_before(episode, version)
        return {
            "words": self.transcript_cache.get_or_compute(
                (version.document_key, episode.chapters, before and before.document_key),
                lambda: self._render_transcript(episode, version),
            ),
            "shown": version,
            "version_hash": hash_in_key(version.document_key),
            "downloads": _downloads(episode, version),
            "versions": [
                (known, hash_in_key(known.document_key)) for known in reversed(episode.readable_versions)
            ],
        }

    def _render_transcript(self, episode: Episode, version: TranscriptVersion) -> TranscriptHtml:
        transcript = self.catalog_cache.transcript(version)
        turns = view.speaker_turns(transcript, episode.chapters)
        return TranscriptHtml(
            self.templates.transcript_html(
                turns,
                language=transcript.language,
                corrected=self._changed_sentences(episode, version),
                changes_url=f"/episodes/{episode.slug}/changes?v={hash_in_key(version.document_key)}",
            ),
            transcript.language,
            transcript.corrections,
        )

    def _teaser(self, episode: Episode) -> tuple[TeaserTurn, ...]:
        """Return the public first words by turns: exactly `episode.teaser`, with names and times."""
        version = episode.transcript
        if version is None or not episode.teaser:
            return ()
        return self.teaser_cache.get_or_compute(
            (version.document_key, episode.teaser),
            lambda: view.teaser_turns(self.catalog_cache.transcript(version), episode.teaser),
        )

    def _audio_url(self, show: Show, episode: Episode, *, is_allowed: bool) -> str | None:
        enclosure = episode.enclosure
        if episode.access != "public" and not is_allowed:
            return None
        if enclosure.key is None:
            return http_url_or_none(enclosure.external_url)
        if episode.access == "public":
            return show.object_url(enclosure.key)
        return f"/episodes/{episode.slug}/audio.{enclosure.key.rpartition('.')[2]}"

    def transcript(self, request: Request) -> Response:
        """Return a transcript as a download: the newest version, or the one with the hash `v`."""
        episode = self._authorized_episode(request, withdrawn_file)
        key = transcript_key(episode, request, formats=tuple(DOWNLOADS))
        headers = _download_headers(episode, request.path_params["ending"])
        return content_response(request, content_from_store(self.store, key), headers=headers)

    def book(self, request: Request) -> Response:
        """Return a transcript as an EPUB: the newest version, or the one whose document has the hash `v`."""
        episode = self._authorized_episode(request, _withdrawn_document)
        version = _version(episode, request.query_params.get("v"))
        if version is None:
            raise AccessDenied(NOT_FOUND)
        show = self.catalog_cache.newest().catalog.show
        key = episode.artwork_key or show.artwork_key
        body = epub.to_epub(
            self.templates.environment,
            show=show,
            episode=episode,
            people=credited_persons(show, episode) or show.hosts,
            version=version,
            transcript=self.catalog_cache.transcript(version),
            cover=self.cover_cache.get_or_compute(key, lambda: self._cover(key)) if key else None,
        )
        content = content_from_bytes(
            body, content_type=epub.CONTENT_TYPE, modified_at=episode.content_changed_at
        )
        return content_response(request, content, headers=_download_headers(episode, "epub"))

    def _cover(self, key: str) -> bytes | None:
        """Return a picture as a book's cover; None where it is not stored, or cannot be used."""
        try:
            return small_jpeg(self.store.get(key)[1], longest_px=COVER_PX)
        except NotFound:
            return None

    def audio(self, request: Request) -> Response:
        """Return the audio of a subscriber-only episode; redirect if the audio has become public."""
        episode = self._authorized_episode(request, nothing_withdrawn)
        key = episode.enclosure.key
        if key is None or key.rpartition(".")[2] != request.path_params["ending"]:
            raise AccessDenied(NOT_FOUND)
        if key.startswith("public/"):
            url = self.catalog_cache.newest().catalog.show.object_url(key)
            return RedirectResponse(url, status_code=302, headers=SESSION_HEADERS)
        return content_response(request, media_from_store(self.store, key), headers=SESSION_HEADERS)

    def _authorized_episode(
        self, request: Request, find_withdrawn: Callable[[Episode, Request], TranscriptVersion | None]
    ) -> Episode:
        episode = self._episode(request)
        withdrawn = find_withdrawn(episode, request)
        self.authorizer.authorize(self.readers.reader(request, episode), episode, "file", withdrawn)
        return episode

    def _episode(self, request: Request) -> Episode:
        episode = self.catalog_cache.newest().catalog.by_slug(request.path_params["slug"])
        if episode is None:
            raise AccessDenied(NOT_FOUND)
        return episode


def _of_version(request: Request) -> Request:
    """Return a request without its query, but for the version.

    What a visitor adds to the address, as `?find=`, is neither compressed beside words that not everybody may
    read (BREACH), nor does it make one more page to compress as small as it goes.
    """
    version = request.query_params.get("v")
    query = urlencode({"v": version}) if version is not None else ""
    return Request({**request.scope, "query_string": query.encode()}, request.receive)


def _version(episode: Episode, document_hash: str | None) -> TranscriptVersion | None:
    if document_hash is None:
        return episode.transcript
    for version in episode.readable_versions:
        if hash_in_key(version.document_key) == document_hash:
            return version
    raise AccessDenied(NOT_FOUND)


def _withdrawn_document(episode: Episode, request: Request) -> TranscriptVersion | None:
    """Return the withdrawn version with the document `v`; without `v` the newest, if none is left."""
    document_hash = request.query_params.get("v")
    if document_hash is None:
        return newest_withdrawn(episode)
    known = (v for v in episode.withdrawn_versions if hash_in_key(v.document_key) == document_hash)
    return next(known, None)


def _downloads(episode: Episode, version: TranscriptVersion) -> list[tuple[str, str]]:
    """Return (label, URL) of every file of a version; `v` is the hash in the file's key."""
    keys = {ending: version.files[ending] for ending in DOWNLOADS if ending in version.files}
    files = [(DOWNLOADS[ending], ending, key) for ending, key in keys.items()]
    return [
        (name, f"/episodes/{episode.slug}/transcript.{ending}?v={hash_in_key(key)}")
        for name, ending, key in [*files, ("EPUB", "epub", version.document_key)]
    ]


def _download_headers(episode: Episode, ending: str) -> dict[str, str]:
    return {**SESSION_HEADERS, "content-disposition": f'attachment; filename="{episode.slug}.{ending}"'}


def _standing(decision: object) -> str:
    return decision.standing if isinstance(decision, Teaser) else "active"
