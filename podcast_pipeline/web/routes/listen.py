"""The page that adds the public feed to a podcast app.

/listen
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.routes.add_to_app import app_links
from podcast_pipeline.web.templating import Templates


@dataclass(frozen=True)
class ListenRoutes:
    """The endpoint of `/listen`, the same for every visitor."""

    catalog_cache: CatalogCache
    templates: Templates

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/listen", self.page)]

    def page(self, request: Request) -> Response:
        """Show a button for each app, and the feed's address for all others."""
        catalog = self.catalog_cache.newest().catalog
        links = app_links(catalog.show.feed_url).values()
        return self.templates.page_response(
            request,
            "listen.html",
            catalog.show,
            apps={label: link for group in links for label, link in group.items()},
            has_episodes=any(True for _ in catalog.published()),
        )
