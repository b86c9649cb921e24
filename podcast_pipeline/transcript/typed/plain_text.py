"""Lines of a plain text file."""

import re

from podcast_pipeline.transcript.documents.title_page import without_title_page
from podcast_pipeline.transcript.typed.lines import TypedLine, mark_page_headers
from podcast_pipeline.transcript.typed.not_words import is_direction

HEADING = re.compile(r"#{1,6}\s+\S.*")
UNDERLINE = re.compile(r"={3,}|-{3,}|~{3,}")
BOLD = re.compile(r"(\*\*|__)(?=\S)(?P<bold>.{1,100}?)(?<=\S)\1")
FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"!?\[(?P<text>[^\[\]]{0,200})\]\([^()\s]{1,500}\)")
QUOTE = re.compile(r"^[ \t]*>[ \t]?(?!>)", re.MULTILINE)
EMPHASIS = re.compile(r"(?<![*_\w\\])([*_])(?P<text>[^*_\s](?:[^*_\n]{0,80}[^*_\s])?)\1(?![*_\w])")
ESCAPED = re.compile(r"\\(?:([!-/:-@\[-`{-~])|$)", re.MULTILINE)
BREAK = re.compile(r"\r\n|[\n\r\v\x1c-\x1e\x85\u2028\u2029]")


def text_lines(text: str) -> list[TypedLine]:
    """Return the lines of a plain text; bold and headings as in Markdown."""
    lines: list[TypedLine] = []
    for page, content in enumerate(text.split("\f")):
        for number, raw in enumerate(without_title_page(BREAK.split(content))):
            lines.append(_line(raw.replace("\u00a0", " ").strip(), begins_page=page > 0 and number == 0))
    return mark_page_headers(_with_underlined_headings(_first_lines_of_pages(lines)))


def markdown_lines(text: str) -> list[TypedLine]:
    """Return the lines of a Markdown file, without front matter, comments, quote marks and emphasis."""
    plain = "\n".join(BREAK.split(text.lstrip("\ufeff")))
    bare = COMMENT.sub("", FRONT_MATTER.sub("", plain))
    bare = LINK.sub(r"\g<text>", QUOTE.sub("", bare))
    bare = EMPHASIS.sub(lambda found: found[0] if is_direction(found["text"]) else found["text"], bare)
    return text_lines(ESCAPED.sub(r"\1", bare))


def _line(text: str, *, begins_page: bool) -> TypedLine:
    if HEADING.fullmatch(text):
        return TypedLine(text.lstrip("# "), is_heading=True, begins_page=begins_page)
    found = BOLD.match(text)
    bold = found["bold"] if found else ""
    return TypedLine(BOLD.sub(lambda one: one["bold"], text), bold=bold, begins_page=begins_page)


def _first_lines_of_pages(lines: list[TypedLine]) -> list[TypedLine]:
    """Move the mark of a new page from an empty line to the next one that has text."""
    moved: list[TypedLine] = []
    begins = False
    for line in lines:
        begins = begins or line.begins_page
        moved.append(
            TypedLine(
                line.text, bold=line.bold, is_heading=line.is_heading, begins_page=begins and bool(line.text)
            )
        )
        begins = begins and not line.text
    return moved


def _with_underlined_headings(lines: list[TypedLine]) -> list[TypedLine]:
    """Make a heading of a line that is underlined."""
    below = [*(line.text for line in lines[1:]), ""]
    return [
        TypedLine(line.text, is_heading=True, begins_page=line.begins_page)
        if line.text and UNDERLINE.fullmatch(under) and len(under) >= len(line.text) // 2
        else line
        for line, under in zip(lines, below, strict=True)
    ]
