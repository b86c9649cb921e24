"""Middleware that sets response headers by path: CORS (feed rule H5), noindex (P2), CSP, HSTS."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/feeds/", "/public/")
"""Paths open to web players of any origin (CORS): cookies are ignored, the token is in the URL."""

UNLISTED_PATHS = (
    "/feeds/",
    "/r/",
    "/account",
    "/signin",
    "/mail/",
    "/search",
    "/students",
    "/hooks/",
    "/api/",
)
HSTS = "max-age=31536000"

DEFAULT_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
CORS_HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified",
    "cross-origin-resource-policy": "cross-origin",
    # a browser wraps audio and images in its own document; no script runs in any, whatever the bytes are
    "content-security-policy": "sandbox; default-src 'none'; media-src 'self'; img-src 'self';"
    " style-src 'unsafe-inline'; frame-ancestors 'none'",
}
PREFLIGHT_HEADERS = {
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Range, If-Match, If-None-Match, If-Modified-Since, If-Range",
    "access-control-max-age": "86400",
    "allow": "GET, HEAD, OPTIONS",
}


def headers_for_path(path: str, *, is_https: bool) -> dict[str, str]:
    """Return the default headers of responses under this path; an endpoint's own headers win."""
    headers = dict(DEFAULT_HEADERS)
    if is_https:
        headers["strict-transport-security"] = HSTS
    if path.startswith(OPEN_PATHS):
        headers |= CORS_HEADERS
    if path.startswith(UNLISTED_PATHS):
        headers["x-robots-tag"] = "noindex"
    return headers


class ResponseHeadersMiddleware:
    """ASGI middleware that adds `headers_for_path` and answers CORS preflight requests."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self.app = app
        self.is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and add the headers of its path."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        extra = headers_for_path(scope["path"], is_https=self.is_https)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in extra.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] == "OPTIONS" and scope["path"].startswith(OPEN_PATHS):
            raw = [(name.encode(), value.encode()) for name, value in PREFLIGHT_HEADERS.items()]
            await send_with_headers({"type": "http.response.start", "status": 204, "headers": raw})
            await send_with_headers({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send_with_headers)
