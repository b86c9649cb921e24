"""The cookie that a one-episode link leaves: with it a browser reads that one episode for twelve hours.

The browser sends it to the episode's own addresses alone (its Path), and its value is signed for that
episode.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.subscribers.episode_links import COOKIE_LIFETIME, EpisodeLinks
from podcast_pipeline.model import Episode
from podcast_pipeline.web.session_cookie import SessionCookies


@dataclass(frozen=True)
class EpisodeCookies:
    """Sets the cookie, and finds out who reads an episode: by a session, or by a one-episode link."""

    links: EpisodeLinks
    sessions: SessionCookies
    clock: Callable[[], datetime]
    is_https: bool

    @property
    def name(self) -> str:
        """The cookie's name; browsers accept the `__Secure-` prefix over HTTPS only."""
        return "__Secure-episode" if self.is_https else "episode"

    def set(self, response: Response, visitor: Visitor, episode: Episode) -> None:
        """Set the cookie for the holder of a one-episode link."""
        assert visitor.token is not None
        response.set_cookie(
            self.name,
            self.links.cookie(visitor.token.selector, episode.id, now=self.clock()),
            max_age=int(COOKIE_LIFETIME.total_seconds()),
            path=episode_path(episode),
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )

    def needs_database(self, request: Request) -> bool:
        """Return whether a page for this request reads the database: a visitor has neither cookie."""
        return self.sessions.needs_database(request) or self.name in request.cookies

    def reader(self, request: Request, episode: Episode) -> Visitor:
        """Return who asks for an episode; a session that may read comes before a one-episode link."""
        visitor, now = self.sessions.visitor(request), self.clock()
        if visitor.standing(now) == "active":
            return visitor
        cookie = request.cookies.get(self.name, "")
        return self.links.visitor_by_cookie(cookie, episode.id, now=now) or visitor


def episode_path(episode: Episode) -> str:
    """Return the path of an episode's page; its files lie below it."""
    return f"/episodes/{episode.slug}"
