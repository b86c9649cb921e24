"""Text as a feed may carry it."""

import re

TOKEN_PLACEHOLDER = "podcastpipelines.tokenofthesubscriberwhoreadsthis"  # noqa: S105  a token's form, nobody's token
"""Stands in a private feed where `personalize` puts a subscriber's token."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DURATION = re.compile(r"\d{1,9}(\.\d{1,9})?|\d{1,6}(:\d{1,2}){1,2}(\.\d{1,9})?")
_WHITE = re.compile(r"[ \t\r\n]+")


def xml_safe(text: str) -> str:
    """Return text without the characters that XML 1.0 forbids and without the token's placeholder.

    A note of an imported feed could otherwise ask for the token of whoever reads it.

    Source: XML 1.0, section 2.2, production Char.
    """
    # "-" is in no token, so what stands around it cannot join into the placeholder again.
    lawful = text if text.isprintable() else _ILLEGAL.sub("", text)  # most is, and that is soon known
    return lawful.replace(TOKEN_PLACEHOLDER, "-")


def single_line(text: str) -> str:
    """Return legal text on one line, without spaces around it."""
    return _WHITE.sub(" ", xml_safe(text)).strip()


def shorten(text: str, size_bytes: int) -> str:
    """Return text, cut at a space to at most this many bytes of UTF-8; an ellipsis says where."""
    encoded = text.encode()
    if len(encoded) <= size_bytes:
        return text
    room = encoded[: size_bytes - len("…".encode())].decode(errors="ignore")
    return (room.rsplit(None, 1)[0] if " " in room else room) + "…"


def parse_duration(duration: str) -> float | None:
    """Read an itunes:duration: seconds, MM:SS or HH:MM:SS; None where it is none of these."""
    if not _DURATION.fullmatch(duration.strip()):
        return None
    seconds = 0.0
    for part in duration.strip().split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
