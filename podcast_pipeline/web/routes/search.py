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
from podcast_pipeline.search import Found, SearchIndex, parse
from podcast_pipeline.search.query import LONGEST_QUERY
from podcast_pipeline.search.run_query import PASSAGES_SHOWN
from podcast_pipeline.storage import Reader
from podcast_pipeline.web.authorization import Gate, Refused
from podcast_pipeline.web.catalog_cache import Edition, Editions, Kept
from podcast_pipeline.web.middleware.access_log import ERRORS
from podcast_pipeline.web.session_cookie import Door
from podcast_pipeline.web.templating import Templates

PASSAGES_OF_ONE = 60  # where an episode stands alone; the page itself finds the rest
MOST_DIGITS = 6  # of a page's number


class Following:
    """Keeps the index up to the catalog beside the server, one run at a time.

    Whoever published or released may not have reached this database; a run that finds nothing new is a
    matter of milliseconds.
    """

    def __init__(self, index: SearchIndex, store: Reader) -> None:
        self._index = index
        self._store = store
        self._lock = Lock()
        self._followed: str | None = None
        self._run: Thread | None = None

    def follow(self, edition: Edition) -> Thread | None:
        """Start to bring the index up to an edition unless that was done or is going on; return the run."""
        with self._lock:
            is_busy = self._run is not None and self._run.is_alive()
            if not is_busy and self._followed != edition.etag:
                self._followed = edition.etag
                self._run = Thread(target=self._catch_up, args=(edition,), daemon=True)
                self._run.start()
            return self._run

    def _catch_up(self, edition: Edition) -> None:
        try:
            self._index.catch_up(edition.catalog, self._store)
        except PodcastError as error:
            ERRORS.error("search index: %s; run `podcast reindex`", error)


@dataclass(frozen=True)
class Published:
    """The episodes of an edition that may be named."""

    episodes: Mapping[UUID, Episode]
    ids: frozenset[UUID]


@dataclass(frozen=True)
class Searching:
    """The endpoint of `/search`."""

    gate: Gate
    editions: Editions
    index: SearchIndex
    following: Following
    door: Door
    templates: Templates
    zone: ZoneInfo
    kept: Kept[Published] = field(default_factory=lambda: Kept(1))

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/search", self.search)]

    def catch_up(self) -> Thread | None:
        """Bring the index up to what is out now, beside the server; return the run."""
        return self.following.follow(self.editions.newest())

    def search(self, request: Request) -> Response:
        """Answer what was found of `q`, of one `episode` if that is given.

        Access is decided before anything is looked up, and the lookup of a visitor who may not read never
        touches a transcript: neither hits nor counts nor the time it takes depend on one.
        """
        decision = self.gate.admit(self.door.visitor(request), None, "search")
        edition = self.editions.newest()
        self.following.follow(edition)
        published = self.kept.get(edition.etag, lambda: _published(edition))
        asked = request.query_params.get("q", "")[:LONGEST_QUERY].strip()
        chosen = self._chosen(edition, request)
        query = parse(asked, self.zone)
        found = self.index.search(
            query,
            with_words=isinstance(decision, Allow),
            among=frozenset({chosen.id}) if chosen else published.ids,
            page=_page(request),
            passages=PASSAGES_OF_ONE if chosen else PASSAGES_SHOWN,
        )
        return self.templates.unkept(
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

    def _chosen(self, edition: Edition, request: Request) -> Episode | None:
        slug = request.query_params.get("episode")
        if slug is None:
            return None
        episode = edition.catalog.by_slug(slug)
        if episode is None or episode.state != "published":
            raise Refused(NOT_FOUND)
        return episode


def _published(edition: Edition) -> Published:
    episodes = {episode.id: episode for episode in edition.catalog.published()}
    return Published(episodes, frozenset(episodes))


def _page(request: Request) -> int:
    number = request.query_params.get("page", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS else 1


def _turns(asked: str, found: Found) -> list[tuple[str, str, str]]:
    """Return (name, address, rel) of the pages before and after this one."""
    near = (("Back", found.page - 1, "prev"), ("More results", found.page + 1, "next"))
    return [
        (name, f"/search?{urlencode({'q': asked, 'page': number})}", rel)
        for name, number, rel in near
        if 1 <= number <= found.page_count
    ]
