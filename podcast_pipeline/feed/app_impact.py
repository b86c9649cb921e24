"""What podcast apps would do with a feed after they have seen the one before.

Apps remember an item by its guid and its audio by the address, for years. `diff` says what changed between
two feeds, `lock` which of it would make apps download, show or lose episodes again.
"""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.conformance.document import Element, FeedDocument, UnreadableFeed, parse_rss

_HASHED = re.compile(r"\.([0-9a-f]{16})\.[a-z0-9]+(?:\?|$)")


@dataclass(frozen=True)
class RememberedItem:
    """What an app remembers of an item.

    Attributes:
        published_at: aware; None where the feed's date cannot be read.
        details: everything else that the feed says of it, to tell whether it changed.
    """

    guid: str
    title: str
    url: str
    size_bytes: str
    published_at: datetime | None
    details: tuple[str, ...]

    @property
    def hash16(self) -> str | None:
        """The hash of the audio where its name has one, as ours have."""
        found = _HASHED.search(self.url)
        return found[1] if found else None

    def has_audio_of(self, other: "RememberedItem") -> bool:
        """Say whether both have the same audio, as far as feeds tell: by the hash, else by the length."""
        if self.hash16 and other.hash16:
            return self.hash16 == other.hash16
        return self.size_bytes == other.size_bytes and self.size_bytes not in ("", "0")


@dataclass(frozen=True)
class ItemChange:
    """One item in two feeds."""

    old: RememberedItem
    new: RememberedItem


@dataclass(frozen=True)
class FeedDiff:
    """What is different, in the order of the feeds.

    Attributes:
        new, removed: items of one feed only, without those in `reguided`.
        changed: every item that apps will show differently; `moved` and `redated` are among them.
        reguided: the same audio under another guid.
        moved: another address although the audio is the same.
        redated: another pubDate.
        show_guid: the podcast:guid before and after, where it changed.
    """

    new: tuple[RememberedItem, ...] = ()
    changed: tuple[ItemChange, ...] = ()
    removed: tuple[RememberedItem, ...] = ()
    guid_changed: tuple[ItemChange, ...] = ()
    url_changed: tuple[ItemChange, ...] = ()
    date_changed: tuple[ItemChange, ...] = ()
    show_guid: tuple[str, str] | None = None


def diff_feeds(old: bytes | None, new: bytes) -> FeedDiff:
    """Compare two feeds; `old` is None before the first.

    Raises:
        FeedError: one of them cannot be read.
    """
    before, after = parse_feed(old) if old is not None else None, parse_feed(new)
    old_items, new_items = _items(before), _items(after)
    removed = [item for guid, item in old_items.items() if guid not in new_items]
    added = [item for guid, item in new_items.items() if guid not in old_items]
    same = [ItemChange(item, new_items[guid]) for guid, item in old_items.items() if guid in new_items]
    reguided = tuple(_reguided(removed, added))
    return FeedDiff(
        new=tuple(item for item in added if item not in {change.new for change in reguided}),
        changed=tuple(change for change in same if change.old != change.new),
        removed=tuple(item for item in removed if item not in {change.old for change in reguided}),
        guid_changed=reguided,
        url_changed=tuple(c for c in same if c.old.url != c.new.url and c.new.has_audio_of(c.old)),
        date_changed=tuple(c for c in same if c.old.published_at != c.new.published_at),
        show_guid=_show_guids(before, after),
    )


def merge_archive_pages(feed: bytes, pages: Iterable[bytes]) -> bytes:
    """Return a feed with the items of its older pages in it, as apps have it that follow all pages."""
    document = parse_feed(feed)
    for page in pages:
        document.channel.extend(parse_feed(page).items)
    return etree.tostring(document.root, encoding="UTF-8", xml_declaration=True)


