"""Two texts in one: where they differ both stand between the markers that git writes. Pure."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from podcast_pipeline.errors import EpisodeError

OURS, MIDDLE, THEIRS = "<<<<<<< here", "=======", ">>>>>>> published"
MARKER = re.compile(r"(<{7}|>{7})( .*)?", re.MULTILINE)
"""A line that no text has by itself; seven equals signs underline a heading of Markdown."""


def mark_conflicts(ours: str, theirs: str) -> str:
    """Return the lines of both texts once, and where they differ those of both between markers."""
    return "".join(_merged(_lines(ours), _lines(theirs)))


def marker_line(text: str) -> int | None:
    """Return the number of the first line with a marker, from 1; None without one."""
    lines = text.splitlines()
    return next(
        (number for number, line in enumerate(lines, start=1) if MARKER.fullmatch(line.rstrip())), None
    )


def check_markers(text: str, path: Path, slug: str) -> None:
    """Raise EpisodeError, with the line, where a text has a marker."""
    if line := marker_line(text):
        raise EpisodeError(
            slug, f"{path} line {line}: unresolved conflict; keep one side and delete the lines with markers"
        )


def _lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.splitlines()]


def _merged(ours: list[str], theirs: list[str]) -> Iterator[str]:
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            yield from ours[i1:i2]
        else:
            yield from (f"{OURS}\n", *ours[i1:i2], f"{MIDDLE}\n", *theirs[j1:j2], f"{THEIRS}\n")
