"""Unsubscribe from notifications of new transcripts by the link in the mail: one click, no sign-in.

GET   /mail/stop/<token>    a page with a button
POST  /mail/stop/<token>    unsubscribe; also posted by mail programs (List-Unsubscribe, RFC 8058)
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.audience.subscribers import Subscribers, unsubscribe_token
from podcast_pipeline.model import Show
from podcast_pipeline.web.csrf import FormFields, form_endpoint
from podcast_pipeline.web.templating import Templates


@dataclass(frozen=True)
class UnsubscribeRoutes:
    """Endpoints under `/mail/stop`; an invalid token gets the same responses as a valid one."""

    subscribers: Subscribers
    clock: Callable[[], datetime]
    templates: Templates
    show: Show

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/mail/stop/{value}", self.ask, methods=["GET"]),
            Route("/mail/stop/{value}", form_endpoint(self.unsubscribe), methods=["POST"]),
        ]

    def ask(self, request: Request) -> Response:
        """Show a button: mail scanners follow links, and must not unsubscribe anybody."""
        return self.templates.no_store_response(request, "stop.html", self.show, is_done=False)

    def unsubscribe(self, request: Request, _: FormFields) -> Response:
        """Turn notifications off by token alone: mail programs post without cookies or a CSRF token."""
        subscriber_id = unsubscribe_token.parse_unsubscribe_token(
            request.path_params["value"], self.subscribers.secret_key
        )
        if subscriber_id is not None:
            self.subscribers.disable_notifications(subscriber_id, now=self.clock(), origin="mail")
        return self.templates.no_store_response(request, "stop.html", self.show, is_done=True)
