"""How podcast apps react to a changed feed.

Apps remember an item by its guid and its audio by the address, for years. `diff_feeds` compares two feeds;
`harmful_changes` lists the changes that make apps download, show or lose episodes again.
"""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.conformance.document import Element, FeedDocument, UnreadableFeed, parse_rss
from podcast_pipeline.feed.untrusted.dates import read_date

_HASHED = re.compile(r"\.([0-9a-f]{16})\.[a-z0-9]+(?:\?|$)")


@dataclass(frozen=True)
class RememberedItem:
    """An item as an app remembers it.

    Attributes:
        published_at: aware; None if the pubDate is invalid.
        details: all elements of the item except pubDate, to detect other changes.
    """

    guid: str
    title: str
    url: str
    size_bytes: str
    published_at: datetime | None
    details: tuple[str, ...]

    @property
    def hash16(self) -> str | None:
        """The hash in the audio's file name, as our keys have it; None without one."""
        match = _HASHED.search(self.url)
        return match[1] if match else None

    def has_audio_of(self, other: "RememberedItem") -> bool:
        """Return whether both items have the same audio: by hash if both have one, else by length."""
        if self.hash16 and other.hash16:
            return self.hash16 == other.hash16
        return self.size_bytes == other.size_bytes and self.size_bytes not in ("", "0")


@dataclass(frozen=True)
class ItemChange:
    """One item in the old and in the new feed."""

    old: RememberedItem
    new: RememberedItem


@dataclass(frozen=True)
class FeedDiff:
    """The differences between two feeds, in the order of the feeds.

    Attributes:
        new, removed: items of one feed only, without those in `guid_changed`.
        changed: every item that apps will show differently, including `url_changed` and `date_changed`.
        guid_changed: the same audio under another guid.
        url_changed: the same audio under another address.
        date_changed: another pubDate.
        show_guid: the podcast:guid before and after; None if unchanged.
    """

    new: tuple[RememberedItem, ...] = ()
    changed: tuple[ItemChange, ...] = ()
    removed: tuple[RememberedItem, ...] = ()
    guid_changed: tuple[ItemChange, ...] = ()
    url_changed: tuple[ItemChange, ...] = ()
    date_changed: tuple[ItemChange, ...] = ()
    show_guid: tuple[str, str] | None = None


def diff_feeds(old: bytes | None, new: bytes) -> FeedDiff:
    """Compare two feeds; `old` is None before the first publication.

    Raises:
        FeedError: one of the feeds cannot be parsed.
    """
    before, after = parse_feed(old) if old is not None else None, parse_feed(new)
    old_items, new_items = _items(before), _items(after)
    removed = [item for guid, item in old_items.items() if guid not in new_items]
    added = [item for guid, item in new_items.items() if guid not in old_items]
    same = [ItemChange(item, new_items[guid]) for guid, item in old_items.items() if guid in new_items]
    guid_changed = tuple(_guid_changes(removed, added))
    return FeedDiff(
        new=tuple(item for item in added if item not in {change.new for change in guid_changed}),
        changed=tuple(change for change in same if change.old != change.new),
        removed=tuple(item for item in removed if item not in {change.old for change in guid_changed}),
        guid_changed=guid_changed,
        url_changed=tuple(c for c in same if c.old.url != c.new.url and c.new.has_audio_of(c.old)),
        date_changed=tuple(c for c in same if c.old.published_at != c.new.published_at),
        show_guid=_show_guids(before, after),
    )


def merge_archive_pages(feed: bytes, pages: Iterable[bytes]) -> bytes:
    """Return the feed with the items of its archive pages, as apps that follow the pagination see it."""
    document = parse_feed(feed)
    for page in pages:
        document.channel.extend(parse_feed(page).items)
    return etree.tostring(document.root, encoding="UTF-8", xml_declaration=True)


