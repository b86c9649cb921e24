"""Links and a QR code that add a private feed to a podcast app; the page needs no sign-in.

/feeds/<token>/add
"""

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
from podcast_pipeline.web.podcast_apps import PODCAST_APPS, Shown
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import reads


@dataclass(frozen=True)
class AddToAppRoutes:
    """The page `/feeds/<token>/add`, open to holders of the private link."""

    authorizer: Authorizer
    templates: Templates
    show: Show

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/feeds/{token}/add", reads(self.page))]

    def page(self, request: Request) -> Response:
        """Show how to add the feed to an app; 403 with the reason if the subscription is not active."""
        self.authorizer.authorize(self.authorizer.visitor_by_token(request), None, "file")
        private = private_link(self.show, request.path_params["token"])
        return self.templates.no_store_response(request, "add.html", self.show, private=private)


@dataclass(frozen=True)
class PrivateLink:
    """A private link for display on a page.

    Attributes:
        apps: by what apps show and by label, the links that add the feed to an app on this device.
        qr: a QR code, SVG, of the add-to-app page, for another device.
    """

    feed_url: str
    pages_url: str
    apps: dict[Shown, dict[str, str]]
    qr: Markup


def private_link(show: Show, token: str) -> PrivateLink:
    """Return the feed URL, app links and QR code of a token."""
    base = f"{show.site_url}/feeds/{token}/"
    feed_url = f"{base}feed.xml"
    return PrivateLink(feed_url, base, app_links(feed_url), qr(f"{base}add"))


def app_links(feed_url: str) -> dict[Shown, dict[str, str]]:
    """Return, by what apps show and by label, the links that add a feed to an app on this device."""
    url = urlsplit(feed_url)
    url_parts = {
        "feed_url": feed_url,
        "rest": f"{url.netloc}{url.path}",
        "quoted": quote(feed_url, safe=""),
        "tls": "https" if url.scheme == "https" else "",
    }
    links: dict[Shown, dict[str, str]] = {"words": {}, "link": {}, "nothing": {}}
    for app in PODCAST_APPS:
        links[app.shows] |= {label: link.format_map(url_parts) for label, link in app.links.items()}
    return links


def qr(text: str) -> Markup:
    """Return a QR code as an SVG element without inline styles."""
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
