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

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.audience.subscribers.signin import SignIn
from podcast_pipeline.model import Show
from podcast_pipeline.web.csrf import FormFields, csrf_token, form_endpoint, verify_csrf_token
from podcast_pipeline.web.rate_limit import SIGN_IN_LIMIT, RateLimiter
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates

BROWSER_BYTES = 32


@dataclass(frozen=True)
class SignInRoutes:
    """Endpoints under `/signin`; known and unknown email addresses get the same responses."""

    signin: SignIn
    cookies: SessionCookies
    rate_limiter: RateLimiter
    templates: Templates
    show: Show

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/signin", self.ask, methods=["GET"]),
            Route("/signin", form_endpoint(self.send), methods=["POST"]),
            Route("/signin/code", self.sent, methods=["GET"]),
            Route("/signin/code", form_endpoint(self.spend_code), methods=["POST"]),
            Route("/signin/link/{secret}", self.link, methods=["GET"]),
            Route("/signin/link/{secret}", form_endpoint(self.spend_link), methods=["POST"]),
        ]

    def ask(self, request: Request) -> Response:
        """Show the form for the email address."""
        return self._page(request, "signin.html")

    def send(self, request: Request, fields: FormFields) -> Response:
        """Queue a mail; the job sends it later, to a known address only (against timing attacks)."""
        browser = self._browser(request)
        verify_csrf_token(fields, browser)
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        self.signin.request(fields.get("email", ""), browser=browser, now=self.cookies.clock())
        return RedirectResponse("/signin/code", 303, {"cache-control": "no-store"})

    def sent(self, request: Request) -> Response:
        """Show the form for the code in the mail."""
        return self._page(request, "sent.html", is_wrong=False)

    def spend_code(self, request: Request, fields: FormFields) -> Response:
        """Sign in by a code, in the browser that requested the mail."""
        browser = self._browser(request)
        verify_csrf_token(fields, browser)
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        code = "".join(fields.get("code", "").split())
        subscriber_id = self.signin.spend_code(code, browser=browser, now=self.cookies.clock())
        if subscriber_id is None:
            return self._page(request, "sent.html", status=400, is_wrong=True)
        return self.cookies.open_account_session(RedirectResponse("/account", 303), subscriber_id)

    def link(self, request: Request) -> Response:
        """Show a button: mail scanners follow links, and must not use them up."""
        return self._page(request, "link.html", is_wrong=False)

    def spend_link(self, request: Request, fields: FormFields) -> Response:
        """Sign in by a link; each link works once."""
        verify_csrf_token(fields, self._browser(request))
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        subscriber_id = self.signin.spend_link(request.path_params["secret"], now=self.cookies.clock())
        if subscriber_id is None:
            return self._page(request, "link.html", status=400, is_wrong=True)
        return self.cookies.open_account_session(RedirectResponse("/account", 303), subscriber_id)

    def _browser(self, request: Request) -> str:
        return request.cookies.get(self.cookies.browser_cookie_name, "")

    def _page(self, request: Request, name: str, *, status: int = 200, **parts: object) -> Response:
        """Return a page whose forms carry the CSRF token of this browser's cookie."""
        browser = self._browser(request) or secrets.token_urlsafe(BROWSER_BYTES)
        response = self.templates.no_store_response(
            request, name, self.show, status=status, seal=csrf_token(browser), **parts
        )
        self.cookies.set_browser_cookie(response, browser)
        return response
