"""Private addresses, and personalization: the token and the notice of one subscriber in a rendered feed.

A private feed is rendered once for all subscribers, with TOKEN_PLACEHOLDER for the token; a feed with a
notice once for each standing, with PLACEHOLDER_GUID and PLACEHOLDER_DATE in the notice, its first item.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import UUID

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.notice import NoticeItem
from podcast_pipeline.feed.text import EPISODE_TOKEN_PLACEHOLDER, TOKEN_PLACEHOLDER, xml_safe
from podcast_pipeline.model import CaptionFormat, Episode, Show

PLACEHOLDER_GUID = UUID(int=2**128 - 1)
PLACEHOLDER_DATE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
DATED_ELEMENTS = ("lastBuildDate", "pubDate")

TOKEN_PATTERN = re.compile(r"[a-z2-7]{16}\.[a-z2-7]{32}")
EPISODE_LINK = re.compile(rf"{re.escape(EPISODE_TOKEN_PLACEHOLDER)}/([0-9a-f-]{{36}})".encode())

EpisodeTokens = Callable[[UUID], str]
"""Returns a subscriber's token for the one-episode link to the episode with an id."""


@dataclass(frozen=True)
class PrivateFeed:
    """A subscriber's feed, not personalized yet: most polls get a 304, which needs no body.

    Attributes:
        shared: rendered for all of a standing, with `placeholder_notice(notice)` if there is a notice.
        shared_sha256: of `shared`.
        changed_at: time of the last change of the episodes.
    """

    shared: bytes
    shared_sha256: str
    notice: NoticeItem | None
    changed_at: datetime | None

    @property
    def size_bytes(self) -> int:
        """Length of `to_bytes`: notice and token are as long as their placeholders."""
        return len(self.shared)

    def etag(self, token: str) -> str:
        """Return the etag of `to_bytes`: a hash of all its inputs."""
        item = self.notice
        parts = (
            self.shared_sha256,
            token,
            item and item.guid,
            item and item.published_at,
            item and self.changed_at,
        )
        return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:32]

    def with_notice(self) -> bytes:
        """Return the feed with the subscriber's notice, still with the token's placeholder."""
        if self.notice is None:
            return self.shared
        return personalize_notice(self.shared, self.notice, changed_at=self.changed_at)

    def to_bytes(self, token: str, episode_token: EpisodeTokens) -> bytes:
        """Return the subscriber's feed; each item costs a MAC, so only where the body is needed."""
        return personalize(self.with_notice(), token, episode_token)


def personalize(feed: bytes, token: str, episode_token: EpisodeTokens) -> bytes:
    """Replace the placeholders in a rendered private feed by a subscriber's; the length stays the same.

    Raises:
        FeedError: `token` does not have a token's form.
    """
    mine, made = _token_bytes(token), dict[bytes, bytes]()  # an item has its link twice

    def link(found: re.Match[bytes]) -> bytes:
        if found[1] not in made:
            made[found[1]] = _token_bytes(episode_token(UUID(found[1].decode()))) + b"/" + found[1]
        return made[found[1]]

    return EPISODE_LINK.sub(link, feed.replace(TOKEN_PLACEHOLDER.encode(), mine))


def _token_bytes(token: str) -> bytes:
    if not TOKEN_PATTERN.fullmatch(token):
        raise FeedError(
            "private feed",
            "the token does not have a feed token's form; create one with `podcast subscribers rotate`",
        )
    return token.encode()


def placeholder_notice(item: NoticeItem) -> NoticeItem:
    """Return the notice with a placeholder guid and date; it is rendered as the first item."""
    return replace(item, guid=PLACEHOLDER_GUID, published_at=PLACEHOLDER_DATE)


def personalize_notice(feed: bytes, item: NoticeItem, *, changed_at: datetime | None) -> bytes:
    """Replace guid and date of the placeholder notice by the subscriber's; the notice stays the first item.

    Args:
        feed: rendered with `placeholder_notice(item)`.
        changed_at: time of the last change of the episodes.
    """
    built_at = max(item.published_at, changed_at or item.published_at)
    for name, at in zip(DATED_ELEMENTS, (built_at, item.published_at), strict=True):
        feed = _replace_first(
            feed, f"<{name}>{format_datetime(PLACEHOLDER_DATE)}<", f"<{name}>{format_datetime(at)}<"
        )
    return _replace_first(feed, f">{PLACEHOLDER_GUID}</guid>", f">{item.guid}</guid>")


def _replace_first(feed: bytes, old: str, new: str) -> bytes:
    """Replace the first occurrence, which is our placeholder: text before the first item contains no tags."""
    return feed.replace(old.encode(), new.encode(), 1)


def private_feed_url(show: Show) -> str:
    """Return the address of the private feed."""
    return _address(show, "feed.xml")


def private_audio_url(show: Show, episode: Episode, key: str) -> str:
    """Return the private address of a subscriber-only episode's audio; its extension is the key's."""
    return _address(show, f"audio/{episode.id}.{xml_safe(key).rpartition('.')[2]}")


def private_chapters_url(show: Show, episode: Episode) -> str:
    """Return the private address of a subscriber-only episode's chapters."""
    return _address(show, f"chapters/{episode.id}.json")


def private_transcript_url(show: Show, episode: Episode, form: CaptionFormat, key: str) -> str:
    """Return the private address of one transcript file; `v` is the hash16 in its key."""
    return _address(show, f"transcripts/{episode.id}.{form}?v={xml_safe(key).split('.')[-2]}")


def episode_link(show: Show, episode: Episode, token: str) -> str:
    """Return a subscriber's address that opens the words of one episode in a browser, without sign-in.

    Args:
        token: of this subscriber and this episode.
    """
    return f"{xml_safe(show.site_url)}/r/{token}/{episode.id}"


def _address(show: Show, path: str) -> str:
    return f"{xml_safe(show.site_url)}/feeds/{TOKEN_PLACEHOLDER}/{path}"
