"""One-episode links, `/r/<selector>.<mac>/<episode id>`, and the cookie that one leaves in a browser.

Neither is stored: the secret key makes and verifies both. Both end when the subscriber's token is replaced.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from podcast_pipeline.access import Visitor
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.tokens import parse_token, to_episode_token

COOKIE_LIFETIME = timedelta(hours=12)
COOKIE = re.compile(r"([a-z2-7]{16})-([0-9]{1,12})-([0-9a-f]{40})")


class EpisodeLinks:
    """The one-episode links of a show's subscribers."""

    def __init__(self, subscribers: Subscribers) -> None:
        self._subscribers = subscribers

    def token(self, selector: str, episode_id: UUID) -> str:
        """Return the token of a subscriber's link to one episode.

        Args:
            selector: of the subscriber's feed token.
        """
        return to_episode_token(selector, episode_id, self._subscribers.secret_key)

    def visitor(self, token: str, episode_id: UUID) -> Visitor | None:
        """Return whose link to this episode has the token; None for a made-up one.

        The database is asked only where the token is genuine, so that a guess tells nothing by its time.
        """
        parts = parse_token(token)
        if parts is None or not hmac.compare_digest(token, self.token(parts[0], episode_id)):
            return None
        return self._subscribers.visitor_by_selector(parts[0])

    def cookie(self, selector: str, episode_id: UUID, *, now: datetime) -> str:
        """Return the value of a cookie with which a browser reads one episode for COOKIE_LIFETIME."""
        ends_at = int((now + COOKIE_LIFETIME).timestamp())
        return f"{selector}-{ends_at}-{self._mac(selector, episode_id, ends_at)}"

    def visitor_by_cookie(self, cookie: str, episode_id: UUID, *, now: datetime) -> Visitor | None:
        """Return whose link left the cookie; None where it is over, of another episode, or made up."""
        match = COOKIE.fullmatch(cookie)
        if match is None:
            return None
        selector, ends_at, mac = match[1], int(match[2]), match[3]
        is_genuine = hmac.compare_digest(mac, self._mac(selector, episode_id, ends_at))
        if not is_genuine or now >= datetime.fromtimestamp(ends_at, UTC):
            return None
        return self._subscribers.visitor_by_selector(selector)

    def _mac(self, selector: str, episode_id: UUID, ends_at: int) -> str:
        text = f"read-cookie:{selector}:{episode_id}:{ends_at}"
        return hmac.digest(self._subscribers.secret_key, text.encode(), "sha256")[:20].hex()
