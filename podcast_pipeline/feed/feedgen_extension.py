"""The itunes: and podcast: tags, as an extension of feedgen.

feedgen knows no podcast: namespace, and its own itunes extension writes `yes|no` where Apple wants
`true|false`, drops artwork by its ending and looks categories up by an unescaped XPath. So both
namespaces take one way here: a list of tags, written in order.
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
"""Prefix to URI, all that a feed of ours declares. Source: PSP-1; rule F1."""


@dataclass(frozen=True)
class Tag:
    """An element to write: `itunes:author` with its text, attributes (None is left out) and children."""

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
    """What feedgen asks of an item's extension: `entry.tags.add(...)`."""

    def __init__(self) -> None:
        self._tags: list[Tag] = []

    def add(self, *tags: Tag) -> None:
        """Write these after what feedgen writes itself."""
        self._tags.extend(tags)

    def extend_rss(self, item: etree._Element) -> etree._Element:
        """Called by feedgen with the item."""
        for tag in self._tags:
            write(item, tag)
        return item


class ChannelTags(ItemTags):
    """What feedgen asks of a channel's extension: `feed.tags.add(...)`, and the items one by one.

    feedgen would keep 2,000 entries to the end; one that is written at once is forgotten at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._entries: Iterable[Any] = ()

    def set_entries(self, entries: Iterable[Any]) -> None:
        """Write these items after the channel's tags; each is a FeedEntry."""
        self._entries = entries

    def extend_ns(self) -> dict[str, str]:
        """Called by feedgen for the namespaces; atom and content are its own."""
        return {"itunes": ITUNES, "podcast": PODCAST}

    def extend_rss(self, item: etree._Element) -> etree._Element:
        """Called by feedgen with the whole rss element; the channel is its only child."""
        channel = item[0]
        super().extend_rss(channel)
        for entry in self._entries:
            channel.append(entry.rss_entry())
        return item
