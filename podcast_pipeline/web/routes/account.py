"""The account page of a subscriber who signed in by mail.

    GET   /account                      state, private link, sessions, notifications
    GET   /account/data.json            data export
    GET   /account/rotate               asks whether to replace the private link, and says what follows
    POST  /account/rotate               replace the private link
    GET   /account/replaced             the new link, and what is left to do
    POST  /account/news                 opt in to notifications of new transcripts, or out
    POST  /account/sessions/<id>/end    end a session
    POST  /account/billing              see `routes/subscribe.py`
    POST  /account/signout              end this session
    POST  /account/delete               erase the subscriber

Every POST needs the CSRF token of the session cookie.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import Deny
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.config import PlanTable
from podcast_pipeline.model import Show, Subscriber
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.csrf import FormFields, csrf_token, form_endpoint, verify_csrf_token
from podcast_pipeline.web.routes.add_to_app import private_link
from podcast_pipeline.web.routes.subscribe import newest_of_stripe
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import reads

NO_LINK = Deny(403, "this subscription was ended; it has no private link", "removed")


@dataclass(frozen=True)
class AccountRoutes:
    """Endpoints under `/account`; a read-only session is redirected to sign-in."""

    subscribers: Subscribers
    sessions: BrowserSessions
    cookies: SessionCookies
    templates: Templates
    show: Show
    plans: tuple[PlanTable, ...]
    has_portal: bool = False

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/account", reads(self.page), methods=["GET"]),
            Route("/account/data.json", reads(self.data), methods=["GET"]),
            Route("/account/rotate", reads(self.ask_to_rotate), methods=["GET"]),
            Route("/account/rotate", form_endpoint(self.rotate), methods=["POST"]),
            Route("/account/replaced", reads(self.replaced), methods=["GET"]),
            Route("/account/news", form_endpoint(self.choose_notifications), methods=["POST"]),
            Route("/account/sessions/{id:uuid}/end", form_endpoint(self.end_session), methods=["POST"]),
            Route("/account/signout", form_endpoint(self.sign_out), methods=["POST"]),
            Route("/account/delete", form_endpoint(self.delete), methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """Show the subscription and the forms that change it."""
        subscriber, now = self._owner(request), self.cookies.clock()
        state = subscriber.state(now)
        token = None if state == "removed" else self.subscribers.feed_token(subscriber.email)
        return self.templates.no_store_response(
            request,
            "account.html",
            self.show,
            seal=csrf_token(self.cookies.session_value(request)),
            subscriber=subscriber,
            state=state,
            plan=self._plan(subscriber),
            goes_on=subscriber.going_on(now),
            has_portal=self.has_portal and newest_of_stripe(subscriber) is not None,
            may_post_to="https:" if self.has_portal else "",
            private=private_link(self.show, token) if token else None,
            sessions=self.sessions.list_of(
                subscriber.id, cookie=self.cookies.session_value(request), now=now
            ),
        )

    def data(self, request: Request) -> Response:
        """Return all data about the subscriber as a JSON download."""
        export: dict[str, Any] = export_personal_data(self.subscribers, self._owner(request).email)
        return Response(
            json.dumps(export, ensure_ascii=False, indent=1),
            media_type="application/json",
            headers={
                "cache-control": "no-store",
                "content-disposition": 'attachment; filename="my-data.json"',
            },
        )

    def ask_to_rotate(self, request: Request) -> Response:
        """Say what the replacement of the private link does, and ask; a click by mistake kills every app."""
        token = self.subscribers.feed_token(self._holder(request).email)
        seal = csrf_token(self.cookies.session_value(request))
        return self.templates.no_store_response(request, "rotate.html", self.show, seal=seal, token=token)

    def replaced(self, request: Request) -> Response:
        """Show the new private link, and say what is left to do; the account where no link was replaced."""
        holder = self._holder(request)
        replaced_at = self.subscribers.link_replaced_at(holder.id)
        if replaced_at is None:
            return self._to_account()
        private = private_link(self.show, self.subscribers.feed_token(holder.email))
        return self.templates.no_store_response(
            request, "replaced.html", self.show, private=private, replaced_at=replaced_at
        )

    def rotate(self, request: Request, fields: FormFields) -> Response:
        """Replace the private link that the form was made for: once, however often it is sent."""
        owner = self._with_link(self._verified_owner(request, fields))
        self.subscribers.rotate(
            owner.email, now=self.cookies.clock(), origin="web", replaces=fields.get("token", "")
        )
        return RedirectResponse("/account/replaced", 303, {"cache-control": "no-store"})

    def choose_notifications(self, request: Request, fields: FormFields) -> Response:
        """Turn notifications of new transcripts on or off; a removed subscriber cannot turn them on."""
        owner, now = self._verified_owner(request, fields), self.cookies.clock()
        if fields.get("news") == "yes" and owner.removed_at is None:
            self.subscribers.enable_notifications(owner.email, now=now, origin="web")
        elif fields.get("news") == "no":
            self.subscribers.disable_notifications(owner.id, now=now, origin="web")
        return self._to_account()

    def end_session(self, request: Request, fields: FormFields) -> Response:
        """End one of the subscriber's sessions; ending this session signs out."""
        session_id: UUID = request.path_params["id"]
        owner = self._verified_owner(request, fields)
        self.sessions.revoke(owner.id, session_id)
        if self.sessions.visitor(self.cookies.session_value(request), now=self.cookies.clock()):
            return self._to_account()
        return self.cookies.close_session(RedirectResponse("/", 303), request)

    def sign_out(self, request: Request, fields: FormFields) -> Response:
        """End this session."""
        self._verified_owner(request, fields)
        return self.cookies.close_session(RedirectResponse("/", 303), request)

    def delete(self, request: Request, fields: FormFields) -> Response:
        """Erase the subscriber if the checkbox `sure` was ticked."""
        owner = self._verified_owner(request, fields)
        if fields.get("sure") != "yes":
            return self._to_account()
        self.subscribers.erase(owner.email, now=self.cookies.clock(), origin="web")
        return self.cookies.close_session(RedirectResponse("/", 303), request)

    def _plan(self, subscriber: Subscriber) -> PlanTable:
        """Return the plan of a subscriber; one with its id as the title where show.toml has it no more."""
        plans = {plan.id: plan for plan in self.plans}
        return plans.get(subscriber.plan) or PlanTable(id=subscriber.plan, title=subscriber.plan)

    def _owner(self, request: Request) -> Subscriber:
        return self.cookies.signed_in_subscriber(request)

    def _holder(self, request: Request) -> Subscriber:
        """Return the owner of a private link; a subscription that was ended has none."""
        return self._with_link(self._owner(request))

    def _with_link(self, owner: Subscriber) -> Subscriber:
        if owner.removed_at is not None:
            raise AccessDenied(NO_LINK)
        return owner

    def _verified_owner(self, request: Request, fields: FormFields) -> Subscriber:
        owner = self._owner(request)
        verify_csrf_token(fields, self.cookies.session_value(request))
        return owner

    def _to_account(self) -> Response:
        return RedirectResponse("/account", 303, {"cache-control": "no-store"})
