"""The price for students and teachers: an academic address, proven by a mailed link, gives a code.

    GET   /students                  a form for the address
    POST  /students                  send the mail
    GET   /students/sent             what to do now
    GET   /students/link/<secret>    a page with a button
    POST  /students/link/<secret>    prove the address, and show the code

Every POST needs the CSRF token of the browser cookie, and has a rate limit. Whether somebody has a code
already is shown to nobody but who opens the mailbox.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.audience.students.proofs import StudentProofs
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Show
from podcast_pipeline.web.csrf import FormFields, csrf_token, form_endpoint, verify_csrf_token
from podcast_pipeline.web.middleware.access_log import ERROR_LOGGER
from podcast_pipeline.web.rate_limit import SIGN_IN_LIMIT, RateLimiter
from podcast_pipeline.web.routes.signin import BROWSER_BYTES
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates

NO_ADDRESS = "This is no mail address; type it once more."
NO_SCHOOL = (
    "We do not know this as an address at a university or school. Use the one that yours has given you, or"
    " write to us."
)


@dataclass(frozen=True)
class StudentRoutes:
    """Endpoints under `/students`."""

    proofs: StudentProofs
    cookies: SessionCookies
    rate_limiter: RateLimiter
    templates: Templates
    show: Show
    clock: Callable[[], datetime]

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/students", self.ask, methods=["GET"]),
            Route("/students", form_endpoint(self.send), methods=["POST"]),
            Route("/students/sent", self.sent, methods=["GET"]),
            Route("/students/link/{secret}", self.link, methods=["GET"]),
            Route("/students/link/{secret}", form_endpoint(self.prove), methods=["POST"]),
        ]

    def ask(self, request: Request) -> Response:
        """Show the form for the address."""
        return self._page(request, "students.html", problem="", is_sent=False)

    def send(self, request: Request, fields: FormFields) -> Response:
        """Queue a mail to an academic address."""
        browser = self._browser(request)
        verify_csrf_token(fields, browser)
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        try:
            is_academic = self.proofs.request(fields.get("email", ""), browser=browser, now=self.clock())
        except SubscriberError:
            return self._page(request, "students.html", status=400, problem=NO_ADDRESS, is_sent=False)
        if not is_academic:
            return self._page(request, "students.html", status=400, problem=NO_SCHOOL, is_sent=False)
        return RedirectResponse("/students/sent", 303, {"cache-control": "no-store"})

    def sent(self, request: Request) -> Response:
        """Say that a mail is on its way."""
        return self._page(request, "students.html", problem="", is_sent=True)

    def link(self, request: Request) -> Response:
        """Show a button: mail scanners follow links, and must not be given a code."""
        return self._page(request, "student_link.html", is_wrong=False, proof=None)

    def prove(self, request: Request, fields: FormFields) -> Response:
        """Prove the address and show its code, the same one at every click."""
        verify_csrf_token(fields, self._browser(request))
        self.rate_limiter.count(request, SIGN_IN_LIMIT)
        proof = self.proofs.prove(request.path_params["secret"], now=self.clock())
        if proof is not None and proof.code is None:
            ERROR_LOGGER.error("/students: no code is left; load more with `podcast students codes FILE`")
        status = 400 if proof is None else 200
        return self._page(request, "student_link.html", status=status, is_wrong=proof is None, proof=proof)

    def _browser(self, request: Request) -> str:
        return request.cookies.get(self.cookies.browser_cookie_name, "")

    def _page(self, request: Request, name: str, *, status: int = 200, **parts: object) -> Response:
        """Return a page whose forms carry the CSRF token of this browser's cookie."""
        browser = self._browser(request) or secrets.token_urlsafe(BROWSER_BYTES)
        response = self.templates.no_store_response(
            request, name, self.show, status=status, may_post_to="", seal=csrf_token(browser), **parts
        )
        self.cookies.set_browser_cookie(response, browser)
        return response
