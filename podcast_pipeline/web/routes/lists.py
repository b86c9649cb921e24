"""The lists: the newest episodes, those of a year, a season, a topic or a guest, and all of these."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Teaser
from podcast_pipeline.model import Episode
from podcast_pipeline.web import view
from podcast_pipeline.web.authorization import AccessDenied, Authorizer
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates

NEWEST = 12  # on the first page; the rest is in the archive
FACET_HEADINGS = {"year": "Years", "season": "Seasons", "topic": "Topics", "guest": "Guests"}
BY_NUMBER = ("year", "season")

Labels = Callable[[Episode], Iterable[str]]


@dataclass(frozen=True)
class EpisodeListRoutes:
    """Endpoints that list episodes; everybody sees the same, but for how to subscribe."""

    authorizer: Authorizer
    catalog_cache: CatalogCache
    cookies: SessionCookies
    templates: Templates
    zone: ZoneInfo

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/", self.index), Route("/archive", self.archive)]

    def index(self, request: Request) -> Response:
        """Answer the newest episodes, or all of one `year`, `season`, `topic` or `guest`."""
        decision = self.authorizer.authorize(self.cookies.visitor(request), None, "page")
        catalog = self.catalog_cache.newest().catalog
        published = list(catalog.published())
        asked = request.query_params.multi_items()
        name, label = next((item for item in asked if item[0] in FACET_HEADINGS), ("", ""))
        episodes = _of(name, label, published, self.zone) if name else published[:NEWEST]
        if not episodes and name:
            raise AccessDenied(NOT_FOUND)
        chosen = f"Season {label}" if name == "season" else label
        return self.templates.page_response(
            request,
            "index.html",
            catalog.show,
            standing=decision.standing if isinstance(decision, Teaser) else "active",
            years=view.by_year(episodes, self.zone),
            chosen=chosen,
            chosen_link=_link_of(chosen, episodes),
            archive=facet_counts("year", published, self.zone)
            if len(published) > NEWEST and not chosen
            else (),
            canonical=f"{catalog.show.site_url}/" + (f"?{facet_query(name, label)}" if name else ""),
        )

    def archive(self, request: Request) -> Response:
        """Answer every year, season, topic and guest that there is, with the number of episodes."""
        self.authorizer.authorize(self.cookies.visitor(request), None, "page")
        catalog = self.catalog_cache.newest().catalog
        published = list(catalog.published())
        shelves = {name: facet_counts(name, published, self.zone) for name in FACET_HEADINGS}
        return self.templates.page_response(
            request,
            "archive.html",
            catalog.show,
            shelves=[(name, FACET_HEADINGS[name], entries) for name, entries in shelves.items() if entries],
        )


def facet_query(facet: str, label: str) -> str:
    """Return the query of a list's address, in the one way in which it is linked everywhere."""
    return urlencode({facet: label}, quote_via=quote)


def facet_counts(facet: str, published: Iterable[Episode], zone: ZoneInfo) -> list[tuple[str, int]]:
    """Return (label, number of episodes): the latest year or season first, names by alphabet."""
    labels = _labels(facet, zone)
    counted = Counter(label for episode in published for label in set(labels(episode))).items()
    if facet in BY_NUMBER:
        return sorted(counted, key=lambda entry: int(entry[0]), reverse=True)
    return sorted(counted, key=lambda entry: entry[0].casefold())


def _of(name: str, label: str, published: Iterable[Episode], zone: ZoneInfo) -> list[Episode]:
    labels = _labels(name, zone)
    return [episode for episode in published if label in labels(episode)]


def _labels(name: str, zone: ZoneInfo) -> Labels:
    by_name: dict[str, Labels] = {
        "year": lambda episode: [str(episode.publish_at.astimezone(zone).year)],
        "season": lambda episode: [str(episode.season)] if episode.season else [],
        "topic": lambda episode: episode.topics,
        "guest": lambda episode: [person.name for person in view.guests(episode)],
    }
    return by_name[name]


def _link_of(name: str, episodes: Iterable[Episode]) -> str | None:
    """Return a person's own page, as the newest episode has it."""
    people = (person for episode in episodes for person in episode.persons if person.name == name)
    return next((person.url for person in people if person.url), None)
