"""Addresses behind a subscriber's token, and the token's way into a rendered feed.

A private feed is rendered once for everybody, with TOKEN_PLACEHOLDER where a token belongs.
"""

import re

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.text import TOKEN_PLACEHOLDER, legal
from podcast_pipeline.model import CaptionFormat, Episode, Show

TOKEN = re.compile(r"[a-z2-7]{16}\.[a-z2-7]{32}")


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
