"""The preview: the site's own pages over a catalog that is not published, for one browser on this machine.

It has no database and no writable store: search, accounts and private links are not in it.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import reduce
from uuid import UUID, uuid4

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request

from podcast_pipeline.access import ANONYMOUS, AccessPolicy, Visitor
from podcast_pipeline.config import Config
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.feed.rss import Audience, PrivateAudience, PublicAudience, render_feed
from podcast_pipeline.feed.text import PLACEHOLDERS, xml_safe
from podcast_pipeline.model import MANUAL, Entitlement, Episode, Show, Subscriber
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, to_json
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.objects import FEED_KEY, FEED_TYPE, StagedObject, stage_bytes
from podcast_pipeline.storage.overlay import OverlayReader
from podcast_pipeline.web.authorization import Authorizer
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.error_pages import ErrorPages
from podcast_pipeline.web.middleware.headers import ResponseHeadersMiddleware
from podcast_pipeline.web.middleware.preview_gate import HOME_PATH, PreviewDoor, PreviewGate
from podcast_pipeline.web.rate_limit import RateLimiter
from podcast_pipeline.web.routes.crawlers import CrawlerRoutes
from podcast_pipeline.web.routes.episodes import EpisodeRoutes
from podcast_pipeline.web.routes.files import PublicFileRoutes
from podcast_pipeline.web.routes.listen import ListenRoutes
from podcast_pipeline.web.routes.lists import EpisodeListRoutes
from podcast_pipeline.web.routes.preview import PreviewRoutes, PreviewText
from podcast_pipeline.web.templating import Links, Templates, static_route

EVERYBODY = "everybody"
ITEM = re.compile(r"<item>.*?</item>", re.DOTALL)
HIDDEN_PART = "…"
LONG_AGO = datetime.fromtimestamp(0, UTC)


class PreviewVisitors:
    """Shows a page as a subscriber has it; as everybody has it with `?as=everybody`."""

    def __init__(self, show_id: UUID) -> None:
        address, person = "preview@localhost", uuid4()
        self._subscriber = Subscriber(
            id=person,
            show_id=show_id,
            email=address,
            email_normalized=address,
            created_at=LONG_AGO,
            updated_at=LONG_AGO,
            entitlements=(
                Entitlement(
                    id=person,
                    subscriber_id=person,
                    source=MANUAL,
                    foreign_id=str(person),
                    observed_at=LONG_AGO,
                ),
            ),
        )

    def needs_database(self, _: Request) -> bool:
        """Return False: a preview has no database."""
        return False

    def reader(self, request: Request, _: Episode) -> Visitor:
        """Return the visitor, who reads every episode alike."""
        return self.visitor(request)

    def visitor(self, request: Request) -> Visitor:
        """Return the visitor whom the page is shown to."""
        return ANONYMOUS if request.query_params.get("as") == EVERYBODY else Visitor(self._subscriber)


def create_preview_app(
    *,
    config: Config,
    store: ObjectReader,
    catalog: Catalog,
    objects: Iterable[StagedObject],
    slug: str,
    text: PreviewText,
    door: PreviewDoor,
    clock: Callable[[], datetime],
) -> Starlette:
    """Return the site as it would be with a catalog, and a front page for one of its episodes.

    Args:
        catalog: as it would be published.
        objects: that the store does not have yet.
    """
    local = catalog.with_show(show_at(door.host, catalog.show))
    staged = [*objects, _stage(CATALOG_KEY, to_json(local), "application/json"), _stage_feed(catalog)]
    reader = OverlayReader(store, staged, modified_at=clock())
    cache = CatalogCache(reader, empty=local, was_ever_published=lambda: True, check_every_s=3600)
    visitors = PreviewVisitors(config.show.id)
    authorizer = Authorizer(AccessPolicy(renew_url=config.renew_url), clock, NoTokens(), RateLimiter())
    templates = Templates.load(config.zone, site_links=_site_links)
    groups = (
        EpisodeListRoutes(authorizer, cache, visitors, templates, config.zone),
        EpisodeRoutes(authorizer, cache, reader, visitors, templates),
        ListenRoutes(cache, templates),
        CrawlerRoutes(cache, config.urls.site, config.zone),
        PublicFileRoutes(reader),
        PreviewRoutes(slug, text, cache, reader, templates),
    )
    app = Starlette(
        routes=[static_route(), *(route for group in groups for route in group.routes())],
        middleware=[
            Middleware(PreviewGate, door=door),
            Middleware(ResponseHeadersMiddleware, is_https=False),
        ],
        exception_handlers=ErrorPages(local.show, templates, is_https=False).handlers(),
    )
    app.router.redirect_slashes = False
    return app


class NoTokens:
    """Knows no token: a preview has no private feeds."""

    def visitor(self, token: str) -> Visitor | None:
        """Return nobody."""


def show_at(host: str, show: Show) -> Show:
    """Return the show with its files at the preview; pages keep the addresses that they will have."""
    return show.model_copy(
        update={"media_url": f"http://{host}/public", "feed_url": f"http://{host}/{FEED_KEY}"}
    )


def feed_item(catalog: Catalog, episode: Episode, *, private: bool) -> str | None:
    """Return an episode's item as it would stand in the public or a subscriber's feed; None without one."""
    audience: Audience = PrivateAudience() if private else PublicAudience()
    unpaged = catalog.with_show(catalog.show.model_copy(update={"page_size": None}))
    feed = render_feed(unpaged, audience)
    document = parse_rss(feed)
    for element, text in zip(document.items, ITEM.findall(feed.decode()), strict=True):
        if document.text(element, "guid") == xml_safe(episode.guid):
            return reduce(lambda item, secret: item.replace(secret, HIDDEN_PART), PLACEHOLDERS, str(text))
    return None


def _site_links(request: Request) -> Links:
    as_everybody = request.query_params.get("as") == EVERYBODY
    label = "Preview, as everybody" if as_everybody else "Preview, as a subscriber"
    return (("Preview" if request.url.path == HOME_PATH else label, HOME_PATH),)


def _stage_feed(catalog: Catalog) -> StagedObject:
    return _stage(FEED_KEY, render_feed(catalog), FEED_TYPE)


def _stage(key: str, body: bytes, content_type: str) -> StagedObject:
    staged = stage_bytes("private", "", "staged", body, content_type)
    return StagedObject(key, body, content_type, staged.sha256, staged.size_bytes)
