"""Files for crawlers and a health check for load balancers.

/robots.txt  /sitemap.xml  /archive.atom  /healthz
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.feed.atom import ATOM_TYPE
from podcast_pipeline.web import json_ld
from podcast_pipeline.web.byte_ranges import content_from_bytes, content_response
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.routes.lists import FACET_HEADINGS, facet_counts, facet_query

DISALLOWED_PATHS = ("/feeds/", "/r/", "/account", "/signin", "/mail/", "/search", "/students/")


@dataclass(frozen=True)
class CrawlerRoutes:
    """Endpoints that are the same for every visitor."""

    catalog_cache: CatalogCache
    site_url: str
    zone: ZoneInfo

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/robots.txt", self.robots),
            Route("/sitemap.xml", self.sitemap),
            Route("/archive.atom", self.atom),
            Route("/healthz", self.health),
        ]

    def robots(self, request: Request) -> Response:
        """Return robots.txt, which disallows private paths."""
        rules = "\n".join(f"Disallow: {path}" for path in DISALLOWED_PATHS)
        body = f"User-agent: *\n{rules}\nSitemap: {self.site_url}/sitemap.xml\n"
        content = content_from_bytes(body.encode(), content_type="text/plain; charset=utf-8")
        return content_response(request, content, headers={"cache-control": "public, max-age=3600"})

    def sitemap(self, request: Request) -> Response:
        """Return the sitemap: pages of published episodes and lists of them."""
        catalog = self.catalog_cache.newest().catalog
        site_url = json_ld.xml(catalog.show.site_url)
        published = list(catalog.published())
        lists = [
            f"<url><loc>{site_url}/?{facet_query(name, label)}</loc></url>"
            for name in FACET_HEADINGS
            for label, _ in facet_counts(name, published, self.zone)
        ]
        pages = [
            f"<url><loc>{json_ld.xml(catalog.show.episode_url(episode.slug))}</loc>"
            f"<lastmod>{episode.content_changed_at.isoformat()}</lastmod></url>"
            for episode in published
        ]
        body = "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
                f"<url><loc>{site_url}/</loc></url>",
                f"<url><loc>{site_url}/archive</loc></url>",
                f"<url><loc>{site_url}/listen</loc></url>",
                *lists,
                *pages,
                "</urlset>\n",
            ]
        )
        content = content_from_bytes(body.encode(), content_type="application/xml; charset=utf-8")
        return content_response(request, content, headers={"cache-control": "public, max-age=300"})

    def atom(self, request: Request) -> Response:
        """Return the Atom feed of episode pages."""
        content = content_from_bytes(
            self.catalog_cache.atom_feed(self.catalog_cache.newest()), content_type=ATOM_TYPE
        )
        return content_response(request, content, headers={"cache-control": "public, max-age=300"})

    def health(self, request: Request) -> Response:
        """Return `ok` if the store is available; 503 otherwise."""
        self.catalog_cache.newest()
        content = content_from_bytes(b"ok\n", content_type="text/plain; charset=utf-8")
        return content_response(request, content, headers={"cache-control": "no-store"})
