"""Rules T1 to T5 and T7: a fetched transcript file."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from typing import Any

from podcast_pipeline.feed.conformance.finding import FeedFinding, Severity

VTT_LINE_CHARACTERS = 65
SRT_LINE_CHARACTERS = 32
SRT_LINES = 2
TOLERANCE_S = 1.0  # the last word may end with the last frame, and feeds round durations

_STAMP = r"(?:(\d{1,3}):)?([0-5]\d):([0-5]\d)[.,](\d{3})"
_CUE = re.compile(rf"[ \t]*{_STAMP}[ \t]*-->[ \t]*{_STAMP}(?:[ \t].*)?")
_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADERS = ("WEBVTT", "NOTE", "STYLE", "REGION")
_SRT_CUE = re.compile(r"\d{2,3}:[0-5]\d:[0-5]\d,\d{3} --> \d{2,3}:[0-5]\d:[0-5]\d,\d{3}")
_TAG = re.compile(r"<[^<>]*>")  # excluding < as well avoids quadratic time on a line of <<<<

ParsedCue = tuple[float, float, list[tuple[int, str]]]
"""Start and end in seconds, and the lines of text with their numbers in the file."""


def check_transcript(data: bytes, mime: str, *, duration_s: float | None = None) -> tuple[FeedFinding, ...]:
    """Return the findings of a transcript file; `line` counts in that file.

    Args:
        data: the fetched body.
        mime: the type stated in the feed.
        duration_s: of the audio; None if unknown.
    """
    rule, check = CHECKS.get(mime, ("T1", _text))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return (_finding(rule, 1, "the file is not UTF-8", "write it in UTF-8"),)
    if rule != "T5" and text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        fix = "the address returns a web page, maybe an error page; correct the address"
        return (_finding(rule, 1, "the file is a web page", fix),)
    return tuple(check(text, duration_s))


def _vtt(text: str, duration_s: float | None) -> Iterator[FeedFinding]:
    """T2: WebVTT is valid for every parser, with lines of at most 65 characters."""
    lines = _LINE_END.split(text)
    if not lines or not re.fullmatch(r"WEBVTT([ \t].*)?", lines[0]):
        yield _finding("T2", 1, "the file does not begin with WEBVTT", "write WEBVTT on the first line")
        return
    cues = list(_parse_cues(lines))
    yield from _check_times([(start, end) for start, end, _ in cues], duration_s)
    yield from _text_outside_cues(lines, "T2")
    for number, line in enumerate(lines, start=1):
        if _CUE.fullmatch(line) and "," in line[:40]:
            yield _finding("T2", number, "a time that is invalid in VTT", "write 00:01.000 --> 00:02.000")
    for number, line in chain.from_iterable(text_lines for _, _, text_lines in cues):
        if "-->" in line:
            yield _finding("T2", number, "--> in the text", "write --&gt;")
        if len(_TAG.sub("", line)) > VTT_LINE_CHARACTERS:
            yield _long_line(number, "T2", VTT_LINE_CHARACTERS)


def _srt(text: str, duration_s: float | None) -> Iterator[FeedFinding]:
    """T3: SubRip is valid for every parser, with cues of at most 2 lines of 32 characters."""
    lines = _LINE_END.split(text)
    cues = list(_parse_cues(lines))
    yield from _check_times([(start, end) for start, end, _ in cues], duration_s)
    yield from _text_outside_cues(lines, "T3")
    for number, line in enumerate(lines, start=1):
        if _CUE.fullmatch(line) and not _SRT_CUE.fullmatch(line.strip()):
            fix = "write 00:00:01,000 --> 00:00:02,000"
            yield _finding("T3", number, "a time that is invalid in SRT", fix)
    for _, _, text_lines in cues:
        if len(text_lines) > SRT_LINES:
            message = f"a cue of {len(text_lines)} lines"
            yield _finding("T3", text_lines[0][0], message, f"write at most {SRT_LINES} lines", "warning")
        yield from (
            _long_line(n, "T3", SRT_LINE_CHARACTERS)
            for n, line in text_lines
            if len(line) > SRT_LINE_CHARACTERS
        )


def _json(text: str, duration_s: float | None) -> Iterator[FeedFinding]:
    """T4: JSON is in the namespace's format: a version, and segments with times and text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        yield _finding(
            "T4", 1, f"not JSON: {problem}", "write the JSON transcript of the Podcasting 2.0 namespace"
        )
        return
    segments = document.get("segments") if isinstance(document, dict) else None
    if not isinstance(segments, list) or document.get("version") != "1.0.0":
        yield _finding(
            "T4", 1, "no version 1.0.0, or no list of segments", 'write {"version": "1.0.0", "segments": […]}'
        )
        return
    for segment in segments:
        if not _is_segment(segment):
            yield _finding(
                "T4", None, f"an invalid segment: {str(segment)[:60]}", "write startTime, endTime and body"
            )
            return
    yield from _check_times([(float(s["startTime"]), float(s["endTime"])) for s in segments], duration_s)


