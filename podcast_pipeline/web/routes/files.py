"""Public objects of the local store, served like a bucket: audio, artwork, chapters, the public feed.

/public/<key>    with byte ranges
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import NOT_FOUND
from podcast_pipeline.errors import StoreError
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.keys import check_key
from podcast_pipeline.storage.objects import FEED_CACHE, FEED_KEY
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.byte_ranges import content_response, media_from_store


@dataclass(frozen=True)
class PublicFileRoutes:
    """Endpoints under `/public/`; no private object has an address below it.

    Attributes:
        reader: of a site, one without credentials.
        feed_moved_to: new URL of the public feed, answered with 301. Source: rule F7.
    """

    reader: ObjectReader
    feed_moved_to: str | None = None

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/public/{rest:path}", self.serve)]

    def serve(self, request: Request) -> Response:
        """Return an object with its stored Content-Type and Cache-Control.

        One of a type that is none of ours is a download without a type.
        """
        try:
            key = check_key(f"public/{request.path_params['rest']}")
        except StoreError as error:
            raise AccessDenied(NOT_FOUND) from error
        if key == FEED_KEY and self.feed_moved_to:
            return RedirectResponse(self.feed_moved_to, 301, {"cache-control": FEED_CACHE})
        content = media_from_store(self.reader, key)
        return content_response(request, content, headers={"cache-control": content.cache_control})
