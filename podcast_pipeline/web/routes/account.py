"""The account page, for who came by a mailed link: state, private link, sessions, data, good-bye."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.privacy.data_export import dossier
from podcast_pipeline.audience.subscribers.sessions import Sessions
from podcast_pipeline.model import Show, Subscriber
from podcast_pipeline.web.csrf import Fields, check_seal, posted, seal
from podcast_pipeline.web.routes.add_to_app import adding
from podcast_pipeline.web.session_cookie import Door
from podcast_pipeline.web.templating import Templates


@dataclass(frozen=True)
class Account:
    """Endpoints under `/account`; a reading-only session is sent to sign in."""

    subscribers: Subscribers
    sessions: Sessions
    door: Door
    templates: Templates
    show: Show

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/account", self.page, methods=["GET"]),
            Route("/account/data.json", self.data, methods=["GET"]),
            Route("/account/rotate", posted(self.rotate), methods=["POST"]),
            Route("/account/news", posted(self.choose_news), methods=["POST"]),
            Route("/account/sessions/{id:uuid}/end", posted(self.end_session), methods=["POST"]),
            Route("/account/signout", posted(self.sign_out), methods=["POST"]),
            Route("/account/delete", posted(self.delete), methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """Show what there is, and what can be done about it."""
        subscriber, now = self._owner(request), self.door.clock()
        state = subscriber.state(now)
        token = None if state == "removed" else self.subscribers.link(subscriber.email)
        return self.templates.unkept(
            request,
            "account.html",
            self.show,
            seal=seal(self.door.value(request)),
            subscriber=subscriber,
            state=state,
            private=adding(self.show, token) if token else None,
            sessions=self.sessions.list_of(subscriber.id, cookie=self.door.value(request), now=now),
        )

    def data(self, request: Request) -> Response:
        """Answer everything that is held on the person."""
        held: dict[str, Any] = dossier(self.subscribers, self._owner(request).email)
        return Response(
            json.dumps(held, ensure_ascii=False, indent=1),
            media_type="application/json",
            headers={
                "cache-control": "no-store",
                "content-disposition": 'attachment; filename="my-data.json"',
            },
        )

    def rotate(self, request: Request, fields: Fields) -> Response:
        """Replace the private link."""
        owner = self._owner_of(request, fields)
        self.subscribers.rotate(owner.email, now=self.door.clock(), origin="web")
        return self._back()

    def choose_news(self, request: Request, fields: Fields) -> Response:
        """Start or stop mail of new transcripts; somebody who has left cannot start it."""
        owner, now = self._owner_of(request, fields), self.door.clock()
        if fields.get("news") == "yes" and owner.removed_at is None:
            self.subscribers.want_news(owner.email, now=now, origin="web")
        elif fields.get("news") == "no":
            self.subscribers.stop_news(owner.id, now=now, origin="web")
        return self._back()

    def end_session(self, request: Request, fields: Fields) -> Response:
        """End one of the person's sessions; to end this one is to sign out."""
        session_id: UUID = request.path_params["id"]
        owner = self._owner_of(request, fields)
        self.sessions.revoke(owner.id, session_id)
        if self.sessions.visitor(self.door.value(request), now=self.door.clock()):
            return self._back()
        return self.door.close(RedirectResponse("/", 303), request)

    def sign_out(self, request: Request, fields: Fields) -> Response:
        """End this session."""
        self._owner_of(request, fields)
        return self.door.close(RedirectResponse("/", 303), request)

    def delete(self, request: Request, fields: Fields) -> Response:
        """Forget the person, when they say that they mean it."""
        owner = self._owner_of(request, fields)
        if fields.get("sure") != "yes":
            return self._back()
        self.subscribers.erase(owner.email, now=self.door.clock(), origin="web")
        return self.door.close(RedirectResponse("/", 303), request)

    def _owner(self, request: Request) -> Subscriber:
        return self.door.owner(request)

    def _owner_of(self, request: Request, fields: Fields) -> Subscriber:
        owner = self._owner(request)
        check_seal(fields, self.door.value(request))
        return owner

    def _back(self) -> Response:
        return RedirectResponse("/account", 303, {"cache-control": "no-store"})
