"""Lines of a SubRip or WebVTT file. Its times are those of cues, not of words: the audio has better ones.

Source: W3C WebVTT, sections 4 and 6; SubRip has no specification.
"""

import re
from collections.abc import Iterator
from html import unescape
from itertools import groupby, pairwise

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.transcript.typed.lines import TypedLine

TIMES = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}.*")
NOT_A_CUE = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
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
    cues = list(filter(None, _cues(BREAK.split(text))))
    if not cues:
        raise CaptionError(name, "has no caption with a time; is it the right file?")
    found = [[line for raw in cue for line in _lines(raw)] for cue in cues]
    repeated = [_repeated(*pair) for pair in pairwise([[], *found])]
    rolls_up = 2 * sum(map(bool, repeated)) > len(found)
    for before, cue, count in zip([[], *found], found, repeated, strict=False):
        is_new = count == len(cue) and len(before) == 1 and not rolls_up  # somebody says the same again
        lines.extend(cue if is_new else cue[count:])
    return lines


def _repeated(before: list[TypedLine], cue: list[TypedLine]) -> int:
    """Return how many lines a cue repeats from the end of the one before."""
    return next((n for n in range(min(len(cue), MOST_REPEATED), 0, -1) if before[-n:] == cue[:n]), 0)


def _cues(lines: list[str]) -> Iterator[list[str]]:
    """Yield the text of each cue, some of them empty; notes, styles, numbers and names of cues are none.

    An empty line within a cue, which WebVTT forbids, ends its display and not its text.
    """
    cue: list[str] | None = None
    for block in _blocks(lines):
        times = [place for place, line in enumerate(block) if TIMES.fullmatch(line)]
        if NOT_A_CUE.fullmatch(block[0]):
            yield cue or []
            cue = None
        elif cue is not None and not _is_number(block):
            cue.extend(block[: max(times[0] - 1, 0)] if times else block)
        for place, following in pairwise([*times, len(block) + 1]):
            yield cue or []
            cue = block[place + 1 : following]
            cue = _without_number(cue) if cue and following < len(block) else cue
    yield cue or []


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield the lines between empty ones."""
    for is_text, block in groupby(lines, key=lambda line: bool(line.strip())):
        if is_text:
            yield list(block)


def _is_number(block: list[str]) -> bool:
    return len(block) == 1 and block[0].strip().isdecimal()


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
