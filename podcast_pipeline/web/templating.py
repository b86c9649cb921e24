"""Jinja templates to HTTP responses: filters, hashed static files, Content-Security-Policy."""

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
from podcast_pipeline.config.membership import STANDARD_PLANS
from podcast_pipeline.feed import show_notes
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.search import HighlightSpan
from podcast_pipeline.search.results import words_to_find
from podcast_pipeline.storage.objects import IMMUTABLE_CACHE, PRIVATE_CACHE
from podcast_pipeline.transcript import automatic_notes
from podcast_pipeline.transcript.text.clock import format_short_clock
from podcast_pipeline.transcript.text.typography import typographic, typographic_html
from podcast_pipeline.web import languages, view
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.byte_ranges import content_from_bytes, content_response
from podcast_pipeline.web.content_coding import CompressedOnce, Compressor, compress_quickly

Links = tuple[tuple[str, str], ...]
"""Pairs of (label, URL)."""

EPISODE_SCRIPTS = ("player.js", "quote.js", "transcript.js")
"""The modules that reader.js imports; an episode's page loads all of them at once."""

HTML_TYPE = "text/html; charset=utf-8"
STATIC_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
compress_static = CompressedOnce(max_entries=64)  # two codings of each file


def highlight_matches(spans: Iterable[HighlightSpan]) -> Markup:
    """Return a search snippet as HTML, with the matches in `<mark>`."""
    pieces = (f"<mark>{escape(span.text)}</mark>" if span.is_match else escape(span.text) for span in spans)
    return Markup("".join(pieces))  # noqa: S704


FILTERS = {
    "clock_time": format_short_clock,
    "media_fragment": view.media_fragment,
    "guests": view.guests,
    "long_duration": view.long_duration,
    "provenance_line": view.provenance_line,
    "typographic": typographic,
    "highlight_matches": highlight_matches,
    "words_to_find": words_to_find,
    "summary": show_notes.summary,
    "encode_word_times": view.encode_word_times,
}

TESTS = {
    "automatic_note": automatic_notes.is_automatic,
    "standard_plan": STANDARD_PLANS.__contains__,
    "unnamed_speaker": view.is_unnamed_speaker,
}


@cache
def static_files() -> dict[str, bytes]:
    """Return the files in `static/`, by name."""
    folder = files(__package__).joinpath("static")
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir(), key=lambda file: file.name)}


@cache
def static_hash() -> str:
    """Return the hash in the URLs of all static files: scripts import each other by relative names."""
    return hashlib.sha256(b"\0".join(static_files().values())).hexdigest()[:16]


def static_address(name: str) -> str:
    """Return the URL of a static file, which contains the hash of all of them."""
    return f"/static/{static_hash()}/{name}"


def content_security_policy(media_urls: set[str], *, may_post_to: str = "") -> str:
    """Return a page's Content-Security-Policy: this site's files, and media from these URLs' origins.

    Args:
        may_post_to: beside this site, where a form may lead; browsers look at redirects too.
    """
    origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in media_urls if "://" in url}
    media = " ".join(["'self'", *sorted(origins)])
    forms = f"'self' {may_post_to}".strip()
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src {media}; "
        f"media-src {media}; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


