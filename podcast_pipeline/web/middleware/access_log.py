"""Access log middleware: one line per response, without tokens, queries, referrers or IP addresses."""

import logging
import re
from time import monotonic
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACCESS_LOGGER = logging.getLogger("podcast_pipeline.access")
ERROR_LOGGER = logging.getLogger("podcast_pipeline.web")

SECRETS = re.compile(
    r"(?<=/feeds/)[^/]+|(?<=/r/)[^/]+|(?<=/signin/link/)[^/]+|(?<=/signin/code/)[^/]+"  # their routes
    r"|(?<=/mail/stop/)[^/]+|(?<=/students/link/)[^/]+"
    r"|[a-z2-7]{16}\.[a-z2-7]+|[a-z0-9]{26,}",  # and anywhere else, by mistake
    re.IGNORECASE,
)
MAILED_SECRETS = re.compile(
    r"(?=[a-z0-9_-]*[A-Z_])[A-Za-z0-9_-]{32,}"  # base64url; a slug has neither capitals nor _
    r"|(?=[A-Z0-9_-]*[a-z])(?=[a-z0-9_-]*[A-Z])(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}"  # half of one
)
UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
MAX_DECODED = 5  # times; the server decodes a path once, and a client may encode it more often


def redact(path: str) -> str:
    """Return a request path fit for a log: `/feeds/***/feed.xml`, printable ASCII, at most 200 characters."""
    for _ in range(MAX_DECODED):
        path = unquote(path)
    return UNPRINTABLE.sub("?", MAILED_SECRETS.sub("***", SECRETS.sub("***", path)))[:200]


class AccessLog:
    """ASGI middleware that writes `METHOD path status bytes milliseconds "client"` to ACCESS_LOGGER."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and write the line after the last byte is sent."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, sent = monotonic(), 500, 0

        async def counting_send(message: Message) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counting_send)
        finally:
            client = dict(scope["headers"]).get(b"user-agent", b"-").decode("latin-1")
            took_ms = (monotonic() - started) * 1000
            line = (scope["method"], redact(scope["path"]), status, sent, took_ms, redact(client))
            ACCESS_LOGGER.info('%s %s %d %d %.0fms "%s"', *line)
