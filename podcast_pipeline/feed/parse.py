"""Parse another host's feed into the show and its items; most elements are copied, not interpreted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.conformance.document import Element, FeedDocument, url_path
from podcast_pipeline.feed.text import parse_duration, single_line, xml_safe
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.feed.untrusted.dates import neighbouring_dates, places_of_equal_dates, read_date
from podcast_pipeline.feed.untrusted.harmless import harmless_element, harmless_notes
from podcast_pipeline.feed.visible_changes import TRUE_VALUES
from podcast_pipeline.model import EpisodeType, FeedElement, Person
from podcast_pipeline.model.media_types import media_type

COPIED = (
    *("itunes:title", "itunes:author", "itunes:subtitle", "itunes:summary", "itunes:keywords"),
    *("podcast:person", "podcast:season", "podcast:episode", "podcast:soundbite", "podcast:location"),
    *("podcast:license", "podcast:alternateEnclosure", "podcast:images", "podcast:image", "podcast:value"),
    *("podcast:socialInteract", "podcast:contentLink", "podcast:funding", "podcast:txt", "podcast:chat"),
    *("author", "category"),
)
"""Elements of an item that our feeds repeat unchanged."""

PARSED = {
    *("title", "link", "guid", "pubDate", "description", "content:encoded", "enclosure"),
    *("itunes:duration", "itunes:explicit", "itunes:episodeType", "itunes:image", "itunes:season"),
    *("itunes:episode", "podcast:chapters", "podcast:transcript"),
}
CHANNEL_PARSED = {
    *("title", "description", "link", "language", "item", "image", "generator", "docs", "ttl", "pubDate"),
    *("lastBuildDate", "atom:link", "itunes:author", "itunes:owner", "itunes:category", "itunes:explicit"),
    *("itunes:image", "itunes:summary", "podcast:guid", "podcast:locked", "podcast:person"),
}
TITLE_CHARACTERS = 255
FALSE_VALUES = ("false", "no", "clean")
TYPES: dict[str, EpisodeType] = {"full": "full", "trailer": "trailer", "bonus": "bonus"}


@dataclass(frozen=True)
class LinkedFile:
    """A file that a feed links to, with the type stated there."""

    url: str
    mime: str


@dataclass(frozen=True)
class StatedAudio:
    """The audio of an item, as the feed states it.

    Attributes:
        url: whole and encoded; empty if it is no http(s) address.
        mime: of our table; None if neither address nor type is that of an audio file.
        stated_url: the address that stands in for a guid, as apps take it.
        size_bytes: 0 if the feed does not state it.
    """

    url: str
    mime: str | None
    stated_url: str
    size_bytes: int


@dataclass(frozen=True)
class ParsedItem:
    """An item of another host's feed.

    Attributes:
        published_at: aware; None if the feed states no date that can be read.
        size_bytes, duration_s: 0 if the feed does not state them.
        place: among the items of its date, 0 the feed's last; from `date_items`.
        dropped_elements: names of elements that our feeds do not repeat.
    """

    guid: str
    guid_is_permalink: bool
    title: str
    published_at: datetime | None
    link: str | None
    description: str
    content: str
    audio: StatedAudio
    size_bytes: int
    duration_s: float
    explicit: bool
    season: int | None
    number: int | None
    type: EpisodeType
    persons: tuple[Person, ...]
    image_url: str | None
    chapters: LinkedFile | None
    transcripts: tuple[LinkedFile, ...]
    tags: tuple[FeedElement, ...]
    dropped_elements: frozenset[str]
    place: int = 0

    @property
    def dated_at(self) -> datetime:
        """The date of an item that has one, as every item of `date_items` has."""
        assert self.published_at is not None
        return self.published_at


@dataclass(frozen=True)
class ImportRemark:
    """Something that was not imported unchanged, and the title of its item (empty for the show)."""

    about: str
    title: str = ""


def parse_items(document: FeedDocument) -> tuple[tuple[ParsedItem, ...], tuple[ImportRemark, ...]]:
    """Return the items in the feed's order, and remarks on the elements that could not be imported.

    An item without audio is not an episode; of two items with the same guid apps show the first.
    """
    items: dict[str, ParsedItem] = {}
    remarks: list[ImportRemark] = []
    for element in document.items:
        title = _title(document, element)
        audio = _audio(document, element)
        if audio is None:
            remarks.append(ImportRemark("has no audio, so it is not imported", title))
            continue
        if not audio.url:
            remarks.append(ImportRemark("its audio has no http(s) address, so it is not imported", title))
            continue
        item = _item(document, element, audio, remarks)
        if item.guid in items:
            remarks.append(
                ImportRemark(
                    "has the same guid as an earlier item, so it is not imported; apps show the earlier one",
                    title,
                )
            )
        items.setdefault(item.guid, item)
    return tuple(items.values()), tuple(remarks)


def date_items(
    items: Sequence[ParsedItem], *, undated_at: datetime | None
) -> tuple[tuple[ParsedItem, ...], tuple[ImportRemark, ...]]:
    """Return the items with a date each, in their order, and remarks on those whose date is not the feed's.

    Each has its place among the items of its date, so that our feed lists them as the old one does.

    Args:
        items: of the whole feed: an item without a date takes its neighbour's.
        undated_at: the date of the first item where none has one; None: they are left out.
    """
    dates = neighbouring_dates([item.published_at for item in items], first_at=undated_at)
    places = places_of_equal_dates(dates)
    remarks = tuple(
        ImportRemark(
            "has no date that can be read, as no item has; left out, pass --undated DATE"
            if at is None
            else f"has no date that can be read; it is dated {at:%Y-%m-%d %H:%M:%S %Z}, beside its neighbour",
            item.title,
        )
        for item, at in zip(items, dates, strict=True)
        if item.published_at is None
    )
    dated = (
        replace(item, published_at=at, place=place)
        for item, at, place in zip(items, dates, places, strict=True)
        if at is not None
    )
    return tuple(dated), remarks


def doubtful_dates(document: FeedDocument) -> tuple[ImportRemark, ...]:
    """Return remarks on the dates that can be read in more than one way, or not at all."""
    remarks: list[ImportRemark] = []
    for element in document.items:
        published = read_date(document.text(element, "pubDate"))
        abouts = published.doubts if published else ("cannot be read",)
        remarks += (ImportRemark(f"its date {about}", _title(document, element)) for about in abouts)
    return tuple(remarks)


def show_guid(document: FeedDocument) -> UUID | None:
    """Return the podcast:guid; None if it is missing or not a UUID."""
    try:
        return UUID(document.text(document.channel, "podcast:guid"))
    except ValueError:
        return None


def show_values(document: FeedDocument) -> dict[str, str | bool | list[str]]:
    """Return the channel's values as keys of [show]; a key without a value in the channel is omitted."""
    channel = document.channel
    owner = document.one(channel, "itunes:owner")
    hosts = [p for p in document.all(channel, "podcast:person") if p.get("role", "host").lower() == "host"]
    values: dict[str, str | bool | list[str]] = {
        "title": single_line(document.text(channel, "title")),
        "description": xml_safe(document.text(channel, "description")),
        "language": document.text(channel, "language"),
        "author": single_line(document.text(channel, "itunes:author")),
        "owner_email": document.text(owner, "itunes:email") if owner is not None else "",
        "categories": list(_categories(document)),
        "hosts": [single_line(p.text or "")[:128] for p in hosts if single_line(p.text or "")],
    }
    values = {name: value for name, value in values.items() if value}
    if explicit := document.text(channel, "itunes:explicit"):
        values["explicit"] = explicit.lower() in TRUE_VALUES
    return values


