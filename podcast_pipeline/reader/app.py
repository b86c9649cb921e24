"""The ASGI app: routes, and what is answered when something is refused, missing or broken."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import Deny, Policy
from podcast_pipeline.catalog import Catalog
from podcast_pipeline.config import Config
from podcast_pipeline.errors import Denied, NotFound, PodcastError
from podcast_pipeline.model import Show
from podcast_pipeline.reader.door import Door, Sessions
from podcast_pipeline.reader.editions import Editions
from podcast_pipeline.reader.feeds import Feeds
from podcast_pipeline.reader.gate import Gate, Refused, Tokens
from podcast_pipeline.reader.headers import Headers, for_path
from podcast_pipeline.reader.log import ERRORS, AccessLog
from podcast_pipeline.reader.objects import Objects
from podcast_pipeline.reader.pages import ForMachines, Pages
from podcast_pipeline.reader.rendering import Templates, static_route
from podcast_pipeline.stores import Store

FRESH_S = {"local": 0.0, "s3": 1.0}
"""For how long the catalog is believed: a folder is asked each time, a bucket once a second."""

RETRY_AFTER_S = 30
HEADINGS = {403: "Not open to you", 404: "There is nothing here", 410: "This episode was taken down"}
LINES = {
    404: "The address may be mistyped, or the page has moved.",
    410: "The newsroom has withdrawn it. Other episodes are still here.",
}


def create_app(
    *,
    config: Config,
    store: Store,
    subscribers: Tokens,
    sessions: Sessions,
    clock: Callable[[], datetime],
) -> Starlette:
    """Return the reader of one show.

    It keeps nothing of its own: any number can run on the same bucket and database.

    Args:
        clock: gives now, aware.
    """
    is_https = config.urls.site.startswith("https://")
    show = config.to_show(artwork_key=None)
    editions = Editions(store, empty=Catalog(show=show), check_every_s=FRESH_S[config.storage.kind])
    gate = Gate(Policy(renew_url=config.renew_url), clock, subscribers)
    door = Door(sessions, clock, is_https=is_https)
    templates = Templates.load(config.zone)
    routes: list[Route] = [
        *Pages(gate, editions, store, door, templates, config.zone).routes(),
        *Feeds(gate, editions, store, door).routes(),
        *ForMachines(editions, config.urls.site).routes(),
        static_route(),
    ]
    if config.storage.kind == "local":
        routes += Objects(store).routes()
    app = Starlette(
        routes=routes,
        middleware=[Middleware(AccessLog), Middleware(Headers, is_https=is_https)],
        exception_handlers=_handlers(show, templates, is_https=is_https),
    )
    app.router.redirect_slashes = False  # it believes the Host header
    return app


def _handlers(
    show: Show, templates: Templates, *, is_https: bool
) -> dict[type[Exception], Callable[[Request, Exception], Response]]:
    def refuse(request: Request, deny: Deny) -> Response:
        if not _is_for_people(request):
            return PlainTextResponse(f"{deny.line}\n", deny.status, {"cache-control": "no-store"})
        line = LINES.get(deny.status, deny.line)
        return templates.message(show, status=deny.status, heading=HEADINGS[deny.status], line=line)

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return refuse(request, error.deny)

    def no_object(request: Request, error: Exception) -> Response:
        ERRORS.warning("%s", error)
        return refuse(request, Deny(404))

    def unavailable(_: Request, error: Exception) -> Response:
        ERRORS.error("%s", error)
        headers = {"retry-after": str(RETRY_AFTER_S), "cache-control": "no-store"}
        return PlainTextResponse("try again in a moment\n", 503, headers)

    def protocol(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return refuse(request, Deny(404))
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)

    def broken(request: Request, _: Exception) -> Response:
        headers = for_path(request.url.path, is_https=is_https)
        return PlainTextResponse("something is broken here; it was logged\n", 500, headers)

    return {
        Refused: refused,
        NotFound: no_object,
        Denied: no_object,
        PodcastError: unavailable,
        HTTPException: protocol,
        Exception: broken,
    }


def _is_for_people(request: Request) -> bool:
    path = request.url.path
    is_file = path.startswith("/episodes/") and "/" in path.removeprefix("/episodes/")
    return not is_file and not path.startswith(("/feeds/", "/public/", "/static/"))