def without_host_changes(changes: FeedDiff) -> FeedDiff:
    """Return the changes without audio that went to another host under its guid: a show that moved.

    Apps that know the guid keep what they have; that the address changes is the point of moving.
    """
    staying = (c for c in changes.url_changed if urlsplit(c.old.url).netloc == urlsplit(c.new.url).netloc)
    return replace(changes, url_changed=tuple(staying))


def harmful_changes(changes: FeedDiff, *, intended_removals: Container[str] = ()) -> tuple[str, ...]:
    """Return what apps would do that nobody wants, one line each; empty when the feed may go out.

    Args:
        leaving: guids of the items that leave on purpose.
    """
    lost = tuple(item for item in changes.removed if item.guid not in intended_removals)
    found = [
        (_new(changes.guid_changed), "would be downloaded again and shown as new: the guid changed"),
        (_new(changes.url_changed), "would be downloaded again: the address changed, the audio did not"),
        (_new(changes.date_changed), "would move in the list and may come back as new: the pubDate changed"),
        (lost, "would disappear from apps"),
    ]
    lines = [f"{_count(items)} {what} ({_titles(items)})" for items, what in found if items]
    if changes.show_guid:
        old, new = changes.show_guid
        lines.append(f"apps would take it for another show: podcast:guid was {old} and is {new or 'gone'}")
    return tuple(lines)


def _new(changes: tuple[ItemChange, ...]) -> tuple[RememberedItem, ...]:
    return tuple(change.new for change in changes)


def _count(items: tuple[RememberedItem, ...]) -> str:
    return "1 episode" if len(items) == 1 else f"{len(items)} episodes"


def _titles(items: tuple[RememberedItem, ...]) -> str:
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return ", ".join(item.title for item in items[:3]) + more


def _reguided(removed: list[RememberedItem], added: list[RememberedItem]) -> Iterator[ItemChange]:
    """Pair items that left with items that came and have the same audio."""
    by_mark = {mark: item for item in added for mark in _marks(item)}
    for old in removed:
        new = next((by_mark[mark] for mark in _marks(old) if mark in by_mark), None)
        if new and (new.url == old.url or new.has_audio_of(old)):
            yield ItemChange(old, new)


def _marks(item: RememberedItem) -> Iterator[str]:
    yield from (mark for mark in (item.url, item.hash16, item.size_bytes) if mark)


def parse_feed(feed: bytes) -> FeedDocument:
    """Return a feed as a tree; FeedError says why it cannot be read."""
    try:
        return parse_rss(feed)
    except UnreadableFeed as error:
        raise FeedError(error.finding.rule, f"{error.finding.message}; {error.finding.fix}") from error


def _items(document: FeedDocument | None) -> dict[str, RememberedItem]:
    """Return the items by guid; one without a guid goes by its audio's address, as in apps."""
    if document is None:
        return {}
    items: dict[str, RememberedItem] = {}
    for item in (_item(document, element) for element in document.items):
        items.setdefault(item.guid or item.url, item)
    return items


def _item(document: FeedDocument, element: Element) -> RememberedItem:
    enclosure = document.one(element, "enclosure")
    return RememberedItem(
        guid=document.text(element, "guid"),
        title=document.text(element, "title"),
        url="" if enclosure is None else enclosure.get("url", ""),
        size_bytes="" if enclosure is None else enclosure.get("length", ""),
        published_at=parse_pub_date(document.text(element, "pubDate")),
        details=tuple(
            f"{document.name(child)} {sorted(child.items())} {(child.text or '').strip()}"
            for child in element.iterdescendants("*")
            if child.tag != "pubDate"
        ),
    )


def parse_pub_date(written: str) -> datetime | None:
    """Read a pubDate; None where it is none. One without a zone is in UTC."""
    try:
        at = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _show_guids(before: FeedDocument | None, after: FeedDocument) -> tuple[str, str] | None:
    if before is None:
        return None
    old, new = (document.text(document.channel, "podcast:guid") for document in (before, after))
    return (old, new) if old and old != new else None
