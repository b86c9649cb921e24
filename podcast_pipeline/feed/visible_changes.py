"""The differences between two feeds that a listener sees.

`app_impact` predicts the reactions of apps; this module compares the displayed values. Durations as a clock
time or in seconds, `yes` or `true`, escaped HTML or CDATA are equal. A file on another host is a move, not a
change.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from html import unescape
from urllib.parse import urlsplit

import nh3
from lxml import html as lxml_html
from lxml.etree import ParserError

from podcast_pipeline.feed.app_impact import parse_feed
from podcast_pipeline.feed.conformance.document import Element, FeedDocument
from podcast_pipeline.feed.text import parse_duration, single_line
from podcast_pipeline.feed.untrusted.dates import read_date

TRUE_VALUES = ("true", "yes", "explicit")
DURATION_TOLERANCE_S = 1.0  # feeds round durations differently

FieldValue = str | float | tuple[str, ...] | None


@dataclass(frozen=True)
class VisibleChange:
    """One field that looks different: of the show, or of the item with this guid."""

    field: str
    title: str = ""
    guid: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class HostChanges:
    """The numbers of files that moved to another host, and of items that lost their public transcripts.

    Attributes:
        show_artwork: the addresses of the show's picture before and after, on different hosts.
    """

    audio: int = 0
    artwork: int = 0
    chapters: int = 0
    transcripts_closed: int = 0
    show_artwork: tuple[str, str] | None = None


def compare_feeds(old: bytes, new: bytes) -> tuple[tuple[VisibleChange, ...], HostChanges]:
    """Return the visible changes of the show and of the items in both feeds, and the moves.

    Raises:
        FeedError: one of the feeds cannot be parsed.
    """
    before, after = parse_feed(old), parse_feed(new)
    by_guid = {_guid(after, item): item for item in after.items}
    pairs = [(item, by_guid[g]) for item in before.items if (g := _guid(before, item)) in by_guid]
    visible_changes = [
        *_differences(SHOW, (before, before.channel), (after, after.channel)),
        *(n for one, other in pairs for n in _differences(ITEM, (before, one), (after, other))),
        *_order_changes(before, after),
    ]
    covers = _artwork(before, before.channel), _artwork(after, after.channel)
    moves = HostChanges(
        show_artwork=covers if _is_moved(*covers) else None,
        audio=sum(_is_moved(_audio(before, one), _audio(after, other)) for one, other in pairs),
        artwork=sum(_is_moved(_artwork(before, one), _artwork(after, other)) for one, other in pairs),
        chapters=sum(_is_moved(_chapters(before, one), _chapters(after, other)) for one, other in pairs),
        transcripts_closed=sum(
            bool(before.all(one, "podcast:transcript") and not after.all(other, "podcast:transcript"))
            for one, other in pairs
        ),
    )
    return tuple(visible_changes), moves


def _order_changes(before: FeedDocument, after: FeedDocument) -> Iterator[VisibleChange]:
    """Yield a change for each date whose items are in another order: apps keep the feed's."""
    new_groups = _by_date(after)
    for date, old in _by_date(before).items():
        new = [guid for guid in new_groups.get(date, {}) if guid in old]
        common = [guid for guid in old if guid in new]
        if common != new:
            titles = _display(tuple(old[guid] for guid in common)), _display(tuple(old[guid] for guid in new))
            yield VisibleChange("order of equal dates", old=titles[0], new=titles[1])


def _by_date(document: FeedDocument) -> dict[FieldValue, dict[str, str]]:
    """Return the titles of the items, by date and guid, in the feed's order."""
    groups: defaultdict[FieldValue, dict[str, str]] = defaultdict(dict)
    for item in document.items:
        groups[_date(document, item)].setdefault(_guid(document, item), document.text(item, "title"))
    return groups


def _differences(
    fields: dict[str, Callable[[FeedDocument, Element], FieldValue]],
    before: tuple[FeedDocument, Element],
    after: tuple[FeedDocument, Element],
) -> Iterator[VisibleChange]:
    for field, value_of in fields.items():
        old, new = value_of(*before), value_of(*after)
        if not _is_same(field, old, new):
            is_item = before[1].tag == "item"
            title, guid = (before[0].text(before[1], "title"), _guid(*before)) if is_item else ("", "")
            yield VisibleChange(field, title, guid, _display(old), _display(new))


