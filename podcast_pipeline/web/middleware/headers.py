"""Headers that every answer carries, by where it lives: conformance H5, P2 and the browser's own rules."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/feeds/", "/public/")
"""Readable by a web player of any origin: no cookie counts here, the token is in the address."""

UNLISTED_PATHS = ("/feeds/", "/account", "/signin", "/mail/", "/search")
HSTS = "max-age=31536000"

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
OPEN = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified",
    "cross-origin-resource-policy": "cross-origin",
    # a browser shows audio and pictures in a document of its own, which `default-src 'none'` would break
    "content-security-policy": "frame-ancestors 'none'",
}
PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Range, If-Match, If-None-Match, If-Modified-Since, If-Range",
    "access-control-max-age": "86400",
    "allow": "GET, HEAD, OPTIONS",
}


def headers_for_path(path: str, *, is_https: bool) -> dict[str, str]:
    """Return the headers of any answer under this path; what an endpoint says itself comes first."""
    headers = dict(EVERYWHERE)
    if is_https:
        headers["strict-transport-security"] = HSTS
    if path.startswith(OPEN_PATHS):
        headers |= OPEN
    if path.startswith(UNLISTED_PATHS):
        headers["x-robots-tag"] = "noindex"
    return headers


class ResponseHeadersMiddleware:
    """ASGI middleware that adds `for_path` and answers preflight questions."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self.app = app
        self.is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers of the path."""
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
            raw = [(name.encode(), value.encode()) for name, value in PREFLIGHT.items()]
            await send_with_headers({"type": "http.response.start", "status": 204, "headers": raw})
            await send_with_headers({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send_with_headers)
