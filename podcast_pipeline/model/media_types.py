"""The types of the objects that we make public; a type of another host is never taken over."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from podcast_pipeline.model.audio import CHAPTERS_TYPE, Enclosure

AUDIO_TYPES = {
    ".mp3": ("audio/mpeg",),
    ".m4a": ("audio/m4a", "audio/x-m4a", "audio/mp4"),
    ".m4v": ("video/x-m4v", "video/m4v", "video/mp4"),
    ".mp4": ("video/mp4", "audio/mp4"),
    ".opus": ("audio/opus", "audio/ogg"),
    ".ogg": ("audio/ogg",),
    ".aac": ("audio/aac",),
    ".flac": ("audio/flac",),
    ".wav": ("audio/wav",),
    ".webm": ("audio/webm", "video/webm"),
    ".mkv": ("video/x-matroska", "audio/x-matroska"),
}
"""Suffix of an audio file -> its types, the usual one first."""

PICTURE_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}

PUBLIC_TYPES = {
    **AUDIO_TYPES,
    **{suffix: (mime,) for suffix, mime in PICTURE_TYPES.items()},
    ".json": (CHAPTERS_TYPE, "application/json"),
    ".xml": ("application/rss+xml",),
    ".vtt": ("text/vtt",),
    ".srt": ("application/x-subrip",),
    ".txt": ("text/plain",),
}
"""Suffix of a key under `public/` -> the types that its object may have."""

UNSTATED_TYPES = ("", "application/octet-stream", "binary/octet-stream", "application/ogg")
"""Types by which a host says no more than that there is a file."""

_KNOWN = {mime for types in AUDIO_TYPES.values() for mime in types}
_MEDIA = re.compile(r"(audio|video)/.+", re.DOTALL)
_USUAL = {"audio": "audio/mpeg", "video": "video/mp4"}


def is_public_type(key: str, content_type: str) -> bool:
    """Tell whether an object under `public/` has a type that we make."""
    return _essence(content_type) in PUBLIC_TYPES.get(PurePosixPath(key).suffix, ())


def media_type(name: str, stated: str) -> str | None:
    """Return the type of an audio file by its name and the type that a feed states, from AUDIO_TYPES.

    Args:
        name: a key, or an address.

    Returns:
        None if neither the name nor the type is that of an audio file.
    """
    mime, allowed = _essence(stated), AUDIO_TYPES.get(_suffix(name))
    if allowed is not None:
        return mime if mime in allowed else allowed[0]
    if mime in _KNOWN:
        return mime
    media = _MEDIA.fullmatch(mime)
    if media is not None:
        return _USUAL[media[1]]
    return "audio/mpeg" if mime in UNSTATED_TYPES else None


def enclosure_type(enclosure: Enclosure) -> str | None:
    """Return the type of an enclosure for a feed; None if its file is no audio.

    A file of ours was stored with its type, whatever its name: an earlier release took over types of feeds.
    """
    if enclosure.key is None:
        return media_type(enclosure.external_url or "", enclosure.type)
    is_media = _MEDIA.fullmatch(_essence(enclosure.type)) or _essence(enclosure.type) in UNSTATED_TYPES
    return media_type(enclosure.key, enclosure.type) if is_media else None


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _suffix(name: str) -> str:
    try:
        return PurePosixPath(urlsplit(name).path).suffix.lower()
    except ValueError:
        return ""
