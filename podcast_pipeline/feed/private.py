"""Addresses behind a subscriber's token, and how what is one subscriber's gets into a rendered feed.

A private feed is rendered once for everybody, with TOKEN_PLACEHOLDER where a token belongs; one with a
notice once for everybody of a standing, with the notice of nobody, at the end of days, as its first item.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import UUID

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.notice import NoticeItem
from podcast_pipeline.feed.text import TOKEN_PLACEHOLDER, xml_safe
from podcast_pipeline.model import CaptionFormat, Episode, Show

PLACEHOLDER_GUID = UUID(int=2**128 - 1)
PLACEHOLDER_DATE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
DATED_ELEMENTS = ("lastBuildDate", "pubDate")

TOKEN_PATTERN = re.compile(r"[a-z2-7]{16}\.[a-z2-7]{32}")


@dataclass(frozen=True)
class PrivateFeed:
    """A subscriber's feed before it is put together: most polls are a 304, which needs no byte of it.

    Attributes:
        shared: rendered for all who get the same, with `unaddressed(notice)` where there is a notice.
        shared_sha256: of these bytes.
        changed_at: when the episodes changed last.
    """

    shared: bytes
    shared_sha256: str
    notice: NoticeItem | None
    changed_at: datetime | None

    @property
    def size_bytes(self) -> int:
        """How long `to_bytes` is: a notice and a token are as long as what stands for them."""
        return len(self.shared)

    def etag(self, token: str) -> str:
        """Return what names the bytes of `to_bytes`: everything that they are made of."""
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
        """Return the feed with its own notice, still without a token."""
        if self.notice is None:
            return self.shared
        return personalize_notice(self.shared, self.notice, changed_at=self.changed_at)

    def to_bytes(self, token: str) -> bytes:
        """Return the subscriber's feed."""
        return personalize(self.with_notice(), token)


def personalize(feed: bytes, token: str) -> bytes:
    """Put a subscriber's token into a finished private feed; the length stays the same.

    Raises:
        FeedError: not a token by its form.
    """
    if not TOKEN_PATTERN.fullmatch(token):
        raise FeedError(
            "private feed", "this is not a feed token; make one with `podcast subscribers rotate`"
        )
    return feed.replace(TOKEN_PLACEHOLDER.encode(), token.encode())


def placeholder_notice(item: NoticeItem) -> NoticeItem:
    """Return the notice of nobody with these words: it renders as the first item, and can be addressed."""
    return replace(item, guid=PLACEHOLDER_GUID, published_at=PLACEHOLDER_DATE)


def personalize_notice(feed: bytes, item: NoticeItem, *, changed_at: datetime | None) -> bytes:
    """Make the notice of nobody in a rendered feed somebody's; it stays the first item.

    Args:
        feed: rendered with `unaddressed(item)`.
        changed_at: when the episodes changed last.
    """
    built_at = max(item.published_at, changed_at or item.published_at)
    for name, at in zip(DATED_ELEMENTS, (built_at, item.published_at), strict=True):
        feed = _put(feed, f"<{name}>{format_datetime(PLACEHOLDER_DATE)}<", f"<{name}>{format_datetime(at)}<")
    return _put(feed, f">{PLACEHOLDER_GUID}</guid>", f">{item.guid}</guid>")


def _put(feed: bytes, old: str, new: str) -> bytes:
    """Replace the first, which is ours: no text before the first item can have a tag in it."""
    return feed.replace(old.encode(), new.encode(), 1)


def private_feed_url(show: Show) -> str:
    """Return the address of the private feed."""
    return _address(show, "feed.xml")


def private_audio_url(show: Show, episode: Episode, key: str) -> str:
    """Return the private address of a subscriber-only episode's audio; its ending is the key's."""
    return _address(show, f"audio/{episode.id}.{xml_safe(key).rpartition('.')[2]}")


def private_chapters_url(show: Show, episode: Episode) -> str:
    """Return the private address of a subscriber-only episode's chapters."""
    return _address(show, f"chapters/{episode.id}.json")


def private_transcript_url(show: Show, episode: Episode, form: CaptionFormat, key: str) -> str:
    """Return the private address of one transcript file; `v` is the hash16 in its key."""
    return _address(show, f"transcripts/{episode.id}.{form}?v={xml_safe(key).split('.')[-2]}")


def _address(show: Show, path: str) -> str:
    return f"{xml_safe(show.site_url)}/feeds/{TOKEN_PLACEHOLDER}/{path}"
