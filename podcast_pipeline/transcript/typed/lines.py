"""A line of a typed transcript, as every file format gives it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex

from podcast_pipeline.model import CONTROL_CHARACTERS
from podcast_pipeline.transcript.typed.not_words import has_page_number, is_page_number

UNREADABLE = re.compile(rf"(?:\s|{CONTROL_CHARACTERS.pattern})+")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
"""Characters that turn the direction of what follows, and those that are none."""
MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
"""More marks on a letter than any language has; thousands make Unicode's composition very slow (UAX 15)."""


@dataclass(frozen=True)
class TypedLine:
    """A line or paragraph of a file.

    Attributes:
        text: without line breaks; empty between two paragraphs.
        name: of the speaker, where the format itself states it: a voice span, a cell of a table.
        bold: the bold characters that the text begins with.
        is_heading: whether the format says that it is a heading.
        begins_page: whether it is the first line of a page.
        is_page_header: whether it is a page's number, or the head beside it; see `mark_page_headers`.
        is_note: whether it stands beside the words of a table and is none of them.
        is_caption: whether it is a part of speech for sure, where its breaks mean nothing.
    """

    text: str
    name: str | None = None
    bold: str = ""
    is_heading: bool = False
    begins_page: bool = False
    is_page_header: bool = False
    is_note: bool = False
    is_caption: bool = False


def readable_line(line: TypedLine) -> TypedLine:
    """Return a line with single spaces, and without what steers a terminal or turns text around."""
    name = None if line.name is None else _readable(line.name)
    return replace(line, text=_readable(line.text), name=name, bold=_readable(line.bold))


def _readable(text: str) -> str:
    spaced = UNREADABLE.sub(lambda found: "\t" if "\t" in found[0] else " ", TURNING.sub("", text))
    return MARKS.sub(r"\1", spaced)


def mark_page_headers(lines: Sequence[TypedLine]) -> list[TypedLine]:
    """Return the lines with the numbers of pages marked, and the heads that are repeated beside them."""
    filled = [i for i, line in enumerate(lines) if line.text.strip()]
    numbers = {i for i in filled if is_page_number(lines[i].text)}
    if len(numbers) == 1:
        numbers = {i for i in numbers if has_page_number(lines[i].text)}
    edges = {
        i
        for place, i in enumerate(filled)
        if has_page_number(lines[i].text)
        or lines[i].begins_page
        or numbers.intersection(filled[max(place - 1, 0) : place + 2])
    }
    heads = Counter(_head(lines[i].text) for i in edges)
    headers = numbers | {i for i in edges if heads[_head(lines[i].text)] > 1 and _is_head(lines[i].text)}
    return [replace(line, is_page_header=i in headers) for i, line in enumerate(lines)]


def _head(text: str) -> str:
    """Return a line with every digit alike: heads differ in the number of the page."""
    return "".join("#" if c.isdigit() else c for c in text.strip())


def _is_head(text: str) -> bool:
    return len(text) <= 100 and text.strip()[-1] not in ".?!…。？！"
