"""Events of membership sites.

    POST  /hooks/<source>    an event, signed; stored, then answered, then applied by a background job

Answers have one line without detail; the log has the reason, and never the body.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND
from podcast_pipeline.audience.membership.events import MembershipEvents
from podcast_pipeline.audience.membership.sources.events import (
    MembershipSource,
    NotAnEvent,
    SignatureRefused,
)
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.rate_limit import HOOK_LIMIT, RateLimiter
from podcast_pipeline.web.request_body import BodyTooLarge, read_body
from podcast_pipeline.web.threads import run_with_database

LOG = logging.getLogger("podcast_pipeline.web")
MAX_BODY_BYTES = 256 * 1024
NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True)
class HookRoutes:
    """The endpoint of every source that has a secret."""

    events: MembershipEvents
    rate_limiter: RateLimiter
    clock: Callable[[], datetime]

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/hooks/{source}", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """Store an event; a network that sends unsigned requests again and again is not read any more."""
        source = self.events.sources.get(request.path_params["source"])
        if source is None:
            raise AccessDenied(NOT_FOUND)
        self.rate_limiter.check(request, HOOK_LIMIT)
        try:
            body = await read_body(request, max_bytes=MAX_BODY_BYTES)
        except BodyTooLarge:
            return self._refuse(source, 413, f"has more than {MAX_BODY_BYTES} bytes")
        try:
            source.verify(request.headers, body, now=self.clock())
        except SignatureRefused as error:
            self.rate_limiter.count(request, HOOK_LIMIT)
            return self._refuse(source, 401, str(error))
        try:
            event = source.parse(request.headers, body, now=self.clock())
        except NotAnEvent as error:
            return self._refuse(source, 400, str(error))
        await run_with_database("write", self.events.store, source.name, event, self.clock())
        return PlainTextResponse("stored\n", 202, NO_STORE)

    def _refuse(self, source: MembershipSource, status: int, reason: str) -> Response:
        LOG.warning("hook %s: refused with %d: %s", source.name, status, reason)
        return PlainTextResponse("not taken\n", status, NO_STORE)
