"""Sign-in by a mailed link, or by a mailed code in the browser that requested it. No passwords.

    GET   /signin                  a form for the email address
    POST  /signin                  send the mail
    GET   /signin/code             a form for the code
    POST  /signin/code             sign in by code
    GET   /signin/link/<secret>    a page with a button
    POST  /signin/link/<secret>    sign in by link

Every POST needs the CSRF token of the browser cookie, and has a rate limit.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.audience.subscribers.signin import SignIn
from podcast_pipeline.model import Show
from podcast_pipeline.web.csrf import FormFields, csrf_token, form_endpoint, verify_csrf_token
from podcast_pipeline.web.landing import Landings, with_place
from podcast_pipeline.web.rate_limit import SIGN_IN_LIMIT, RateLimiter
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import reads, reads_if

BROWSER_BYTES = 32
ACCOUNT = "/account"


@dataclass(frozen=True)
class SignInRoutes:
    """Endpoints under `/signin`; known and unknown email addresses get the same responses.

    Attributes:
        landings: sign the `next` of every address and form, the page that sign-in leads back to.
        account_title: what an account of another site is called that signs in too; None where none does.
    """

    signin: SignIn
    cookies: SessionCookies
    rate_limiter: RateLimiter
    templates: Templates
    show: Show
    landings: Landings
    account_title: str | None = None

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/signin", reads_if(self.cookies.needs_database, self.ask), methods=["GET"]),
            Route("/signin", form_endpoint(self.send), methods=["POST"]),
            Route("/signin/code", reads(self.sent), methods=["GET"]),
            Route("/signin/code", form_endpoint(self.spend_code), methods=["POST"]),
            Route("/signin/link/{secret}", self.link, methods=["GET"]),
            Route("/signin/link/{secret}", form_endpoint(self.spend_link), methods=["POST"]),
        ]

    def ask(self, request: Request) -> Response:
        """Show the form for the email address; who is signed in goes on to where they wanted."""
        value = request.query_params.get("next")
        scope = self.cookies.scope(request)
        if scope == "account":
            return RedirectResponse(self.landings.path(value) or ACCOUNT, 303, {"cache-control": "no-store"})
        place = request.query_params.get("at", "")
        return self._page(
            request,
            "signin.html",
            landing=value,
            place=place,
            is_reading=scope == "reading",
            account_title=self.account_title,
        )

    def send(self, request: Request, fields: FormFields) -> Response:
        """Queue a mail; the job sends it later, to a known address only (against timing attacks)."""
        browser = self._browser(request)
        verify_csrf_token(fields, browser)
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        path = self.landings.path(fields.get("next"))
        landing = self.landings.signed(with_place(path, fields.get("at"))) if path else ""
        self.signin.request(
            fields.get("email", ""), browser=browser, now=self.cookies.clock(), landing=landing
        )
        query = f"?{urlencode({'next': landing})}" if landing else ""
        return RedirectResponse(f"/signin/code{query}", 303, {"cache-control": "no-store"})

    def sent(self, request: Request) -> Response:
        """Show the form for the code in the mail."""
        return self._code_page(request, request.query_params.get("next"), is_wrong=False)

    def spend_code(self, request: Request, fields: FormFields) -> Response:
        """Sign in by a code, in the browser that requested the mail."""
        browser = self._browser(request)
        verify_csrf_token(fields, browser)
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        code = "".join(fields.get("code", "").split())
        subscriber_id = self.signin.spend_code(code, browser=browser, now=self.cookies.clock())
        if subscriber_id is None:
            return self._code_page(request, fields.get("next"), status=400, is_wrong=True)
        return self._land(subscriber_id, fields)

    def link(self, request: Request) -> Response:
        """Show a button: mail scanners follow links, and must not use them up."""
        return self._page(request, "link.html", landing=request.query_params.get("next"), is_wrong=False)

    def spend_link(self, request: Request, fields: FormFields) -> Response:
        """Sign in by a link; each link works once."""
        verify_csrf_token(fields, self._browser(request))
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        subscriber_id = self.signin.spend_link(request.path_params["secret"], now=self.cookies.clock())
        if subscriber_id is None:
            return self._page(request, "link.html", landing=fields.get("next"), status=400, is_wrong=True)
        return self._land(subscriber_id, fields)

    def _land(self, subscriber_id: UUID, fields: FormFields) -> Response:
        """Open a session and lead back to where the reader was, else to the account."""
        path = self.landings.path(fields.get("next")) or ACCOUNT
        return self.cookies.open_account_session(RedirectResponse(path, 303), subscriber_id)

    def _browser(self, request: Request) -> str:
        return request.cookies.get(self.cookies.browser_cookie_name, "")

    def _code_page(
        self, request: Request, landing: str | None, *, status: int = 200, is_wrong: bool
    ) -> Response:
        takes_code = self.signin.takes_code(browser=self._browser(request), now=self.cookies.clock())
        return self._page(
            request, "sent.html", landing=landing, status=status, is_wrong=is_wrong, takes_code=takes_code
        )

    def _page(
        self, request: Request, name: str, *, landing: str | None, status: int = 200, **parts: object
    ) -> Response:
        """Return a page whose forms carry the CSRF token of this browser's cookie, and where to land."""
        browser = self._browser(request) or secrets.token_urlsafe(BROWSER_BYTES)
        response = self.templates.no_store_response(
            request,
            name,
            self.show,
            status=status,
            may_post_to="",
            seal=csrf_token(browser),
            landing=landing if self.landings.path(landing) else "",
            **parts,
        )
        self.cookies.set_browser_cookie(response, browser)
        return response
