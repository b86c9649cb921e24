"""Lines of an HTML transcript, as podcast hosts write it: cite, time and p.

Source: podcast-namespace transcripts.md, HTML.
"""

from html.parser import HTMLParser

from podcast_pipeline.transcript.typed.lines import TypedLine

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
HIDDEN = (
    "head",
    "script",
    "style",
    "template",
    "noscript",
    "nav",
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


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[TypedLine] = []
        self._open: list[str] = []
        self._text = self._bold = self._name = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag not in INLINE and tag != "time":
            self._end_line()
        if tag not in ("br", "hr", "img", "input", "link", "meta", "wbr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE and tag != "time":
            self._end_line()
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if any(tag in HIDDEN for tag in self._open):
            return
        if "cite" in self._open:
            self._name += data
            return
        if any(tag in ("b", "strong") for tag in self._open) and self._bold.strip() == self._text.strip():
            self._bold += data
        self._text += data

    def close(self) -> None:
        super().close()
        self._end_line()

    def _end_line(self) -> None:
        text, bold, name = (" ".join(part.split()) for part in (self._text, self._bold, self._name))
        is_heading = any(tag in HEADINGS for tag in self._open)
        if text or name:
            self.lines.append(TypedLine(text, name=name or None, bold=bold, is_heading=is_heading))
            self.lines.extend([TypedLine("")] if text else [])
        self._text = self._bold = self._name = ""


def page_lines(text: str) -> list[TypedLine]:
    """Return the lines of an HTML page; no markup makes it fail."""
    page = _Page()
    page.feed(text)
    page.close()
    return page.lines
