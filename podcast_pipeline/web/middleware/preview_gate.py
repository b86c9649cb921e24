"""Middleware that keeps a preview to the browser of the person who started it.

The printed address has a secret that works once: it is exchanged for a cookie. A page of another site that
has its name resolve to this machine (DNS rebinding) has another Host; one that embeds an address of ours says
so in Sec-Fetch-Site. Cookies ignore ports: another server of this machine that this browser visits meanwhile
sees ours, whose name has our port and whose value is worth nothing after the preview.
"""

import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from threading import Lock

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

ENTRY_PATH = "/preview/open/"
HOME_PATH = "/preview"
OWN_SITES = (None, "none", "same-origin")
"""Values of Sec-Fetch-Site: an old browser or no browser, an address that was typed, our own page."""

NO_ENTRY = (
    "open the address that `podcast preview` printed; it opens once, in one browser: run the command again"
)


@dataclass
class PreviewDoor:
    """Who comes in: the secret of the printed address, once, and then a cookie.

    Attributes:
        host: the only Host that is answered, `127.0.0.1:PORT`.
    """

    host: str
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _is_used: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def address(self) -> str:
        """The address to print; it opens the preview once."""
        return f"http://{self.host}{ENTRY_PATH}{self.secret}"

    @property
    def cookie_name(self) -> str:
        """The cookie's name, with the port: two previews do not end each other."""
        return f"preview-{self.host.rpartition(':')[2]}"

    def use(self, secret: str) -> bool:
        """Return whether this is the secret, for the first time."""
        with self._lock:
            is_right = secrets.compare_digest(secret.encode(), self.secret.encode()) and not self._is_used
            self._is_used |= is_right
        return is_right

    def knows(self, cookie: str) -> bool:
        """Return whether this is the cookie of this preview."""
        return secrets.compare_digest(cookie.encode(), self.cookie.encode())


class PreviewGate:
    """ASGI middleware that answers GET and HEAD of one browser, and nobody else."""

    def __init__(self, app: ASGIApp, *, door: PreviewDoor) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            return
        answer = self._answer(scope["method"], scope["path"], Headers(scope=scope))
        await (answer or self.app)(scope, receive, send)

    def _answer(self, method: str, path: str, headers: Headers) -> Response | None:
        """Return the answer to a request that does not come in; None for one that does."""
        if headers.getlist("host") != [self.door.host]:
            return _line("this is a preview on another address", 421)
        if method not in ("GET", "HEAD"):
            return _line("a preview is read only", 405)
        if headers.get("sec-fetch-site") not in OWN_SITES:
            return _line(NO_ENTRY, 403)
        if method == "GET" and path.startswith(ENTRY_PATH):
            return self._enter(path.removeprefix(ENTRY_PATH))
        return None if self.door.knows(self._cookie(headers)) else _line(NO_ENTRY, 403)

    def _enter(self, secret: str) -> Response:
        if not self.door.use(secret):
            return _line(NO_ENTRY, 403)
        answer = RedirectResponse(
            HOME_PATH, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"}
        )
        answer.set_cookie(self.door.cookie_name, self.door.cookie, httponly=True, samesite="strict")
        return answer

    def _cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.door.cookie_name)
        except CookieError:
            return ""
        return found.value if found else ""


def _line(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status, {"cache-control": "no-store"})
