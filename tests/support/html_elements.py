"""The elements of an HTML page."""

from html.parser import HTMLParser


class Elements(HTMLParser):
    """Collects (tag, attributes) of a page and the text of its script elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        """Record the text of a script element."""
        if self.cdata_elem == "script":
            self.scripts[-1] += data

    def all(self, tag: str, name: str) -> list[str]:
        """Return an attribute of all elements of a kind."""
        return [
            str(attributes[name]) for found, attributes in self.found if found == tag and name in attributes
        ]
