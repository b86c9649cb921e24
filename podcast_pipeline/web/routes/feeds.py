"""Private feeds: every URL with a token in the path.

/feeds/<token>[/][?next=<page>]            open a read-only session and redirect to the pages
/feeds/<token>/feed.xml                    the private feed
/feeds/<token>/transcripts/<id>.<format>   vtt, srt or json
/feeds/<token>/audio/<id>.<ending>         audio of subscriber-only episodes
/feeds/<token>/chapters/<id>.json          chapters of subscriber-only episodes
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, FeedWithNotice, Resource, Visitor
from podcast_pipeline.audience.database.patience import patience
from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
from podcast_pipeline.feed import rss
from podcast_pipeline.feed.notice import build_notice
from podcast_pipeline.model import Episode, TranscriptVersion
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import FEED_TYPE, PRIVATE_CACHE
from podcast_pipeline.web.authorization import AccessDenied, Authorizer
from podcast_pipeline.web.byte_ranges import Content, content_from_store, content_response, media_from_store
from podcast_pipeline.web.catalog_cache import CatalogCache, CatalogSnapshot
from podcast_pipeline.web.landing import own_page
from podcast_pipeline.web.link_use import LinkUse
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.threads import PATIENCE_S, reads, run_with_database

FEED_FORMATS = ("vtt", "srt", "json")
PRESIGNED_S = 900
"""Seconds until a presigned audio URL expires (rule P6)."""

PRIVATE_HEADERS = {"cache-control": PRIVATE_CACHE}


def nothing_withdrawn(_: Episode, __: Request) -> None:
    """Return None: what is asked for is no version of a transcript."""


@dataclass(frozen=True)
class PrivateFeedRoutes:
    """Endpoints under `/feeds/<token>/`. Access is decided before conditional headers are read.

    Attributes:
        title_suffix: what follows the show's title in the feeds.
        redirects_audio: redirect players to the bucket for audio of subscriber-only episodes.
    """

    authorizer: Authorizer
    catalog_cache: CatalogCache
    store: Store
    cookies: SessionCookies
    link_use: LinkUse
    links: EpisodeLinks
    title_suffix: str = ""
    redirects_audio: bool = False

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/feeds/{token}", self.enter),  # typed without the slash
            Route("/feeds/{token}/", self.enter),
            Route("/feeds/{token}/feed.xml", reads(self.feed)),
            Route("/feeds/{token}/transcripts/{id:uuid}.{ending}", reads(self.transcript)),
            Route("/feeds/{token}/audio/{id:uuid}.{ending}", reads(self.audio)),
            Route("/feeds/{token}/chapters/{id:uuid}.json", reads(self.chapters)),
        ]

    async def enter(self, request: Request) -> Response:
        """Redirect to the pages, or to the page `next`, with a read-only session where none lasts."""
        page = own_page(request.query_params.get("next")) or "/"
        response = RedirectResponse(page, status_code=303, headers={"cache-control": "no-store"})
        with patience(PATIENCE_S):
            visitor = await run_with_database("read", self._visitor_without_session, request)
            if visitor is not None:
                await run_with_database("write", self.cookies.open_reading_session, response, visitor)
        return response

    def _visitor_without_session(self, request: Request) -> Visitor | None:
        """Return the visitor to open a session for; None for a HEAD, which comes from link previews."""
        visitor = self.authorizer.visitor_by_token(request)
        self.authorizer.authorize(visitor, None, "private_feed")
        needs_session = request.method == "GET" and self.cookies.needs_session(request, visitor)
        return visitor if needs_session else None

    def feed(self, request: Request) -> Response:
        """Return the private feed, or the same feed without transcripts and with a notice."""
        visitor = self.authorizer.visitor_by_token(request)
        decision = self.authorizer.authorize(visitor, None, "private_feed")
        snapshot, token = self.catalog_cache.newest(), request.path_params["token"]
        feed = self.catalog_cache.private_feed(snapshot, self._audience(visitor, decision))
        tokens = partial(self.links.token, token.partition(".")[0])
        changed = (feed.changed_at, visitor.standing_since(self.authorizer.clock()))
        content = Content(
            type=FEED_TYPE,
            size_bytes=feed.size_bytes,
            etag=feed.etag(token),
            modified_at=max((at for at in changed if at), default=None),
            read=lambda start, end: iter((feed.to_bytes(token, tokens)[start:end],)),
        )
        return content_response(request, content, headers=PRIVATE_HEADERS)

    def _audience(self, visitor: Visitor, decision: object) -> rss.PrivateAudience:
        if not isinstance(decision, FeedWithNotice) or visitor.subscriber is None:
            return rss.PrivateAudience(title_suffix=self.title_suffix)
        renew_url = self.authorizer.policy.renew_url
        item = build_notice(visitor.subscriber.id, decision.standing, decision.since, renew_url=renew_url)
        return rss.PrivateAudience(transcripts=False, notice=item, title_suffix=self.title_suffix)

    def transcript(self, request: Request) -> Response:
        """Return a transcript file: the newest version, or the one with the hash `v`."""
        visitor, episode = self._authorized_episode(request, "file", withdrawn_file)
        key = transcript_key(episode, request, formats=FEED_FORMATS)
        response = content_response(request, content_from_store(self.store, key), headers=PRIVATE_HEADERS)
        return self._count_whole(request, response, visitor, episode)

    def audio(self, request: Request) -> Response:
        """Return or redirect to the audio of an episode; redirect if the audio has become public."""
        visitor, episode = self._authorized_episode(request, None)
        key, ending = episode.enclosure.key, request.path_params["ending"]
        if self.redirects_audio and request.method == "GET" and key and key.endswith(f".{ending}"):
            url = None if key.startswith("public/") else self.store.presigned_url(key, PRESIGNED_S)
            if url:
                return RedirectResponse(url, 302, {"cache-control": "no-store"})
        return self._count_whole(request, self._file(request, key, ending), visitor, episode)

    def chapters(self, request: Request) -> Response:
        """Return the chapters of a subscriber-only episode."""
        _, episode = self._authorized_episode(request, None)
        return self._file(request, episode.chapters_key, "json")

    def _file(self, request: Request, key: str | None, ending: str) -> Response:
        if key is None or key.rpartition(".")[2] != ending:
            raise AccessDenied(NOT_FOUND)
        if key.startswith("public/"):
            url = self.catalog_cache.newest().catalog.show.object_url(key)
            return RedirectResponse(url, status_code=302, headers=PRIVATE_HEADERS)
        return content_response(request, media_from_store(self.store, key), headers=PRIVATE_HEADERS)

    def _count_whole(
        self, request: Request, response: Response, visitor: Visitor, episode: Episode
    ) -> Response:
        """Count a completely sent file; a partial response or a 304 is no download (rule P7)."""
        if not is_whole(response):
            return response
        return self.link_use.count_download(request, response, visitor, episode)

    def _authorized_episode(
        self,
        request: Request,
        resource: Resource | None,
        find_withdrawn: Callable[[Episode, Request], TranscriptVersion | None] = nothing_withdrawn,
    ) -> tuple[Visitor, Episode]:
        """Return the visitor and the episode in the path; the token is checked before the episode."""
        visitor = self.authorizer.visitor_by_token(request)
        self.authorizer.authorize(visitor, None, "private_feed")
        episode = _episode(self.catalog_cache.newest(), request.path_params["id"])
        default: Resource = "public" if episode.access == "public" else "file"
        self.authorizer.authorize(
            visitor, episode, resource or default, withdrawn=find_withdrawn(episode, request)
        )
        return visitor, episode


def _episode(snapshot: CatalogSnapshot, episode_id: UUID) -> Episode:
    episode = snapshot.catalog.by_id(episode_id)
    if episode is None:
        raise AccessDenied(NOT_FOUND)
    return episode


def transcript_key(episode: Episode, request: Request, *, formats: tuple[str, ...]) -> str:
    """Return the key of the requested transcript file: `ending` in the path, optional hash `v` in the query.

    Raises:
        AccessDenied: 404, the episode has no file with this ending and hash.
    """
    ending, requested_hash = request.path_params["ending"], request.query_params.get("v")
    keys = [
        key
        for version in reversed(episode.readable_versions)
        for file_format, key in version.files.items()
        if file_format == ending and file_format in formats and requested_hash in (None, hash_in_key(key))
    ]
    if not keys:
        raise AccessDenied(NOT_FOUND)
    return keys[0]


def withdrawn_file(episode: Episode, request: Request) -> TranscriptVersion | None:
    """Return the withdrawn version whose file is asked for; without `v` the newest, if none is left."""
    requested_hash = request.query_params.get("v")
    if requested_hash is None:
        return newest_withdrawn(episode)
    ending = request.path_params["ending"]
    readable = {v.files.get(ending) for v in episode.readable_versions}  # equal files have one key
    files = ((version, version.files.get(ending)) for version in episode.withdrawn_versions)
    found = (v for v, key in files if key not in readable and hash_in_key(key or "..") == requested_hash)
    return next(found, None)


def newest_withdrawn(episode: Episode) -> TranscriptVersion | None:
    """Return the newest version where all of them were withdrawn, else None."""
    return episode.withdrawn_versions[-1] if episode.transcripts and not episode.transcript else None


def is_whole(response: Response) -> bool:
    """Return whether a response has all bytes: 200, or a byte range from the first to the last."""
    if response.status_code == 200:
        return True
    span, _, size = response.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    return response.status_code == 206 and size.isdecimal() and span == f"0-{int(size) - 1}"


def hash_in_key(key: str) -> str:
    """Return the hash in an object's key: `…/<slug>.<hash16>.<ending>`."""
    return key.split(".")[-2]