def dropped_show_elements(document: FeedDocument) -> tuple[ImportRemark, ...]:
    """Return remarks on the elements of the channel that are not imported."""
    channel = document.channel
    names = {document.name(child) for child in channel.iterchildren("*")} - CHANNEL_PARSED
    if document.text(channel, "itunes:type").lower() in ("", "episodic"):
        names.discard("itunes:type")
    remarks = [ImportRemark(f"{name} of the show is not imported") for name in sorted(names)]
    if document.text(channel, "podcast:locked").lower() == "yes":
        remarks.append(
            ImportRemark(
                "the old feed is locked, so that other hosts may refuse it; unlock it at the old host"
            )
        )
    return tuple(remarks)


def artwork_url(document: FeedDocument) -> str | None:
    """Return the address of the show's artwork."""
    return _href(document, document.channel)


def next_page_url(document: FeedDocument) -> str | None:
    """Return the address of the next older page of a long feed. Source: RFC 5005, section 3; rule F17.

    Raises:
        FeedError: it is no http(s) address; a page is never a file of this machine.
    """
    links = document.all(document.channel, "atom:link[@rel='next']")
    if not links:
        return None
    address = document.resolve(links[0], links[0].get("href", ""))
    if address is None:
        said = single_line(links[0].get("href", ""))[:80]
        raise FeedError(
            "rel=next", f"the feed's next page “{said}” has no http(s) address; nothing was imported"
        )
    return address


