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
from podcast_pipeline.feed.notice import Notice
from podcast_pipeline.feed.text import TOKEN_PLACEHOLDER, legal
from podcast_pipeline.model import CaptionFormat, Episode, Show

NOBODY = UUID(int=2**128 - 1)
END_OF_DAYS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
DATED_ELEMENTS = ("lastBuildDate", "pubDate")

TOKEN = re.compile(r"[a-z2-7]{16}\.[a-z2-7]{32}")


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
    notice: Notice | None
    changed_at: datetime | None

    @property
    def size_bytes(self) -> int:
        """How long `to_bytes` is: a notice and a token are as long as what stands for them."""
        return len(self.shared)

    def etag(self, token: str) -> str:
        """Return what names the bytes of `to_bytes`: everything that they are made of."""
        item = self.notice
        parts = (self.shared_sha256, token, item and item.guid, item and item.at, item and self.changed_at)
        return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:32]

    def addressed(self) -> bytes:
        """Return the feed with its own notice, still without a token."""
        if self.notice is None:
            return self.shared
        return address_notice(self.shared, self.notice, changed_at=self.changed_at)

    def to_bytes(self, token: str) -> bytes:
        """Return the subscriber's feed."""
        return personalize(self.addressed(), token)


def personalize(feed: bytes, token: str) -> bytes:
    """Put a subscriber's token into a finished private feed; the length stays the same.

    Raises:
        FeedError: not a token by its form.
    """
    if not TOKEN.fullmatch(token):
        raise FeedError(
            "private feed", "this is not a feed token; make one with `podcast subscribers rotate`"
        )
    return feed.replace(TOKEN_PLACEHOLDER.encode(), token.encode())


def unaddressed(item: Notice) -> Notice:
    """Return the notice of nobody with these words: it renders as the first item, and can be addressed."""
    return replace(item, guid=NOBODY, at=END_OF_DAYS)


def address_notice(feed: bytes, item: Notice, *, changed_at: datetime | None) -> bytes:
    """Make the notice of nobody in a rendered feed somebody's; it stays the first item.

    Args:
        feed: rendered with `unaddressed(item)`.
        changed_at: when the episodes changed last.
    """
    built_at = max(item.at, changed_at or item.at)
    for name, at in zip(DATED_ELEMENTS, (built_at, item.at), strict=True):
        feed = _put(feed, f"<{name}>{format_datetime(END_OF_DAYS)}<", f"<{name}>{format_datetime(at)}<")
    return _put(feed, f">{NOBODY}</guid>", f">{item.guid}</guid>")


def _put(feed: bytes, old: str, new: str) -> bytes:
    """Replace the first, which is ours: no text before the first item can have a tag in it."""
    return feed.replace(old.encode(), new.encode(), 1)


def feed_address(show: Show) -> str:
    """Return the address of the private feed."""
    return _address(show, "feed.xml")


def audio_address(show: Show, episode: Episode, key: str) -> str:
    """Return the private address of a subscriber-only episode's audio; its ending is the key's."""
    return _address(show, f"audio/{episode.id}.{legal(key).rpartition('.')[2]}")


def chapters_address(show: Show, episode: Episode) -> str:
    """Return the private address of a subscriber-only episode's chapters."""
    return _address(show, f"chapters/{episode.id}.json")


def transcript_address(show: Show, episode: Episode, form: CaptionFormat, key: str) -> str:
    """Return the private address of one transcript file; `v` is the hash16 in its key."""
    return _address(show, f"transcripts/{episode.id}.{form}?v={legal(key).split('.')[-2]}")


def _address(show: Show, path: str) -> str:
    return f"{legal(show.site_url)}/feeds/{TOKEN_PLACEHOLDER}/{path}"
