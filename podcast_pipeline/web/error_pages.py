"""Error responses: 403, 404, 405, 410, 429, 500 and 503, as a page for people or a line for apps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from podcast_pipeline.access import NOT_FOUND, Deny, Standing
from podcast_pipeline.errors import Denied, NotFound, PodcastError
from podcast_pipeline.feed.notice import MESSAGES
from podcast_pipeline.model import Show
from podcast_pipeline.web.api.problems import API_PATH, ApiProblem, problem_response
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.middleware.access_log import ERROR_LOGGER, redact
from podcast_pipeline.web.middleware.headers import headers_for_path
from podcast_pipeline.web.rate_limit import RateLimitExceeded
from podcast_pipeline.web.session_cookie import NotSignedIn
from podcast_pipeline.web.templating import Templates

Handler = Callable[[Request, Exception], Response]

NO_STORE = {"cache-control": "no-store"}
NO_HEADERS: Mapping[str, str] = {}
RETRY_AFTER_S = 30
PRIVATE_PATHS = ("/feeds/", "/r/")
"""Addresses with a secret: no answer repeats it, nor says whether it was nearly right."""


@dataclass(frozen=True)
class ErrorText:
    """What a person reads of an error: a heading, and what to do."""

    heading: str
    line: str


TEXTS = {
    403: ErrorText("Not open to you", ""),
    404: ErrorText("There is nothing here", "The address may be mistyped, or the page has moved."),
    405: ErrorText(
        "Nothing to see at this address", "It is where a button leads. Go back and use the button."
    ),
    410: ErrorText(
        "This episode was taken down", "The newsroom has withdrawn it. Other episodes are still here."
    ),
    429: ErrorText("Too many tries", "Wait a quarter of an hour, then try once more."),
    500: ErrorText("Something is broken here", "It was logged. Try again later."),
    503: ErrorText("One moment", "The site is busy. Try again in half a minute."),
}
BROKEN_LINK = ErrorText(
    "This link does not work",
    "A mail program may have cut it: copy it whole, in one piece, from the mail or from your account."
    " Or it was replaced by a newer one.",
)
EPISODE_FILE = ErrorText(
    "This file does not open here",
    "The files of an episode are for subscribers. A link to one episode opens them for twelve hours:"
    " open it again, or sign in.",
)
WITHDRAWN_HEADING = "This version was withdrawn"


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
            ApiProblem: self._api_problem,
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
        if request.url.path.startswith(API_PATH):
            return problem_response(deny.status, deny.message)
        if not is_for_people(request.url.path) and not accepts_page(request):
            return PlainTextResponse(f"{deny.message}\n", deny.status, NO_STORE)
        sentence = f"{deny.message[:1].upper()}{deny.message[1:]}."
        text = TEXTS[deny.status]
        if deny.is_withdrawn:
            text = ErrorText(WITHDRAWN_HEADING, sentence)
        elif deny.standing:
            text = ErrorText(MESSAGES[deny.standing][0], "")
        elif deny.status == NOT_FOUND.status and request.url.path.startswith(PRIVATE_PATHS):
            text = BROKEN_LINK
        elif deny.status == NOT_FOUND.status and is_file_name(request.url.path):
            text = EPISODE_FILE
        return self._page(request, deny.status, ErrorText(text.heading, text.line or sentence), deny.standing)

    def _page(
        self, request: Request, status: int, text: ErrorText, standing: Standing | None = None
    ) -> Response:
        """Return a page for a person, with the offer to renew where a subscription is not active."""
        return self.templates.no_store_response(
            request,
            "message.html",
            self.show,
            status=status,
            heading=text.heading,
            line="" if standing else text.line,
            standing=standing,
        )

    def _line_or_page(
        self, request: Request, status: int, line: str, headers: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        """Return a line for an app, a page for a person, a problem for a program."""
        if request.url.path.startswith(API_PATH):
            return problem_response(status, line, headers=headers)
        if not accepts_page(request):
            return PlainTextResponse(f"{line}\n", status, {**headers, **NO_STORE})
        response = self._page(request, status, TEXTS[status])
        response.headers.update(headers)
        return response

    def _access_denied(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, AccessDenied)
        return self.deny(request, error.deny)

    def _api_problem(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, ApiProblem)
        return error.response()

    def _rate_limited(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RateLimitExceeded)
        headers = {"retry-after": str(error.retry_after_s)}
        return self._line_or_page(request, 429, "too many tries; wait a little", headers)

    def _not_signed_in(self, request: Request, _: Exception) -> Response:
        return RedirectResponse(self.templates.signin_url(request) or "/signin", 303, NO_STORE)

    def _object_missing(self, request: Request, error: Exception) -> Response:
        ERROR_LOGGER.warning("%s", redact(str(error)))  # the message contains the requested path
        return self.deny(request, NOT_FOUND)

    def _unavailable(self, request: Request, error: Exception) -> Response:
        ERROR_LOGGER.error("%s", redact(str(error)))
        headers = {"retry-after": str(RETRY_AFTER_S)}
        return self._line_or_page(request, 503, "try again in a moment", headers)

    def _http_exception(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == NOT_FOUND.status:
            return self.deny(request, NOT_FOUND)
        if request.method == "GET" and error.status_code in TEXTS:
            return self._line_or_page(request, error.status_code, error.detail, error.headers or NO_HEADERS)
        if request.url.path.startswith(API_PATH):
            return problem_response(error.status_code, error.detail, headers=error.headers or NO_HEADERS)
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)

    def _client_disconnected(self, _: Request, __: Exception) -> Response:
        return PlainTextResponse(
            "the form is incomplete\n", 400, NO_STORE
        )  # for the access log; the client is gone

    def _internal_error(self, request: Request, _: Exception) -> Response:
        # Starlette runs this handler outside all middleware, so the headers are added here
        response = self._line_or_page(request, 500, "something is broken here; it was logged")
        for name, value in headers_for_path(request.url.path, is_https=self.is_https).items():
            response.headers.setdefault(name, value)
        return response


def accepts_page(request: Request) -> bool:
    """Return whether a browser asks, which takes HTML, also for a file or a feed; apps do not say so."""
    return "text/html" in request.headers.get("accept", "")


def is_below_an_episode(path: str) -> bool:
    """Return whether a path lies below an episode's page, as its files do."""
    return path.startswith("/episodes/") and "/" in path.removeprefix("/episodes/")


def is_file_name(path: str) -> bool:
    """Return whether a path is that of an episode's file, or would be if there were one."""
    return is_below_an_episode(path) and "." in path.rpartition("/")[2]


def is_for_people(path: str) -> bool:
    """Return whether a path is a page for browsers; files and feeds are for apps."""
    return not is_below_an_episode(path) and not path.startswith(("/feeds/", "/public/", "/static/"))
