"""The ASGI app: routes, and what is answered when something is refused, missing or broken."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from podcast_pipeline.access import Policy
from podcast_pipeline.audience.mail import Mailer
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.link_sharing import Downloads
from podcast_pipeline.audience.subscribers.sessions import Sessions
from podcast_pipeline.audience.subscribers.signin import SignIn
from podcast_pipeline.config import Config
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.search import SearchIndex
from podcast_pipeline.storage import Store
from podcast_pipeline.web.authorization import Gate
from podcast_pipeline.web.catalog_cache import Editions
from podcast_pipeline.web.error_pages import Refusals
from podcast_pipeline.web.middleware.access_log import AccessLog
from podcast_pipeline.web.middleware.headers import Headers
from podcast_pipeline.web.rate_limit import Rates
from podcast_pipeline.web.routes.account import Account
from podcast_pipeline.web.routes.add_to_app import Adding
from podcast_pipeline.web.routes.crawlers import ForMachines
from podcast_pipeline.web.routes.episodes import Pages
from podcast_pipeline.web.routes.feeds import Feeds
from podcast_pipeline.web.routes.files import Objects
from podcast_pipeline.web.routes.lists import Lists
from podcast_pipeline.web.routes.search import Following, Searching
from podcast_pipeline.web.routes.signin import SigningIn
from podcast_pipeline.web.routes.unsubscribe import Stopping
from podcast_pipeline.web.session_cookie import Door
from podcast_pipeline.web.templating import Links, Templates, static_route

FRESH_S = {"local": 0.0, "s3": 1.0}
"""For how long the catalog is believed: a folder is asked each time, a bucket once a second."""

ACCOUNT_LINKS = (("Account", "/account"),)
STRANGERS_LINKS = (("Sign in", "/signin"),)


def create_app(
    *,
    config: Config,
    store: Store,
    subscribers: Subscribers,
    sessions: Sessions,
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
    editions = Editions(
        store,
        empty=Catalog(show=show),
        was_out=index.was_filled,
        check_every_s=FRESH_S[config.storage.kind],
    )
    rates = Rates()
    gate = Gate(Policy(renew_url=config.renew_url), clock, subscribers, rates)
    door = Door(sessions, clock, is_https=is_https)
    has_accounts = signin is not None and mailer is not None

    def site_links(request: Request) -> Links:
        if not has_accounts:
            return ()
        return ACCOUNT_LINKS if door.value(request) else STRANGERS_LINKS

    templates = Templates.load(config.zone, site_links=site_links)
    following = Following(index, store)
    searching = Searching(gate, editions, index, following, door, templates, config.zone)
    routes: list[Route] = [
        *Lists(gate, editions, door, templates, config.zone).routes(),
        *Pages(gate, editions, store, door, templates).routes(),
        *Feeds(
            gate,
            editions,
            store,
            door,
            Downloads(subscribers),
            redirects_audio=config.access.private_audio == "redirect",
        ).routes(),
        *Adding(gate, templates, show).routes(),
        *searching.routes(),
        *Stopping(subscribers, clock, templates, show).routes(),
        *ForMachines(editions, config.urls.site, config.zone).routes(),
        static_route(),
    ]
    if signin and mailer:
        routes += SigningIn(signin, mailer, door, rates, templates, show).routes()
        routes += Account(subscribers, sessions, door, templates, show).routes()
    if config.storage.kind == "local":
        routes += Objects(store, show.moved_to).routes()
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessLog), Middleware(Headers, is_https=is_https)],
        exception_handlers=Refusals(show, templates, is_https).handlers(),
    )
    app.state.catch_up = searching.catch_up  # for who serves it: the index follows what is out from the start
    app.router.redirect_slashes = False  # it believes the Host header
    return app
