"""Templates into answers: filters, static files with their hash, and the policy of a page."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND
from podcast_pipeline.feed import show_notes
from podcast_pipeline.model import Show
from podcast_pipeline.search import HighlightSpan
from podcast_pipeline.storage.objects import IMMUTABLE_CACHE, PRIVATE_CACHE
from podcast_pipeline.transcript.text.clock import format_short_clock
from podcast_pipeline.web import view
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.byte_ranges import content_from_bytes, content_response

Links = tuple[tuple[str, str], ...]
"""Names and addresses."""

HTML_TYPE = "text/html; charset=utf-8"
STATIC_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def highlight_matches(spans: Iterable[HighlightSpan]) -> Markup:
    """Return found text as HTML, with what was asked for marked."""
    said = (f"<mark>{escape(span.text)}</mark>" if span.is_match else escape(span.text) for span in spans)
    return Markup("".join(said))  # noqa: S704


FILTERS = {
    "clock_time": format_short_clock,
    "media_fragment": view.media_fragment,
    "guests": view.guests,
    "iso_duration": view.iso_duration,
    "long_duration": view.long_duration,
    "highlight_matches": highlight_matches,
    "summary": show_notes.summary,
    "encode_word_times": view.encode_word_times,
}


@cache
def static_file(name: str) -> tuple[bytes, str]:
    """Return a file of `static/` and the hash in its address."""
    body = files(__package__).joinpath("static", name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:16]


def static_address(name: str) -> str:
    """Return the address of a static file; other bytes have another."""
    return f"/static/{static_file(name)[1]}/{name}"


def content_security_policy(media_urls: set[str]) -> str:
    """Return a page's Content-Security-Policy: our own files, and media from where the show keeps it."""
    origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in media_urls if "://" in url}
    media = " ".join(["'self'", *sorted(origins)])
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src {media}; "
        f"media-src {media}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@dataclass(frozen=True)
class Templates:
    """Renders pages of one show.

    Attributes:
        site_links: what else stands in the navigation for who asks.
    """

    environment: Environment
    site_links: Callable[[Request], Links]

    @classmethod
    def load(cls, zone: ZoneInfo, *, site_links: Callable[[Request], Links]) -> "Templates":
        """Return the package's templates, with dates in the show's zone."""
        environment = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            **FILTERS,
            "notes_xhtml": notes_xhtml,
            "date": lambda instant: view.date(instant, zone),
            "last_day": lambda end: view.date(end - timedelta(seconds=1), zone),  # an end at midnight
            "local_iso": lambda instant: instant.astimezone(zone).isoformat(),
        }
        environment.globals |= {"static": static_address, "LONG_TITLE": view.LONG_TITLE_CHARACTERS}
        return cls(environment, site_links)

    def page_response(
        self, request: Request, name: str, show: Show, *, audio: str | None = None, **parts: object
    ) -> Response:
        """Answer a page that may differ from visitor to visitor; no cache in between keeps it.

        Args:
            audio: address of what the page plays, if it plays something.
        """
        content = content_from_bytes(
            self._html(request, name, show, audio=audio, **parts), content_type=HTML_TYPE
        )
        policy = content_security_policy({show.media_url, audio or ""})
        headers = {"cache-control": PRIVATE_CACHE, "vary": "Cookie", "content-security-policy": policy}
        return content_response(request, content, headers=headers)

    def transcript_html(self, turns: tuple[view.TurnView, ...]) -> Markup:
        """Return a transcript as HTML, to be put into a page."""
        return Markup(self.environment.get_template("turns.html").render(turns=turns))  # noqa: S704

    def no_store_response(
        self, request: Request, name: str, show: Show, *, status: int = 200, **parts: object
    ) -> Response:
        """Answer a page that nobody keeps: an error, a form, an account.

        It is not compressed, so that its size tells nothing of what is secret in it (BREACH), and no
        condition of the request makes it anything else.
        """
        headers = {
            "cache-control": "no-store",
            "content-type": HTML_TYPE,
            "content-security-policy": content_security_policy(set()),
        }
        return Response(self._html(request, name, show, **parts), status, headers)

    def _html(self, request: Request, name: str, show: Show, **parts: object) -> bytes:
        template = self.environment.get_template(name)
        return template.render(show=show, site_links=self.site_links(request), **parts).encode()


def notes_html(text: str) -> Markup:
    """Return notes as HTML that feed.notes has cleaned."""
    return Markup(show_notes.to_html(text))  # noqa: S704


def notes_xhtml(text: str) -> Markup:
    """Return notes as XHTML: XML knows no name for a hard space."""
    return Markup(notes_html(text).replace("&nbsp;", "&#160;"))  # noqa: S704


def static_route() -> Route:
    """Return the route of the files in `static/`."""
    return Route("/static/{hash16}/{name}", _static)


def _static(request: Request) -> Response:
    name, wanted = request.path_params["name"], request.path_params["hash16"]
    content_type = STATIC_TYPES.get(name.rpartition(".")[2])
    if content_type is None or not files(__package__).joinpath("static", name).is_file():
        raise AccessDenied(NOT_FOUND)
    body, hash16 = static_file(name)
    rule = IMMUTABLE_CACHE if wanted == hash16 else "no-cache"  # an old page may still ask for an older hash
    return content_response(
        request, content_from_bytes(body, content_type=content_type), headers={"cache-control": rule}
    )
