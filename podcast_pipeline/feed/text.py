"""Make text safe for a feed."""

import re

from podcast_pipeline.model import ILLEGAL_IN_XML

TOKEN_PLACEHOLDER = "podcastpipelines.tokenofthesubscriberwhoreadsthis"  # noqa: S105  has the form of a token, is no token
"""Stands for the subscriber's token in a private feed, until `personalize`."""

EPISODE_TOKEN_PLACEHOLDER = "podcastpipelines.episodelinkofthesubscriberreader"  # noqa: S105  as above
"""Stands for the token of the subscriber's one-episode link, until `personalize`."""

PLACEHOLDERS = (TOKEN_PLACEHOLDER, EPISODE_TOKEN_PLACEHOLDER)

_DURATION = re.compile(r"\d{1,9}(\.\d{1,9})?|\d{1,6}(:\d{1,2}){1,2}(\.\d{1,9})?")
_WHITE = re.compile(r"[ \t\r\n]+")


def xml_safe(text: str) -> str:
    """Return text without the characters that XML 1.0 forbids and without PLACEHOLDERS.

    Notes of an imported feed that contain a placeholder could otherwise leak a subscriber's token.

    Source: XML 1.0, section 2.2, production Char.
    """
    # No token contains "-", so the text around it cannot form a placeholder again.
    legal = (
        text if text.isprintable() else ILLEGAL_IN_XML.sub("", text)
    )  # isprintable is fast, and mostly true
    for placeholder in PLACEHOLDERS:
        legal = legal.replace(placeholder, "-")
    return legal


def single_line(text: str) -> str:
    """Return XML-safe text on one line, stripped."""
    return _WHITE.sub(" ", xml_safe(text)).strip()


def shorten(text: str, size_bytes: int) -> str:
    """Return text, cut at a space to at most `size_bytes` bytes of UTF-8, with an ellipsis if it was cut."""
    encoded = text.encode()
    if len(encoded) <= size_bytes:
        return text
    room = encoded[: size_bytes - len("…".encode())].decode(errors="ignore")
    return (room.rsplit(None, 1)[0] if " " in room else room) + "…"


def parse_duration(duration: str) -> float | None:
    """Parse an itunes:duration into seconds, from seconds, MM:SS or HH:MM:SS; None if it is invalid."""
    if not _DURATION.fullmatch(duration.strip()):
        return None
    seconds = 0.0
    for part in duration.strip().split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
