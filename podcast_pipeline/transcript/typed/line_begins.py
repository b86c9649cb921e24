"""What many lines of a file begin with and nobody said: their numbers, and the times of their words.

A number or a time at the begin of one line may be speech ("10:30 was early"); where most lines have one,
and they rise, it is none.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from podcast_pipeline.transcript.typed.lines import TypedLine
from podcast_pipeline.transcript.typed.not_words import CLOCKS

LEAST_LINES = 3
LONGEST_STEP = 3  # a line of a deposition may be empty but for its number

_NUMBER = re.compile(r"(?P<number>\d{1,4})(?:[.)]\s*|\s+|$)")
_TIME = re.compile(
    rf"(?P<label>[^\d:：\[\]()<>\t][^:：\[\]()<>\t]{{0,59}}[:：]\s*)?(?P<times>{CLOCKS})\s+(?=\S)"
)
_TIME_END = re.compile(r"[^\d:.,]")


def without_line_numbers(lines: Sequence[TypedLine]) -> list[TypedLine]:
    """Return the lines without their numbers, where most are numbered; each page may begin with 1 again."""
    found = [None if line.is_caption else _NUMBER.match(line.text) for line in lines]
    numbers = [int(one["number"]) for one in found if one]
    count_up = all(0 < b - a <= LONGEST_STEP or b == 1 for a, b in pairwise(numbers))
    if not count_up or numbers[:1] > [LONGEST_STEP] or not _most(found, lines):
        return list(lines)
    return [
        replace(line, text=line.text[one.end() :], bold=line.bold[one.end() :]) if one else line
        for line, one in zip(lines, found, strict=True)
    ]


def with_marked_times(lines: Sequence[TypedLine]) -> list[TypedLine]:
    """Return the lines, where most have one, with brackets around the time at the begin, or after `Name:`."""
    found = [None if line.is_caption else _TIME.match(line.text) for line in lines]
    times = [_seconds(one["times"]) for one in found if one]
    if times != sorted(times) or not _most(found, lines):
        return list(lines)
    return [_marked(line, one) if one else line for line, one in zip(lines, found, strict=True)]


def _marked(line: TypedLine, found: re.Match[str]) -> TypedLine:
    marked = f"{found['label'] or ''}[{found['times']}] "
    bold = marked + line.bold[found.end() :] if len(line.bold) > found.end() else line.bold
    return replace(line, text=marked + line.text[found.end() :], bold=bold)


def _seconds(times: str) -> tuple[float, ...]:
    """Return a time for comparison; that with more parts is later."""
    first = _TIME_END.split(times)[0].replace(",", ".")
    parts = first.split(":")
    return (len(parts), *map(float, parts))


def _most(found: Sequence[re.Match[str] | None], lines: Sequence[TypedLine]) -> bool:
    """Return whether half of the lines that have text were found, or of those that begin a paragraph."""
    filled = [bool(line.text) for line in lines]
    begins = [has_text and not before for has_text, before in zip(filled, [False, *filled], strict=False)]
    begun = sum(is_begin and one is not None for is_begin, one in zip(begins, found, strict=True))
    count = sum(map(bool, found))
    return count >= LEAST_LINES and (2 * count >= sum(filled) or (begun > 1 and 2 * begun >= sum(begins)))
