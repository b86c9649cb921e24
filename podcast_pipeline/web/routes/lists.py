"""Lists of episodes: the newest, one facet (year, season, topic, guest), and the archive of facets.

/           the newest episodes; with ?year=, ?season=, ?topic= or ?guest= all episodes of that facet
/archive    every year, season, topic and guest
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Teaser
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.web import view
from podcast_pipeline.web.authorization import AccessDenied, Authorizer, VisitorFinder
from podcast_pipeline.web.cards import Card, list_card, show_card
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import reads_if

NEWEST = 12  # episodes on the front page; the rest is in the archive
FACET_HEADINGS = {"year": "Years", "season": "Seasons", "topic": "Topics", "guest": "Guests"}
NUMERIC_FACETS = ("year", "season")

Labels = Callable[[Episode], Iterable[str]]


@dataclass(frozen=True)
class EpisodeListRoutes:
    """Endpoints that list episodes; only the offer to subscribe depends on the visitor."""

    authorizer: Authorizer
    catalog_cache: CatalogCache
    visitors: VisitorFinder
    templates: Templates
    zone: ZoneInfo

    def routes(self) -> list[Route]:
        """Return the routes."""
        for_page = partial(reads_if, self.visitors.needs_database)
        return [Route("/", for_page(self.index)), Route("/archive", for_page(self.archive))]

    def index(self, request: Request) -> Response:
        """Return the newest episodes, or all of a `year`, `season`, `topic` or `guest`."""
        decision = self.authorizer.authorize(self.visitors.visitor(request), None, "page")
        catalog = self.catalog_cache.newest().catalog
        published = list(catalog.published())
        query = request.query_params.multi_items()
        name, label = next((item for item in query if item[0] in FACET_HEADINGS), ("", ""))
        episodes = _with_label(name, label, published, self.zone) if name else published[:NEWEST]
        if not episodes and name:
            raise AccessDenied(NOT_FOUND)
        chosen = _heading(name, label)
        card = self._card(catalog.show, name, label, episodes)
        return self.templates.page_response(
            request,
            "index.html",
            catalog.show,
            standing=decision.standing if isinstance(decision, Teaser) else "active",
            years=view.by_year(episodes, self.zone),
            chosen=chosen,
            chosen_is_season=name == "season",
            chosen_link=_person_url(chosen, episodes),
            archive=facet_counts("year", published, self.zone)
            if len(published) > NEWEST and not chosen
            else (),
            card=card,
            picture_size_px=self.catalog_cache.picture_size_px(card.picture_key),
        )

    def _card(self, show: Show, name: str, label: str, episodes: list[Episode]) -> Card:
        if not name:
            return show_card(show)
        url, title = f"{show.site_url}/?{facet_query(name, label)}", _heading(name, label)
        return list_card(show, title, episodes, url=url, is_person=name == "guest")

    def archive(self, request: Request) -> Response:
        """Return every year, season, topic and guest, each with the number of episodes."""
        self.authorizer.authorize(self.visitors.visitor(request), None, "page")
        catalog = self.catalog_cache.newest().catalog
        published = list(catalog.published())
        facets = {name: facet_counts(name, published, self.zone) for name in FACET_HEADINGS}
        return self.templates.page_response(
            request,
            "archive.html",
            catalog.show,
            shelves=[(name, FACET_HEADINGS[name], entries) for name, entries in facets.items() if entries],
        )


def facet_query(facet: str, label: str) -> str:
    """Return the query string of a facet's canonical URL."""
    return urlencode({facet: label}, quote_via=quote)


def facet_counts(facet: str, published: Iterable[Episode], zone: ZoneInfo) -> list[tuple[str, int]]:
    """Return (label, number of episodes): years and seasons descending, names in alphabetical order."""
    labels = _labels(facet, zone)
    counted = Counter(label for episode in published for label in set(labels(episode))).items()
    if facet in NUMERIC_FACETS:
        return sorted(counted, key=lambda entry: int(entry[0]), reverse=True)
    return sorted(counted, key=lambda entry: entry[0].casefold())


def _heading(name: str, label: str) -> str:
    return f"Season {label}" if name == "season" else label


def _with_label(name: str, label: str, published: Iterable[Episode], zone: ZoneInfo) -> list[Episode]:
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


def _person_url(name: str, episodes: Iterable[Episode]) -> str | None:
    """Return the URL of a person from the newest episode that has one."""
    people = (person for episode in episodes for person in episode.persons if person.name == name)
    return next((person.url for person in people if person.url), None)
