"""Counts what is fetched through a private link, after the response is sent (rule P7)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.subscribers.link_sharing import LinkSharingMonitor
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Episode
from podcast_pipeline.web.authorization import Authorizer
from podcast_pipeline.web.middleware.access_log import ERROR_LOGGER
from podcast_pipeline.web.threads import run_with_database


@dataclass(frozen=True)
class LinkUse:
    """Records downloads of an episode's files, and uses of its one-episode link."""

    monitor: LinkSharingMonitor
    authorizer: Authorizer

    def count_download(
        self, request: Request, response: Response, visitor: Visitor, episode: Episode
    ) -> Response:
        """Return a response whose GET counts as one download by a subscriber; a canary's never does."""
        return self._count(self.monitor.record_download, request, response, visitor, episode)

    def count_opening(
        self, request: Request, response: Response, visitor: Visitor, episode: Episode
    ) -> Response:
        """Return a response whose GET counts as the use of a one-episode link; a canary's never does."""
        return self._count(self.monitor.record_opening, request, response, visitor, episode)

    def _count(
        self,
        record: Callable[..., None],
        request: Request,
        response: Response,
        visitor: Visitor,
        episode: Episode,
    ) -> Response:
        subscriber = visitor.subscriber
        if request.method == "GET" and subscriber and not subscriber.is_canary:
            response.background = BackgroundTask(self._record, record, request, subscriber.id, episode.id)
        return response

    async def _record(
        self, record: Callable[..., None], request: Request, subscriber_id: UUID, episode_id: UUID
    ) -> None:
        one_use = partial(
            record,
            address=request.client.host if request.client else "",
            app=request.headers.get("user-agent", ""),
            now=self.authorizer.clock(),
        )
        try:
            await run_with_database("write", one_use, subscriber_id, episode_id)
        except SubscriberError as error:  # the response is sent already
            ERROR_LOGGER.error("%s", error)
