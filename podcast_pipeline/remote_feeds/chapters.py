"""Chapters files of another host: read before they are stored, and without what could run a script."""

import json
from typing import Any

from pydantic import ValidationError

from podcast_pipeline.errors import RemoteFileUnusable
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.feed.untrusted.harmless import could_run, is_address_name
from podcast_pipeline.model import Chapter


def harmless_chapters(data: bytes) -> bytes:
    """Return a chapters file as it came, or written anew without addresses that are not of the web.

    Raises:
        RemoteFileUnusable: it is not JSON chapters, each with a time.
    """
    document = _parse(data)
    try:
        harmless = _harmless(document)
        return data if harmless == document else json.dumps(harmless, indent=1).encode()
    except RecursionError as error:
        raise RemoteFileUnusable("", "is nested too deeply for chapters") from error


def read_chapters(data: bytes) -> tuple[Chapter, ...]:
    """Read a chapters file for our pages, those with a title; none where the file is not JSON chapters."""
    try:
        chapters = _parse(data)["chapters"]
        return tuple(
            Chapter(
                start_s=one["startTime"], title=one["title"], url=one.get("url"), toc=one.get("toc", True)
            )
            for one in chapters
            if one.get("title")
        )
    except (RemoteFileUnusable, ValidationError):
        return ()


def _parse(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RemoteFileUnusable("", "is not JSON, so it holds no chapters") from error
    chapters = document.get("chapters") if isinstance(document, dict) else None
    if not isinstance(chapters, list) or not all(map(_has_time, chapters)):
        raise RemoteFileUnusable("", "is JSON, but holds no chapters with times")
    return dict(document)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _has_time(chapter: object) -> bool:
    start = chapter.get("startTime") if isinstance(chapter, dict) else None
    return isinstance(start, int | float) and not isinstance(start, bool) and 0 <= start < 1e9


def _harmless(value: Any) -> Any:
    """Return a value of JSON without members whose address could run a script."""
    if isinstance(value, dict):
        members = ((name, member) for name, member in value.items() if _is_harmless(name, member))
        return {name: _harmless(member) for name, member in members}
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return value


def _is_harmless(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return True
    return web_address(value) is not None if is_address_name(name) else not could_run(value)
