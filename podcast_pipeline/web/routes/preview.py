"""The front page of a preview, and captions as text.

/preview                     what would go out: page, sound with captions, feed items
/preview/captions.<format>   vtt, srt, json, html or txt, as text to look at
"""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND
from podcast_pipeline.model import Episode
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.byte_ranges import content_from_bytes, content_response
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.routes.episodes import DOWNLOADS
from podcast_pipeline.web.templating import Templates

NOT_HERE = ("/search", "/signin", "/account")
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class PreviewText:
    """What the front page says of an episode.

    Attributes:
        state: what it is now and what a publication would do, one line.
        remarks: what a person should know before it goes out, a line each.
        public_item, private_item: as they would stand in the feeds; None where there is none.
        ends_at: aware.
    """

    state: str
    remarks: tuple[str, ...]
    public_item: str | None
    private_item: str | None
    ends_at: datetime


@dataclass(frozen=True)
class PreviewRoutes:
    """Endpoints of one episode that is not out yet."""

    slug: str
    text: PreviewText
    catalog_cache: CatalogCache
    store: ObjectReader
    templates: Templates

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/preview", self.front),
            Route("/preview/captions.{ending}", self.captions),
            *(Route(path, self.elsewhere) for path in NOT_HERE),
        ]

    def front(self, request: Request) -> Response:
        """Return the front page."""
        catalog = self.catalog_cache.newest().catalog
        episode = self._episode()
        version = episode.transcript
        return self.templates.page_response(
            request,
            "preview.html",
            catalog.show,
            episode=episode,
            preview=self.text,
            audio=self._audio_url(episode),
            captions=[pair for pair in DOWNLOADS.items() if version and pair[0] in version.file_keys],
        )

    def elsewhere(self, request: Request) -> Response:
        """Return a page that says what is not in a preview."""
        return self.templates.no_store_response(
            request,
            "message.html",
            self.catalog_cache.newest().catalog.show,
            status=NOT_FOUND.status,
            heading="Not in the preview",
            standing=None,
            line="Search, sign-in and accounts need the running site.",
        )

    def captions(self, request: Request) -> Response:
        """Return a caption file as text, as its bytes are."""
        version, ending = self._episode().transcript, request.path_params["ending"]
        key = next((k for name, k in version.file_keys.items() if name == ending), None) if version else None
        if key is None:
            raise AccessDenied(NOT_FOUND)
        body = self.store.get(key)[1]
        content = content_from_bytes(body, content_type=TEXT_TYPE)
        return content_response(request, content, headers={"cache-control": "no-store"})

    def _episode(self) -> Episode:
        episode = self.catalog_cache.newest().catalog.by_slug(self.slug)
        if episode is None:
            raise AccessDenied(NOT_FOUND)
        return episode

    def _audio_url(self, episode: Episode) -> str | None:
        key = episode.enclosure.key
        if key is None:
            return episode.enclosure.external_url
        if key.startswith("public/"):
            return f"/{key}"
        return f"/episodes/{episode.slug}/audio.{key.rpartition('.')[2]}"
