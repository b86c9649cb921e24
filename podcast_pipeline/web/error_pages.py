"""Error responses: 403, 404, 410, 429, 500 and 503, as a page for people or a line for apps."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from podcast_pipeline.access import NOT_FOUND, Deny
from podcast_pipeline.errors import Denied, NotFound, PodcastError
from podcast_pipeline.model import Show
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.middleware.access_log import ERROR_LOGGER, redact
from podcast_pipeline.web.middleware.headers import headers_for_path
from podcast_pipeline.web.rate_limit import RateLimitExceeded
from podcast_pipeline.web.session_cookie import NotSignedIn
from podcast_pipeline.web.templating import Templates

Handler = Callable[[Request, Exception], Response]

NO_STORE = {"cache-control": "no-store"}
RETRY_AFTER_S = 30
HEADINGS = {403: "Not open to you", 404: "There is nothing here", 410: "This episode was taken down"}
WITHDRAWN_HEADING = "This version was withdrawn"
LINES = {
    404: "The address may be mistyped, or the page has moved.",
    410: "The newsroom has withdrawn it. Other episodes are still here.",
}


@dataclass(frozen=True)
class ErrorPages:
    """Exception handlers: an HTML page for people, one line of text for apps."""

    show: Show
    templates: Templates
    is_https: bool

    def handlers(self) -> dict[type[Exception], Handler]:
        """Return the handler of each exception type."""
        return {
            AccessDenied: self._access_denied,
            RateLimitExceeded: self._rate_limited,
            NotSignedIn: self._not_signed_in,
            NotFound: self._object_missing,
            Denied: self._object_missing,
            PodcastError: self._unavailable,
            HTTPException: self._http_exception,
            ClientDisconnect: self._client_disconnected,
            Exception: self._internal_error,
        }

    def deny(self, request: Request, deny: Deny) -> Response:
        """Return the response for a decision against the visitor."""
        if not is_for_people(request.url.path):
            return PlainTextResponse(f"{deny.message}\n", deny.status, NO_STORE)
        heading, line = HEADINGS[deny.status], LINES.get(deny.status, deny.message)
        if deny.is_withdrawn:
            heading, line = WITHDRAWN_HEADING, f"{deny.message[:1].upper()}{deny.message[1:]}."
        return self.templates.no_store_response(
            request, "message.html", self.show, status=deny.status, heading=heading, line=line
        )

    def _access_denied(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, AccessDenied)
        return self.deny(request, error.deny)

    def _rate_limited(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, RateLimitExceeded)
        headers = {"retry-after": str(error.retry_after_s), **NO_STORE}
        return PlainTextResponse("too many tries; wait a little\n", 429, headers)

    def _not_signed_in(self, _: Request, __: Exception) -> Response:
        return RedirectResponse("/signin", 303, NO_STORE)

    def _object_missing(self, request: Request, error: Exception) -> Response:
        ERROR_LOGGER.warning("%s", redact(str(error)))  # the message contains the requested path
        return self.deny(request, NOT_FOUND)

    def _unavailable(self, _: Request, error: Exception) -> Response:
        ERROR_LOGGER.error("%s", redact(str(error)))
        headers = {"retry-after": str(RETRY_AFTER_S), **NO_STORE}
        return PlainTextResponse("try again in a moment\n", 503, headers)

    def _http_exception(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == NOT_FOUND.status:
            return self.deny(request, NOT_FOUND)
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)

    def _client_disconnected(self, _: Request, __: Exception) -> Response:
        return PlainTextResponse(
            "the form is incomplete\n", 400, NO_STORE
        )  # for the access log; the client is gone

    def _internal_error(self, request: Request, _: Exception) -> Response:
        # Starlette runs this handler outside all middleware, so the headers are added here
        headers = {**headers_for_path(request.url.path, is_https=self.is_https), **NO_STORE}
        return PlainTextResponse("something is broken here; it was logged\n", 500, headers)


def is_for_people(path: str) -> bool:
    """Return whether a path is a page for browsers; files and feeds are for apps."""
    is_file = path.startswith("/episodes/") and "/" in path.removeprefix("/episodes/")
    return not is_file and not path.startswith(("/feeds/", "/public/", "/static/"))
