"""The ASGI app: routes, and what is answered when something is refused, missing or broken."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from podcast_pipeline.access import AccessPolicy
from podcast_pipeline.audience.mail import Mailer
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.link_sharing import LinkSharingMonitor
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.audience.subscribers.signin import SignIn
from podcast_pipeline.config import Config
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.search import SearchIndex
from podcast_pipeline.storage import Store
from podcast_pipeline.web.authorization import Authorizer
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.error_pages import ErrorPages
from podcast_pipeline.web.middleware.access_log import AccessLog
from podcast_pipeline.web.middleware.headers import ResponseHeadersMiddleware
from podcast_pipeline.web.rate_limit import RateLimiter
from podcast_pipeline.web.routes.account import AccountRoutes
from podcast_pipeline.web.routes.add_to_app import AddToAppRoutes
from podcast_pipeline.web.routes.crawlers import CrawlerRoutes
from podcast_pipeline.web.routes.episodes import EpisodeRoutes
from podcast_pipeline.web.routes.feeds import PrivateFeedRoutes
from podcast_pipeline.web.routes.files import PublicFileRoutes
from podcast_pipeline.web.routes.lists import EpisodeListRoutes
from podcast_pipeline.web.routes.search import IndexUpdater, SearchRoutes
from podcast_pipeline.web.routes.signin import SignInRoutes
from podcast_pipeline.web.routes.unsubscribe import UnsubscribeRoutes
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Links, Templates, static_route

CATALOG_MAX_AGE_S = {"local": 0.0, "s3": 1.0}
"""For how long the catalog is believed: a folder is asked each time, a bucket once a second."""

ACCOUNT_LINKS = (("Account", "/account"),)
STRANGERS_LINKS = (("Sign in", "/signin"),)


def create_app(
    *,
    config: Config,
    store: Store,
    subscribers: Subscribers,
    sessions: BrowserSessions,
    clock: Callable[[], datetime],
    signin: SignIn | None = None,
    mailer: Mailer | None = None,
) -> Starlette:
    """Return the reader of one show.

    It keeps nothing of its own: any number can run on the same bucket and database.

    Args:
        clock: gives now, aware.
        signin, mailer: without both there is no sign-in by mail and no account page.
    """
    is_https = config.urls.site.startswith("https://")
    show = config.to_show(artwork_key=None)
    index = SearchIndex(subscribers.engine, show_id=config.show.id)
    editions = CatalogCache(
        store,
        empty=Catalog(show=show),
        was_ever_published=index.was_ever_filled,
        check_every_s=CATALOG_MAX_AGE_S[config.storage.kind],
    )
    rates = RateLimiter()
    gate = Authorizer(AccessPolicy(renew_url=config.renew_url), clock, subscribers, rates)
    door = SessionCookies(sessions, clock, is_https=is_https)
    has_accounts = signin is not None and mailer is not None

    def site_links(request: Request) -> Links:
        if not has_accounts:
            return ()
        return ACCOUNT_LINKS if door.session_value(request) else STRANGERS_LINKS

    templates = Templates.load(config.zone, site_links=site_links)
    following = IndexUpdater(index, store)
    searching = SearchRoutes(gate, editions, index, following, door, templates, config.zone)
    routes: list[Route] = [
        *EpisodeListRoutes(gate, editions, door, templates, config.zone).routes(),
        *EpisodeRoutes(gate, editions, store, door, templates).routes(),
        *PrivateFeedRoutes(
            gate,
            editions,
            store,
            door,
            LinkSharingMonitor(subscribers),
            redirects_audio=config.access.private_audio == "redirect",
        ).routes(),
        *AddToAppRoutes(gate, templates, show).routes(),
        *searching.routes(),
        *UnsubscribeRoutes(subscribers, clock, templates, show).routes(),
        *CrawlerRoutes(editions, config.urls.site, config.zone).routes(),
        static_route(),
    ]
    if signin and mailer:
        routes += SignInRoutes(signin, mailer, door, rates, templates, show).routes()
        routes += AccountRoutes(subscribers, sessions, door, templates, show).routes()
    if config.storage.kind == "local":
        routes += PublicFileRoutes(store, show.moved_feed_url).routes()
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessLog), Middleware(ResponseHeadersMiddleware, is_https=is_https)],
        exception_handlers=ErrorPages(show, templates, is_https).handlers(),
    )
    app.state.catch_up = searching.catch_up  # for who serves it: the index follows what is out from the start
    app.router.redirect_slashes = False  # it believes the Host header
    return app