def _is_segment(segment: Any) -> bool:
    if not isinstance(segment, dict) or not isinstance(segment.get("body"), str):
        return False
    times = segment.get("startTime"), segment.get("endTime")
    return all(isinstance(at, int | float) and not isinstance(at, bool) and abs(at) < 1e9 for at in times)


def _html(text: str, duration_s: float | None) -> Iterator[FeedFinding]:  # noqa: ARG001  one shape for all kinds
    """T5: HTML has its text in paragraphs."""
    if "<p" not in text:
        yield _finding("T5", 1, "HTML without paragraphs", "write <cite>, <time> and <p>")


def _text(text: str, duration_s: float | None) -> Iterator[FeedFinding]:  # noqa: ARG001  one shape for all kinds
    """T1: plain text is not empty."""
    if not text.strip():
        yield _finding("T1", 1, "the transcript is empty", "write the text")


CHECKS: dict[str, tuple[str, Callable[[str, float | None], Iterator[FeedFinding]]]] = {
    "text/vtt": ("T2", _vtt),
    "application/x-subrip": ("T3", _srt),
    "application/json": ("T4", _json),
    "text/html": ("T5", _html),
    "text/plain": ("T1", _text),
}


def _parse_cues(lines: list[str]) -> Iterator[ParsedCue]:
    """Yield the cues of VTT or SRT: a line of times, and the text until a blank line."""
    number = 0
    while number < len(lines):
        match = _CUE.fullmatch(lines[number])
        number += 1
        if not match:
            continue
        text = []
        while number < len(lines) and lines[number].strip():
            text.append((number + 1, lines[number]))
            number += 1
        yield _seconds(match.groups()[:4]), _seconds(match.groups()[4:]), text


def _text_outside_cues(lines: list[str], rule: str) -> Iterator[FeedFinding]:
    """Find a block of text outside of cues, the sign of a blank line inside a cue."""
    for number, line in enumerate(lines):
        begins = line.strip() and (number == 0 or not lines[number - 1].strip())
        if (
            begins
            and not line.startswith(_HEADERS)
            and not any(map(_CUE.fullmatch, lines[number : number + 2]))
        ):
            yield _finding(
                rule, number + 1, "text outside of a cue", "remove the blank lines inside the cues"
            )


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in parts)
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _check_times(times: list[tuple[float, float]], duration_s: float | None) -> Iterator[FeedFinding]:
    """T7: cues are in order and inside the audio.

    Yields at most one finding of each kind.
    """
    if not times:
        yield _finding("T7", None, "the transcript has no cues", "write cues with times")
        return
    if any(end < start for start, end in times):
        yield _finding("T7", None, "a cue ends before it starts", "correct its times")
    if any(later[0] < earlier[0] for earlier, later in pairwise(times)):
        yield _finding("T7", None, "the cues are not in order of their times", "sort them")
    last = max(end for _, end in times)
    if duration_s is not None and last > duration_s + TOLERANCE_S:
        message = f"the transcript ends at {last:.1f} s, the audio at {duration_s:.1f} s"
        yield _finding("T7", None, message, "publish the transcript that belongs to this audio")


def _long_line(number: int, rule: str, limit: int) -> FeedFinding:
    return _finding(rule, number, f"a line of over {limit} characters", "break the line", "warning")


def _finding(
    rule: str, line: int | None, message: str, fix: str, severity: Severity = "error"
) -> FeedFinding:
    return FeedFinding(rule, severity, line, message, fix)
