"""Rule F15: a fetched chapters file."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from podcast_pipeline.feed.conformance.finding import FeedFinding

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def check_chapters(data: bytes, *, duration_s: float | None = None) -> tuple[FeedFinding, ...]:
    """F15: chapters are in the namespace's JSON format, in order and inside the audio.

    Args:
        data: the fetched body.
        duration_s: of the audio; None if unknown.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as problem:
        return (_finding(f"the chapters are not JSON: {problem}", "write the namespace's JSON chapters"),)
    chapters = document.get("chapters") if isinstance(document, dict) else None
    if not isinstance(chapters, list) or document.get("version") not in VERSIONS:
        return (
            _finding(
                "no known version, or no list of chapters", 'write {"version": "1.2.0", "chapters": […]}'
            ),
        )
    if not all(_has_start(chapter) for chapter in chapters):
        return (_finding("a chapter without startTime", "write startTime in seconds"),)
    return tuple(_check_order([float(chapter["startTime"]) for chapter in chapters], duration_s))


def _has_start(chapter: Any) -> bool:
    start = chapter.get("startTime") if isinstance(chapter, dict) else None
    return isinstance(start, int | float) and not isinstance(start, bool) and 0 <= start < 1e9


def _check_order(starts: list[float], duration_s: float | None) -> Iterator[FeedFinding]:
    if any(later <= earlier for earlier, later in pairwise(starts)):
        yield _finding(
            "the chapters are not in order of their times", "sort them by startTime, without duplicates"
        )
    if duration_s is not None and any(start > duration_s for start in starts):
        yield _finding("a chapter starts after the end of the audio", "correct its startTime")


def _finding(message: str, fix: str) -> FeedFinding:
    return FeedFinding("F15", "error", None, message, fix)
