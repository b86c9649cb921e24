"""The itunes: and podcast: tags, as a feedgen extension.

feedgen has no podcast: namespace, and its own itunes extension writes `yes|no` where Apple requires
`true|false`, drops artwork by its file extension and finds categories by an unescaped XPath. So both
namespaces are written here, as a list of tags in order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"

NAMESPACES = {"itunes": ITUNES, "podcast": PODCAST, "atom": ATOM, "content": CONTENT}
"""Prefix to URI of every namespace that our feeds declare. Source: PSP-1; rule F1."""


@dataclass(frozen=True)
class Tag:
    """An element to write, like `itunes:author`; an attribute of None is omitted."""

    name: str
    text: str | None = None
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: tuple["Tag", ...] = ()


def write(parent: etree._Element, tag: Tag) -> None:
    """Append an element to its parent."""
    prefix, _, local = tag.name.rpartition(":")
    element = etree.SubElement(parent, f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local)
    element.text = tag.text
    for name, value in tag.attributes.items():
        if value is not None:
            element.set(name, value)
    for child in tag.children:
        write(element, child)


class ItemTags:
    """The feedgen extension of an item: `entry.tags.add(...)`."""

    def __init__(self) -> None:
        self._tags: list[Tag] = []

    def add(self, *tags: Tag) -> None:
        """Add tags, written after feedgen's own."""
        self._tags.extend(tags)

    def extend_rss(self, item: etree._Element) -> etree._Element:
        """Append the tags; called by feedgen with the item."""
        for tag in self._tags:
            write(item, tag)
        return item


class ChannelTags(ItemTags):
    """The feedgen extension of a channel: `feed.tags.add(...)`, and the items.

    feedgen would hold all entries (2,000) in memory; here each entry is written and freed before the next.
    """

    def __init__(self) -> None:
        super().__init__()
        self._entries: Iterable[Any] = ()

    def set_entries(self, entries: Iterable[Any]) -> None:
        """Set the items (FeedEntry) to write after the channel's tags."""
        self._entries = entries

    def extend_ns(self) -> dict[str, str]:
        """Return the namespaces for feedgen, which declares atom and content itself."""
        return {"itunes": ITUNES, "podcast": PODCAST}

    def extend_rss(self, item: etree._Element) -> etree._Element:
        """Append tags and items; called by feedgen with the rss element, whose only child is the channel."""
        channel = item[0]
        super().extend_rss(channel)
        for entry in self._entries:
            channel.append(entry.rss_entry())
        return item
