"""Rule F15: what is in a chapters file that was fetched."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from podcast_pipeline.feed.conformance.finding import FeedFinding

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def check_chapters(data: bytes, *, duration_s: float | None = None) -> tuple[FeedFinding, ...]:
    """F15: chapters in the namespace's JSON, in order and inside the audio.

    Args:
        data: the body that was fetched.
        duration_s: of the audio, where it is known.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as problem:
        return (_find(f"the chapters are not JSON: {problem}", "write the namespace's JSON chapters"),)
    chapters = document.get("chapters") if isinstance(document, dict) else None
    if not isinstance(chapters, list) or document.get("version") not in VERSIONS:
        return (_find("no version with chapters", 'write {"version": "1.2.0", "chapters": […]}'),)
    if not all(_has_start(chapter) for chapter in chapters):
        return (_find("a chapter without startTime", "write startTime in seconds"),)
    return tuple(_order([float(chapter["startTime"]) for chapter in chapters], duration_s))


def _has_start(chapter: Any) -> bool:
    start = chapter.get("startTime") if isinstance(chapter, dict) else None
    return isinstance(start, int | float) and not isinstance(start, bool) and 0 <= start < 1e9


def _order(starts: list[float], duration_s: float | None) -> Iterator[FeedFinding]:
    if any(later <= earlier for earlier, later in pairwise(starts)):
        yield _find("the chapters are not in order of time", "sort them by startTime, each once")
    if duration_s is not None and any(start > duration_s for start in starts):
        yield _find("a chapter starts after the end of the audio", "correct its startTime")


def _find(message: str, fix: str) -> FeedFinding:
    return FeedFinding("F15", "error", None, message, fix)