def _is_same(field: str, old: FieldValue, new: FieldValue) -> bool:
    if field in ("audio", "artwork", "chapters"):
        return old == new or _is_moved(str(old or ""), str(new or ""))
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) <= DURATION_TOLERANCE_S
    return old == new or (field == "duration" and not old)


def _is_moved(old: str, new: str) -> bool:
    """Return whether both are addresses, on different hosts."""
    return bool(old and new and urlsplit(old).netloc != urlsplit(new).netloc)


def _display(value: FieldValue) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value or "")
    return text if len(text) <= 80 else f"{text[:79]}…"


def _guid(document: FeedDocument, item: Element) -> str:
    return document.text(item, "guid") or _audio(document, item)


def _text(path: str) -> Callable[[FeedDocument, Element], FieldValue]:
    return lambda document, element: single_line(unescape(document.text(element, path)))


def _notes(document: FeedDocument, item: Element) -> FieldValue:
    """Return the text of the show notes and the targets of their links."""
    paths = ("content:encoded", "description", "itunes:summary")
    notes = next((text for path in paths if (text := document.text(item, path))), "")
    words = " ".join(single_line(unescape(nh3.clean(notes.replace("<", " <"), tags=set()))).split())
    return (words, *_links(notes))


def _links(notes: str) -> Iterator[str]:
    if "href" not in notes:
        return
    try:
        tree = lxml_html.fromstring(f"<div>{notes}</div>")
    except ParserError:
        return
    yield from (str(link.get("href")).strip() for link in tree.iter("a") if link.get("href"))


def _date(document: FeedDocument, item: Element) -> FieldValue:
    published = read_date(document.text(item, "pubDate"))
    return published.at.astimezone(UTC).isoformat() if published else None


def _duration(document: FeedDocument, item: Element) -> FieldValue:
    return parse_duration(document.text(item, "itunes:duration"))


def _explicit(document: FeedDocument, element: Element) -> FieldValue:
    own = document.text(element, "itunes:explicit") or document.text(document.channel, "itunes:explicit")
    return "explicit" if own.lower() in TRUE_VALUES else "clean"


def _type(document: FeedDocument, item: Element) -> FieldValue:
    return document.text(item, "itunes:episodeType").lower() or "full"


def _number(name: str) -> Callable[[FeedDocument, Element], FieldValue]:
    def number(document: FeedDocument, item: Element) -> FieldValue:
        return document.text(item, f"itunes:{name}") or document.text(item, f"podcast:{name}")

    return number


def _persons(document: FeedDocument, element: Element) -> FieldValue:
    own = document.all(element, "podcast:person") or document.all(document.channel, "podcast:person")
    return tuple(f"{single_line(p.text or '')} ({p.get('role', 'host').lower()})" for p in own)


def _author(document: FeedDocument, item: Element) -> FieldValue:
    own = document.text(item, "itunes:author") or document.text(document.channel, "itunes:author")
    return single_line(own)


def _categories(document: FeedDocument, channel: Element) -> FieldValue:
    found = document.all(channel, ".//itunes:category")
    return tuple(text for category in found if (text := category.get("text")))


def _audio(document: FeedDocument, item: Element) -> str:
    enclosure = document.one(item, "enclosure")
    return "" if enclosure is None else enclosure.get("url", "")


def _artwork(document: FeedDocument, element: Element) -> str:
    image = document.one(element, "itunes:image")
    return "" if image is None else image.get("href", "")


def _chapters(document: FeedDocument, item: Element) -> str:
    chapters = document.one(item, "podcast:chapters")
    return "" if chapters is None else chapters.get("url", "")


SHOW: dict[str, Callable[[FeedDocument, Element], FieldValue]] = {
    "title": _text("title"),
    "description": _text("description"),
    "language": _text("language"),
    "author": _author,
    "artwork": _artwork,
    "categories": _categories,
    "explicit": _explicit,
    "persons": _persons,
}
ITEM: dict[str, Callable[[FeedDocument, Element], FieldValue]] = {
    "title": _text("title"),
    "date": _date,
    "notes": _notes,
    "author": _author,
    "audio": _audio,
    "artwork": _artwork,
    "duration": _duration,
    "explicit": _explicit,
    "season": _number("season"),
    "number": _number("episode"),
    "type": _type,
    "persons": _persons,
    "chapters": _chapters,
}