def _categories(document: FeedDocument) -> Iterator[str]:
    for category in document.all(document.channel, "itunes:category"):
        top = single_line(category.get("text", ""))
        subs = [single_line(sub.get("text", "")) for sub in document.all(category, "itunes:category")]
        if top:
            yield from (f"{top} > {sub}" for sub in subs if sub)
            if not any(subs):
                yield top


def _item(
    document: FeedDocument,
    element: Element,
    audio: StatedAudio,
    remarks: list[ImportRemark],
) -> ParsedItem:
    title = _title(document, element)

    def text(path: str) -> str:
        return document.text(element, path)

    def remark(about: str) -> None:
        remarks.append(ImportRemark(about, title))

    published = read_date(text("pubDate"))
    for doubt in published.doubts if published else ():
        remark(f"its date {doubt}")
    guid = document.one(element, "guid")
    if not text("guid"):
        remark("has no guid; the address of its audio becomes its guid, as in apps")
    link = document.resolve(element, text("link")) if text("link") else None
    if text("link") and link is None:
        remark("its link is left out: it is no http(s) address")
    for name, value in _broken_values(document, element):
        remark(f"its {name} is left out: “{single_line(value)[:20]}” is no value of it")
    tags, notes = tuple(_tags(document, element, remark)), _notes(document, element, remark)
    names = {document.name(child) for child in element.iterchildren("*")}
    return ParsedItem(
        guid=text("guid") or audio.stated_url,
        guid_is_permalink=guid is not None and _is_permalink(guid),
        title=title if len(title) <= TITLE_CHARACTERS else f"{title[: TITLE_CHARACTERS - 1]}…",
        published_at=published.at if published else None,
        link=link,
        description=notes[0],
        content=notes[1],
        audio=audio,
        size_bytes=audio.size_bytes,
        duration_s=parse_duration(text("itunes:duration")) or 0.0,
        explicit=(text("itunes:explicit") or document.text(document.channel, "itunes:explicit")).lower()
        in TRUE_VALUES,
        season=_count(text("itunes:season")) or _count(text("podcast:season")),
        number=_count(text("itunes:episode")) or _count(text("podcast:episode")),
        type=TYPES.get(text("itunes:episodeType").lower(), "full"),
        persons=tuple(_persons(document, element)),
        image_url=_href(document, element),
        chapters=next(_linked_files(document, element, "podcast:chapters"), None),
        transcripts=tuple(_linked_files(document, element, "podcast:transcript")),
        tags=tags,
        dropped_elements=frozenset(names - PARSED - set(COPIED)),
    )


