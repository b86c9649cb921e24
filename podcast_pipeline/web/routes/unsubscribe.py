"""Stops mail of new transcripts by the link in it: one click, no sign-in (RFC 8058)."""

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
    """Endpoints under `/mail/stop`; a value that nobody has gets the same answers."""

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
        """Ask for a click: mail scanners follow links, and must not stop anything."""
        return self.templates.no_store_response(request, "stop.html", self.show, is_done=False)

    def unsubscribe(self, request: Request, _: FormFields) -> Response:
        """Stop the mails. Mail programs post this themselves, without cookies; the value is the proof."""
        subscriber_id = unsubscribe_token.parse_unsubscribe_token(
            request.path_params["value"], self.subscribers.secret_key
        )
        if subscriber_id is not None:
            self.subscribers.disable_notifications(subscriber_id, now=self.clock(), origin="mail")
        return self.templates.no_store_response(request, "stop.html", self.show, is_done=True)
