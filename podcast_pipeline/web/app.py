"""The ASGI app of the web site: routes, middleware and error pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from podcast_pipeline.access import AccessPolicy
from podcast_pipeline.audience.membership.events import MembershipEvents
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe
from podcast_pipeline.audience.students.proofs import StudentProofs
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
from podcast_pipeline.audience.subscribers.link_sharing import LinkSharingMonitor
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.audience.subscribers.signin import SignIn
from podcast_pipeline.config import Config
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.search import SearchIndex
from podcast_pipeline.storage import Store
from podcast_pipeline.web.authorization import Authorizer
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.episode_cookie import EpisodeCookies
from podcast_pipeline.web.error_pages import ErrorPages
from podcast_pipeline.web.landing import Landings
from podcast_pipeline.web.link_use import LinkUse
from podcast_pipeline.web.middleware.access_log import AccessLog
from podcast_pipeline.web.middleware.headers import ResponseHeadersMiddleware
from podcast_pipeline.web.rate_limit import RateLimiter
from podcast_pipeline.web.routes.account import AccountRoutes
from podcast_pipeline.web.routes.add_to_app import AddToAppRoutes
from podcast_pipeline.web.routes.api import ApiRoutes
from podcast_pipeline.web.routes.crawlers import CrawlerRoutes
from podcast_pipeline.web.routes.episode_links import EpisodeLinkRoutes
from podcast_pipeline.web.routes.episodes import EpisodeRoutes
from podcast_pipeline.web.routes.feeds import PrivateFeedRoutes
from podcast_pipeline.web.routes.files import PublicFileRoutes
from podcast_pipeline.web.routes.hooks import HookRoutes
from podcast_pipeline.web.routes.listen import ListenRoutes
from podcast_pipeline.web.routes.lists import EpisodeListRoutes
from podcast_pipeline.web.routes.oidc import OidcRoutes, OidcSignIn
from podcast_pipeline.web.routes.search import IndexUpdater, SearchRoutes
from podcast_pipeline.web.routes.signin import SignInRoutes
from podcast_pipeline.web.routes.students import StudentRoutes
from podcast_pipeline.web.routes.subscribe import SubscribeRoutes
from podcast_pipeline.web.routes.unsubscribe import UnsubscribeRoutes
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Links, Templates, static_route

CATALOG_MAX_AGE_S = {"local": 0.0, "s3": 1.0}
"""For how many seconds a cached catalog is used: a bucket is asked at most once a second."""

ACCOUNT_LINKS = (("Account", "/account"),)


class RouteGroup(Protocol):
    """A module of `web.routes`."""

    def routes(self) -> list[Route]:
        """Return the routes of the group."""


def create_app(
    *,
    config: Config,
    store: Store,
    subscribers: Subscribers,
    sessions: BrowserSessions,
    clock: Callable[[], datetime],
    signin: SignIn | None = None,
    oidc: OidcSignIn | None = None,
    students: StudentProofs | None = None,
    memberships: MembershipEvents | None = None,
    shop: Stripe | None = None,
) -> Starlette:
    """Return the web site of one show; any number of processes can share a bucket and a database.

    Args:
        clock: returns the current time, aware.
        signin: None without a mail server, which sign-in and the account page need.
        oidc: sign-in with an account of another site, beside that by mail; None without a provider.
        students: the proofs of academic addresses; None without a page for them.
        memberships: receives the events of membership sites; None without any.
        shop: sells subscriptions, and opens the customer portal; None without Stripe.
    """
    is_https = config.urls.site.startswith("https://")
    show = config.to_show(artwork_key=None)
    index = SearchIndex(subscribers.engine, show_id=config.show.id)
    catalog = CatalogCache(
        store,
        empty=Catalog(show=show),
        was_ever_published=index.was_ever_filled,
        check_every_s=CATALOG_MAX_AGE_S[config.storage.kind],
    )
    limiter = RateLimiter()
    authorizer = Authorizer(AccessPolicy(renew_url=show.subscribe_url), clock, subscribers, limiter)
    cookies = SessionCookies(sessions, clock, is_https=is_https)
    landings = Landings(subscribers.secret_key)
    signin_url = _signin_url(landings, has_accounts=signin is not None)
    templates = Templates.load(
        config.zone, site_links=_site_links(cookies, signin_url), signin_url=signin_url
    )
    updater, links = IndexUpdater(index, store), EpisodeLinks(subscribers)
    link_use = LinkUse(LinkSharingMonitor(subscribers), authorizer)
    readers = EpisodeCookies(links, cookies, clock, is_https=is_https)
    redirects = config.access.private_audio == "redirect"
    search = SearchRoutes(authorizer, catalog, index, updater, cookies, templates, config.zone)
    groups: list[RouteGroup] = [
        EpisodeListRoutes(authorizer, catalog, cookies, templates, config.zone),
        EpisodeRoutes(authorizer, catalog, store, readers, templates),
        EpisodeLinkRoutes(authorizer, catalog, links, readers, link_use),
        PrivateFeedRoutes(
            authorizer,
            catalog,
            store,
            cookies,
            link_use,
            links,
            title_suffix=config.access.private_title_suffix,
            redirects_audio=redirects,
        ),
        AddToAppRoutes(authorizer, templates, show),
        search,
        UnsubscribeRoutes(subscribers, clock, templates, show),
        ListenRoutes(catalog, templates),
        CrawlerRoutes(catalog, config.urls.site, config.zone),
        ApiRoutes(subscribers, limiter, clock, show, config.plan_ids, config.membership.grace_days),
    ]
    if signin:
        account_title = oidc.title if oidc else None
        groups.append(SignInRoutes(signin, cookies, limiter, templates, show, landings, account_title))
        groups.append(
            AccountRoutes(
                subscribers, sessions, cookies, templates, show, config.all_plans, has_portal=bool(shop)
            )
        )
    if signin and oidc:
        groups.append(OidcRoutes(oidc, cookies, limiter, templates, show, landings, clock))
    if students:
        groups.append(StudentRoutes(students, cookies, limiter, templates, show, clock))
    if memberships and memberships.sources:
        groups.append(HookRoutes(memberships, limiter, clock))
    if shop:
        groups.append(
            SubscribeRoutes(
                shop, config.plans_for_sale, cookies, limiter, templates, show, has_students=bool(students)
            )
        )
    if config.storage.kind == "local":
        groups.append(PublicFileRoutes(store.anonymous(), show.moved_feed_url))
    app = Starlette(
        routes=[static_route(), *(route for group in groups for route in group.routes())],
        middleware=[Middleware(AccessLog), Middleware(ResponseHeadersMiddleware, is_https=is_https)],
        exception_handlers=ErrorPages(show, templates, is_https).handlers(),
    )
    app.state.catch_up = search.catch_up  # called at start, so that the index is current for the first query
    app.router.redirect_slashes = False  # its redirects would trust the Host header
    return app


def _signin_url(landings: Landings, *, has_accounts: bool) -> Callable[[Request], str | None]:
    def signin_url(request: Request) -> str | None:
        if not has_accounts:
            return None
        landing = landings.of_page(request)
        return f"/signin?{urlencode({'next': landing})}" if landing else "/signin"

    return signin_url


def _site_links(
    cookies: SessionCookies, signin_url: Callable[[Request], str | None]
) -> Callable[[Request], Links]:
    def site_links(request: Request) -> Links:
        address = signin_url(request)
        if address is None:
            return ()
        return ACCOUNT_LINKS if cookies.session_value(request) else (("Sign in", address),)

    return site_links
