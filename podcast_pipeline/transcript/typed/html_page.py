"""Lines of an HTML transcript, as podcast hosts write it: cite, time and p.

Source: podcast-namespace transcripts.md, HTML.
"""

from typing import Any, cast

from lxml import etree

from podcast_pipeline.transcript.typed.lines import TypedLine

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
HIDDEN = (
    "head",
    "script",
    "style",
    "template",
    "noscript",
    "nav",
    "header",
    "footer",
    "title",
    "time",
    "button",
    "svg",
)
INLINE = (
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "cite",
    "em",
    "i",
    "mark",
    "q",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "u",
)


class _Page:
    """Collects the lines; a parser calls its methods for each tag and text."""

    def __init__(self) -> None:
        self.lines: list[TypedLine] = []
        self._open: list[str] = []
        self._is_bold_so_far = True
        self._begin_line()

    def start(self, tag: str, _attributes: object) -> None:
        """Open an element; of all but those inside a line a new line begins."""
        if tag not in (*INLINE, "time"):
            self._end_line()
        self._open.append(tag)

    def end(self, tag: str) -> None:
        """Close the last element."""
        if tag not in (*INLINE, "time"):
            self._end_line()
        self._open.pop()

    def data(self, data: str) -> None:
        """Add text that is shown; a bold one only where the line begins with it."""
        if not self._inside(*HIDDEN):
            if self._inside("cite"):
                self._name.append(data)
                return
            self._is_bold_so_far = self._is_bold_so_far and (self._inside("b", "strong") or not data.strip())
            self._bold.extend([data] if self._is_bold_so_far else [])
            self._text.append(data)

    def comment(self, _text: str) -> None:
        """Leave a comment out."""

    def close(self) -> list[TypedLine]:
        """Return the lines."""
        self._end_line()
        return self.lines

    def _inside(self, *tags: str) -> bool:
        return any(tag in tags for tag in self._open)

    def _begin_line(self) -> None:
        self._text, self._bold, self._name = list[str](), list[str](), list[str]()
        self._is_bold_so_far = True

    def _end_line(self) -> None:
        text, bold, name = (" ".join("".join(part).split()) for part in (self._text, self._bold, self._name))
        if text or name:
            is_heading = self._inside(*HEADINGS)
            self.lines.append(TypedLine(text, name=name or None, bold=bold, is_heading=is_heading))
            self.lines.extend([TypedLine("")] if text else [])
        self._begin_line()


def page_lines(text: str) -> list[TypedLine]:
    """Return the lines of an HTML page; no markup makes it fail, or slow."""
    parser = etree.HTMLParser(target=cast(Any, _Page()), encoding="utf-8", huge_tree=True)
    parser.feed(text.encode(errors="replace"))
    return cast(list[TypedLine], parser.close())
