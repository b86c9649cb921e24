"""Lines of a SubRip or WebVTT file. Its times are those of cues, not of words: the audio has better ones.

Source: W3C WebVTT, sections 4 and 6; SubRip has no specification.
"""

import re
from collections.abc import Iterator
from html import unescape

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.transcript.typed.lines import TypedLine

TIMES = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}.*")
BREAK = re.compile(r"\r\n|[\n\r]")
VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t](?P<name>[^<>]*))?>")
MOST_REPEATED = 3  # lines of a cue that rolls up
TAG = re.compile(r"</?[A-Za-z0-9][^<>]*>|\{\\[^{}]*\}")


def subtitle_lines(text: str, name: str) -> list[TypedLine]:
    """Return the lines of all cues; a line that a cue repeats from the one before stands once.

    Args:
        name: of the file, for a message.

    Raises:
        CaptionError: the file has no cue.
    """
    lines: list[TypedLine] = []
    before: list[TypedLine] = []
    cues = list(_cues(BREAK.split(text)))
    if not cues:
        raise CaptionError(name, "has no caption with a time; is it the right file?")
    for cue in cues:
        found = [line for raw in cue for line in _lines(raw)]
        repeated = next(
            (n for n in range(min(len(found), MOST_REPEATED), 0, -1) if before[-n:] == found[:n]), 0
        )
        lines.extend(found[repeated:] if repeated < len(found) or len(before) > 1 else found)
        before = found
    return lines


def _cues(lines: list[str]) -> Iterator[list[str]]:
    """Yield the text of each cue; notes, styles, numbers and names of cues are none."""
    cue: list[str] | None = None
    for line in lines:
        if TIMES.fullmatch(line):
            if cue:
                yield _without_number(cue)
            cue = []
        elif cue is not None and line.strip():
            cue.append(line)
        elif cue is not None:
            yield cue
            cue = None
    if cue:
        yield cue


def _without_number(cue: list[str]) -> list[str]:
    """Return a cue that no empty line ended, without the number of the next one."""
    return cue[:-1] if cue[-1].strip().isdecimal() else cue


def _lines(raw: str) -> Iterator[TypedLine]:
    """Yield a line of a cue, once for each voice."""
    at, name = 0, None
    for voice in VOICE.finditer(raw):
        yield from _line(raw[at : voice.start()], name)
        at, name = voice.end(), unescape(voice["name"] or "").strip()
    yield from _line(raw[at:], name)


def _line(raw: str, name: str | None) -> Iterator[TypedLine]:
    text = " ".join(unescape(TAG.sub("", raw)).split())
    if text:
        yield TypedLine(text, name=name or None, is_caption=True)
