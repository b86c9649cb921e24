"""Sign-in with the account of another site (OpenID Connect), beside the mailed link.

    GET   /signin/account         lead to the provider, with a cookie of this attempt
    GET   /signin/account/back    where the provider sends the reader back to

The provider is asked in threads of its own: one that hangs holds up no reader.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.audience.oidc.attempt import ATTEMPT_LIFETIME, Attempt
from podcast_pipeline.audience.oidc.matching import AccountMatching
from podcast_pipeline.audience.oidc.provider import Provider
from podcast_pipeline.errors import FetchError, IdentityError
from podcast_pipeline.model import Show
from podcast_pipeline.web.landing import Landings, with_place
from podcast_pipeline.web.middleware.access_log import ERROR_LOGGER, redact
from podcast_pipeline.web.rate_limit import SIGN_IN_LIMIT, RateLimiter
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import run_aside, run_with_database

ACCOUNT = "/account"
BACK = "/signin/account/back"
REFUSED = "It did not say who you are. Try once more, or sign in by mail."
NO_ANSWER = "Its site does not answer. Sign in by mail, or try again later."
NOBODY = (
    "No subscription has the address of that account. Sign in by mail with the address of your subscription."
)


@dataclass(frozen=True)
class OidcSignIn:
    """The parts of sign-in with an account.

    Attributes:
        title: what the button calls the account.
    """

    provider: Provider
    matching: AccountMatching
    title: str
    secret_key: bytes = field(repr=False)


@dataclass(frozen=True)
class OidcRoutes:
    """Endpoints under `/signin/account`; whatever goes wrong, the page leads to sign-in by mail."""

    oidc: OidcSignIn
    cookies: SessionCookies
    rate_limiter: RateLimiter
    templates: Templates
    show: Show
    landings: Landings
    clock: Callable[[], datetime]

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/signin/account", self.start, methods=["GET"]),
            Route(BACK, self.finish, methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        """Lead to the provider; the page that the reader came from is kept in the cookie."""
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        path = self.landings.path(request.query_params.get("next"))
        landing = self.landings.signed(with_place(path, request.query_params.get("at"))) if path else ""
        now = self.clock()
        attempt = Attempt.start(landing=landing, secret_key=self.oidc.secret_key, now=now)
        try:
            url = await run_aside(lambda: self.oidc.provider.authorization_url(attempt, now=now))
        except (FetchError, IdentityError) as error:
            return self._failed(request, error)
        response = RedirectResponse(url, 303, {"cache-control": "no-store"})
        self.cookies.set_attempt_cookie(response, attempt.cookie, ATTEMPT_LIFETIME)
        return response

    async def finish(self, request: Request) -> Response:
        """Sign in whom the provider sent back to the browser that it was asked for; once."""
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        now, answer = self.clock(), dict(request.query_params)
        attempt = Attempt(self.cookies.attempt_value(request), self.oidc.secret_key)
        try:
            email = await run_aside(lambda: self.oidc.provider.verified_email(answer, attempt, now=now))
        except (FetchError, IdentityError) as error:
            return self.cookies.delete_attempt_cookie(self._failed(request, error))
        response: Response = await run_with_database("write", self._sign_in, request, attempt, email)
        return self.cookies.delete_attempt_cookie(response)

    def _sign_in(self, request: Request, attempt: Attempt, email: str) -> Response:
        subscriber_id: UUID | None = self.oidc.matching.spend(attempt.state, email=email, now=self.clock())
        if subscriber_id is None:
            return self._page(request, NOBODY, status=403)
        path = self.landings.path(attempt.landing) or ACCOUNT
        return self.cookies.open_account_session(RedirectResponse(path, 303), subscriber_id)

    def _failed(self, request: Request, error: FetchError | IdentityError) -> Response:
        ERROR_LOGGER.warning("%s", redact(str(error)))
        is_away = isinstance(error, FetchError)
        return self._page(request, NO_ANSWER if is_away else REFUSED, status=503 if is_away else 400)

    def _page(self, request: Request, line: str, *, status: int) -> Response:
        return self.templates.no_store_response(
            request, "account_failed.html", self.show, status=status, title=self.oidc.title, line=line
        )