@dataclass(frozen=True)
class Templates:
    """Renders pages of one show.

    Attributes:
        site_links: returns the extra navigation links for a request, such as Account or Sign in.
        signin_url: returns the address to sign in at, leading back to the page; None without sign-in.
    """

    environment: Environment
    site_links: Callable[[Request], Links]
    signin_url: Callable[[Request], str | None]

    @classmethod
    def load(
        cls,
        zone: ZoneInfo,
        *,
        site_links: Callable[[Request], Links],
        signin_url: Callable[[Request], str | None] = lambda _: None,
    ) -> "Templates":
        """Load the package's templates, with dates in the show's time zone."""
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
            "local_time": lambda instant: f"{instant.astimezone(zone):%H:%M %Z}",
        }
        environment.tests |= TESTS
        environment.globals |= {
            "in_language": languages.in_language,
            "named_in": languages.named_in,
            "english_within": languages.english_within,
            "TRANSCRIPT_CORRECTED": automatic_notes.TRANSCRIPT_CORRECTED,
            "static": static_address,
            "EPISODE_SCRIPTS": EPISODE_SCRIPTS,
            "LONG_TITLE": view.LONG_TITLE_CHARACTERS,
        }
        return cls(environment, site_links, signin_url)

    def page_response(
        self,
        request: Request,
        name: str,
        show: Show,
        *,
        audio: str | None = None,
        compress: Compressor = compress_quickly,
        **parts: object,
    ) -> Response:
        """Return a page that may differ between visitors; no shared cache stores it.

        Args:
            audio: URL of the audio that the page plays; None without audio.
            compress: as in `content_response`.
        """
        content = content_from_bytes(
            self._html(request, name, show, audio=audio, **parts), content_type=HTML_TYPE
        )
        policy = content_security_policy({show.media_url, audio or ""})
        headers = {"cache-control": PRIVATE_CACHE, "vary": "Cookie", "content-security-policy": policy}
        return content_response(request, content, headers=headers, compress=compress)

    def transcript_html(self, turns: tuple[view.TurnView, ...], **parts: object) -> Markup:
        """Return the turns of a transcript as an HTML fragment."""
        return Markup(self.environment.get_template("turns.html").render(turns=turns, **parts))  # noqa: S704

    def no_store_response(
        self,
        request: Request,
        name: str,
        show: Show,
        *,
        status: int = 200,
        may_post_to: str = "",
        **parts: object,
    ) -> Response:
        """Return a page that no cache stores: an error, a form, the account page.

        The page is never compressed, so that its size reveals no secret in it (the BREACH attack), and
        conditional requests get the whole page.
        """
        headers = {
            "cache-control": "no-store",
            "content-type": HTML_TYPE,
            "content-security-policy": content_security_policy(set(), may_post_to=may_post_to),
        }
        return Response(self._html(request, name, show, **parts), status, headers)

    def _html(self, request: Request, name: str, show: Show, **parts: object) -> bytes:
        template = self.environment.get_template(name)
        links = {"site_links": self.site_links(request), "signin_url": self.signin_url(request)}
        english = languages.english_within(show.language)
        words = {
            "english": english,
            "in_show_language": languages.named_in(show.language) if english else "",
        }
        return template.render(show=show, **words, **links, **parts).encode()


def notes_html(text: str) -> Markup:
    """Return show notes as HTML, sanitised by `feed.show_notes`."""
    return Markup(show_notes.to_html(text))  # noqa: S704


def typeset_notes(show: Show, episode: Episode) -> Markup:
    """Return an episode's notes as HTML for its page: with pictures, and typographic quotation marks."""
    html = show_notes.to_page_html(episode.notes, show_notes.published_pictures(show, episode))
    return Markup(typographic_html(html, episode.language))  # noqa: S704


def notes_xhtml(text: str) -> Markup:
    """Return show notes as XHTML; XML does not define `&nbsp;`."""
    return Markup(notes_html(text).replace("&nbsp;", "&#160;"))  # noqa: S704


def static_route() -> Route:
    """Return the route `/static/<hash>/<name>` of the files in `static/`."""
    return Route("/static/{hash16}/{name}", _static)


def _static(request: Request) -> Response:
    name, requested_hash = request.path_params["name"], request.path_params["hash16"]
    content_type = STATIC_TYPES.get(name.rpartition(".")[2])
    body = static_files().get(name)
    if content_type is None or body is None:
        raise AccessDenied(NOT_FOUND)
    # a page from before an update may still request the older hash
    cache_control = IMMUTABLE_CACHE if requested_hash == static_hash() else "no-cache"
    content = content_from_bytes(body, content_type=content_type)
    return content_response(
        request, content, headers={"cache-control": cache_control}, compress=compress_static
    )
