"""One tap from a private link to an app: a page that needs no sign-in, for the phone that is to have it."""

import io
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.model import Show
from podcast_pipeline.web.authorization import Authorizer
from podcast_pipeline.web.templating import Templates

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
class AddToAppRoutes:
    """The page under `/feeds/<token>/add`. Whoever has its address has the private link already."""

    authorizer: Authorizer
    templates: Templates
    show: Show

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/feeds/{token}/add", self.page)]

    def page(self, request: Request) -> Response:
        """Show how to add the feed to an app; whose subscription is not active is told why not."""
        self.authorizer.authorize(self.authorizer.visitor_by_token(request), None, "file")
        private = private_link(self.show, request.path_params["token"])
        return self.templates.no_store_response(request, "add.html", self.show, private=private)


@dataclass(frozen=True)
class PrivateLink:
    """A private link as pages show it.

    Attributes:
        apps: the link that adds it to each app on this device.
        qr: a picture of the page that does so, for another device.
    """

    feed_url: str
    pages_url: str
    apps: dict[str, str]
    qr: Markup


def private_link(show: Show, token: str) -> PrivateLink:
    """Return what a page shows of a private link."""
    base = f"{show.site_url}/feeds/{token}/"
    feed_url = f"{base}feed.xml"
    return PrivateLink(feed_url, base, app_links(feed_url), qr(f"{base}add"))


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
        buffer,
        kind="svg",
        xmldecl=False,
        svgns=False,
        border=2,
        omitsize=True,
        title="QR code for your phone",
    )
    return Markup(buffer.getvalue().decode())  # noqa: S704
