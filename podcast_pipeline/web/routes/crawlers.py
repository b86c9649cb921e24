"""What crawlers and load balancers ask for: robots.txt, the sitemap, Atom, the health."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.feed.atom import ATOM_TYPE
from podcast_pipeline.web import json_ld
from podcast_pipeline.web.byte_ranges import answer, from_bytes
from podcast_pipeline.web.catalog_cache import Editions
from podcast_pipeline.web.routes.lists import HEADINGS, address_of, shelf

CLOSED = ("/feeds/", "/account", "/signin", "/mail/", "/search")


@dataclass(frozen=True)
class ForMachines:
    """Endpoints without a visitor."""

    editions: Editions
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
        """Answer robots.txt; what is behind a token is nobody's to crawl."""
        closed = "\n".join(f"Disallow: {path}" for path in CLOSED)
        body = f"User-agent: *\n{closed}\nSitemap: {self.site_url}/sitemap.xml\n"
        content = from_bytes(body.encode(), content_type="text/plain; charset=utf-8")
        return answer(request, content, headers={"cache-control": "public, max-age=3600"})

    def sitemap(self, request: Request) -> Response:
        """Answer the pages of published episodes and the lists of them."""
        catalog = self.editions.newest().catalog
        site_url = json_ld.xml(catalog.show.site_url)
        published = list(catalog.published())
        lists = [
            f"<url><loc>{site_url}/?{address_of(name, label)}</loc></url>"
            for name in HEADINGS
            for label, _ in shelf(name, published, self.zone)
        ]
        pages = [
            f"<url><loc>{json_ld.xml(catalog.show.page_address(episode.slug))}</loc>"
            f"<lastmod>{episode.content_changed_at.isoformat()}</lastmod></url>"
            for episode in published
        ]
        body = "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
                f"<url><loc>{site_url}/</loc></url>",
                f"<url><loc>{site_url}/archive</loc></url>",
                *lists,
                *pages,
                "</urlset>\n",
            ]
        )
        content = from_bytes(body.encode(), content_type="application/xml; charset=utf-8")
        return answer(request, content, headers={"cache-control": "public, max-age=300"})

    def atom(self, request: Request) -> Response:
        """Answer what the archive lists as Atom, the same for everybody."""
        content = from_bytes(self.editions.atom(self.editions.newest()), content_type=ATOM_TYPE)
        return answer(request, content, headers={"cache-control": "public, max-age=300"})

    def health(self, request: Request) -> Response:
        """Answer `ok` when the store can be asked; 503 otherwise."""
        self.editions.newest()
        content = from_bytes(b"ok\n", content_type="text/plain; charset=utf-8")
        return answer(request, content, headers={"cache-control": "no-store"})
