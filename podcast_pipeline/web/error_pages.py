"""What is answered when something is refused, missing, too often asked for, or broken."""

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

UNKEPT = {"cache-control": "no-store"}
RETRY_AFTER_S = 30
HEADINGS = {403: "Not open to you", 404: "There is nothing here", 410: "This episode was taken down"}
LINES = {
    404: "The address may be mistyped, or the page has moved.",
    410: "The newsroom has withdrawn it. Other episodes are still here.",
}


@dataclass(frozen=True)
class ErrorPages:
    """Answers for what went wrong: a page for people, one line of text for apps."""

    show: Show
    templates: Templates
    is_https: bool

    def handlers(self) -> dict[type[Exception], Handler]:
        """Return which error gets which answer."""
        return {
            AccessDenied: self._refused,
            RateLimitExceeded: self._too_many,
            NotSignedIn: self._not_signed_in,
            NotFound: self._no_object,
            Denied: self._no_object,
            PodcastError: self._unavailable,
            HTTPException: self._protocol,
            ClientDisconnect: self._gone,
            Exception: self._broken,
        }

    def deny(self, request: Request, deny: Deny) -> Response:
        """Answer a decision against the visitor."""
        if not is_for_people(request.url.path):
            return PlainTextResponse(f"{deny.message}\n", deny.status, UNKEPT)
        heading, line = HEADINGS[deny.status], LINES.get(deny.status, deny.message)
        return self.templates.no_store_response(
            request, "message.html", self.show, status=deny.status, heading=heading, line=line
        )

    def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, AccessDenied)
        return self.deny(request, error.deny)

    def _too_many(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, RateLimitExceeded)
        headers = {"retry-after": str(error.retry_after_s), **UNKEPT}
        return PlainTextResponse("too many tries; wait a little\n", 429, headers)

    def _not_signed_in(self, _: Request, __: Exception) -> Response:
        return RedirectResponse("/signin", 303, UNKEPT)

    def _no_object(self, request: Request, error: Exception) -> Response:
        ERROR_LOGGER.warning("%s", redact(str(error)))  # it names what the visitor asked for
        return self.deny(request, NOT_FOUND)

    def _unavailable(self, _: Request, error: Exception) -> Response:
        ERROR_LOGGER.error("%s", redact(str(error)))
        headers = {"retry-after": str(RETRY_AFTER_S), **UNKEPT}
        return PlainTextResponse("try again in a moment\n", 503, headers)

    def _protocol(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == NOT_FOUND.status:
            return self.deny(request, NOT_FOUND)
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)

    def _gone(self, _: Request, __: Exception) -> Response:
        return PlainTextResponse("the form did not come whole\n", 400, UNKEPT)  # for the log; nobody reads it

    def _broken(self, request: Request, _: Exception) -> Response:
        # outside of all middleware, so the headers are put on here
        headers = {**headers_for_path(request.url.path, is_https=self.is_https), **UNKEPT}
        return PlainTextResponse("something is broken here; it was logged\n", 500, headers)


def is_for_people(path: str) -> bool:
    """Say whether a browser shows what is at a path; files and feeds are for apps."""
    is_file = path.startswith("/episodes/") and "/" in path.removeprefix("/episodes/")
    return not is_file and not path.startswith(("/feeds/", "/public/", "/static/"))