def without_host_changes(changes: FeedDiff) -> FeedDiff:
    """Return the changes except audio that moved to another host under the same guid, as when a show moves.

    Apps that know the guid keep their downloads; new addresses are the purpose of such a move.
    """
    staying = (c for c in changes.url_changed if urlsplit(c.old.url).netloc == urlsplit(c.new.url).netloc)
    return replace(changes, url_changed=tuple(staying))


def harmful_changes(changes: FeedDiff, *, intended_removals: Container[str] = ()) -> tuple[str, ...]:
    """Return the harmful reactions of apps, one line each; empty if the feed can be published.

    Args:
        intended_removals: guids of the items that are removed on purpose.
    """
    unintended = tuple(item for item in changes.removed if item.guid not in intended_removals)
    effects = [
        (_new(changes.guid_changed), "would be downloaded again and shown as new: the guid changed"),
        (_new(changes.url_changed), "would be downloaded again: the address changed, the audio did not"),
        (_new(changes.date_changed), "would move in the list and may come back as new: the pubDate changed"),
        (unintended, "would disappear from apps"),
    ]
    lines = [f"{_count(items)} {effect} ({_titles(items)})" for items, effect in effects if items]
    if changes.show_guid:
        old, new = changes.show_guid
        lines.append(
            f"apps would treat the feed as another show: podcast:guid was {old} and is {new or 'missing'}"
        )
    return tuple(lines)


def _new(changes: tuple[ItemChange, ...]) -> tuple[RememberedItem, ...]:
    return tuple(change.new for change in changes)


def _count(items: tuple[RememberedItem, ...]) -> str:
    return "1 episode" if len(items) == 1 else f"{len(items)} episodes"


def _titles(items: tuple[RememberedItem, ...]) -> str:
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return ", ".join(item.title for item in items[:3]) + more


def _guid_changes(removed: list[RememberedItem], added: list[RememberedItem]) -> Iterator[ItemChange]:
    """Pair each removed item with the added item that has the same audio."""
    by_audio = {key: item for item in added for key in _audio_keys(item)}
    for old in removed:
        new = next((by_audio[key] for key in _audio_keys(old) if key in by_audio), None)
        if new and (new.url == old.url or new.has_audio_of(old)):
            yield ItemChange(old, new)


def _audio_keys(item: RememberedItem) -> Iterator[str]:
    yield from (key for key in (item.url, item.hash16, item.size_bytes) if key)


def parse_feed(feed: bytes, *, base_url: str = "") -> FeedDocument:
    """Parse a feed into a tree.

    Args:
        base_url: the feed's own address; see `parse_rss`.

    Raises:
        FeedError: the bytes are not a feed; states why and the fix.
    """
    try:
        return parse_rss(feed, base_url=base_url)
    except UnreadableFeed as error:
        raise FeedError(error.finding.rule, f"{error.finding.message}; {error.finding.fix}") from error


def _items(document: FeedDocument | None) -> dict[str, RememberedItem]:
    """Return the items by guid, or by the audio's address if the guid is missing, as apps do."""
    if document is None:
        return {}
    items: dict[str, RememberedItem] = {}
    for item in (_item(document, element) for element in document.items):
        items.setdefault(item.guid or item.url, item)
    return items


def _item(document: FeedDocument, element: Element) -> RememberedItem:
    enclosure = document.one(element, "enclosure")
    published = read_date(document.text(element, "pubDate"))
    return RememberedItem(
        guid=document.text(element, "guid"),
        title=document.text(element, "title"),
        url="" if enclosure is None else enclosure.get("url", ""),
        size_bytes="" if enclosure is None else enclosure.get("length", ""),
        published_at=published.at if published else None,
        details=tuple(
            f"{document.name(child)} {sorted(child.items())} {(child.text or '').strip()}"
            for child in element.iterdescendants("*")
            if child.tag != "pubDate"
        ),
    )


def _show_guids(before: FeedDocument | None, after: FeedDocument) -> tuple[str, str] | None:
    if before is None:
        return None
    old, new = (document.text(document.channel, "podcast:guid") for document in (before, after))
    return (old, new) if old and old != new else None
