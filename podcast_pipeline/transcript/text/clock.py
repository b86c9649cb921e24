"""Seconds as a clock, cut to the whole second: `00:01:05` to edit by, `1:05` to read. Pure."""

import re

CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,3}):)?(\d+(?:\.\d+)?)", re.ASCII)


def format_clock(seconds: float) -> str:
    """Return `00:01:05`."""
    hours, minutes, whole_seconds = _parts(seconds)
    return f"{hours:02}:{minutes:02}:{whole_seconds:02}"


def format_short_clock(seconds: float) -> str:
    """Return `1:02:03`, without hours `2:03`."""
    hours, minutes, whole_seconds = _parts(seconds)
    return f"{hours}:{minutes:02}:{whole_seconds:02}" if hours else f"{minutes}:{whole_seconds:02}"


def parse_clock(text: str) -> float | None:
    """Return the seconds of `12:30.5`, `1:02:03` or `750.5`; None for other text, as `1:75` or `1:60:00`."""
    found = CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    if (found[2] and seconds >= 60) or (found[1] and minutes >= 60):
        return None
    return hours * 3600 + minutes * 60 + seconds


def _parts(seconds: float) -> tuple[int, int, int]:
    minutes, whole_seconds = divmod(int(seconds), 60)
    return *divmod(minutes, 60), whole_seconds
