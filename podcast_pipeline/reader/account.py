"""The account page, for who came by a mailed link: state, private link, sessions, data, good-bye."""

import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.model import Show, Subscriber
from podcast_pipeline.reader.door import Door
from podcast_pipeline.reader.forms import Fields, check_seal, posted, seal
from podcast_pipeline.reader.rendering import Templates
from podcast_pipeline.subscribers import Subscribers
from podcast_pipeline.subscribers.dossier import dossier
from podcast_pipeline.subscribers.sessions import Sessions

APPS = {
    "Apple Podcasts": "podcast://{rest}",
    "Overcast": "overcast://x-callback-url/add?url={quoted}",
    "Pocket Casts (iPhone)": "pktc://subscribe/{feed_url}",
    "Pocket Casts (Android)": "pktc://subscribe{tls}/{rest}",
    "AntennaPod": "pcast:{feed_url}",
    "Castro": "castro://subscribe/{rest}",
}
"""Links that open an app on this device; none of them sends the address to a web site first.

Where an app lets us, the link says https, or the app's first request would carry the token over plain HTTP.

Source: Overcast: overcast.fm/podcasterinfo. Pocket Casts' own code: on iPhone an address without a scheme
becomes http (AppDelegate+UrlHandling.swift), on Android the host says which (IntentUtil.getPodloveUrl).
AntennaPod's own code (UrlChecker.prepareUrl): after `antennapod-subscribe://` an address without a scheme
becomes http, and one with it is broken by browsers (antennapod.github.io#374); `pcast:` keeps https.
Apple and Castro describe no such link; theirs are as other sites have them, and nobody says how they ask.
"""


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
        feed_url = None if state == "removed" else self._feed_url(subscriber)
        return self.templates.unkept(
            request,
            "account.html",
            self.show,
            seal=seal(self.door.value(request)),
            subscriber=subscriber,
            state=state,
            feed_url=feed_url,
            apps=app_links(feed_url) if feed_url else {},
            qr=qr(feed_url) if feed_url else "",
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

    def _feed_url(self, subscriber: Subscriber) -> str:
        return f"{self.show.site_url}/feeds/{self.subscribers.link(subscriber.email)}/feed.xml"

    def _back(self) -> Response:
        return RedirectResponse("/account", 303, {"cache-control": "no-store"})


def app_links(feed_url: str) -> dict[str, str]:
    """Return a link per app that adds a feed on this device."""
    parts = urlsplit(feed_url)
    words = {
        "feed_url": feed_url,
        "rest": f"{parts.netloc}{parts.path}",
        "quoted": quote(feed_url, safe=""),
        "tls": "https" if parts.scheme == "https" else "",
    }
    return {name: form.format_map(words) for name, form in APPS.items()}


def qr(text: str) -> Markup:
    """Return a QR code as an SVG element without a style of its own."""
    buffer = io.BytesIO()
    segno.make(text, error="m").save(
        buffer, kind="svg", xmldecl=False, svgns=False, border=2, omitsize=True, title="QR code of your feed"
    )
    return Markup(buffer.getvalue().decode())  # noqa: S704
