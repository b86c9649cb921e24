"""The search page: words in transcripts for subscribers; titles, notes and guests for everybody."""

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

PASSAGES_OF_ONE = 60  # where an episode stands alone; the page itself finds the rest
MOST_DIGITS = 6  # of a page's number


class IndexUpdater:
    """Keeps the index up to the catalog beside the server, one run at a time.

    Whoever published or released may not have reached this database; a run that finds nothing new is a
    matter of milliseconds.
    """

    def __init__(self, index: SearchIndex, store: ObjectReader) -> None:
        self._index = index
        self._store = store
        self._lock = Lock()
        self._followed: str | None = None
        self._run: Thread | None = None

    def start_update(self, snapshot: CatalogSnapshot) -> Thread | None:
        """Start to bring the index up to an edition unless that was done or is going on; return the run."""
        with self._lock:
            is_busy = self._run is not None and self._run.is_alive()
            if not is_busy and self._followed != snapshot.etag:
                self._followed = snapshot.etag
                self._run = Thread(target=self._catch_up, args=(snapshot,), daemon=True)
                self._run.start()
            return self._run

    def _catch_up(self, edition: CatalogSnapshot) -> None:
        try:
            self._index.sync(edition.catalog, self._store)
        except PodcastError as error:
            ERROR_LOGGER.error("search index: %s; run `podcast reindex`", error)


@dataclass(frozen=True)
class SearchScope:
    """The episodes of an edition that may be named."""

    episodes: Mapping[UUID, Episode]
    ids: frozenset[UUID]


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
        return [Route("/search", self.search)]

    def catch_up(self) -> Thread | None:
        """Bring the index up to what is out now, beside the server; return the run."""
        return self.index_updater.start_update(self.catalog_cache.newest())

    def search(self, request: Request) -> Response:
        """Answer what was found of `q`, of one `episode` if that is given.

        Access is decided before anything is looked up, and the lookup of a visitor who may not read never
        touches a transcript: neither hits nor counts nor the time it takes depend on one.
        """
        decision = self.authorizer.authorize(self.cookies.visitor(request), None, "search")
        edition = self.catalog_cache.newest()
        self.index_updater.start_update(edition)
        published = self.scope_cache.get_or_compute(edition.etag, lambda: _published(edition))
        asked = request.query_params.get("q", "")[:LONGEST_QUERY].strip()
        chosen = self._chosen(edition, request)
        query = parse_query(asked, self.zone)
        found = self.index.search(
            query,
            include_transcripts=isinstance(decision, Allow),
            episode_ids=frozenset({chosen.id}) if chosen else published.ids,
            page=_page(request),
            passages=PASSAGES_OF_ONE if chosen else PASSAGES_SHOWN,
        )
        return self.templates.no_store_response(
            request,
            "search.html",
            edition.catalog.show,
            standing=decision.standing if isinstance(decision, Teaser) else "active",
            asked=asked,
            query=query,
            found=found,
            groups=[(published.episodes[group.episode_id], group) for group in found.groups],
            chosen=chosen,
            whole=f"/search?{urlencode({'q': asked})}",
            turns=_turns(asked, found),
        )

    def _chosen(self, edition: CatalogSnapshot, request: Request) -> Episode | None:
        slug = request.query_params.get("episode")
        if slug is None:
            return None
        episode = edition.catalog.by_slug(slug)
        if episode is None or episode.state != "published":
            raise AccessDenied(NOT_FOUND)
        return episode


def _published(edition: CatalogSnapshot) -> SearchScope:
    episodes = {episode.id: episode for episode in edition.catalog.published()}
    return SearchScope(episodes, frozenset(episodes))


def _page(request: Request) -> int:
    number = request.query_params.get("page", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS else 1


def _turns(asked: str, found: SearchResults) -> list[tuple[str, str, str]]:
    """Return (name, address, rel) of the pages before and after this one."""
    near = (("Back", found.page - 1, "prev"), ("More results", found.page + 1, "next"))
    return [
        (name, f"/search?{urlencode({'q': asked, 'page': number})}", rel)
        for name, number, rel in near
        if 1 <= number <= found.page_count
    ]
