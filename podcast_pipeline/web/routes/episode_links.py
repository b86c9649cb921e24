"""One-episode links: they open the words of one episode in a browser, without sign-in, feed or account.

/r/<selector>.<mac>/<episode id>    to the episode's page, whose address has no secret
"""

from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND, Allow
from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
from podcast_pipeline.web.authorization import AccessDenied, Authorizer
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.episode_cookie import EpisodeCookies, episode_path
from podcast_pipeline.web.link_use import LinkUse
from podcast_pipeline.web.threads import reads


@dataclass(frozen=True)
class EpisodeLinkRoutes:
    """The endpoint `/r/<token>/<episode id>`."""

    authorizer: Authorizer
    catalog_cache: CatalogCache
    links: EpisodeLinks
    cookies: EpisodeCookies
    link_use: LinkUse

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/r/{token}/{id:uuid}", reads(self.open))]

    def open(self, request: Request) -> Response:
        """Redirect to the page, with a cookie for who may read; the browser keeps the `#t=` of the link."""
        episode_id: UUID = request.path_params["id"]
        known = self.links.visitor(request.path_params["token"], episode_id)
        visitor = self.authorizer.count_unknown(request, known)
        episode = self.catalog_cache.newest().catalog.by_id(episode_id)
        if episode is None:
            raise AccessDenied(NOT_FOUND)
        decision = self.authorizer.authorize(visitor, episode, "episode_link")
        response = RedirectResponse(episode_path(episode), 303, {"cache-control": "no-store"})
        if not isinstance(decision, Allow):
            return response
        self.cookies.set(response, visitor, episode)
        return self.link_use.count_opening(request, response, visitor, episode)
