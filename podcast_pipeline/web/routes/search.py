"""The search page: transcripts for subscribers; titles, guests, topics, notes and first words for everybody.

/search?q=<query>[&episode=<slug>][&page=<number>]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock, Thread
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Allow, Teaser
from podcast_pipeline.errors import PodcastError
from podcast_pipeline.model import Episode
from podcast_pipeline.search import SearchIndex, SearchResults, parse_query
from podcast_pipeline.search.query import LONGEST_QUERY
from podcast_pipeline.search.run_query import PASSAGES_SHOWN
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.web.authorization import AccessDenied, Authorizer
from podcast_pipeline.web.catalog_cache import CatalogCache, CatalogSnapshot, Lru
from podcast_pipeline.web.middleware.access_log import ERROR_LOGGER
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import reads

MAX_PASSAGES_IN_EPISODE = 60  # with `episode`; the episode's page can find the rest
MAX_PAGE_DIGITS = 6
FEW_EPISODES = 1  # up to so many another query is suggested


class IndexUpdater:
    """Syncs the search index with the catalog in a background thread, one run at a time.

    The machine that published an episode may have no connection to this database. A run without changes
    takes milliseconds.
    """

    def __init__(self, index: SearchIndex, store: ObjectReader) -> None:
        self._index = index
        self._store = store
        self._lock = Lock()
        self._synced_etag: str | None = None
        self._thread: Thread | None = None

    def start_update(self, snapshot: CatalogSnapshot) -> Thread | None:
        """Start a sync with a catalog unless done or running; return the thread of the latest sync."""
        with self._lock:
            is_busy = self._thread is not None and self._thread.is_alive()
            if not is_busy and self._synced_etag != snapshot.etag:
                self._synced_etag = snapshot.etag
                self._thread = Thread(target=self._sync, args=(snapshot,), daemon=True)
                self._thread.start()
            return self._thread

    def _sync(self, snapshot: CatalogSnapshot) -> None:
        try:
            self._index.sync(snapshot.catalog, self._store)
        except PodcastError as error:
            ERROR_LOGGER.error("search index: %s; run `podcast reindex`", error)


@dataclass(frozen=True)
class SearchScope:
    """The published episodes of a catalog: the ones that results may show.

    Attributes:
        public_ids: those whose transcripts everybody may read.
        withdrawn: those of which words were withdrawn.
    """

    episodes: Mapping[UUID, Episode]
    ids: frozenset[UUID]
    public_ids: frozenset[UUID] = frozenset()
    withdrawn: tuple[Episode, ...] = ()


@dataclass(frozen=True)
class SearchRoutes:
    """The endpoint of `/search`."""

    authorizer: Authorizer
    catalog_cache: CatalogCache
    index: SearchIndex
    index_updater: IndexUpdater
    cookies: SessionCookies
    templates: Templates
    zone: ZoneInfo
    scope_cache: Lru[SearchScope] = field(default_factory=lambda: Lru(1))

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/search", reads(self.search))]

    def catch_up(self) -> Thread | None:
        """Start to sync the index with the newest catalog in the background; return the thread."""
        return self.index_updater.start_update(self.catalog_cache.newest())

    def search(self, request: Request) -> Response:
        """Return the results for `q`, limited to an `episode` if given.

        Access is decided before the search. Without access the search reads no transcript but those for
        everybody, so that neither hits nor counts nor response time depend on others (no timing attack).
        """
        decision = self.authorizer.authorize(self.cookies.visitor(request), None, "search")
        snapshot = self.catalog_cache.newest()
        self.index_updater.start_update(snapshot)
        published = self.scope_cache.get_or_compute(snapshot.etag, lambda: _published(snapshot))
        text = request.query_params.get("q", "")[:LONGEST_QUERY].strip()
        chosen = self._chosen_episode(snapshot, request)
        ids = (frozenset({chosen.id}) if chosen else published.ids) - self._outdated(published)
        query = parse_query(text, self.zone)
        may_read, public_ids = isinstance(decision, Allow), published.public_ids & ids
        results = self.index.search(
            query,
            include_transcripts=may_read,
            episode_ids=ids,
            public_ids=public_ids,
            page=_page_number(request),
            passages=MAX_PASSAGES_IN_EPISODE if chosen else PASSAGES_SHOWN,
        )
        suggestion = None
        if results.episode_count <= FEW_EPISODES:
            suggestion = self.index.suggest(
                text, self.zone, include_transcripts=may_read, episode_ids=ids, public_ids=public_ids
            )
        return self.templates.no_store_response(
            request,
            "search.html",
            snapshot.catalog.show,
            standing=decision.standing if isinstance(decision, Teaser) else "active",
            asked=text,
            query=query,
            found=results,
            groups=[(published.episodes[group.episode_id], group) for group in results.groups],
            chosen=chosen,
            suggestion=suggestion,
            instead=_address(suggestion or "", chosen),
            has_public_transcripts=bool(published.public_ids),
            whole=f"/search?{urlencode({'q': text})}",
            turns=_pagination_links(text, results),
        )

    def _outdated(self, published: SearchScope) -> frozenset[UUID]:
        """Return the episodes of which something was withdrawn and whose new words are not indexed yet."""
        return self.index.outdated(published.withdrawn) if published.withdrawn else frozenset()

    def _chosen_episode(self, snapshot: CatalogSnapshot, request: Request) -> Episode | None:
        slug = request.query_params.get("episode")
        if slug is None:
            return None
        episode = snapshot.catalog.by_slug(slug)
        if episode is None or episode.state != "published":
            raise AccessDenied(NOT_FOUND)
        return episode


def _published(snapshot: CatalogSnapshot) -> SearchScope:
    episodes = {episode.id: episode for episode in snapshot.catalog.published()}
    withdrawn = tuple(episode for episode in episodes.values() if episode.withdrawals)
    public_ids = frozenset(episode.id for episode in episodes.values() if episode.transcript_is_public)
    return SearchScope(episodes, frozenset(episodes), public_ids, withdrawn)


def _address(text: str, chosen: Episode | None) -> str:
    """Return the address of a search, limited to an episode if one was chosen."""
    return f"/search?{urlencode({'q': text} | ({'episode': chosen.slug} if chosen else {}))}"


def _page_number(request: Request) -> int:
    number = request.query_params.get("page", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= MAX_PAGE_DIGITS else 1


def _pagination_links(text: str, results: SearchResults) -> list[tuple[str, str, str]]:
    """Return (label, URL, rel) of the previous and the next page of results."""
    neighbours = (("Back", results.page - 1, "prev"), ("More results", results.page + 1, "next"))
    return [
        (name, f"/search?{urlencode({'q': text, 'page': number})}", rel)
        for name, number, rel in neighbours
        if 1 <= number <= results.page_count
    ]