def _broken_values(document: FeedDocument, element: Element) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the elements whose text is no value of theirs, so that none is taken.

    Those of podcast:season and podcast:episode are copied; `drop_invalid_elements` names them.
    """
    is_valid: dict[str, Callable[[str], bool]] = {
        "itunes:season": lambda text: _count(text) is not None,
        "itunes:episode": lambda text: _count(text) is not None,
        "itunes:duration": lambda text: parse_duration(text) is not None,
        "itunes:episodeType": lambda text: text.lower() in TYPES,
        "itunes:explicit": lambda text: text.lower() in (*TRUE_VALUES, *FALSE_VALUES),
    }
    for name, is_one in is_valid.items():
        text = document.text(element, name)
        if text and not is_one(text):
            yield name, text


def _title(document: FeedDocument, element: Element) -> str:
    return (
        single_line(document.text(element, "title") or document.text(element, "itunes:title")) or "Untitled"
    )


def _audio(document: FeedDocument, element: Element) -> StatedAudio | None:
    """Return the first enclosure that is audio; else the first that is no picture, which may be audio."""
    enclosures = [e for e in document.all(element, "enclosure") if not _is_picture(e)]
    found = next(filter(_is_stated_audio, enclosures), next(iter(enclosures), None))
    if found is None:
        return None
    stated = found.get("url", "").strip()
    url = document.resolve(found, stated) if stated else None
    return StatedAudio(
        url=url or "",
        mime=media_type(url or "", found.get("type", "")),
        stated_url=stated if url_path(stated) is not None else url or "",
        size_bytes=_size(found),
    )


def _is_picture(enclosure: Element) -> bool:
    is_named_audio = media_type(enclosure.get("url", ""), "image/x") is not None
    return enclosure.get("type", "").strip().lower().startswith("image/") and not is_named_audio


def _is_stated_audio(enclosure: Element) -> bool:
    return media_type(enclosure.get("url", ""), enclosure.get("type", "")) is not None


def _size(enclosure: Element) -> int:
    length = enclosure.get("length", "").strip()
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 15 else 0


def _is_permalink(guid: Element) -> bool:
    text = (guid.text or "").strip()
    return guid.get("isPermaLink") != "false" and web_address(text) is not None


def _linked_files(document: FeedDocument, element: Element, name: str) -> Iterator[LinkedFile]:
    for found in document.all(element, name):
        if url := document.resolve(found, found.get("url", "")):
            yield LinkedFile(url, found.get("type", ""))


def _tags(document: FeedDocument, element: Element, remark: Callable[[str], None]) -> Iterator[FeedElement]:
    for child in (child for name in COPIED for child in document.all(element, name)):
        written = _markup(document, child)
        kept = harmless_element(written, document.base_of(child))
        if kept is None or kept.attributes.keys() != written.attributes.keys():
            remark(f"its {written.name} has no http(s) address; it or the address is left out")
        if kept is not None:
            yield kept


def _notes(document: FeedDocument, element: Element, remark: Callable[[str], None]) -> tuple[str, str]:
    """Return an item's description and its content, without scripts."""
    description = document.text(element, "description") or document.text(element, "itunes:summary")
    written = (description, document.text(element, "content:encoded"))
    harmless = (harmless_notes(written[0]), harmless_notes(written[1]))
    if harmless != written:
        remark("its notes have scripts or forms, which are left out")
    return harmless


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text) else None


def _persons(document: FeedDocument, element: Element) -> Iterator[Person]:
    """Yield the hosts and guests for our pages; our feeds repeat the elements unchanged."""
    for found in document.all(element, "podcast:person"):
        role, name = found.get("role", "host").lower(), single_line(found.text or "")[:128]
        if name and role in ("host", "guest"):
            yield Person(
                name=name,
                role="host" if role == "host" else "guest",
                url=document.resolve(found, found.get("href", "")),
                image_url=document.resolve(found, found.get("img", "")),
            )


def _href(document: FeedDocument, element: Element) -> str | None:
    image = document.one(element, "itunes:image")
    stated = "" if image is None else image.get("href", "").strip()
    return document.resolve(image, stated) if image is not None and stated else None


def _markup(document: FeedDocument, element: Element) -> FeedElement:
    return FeedElement(
        name=document.name(element),
        text=(element.text or "").strip() or None,
        attributes={str(name): str(value) for name, value in element.items() if "{" not in str(name)},
        children=tuple(
            _markup(document, child)
            for child in element.iterchildren("*")
            if "://" not in document.name(child)
        ),
    )
