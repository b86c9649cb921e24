"""Rules F2, F4 to F7, F17 and P2: what a channel says."""

import re
from collections.abc import Iterator
from uuid import UUID

from podcast_pipeline.feed.categories import suggest_category_fix
from podcast_pipeline.feed.conformance.document import Element, FeedDocument, Rule, url_path
from podcast_pipeline.feed.conformance.finding import FeedFinding, error, warning
from podcast_pipeline.feed.private import TOKEN_PATTERN

LANGUAGE_PATTERN = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.IGNORECASE)
DAY = re.compile(r"[+-]?\d{0,2}(MO|TU|WE|TH|FR|SA|SU)")
FREQUENCIES = {"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"}
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")


def required(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: what PSP-1 requires of a channel."""
    channel = document.channel
    for name in ("title", "description", "link", "language"):
        if not document.text(channel, name):
            yield error("F2", channel, f"the channel has no {name}", f"write <{name}>")
    if not document.self_address:
        yield error(
            "F2", channel, "the channel does not name its own address", "write <atom:link rel='self'>"
        )
    for link in document.all(channel, "atom:link[@rel='self']"):
        if link.get("type") != "application/rss+xml":
            yield error("F2", link, "the self link has another type", "write type='application/rss+xml'")
    language = document.one(channel, "language")
    if language is not None and language.text and not LANGUAGE_PATTERN.fullmatch(language.text.strip()):
        yield error("F2", language, f"{language.text} is not a language", "write an ISO 639 code, like en-US")


def categories(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: at least one category, each one of Apple's."""
    found = document.all(document.channel, "itunes:category")
    if not found:
        yield error("F2", document.channel, "the channel has no itunes:category", "write one of Apple's")
    for category in found:
        if not category.get("text"):
            yield error("F2", category, "an itunes:category without text", "write text='…'")
        for name in _names(document, category):
            if fix := suggest_category_fix(name):
                yield warning("F2", category, f"“{name}” is not one of Apple's categories", fix)


def _names(document: FeedDocument, category: Element) -> list[str]:
    """Return a category's name, or those of its subcategories: `News > Politics`."""
    top = category.get("text", "").strip()
    subs = [sub.get("text", "").strip() for sub in document.all(category, "itunes:category")]
    return [f"{top} > {sub}" for sub in subs] or [top] if top else []


def explicit(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: itunes:explicit is true or false, in the channel always, in an item where it is."""
    if document.one(document.channel, "itunes:explicit") is None:
        yield error("F2", document.channel, "the channel has no itunes:explicit", "write true or false")
    for found in document.all(document.channel, ".//itunes:explicit"):
        if found.text not in ("true", "false"):
            yield error("F2", found, f"itunes:explicit is {found.text}", "write true or false")


def images(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: the channel has artwork. F4: the address of artwork ends like its format."""
    if document.one(document.channel, "itunes:image") is None:
        yield error(
            "F2", document.channel, "the channel has no itunes:image", "write href='…' of the artwork"
        )
    for image in document.all(document.channel, ".//itunes:image"):
        path = url_path(image.get("href", "")) or ""
        if not path.lower().endswith(IMAGE_ENDINGS):
            fix = "serve a JPEG or PNG whose name ends so"
            yield error("F4", image, "the artwork's address does not end in .jpg or .png", fix)


def identity(document: FeedDocument) -> Iterator[FeedFinding]:
    """F5: podcast:guid, podcast:locked, itunes:author."""
    channel = document.channel
    for name in ("podcast:guid", "podcast:locked", "itunes:author"):
        if not document.text(channel, name):
            yield warning("F5", channel, f"the channel has no {name}", f"write <{name}>")
    guid, locked = document.one(channel, "podcast:guid"), document.text(channel, "podcast:locked")
    if guid is not None and guid.text and not _is_uuid(guid.text):
        fix = "write the UUID that the show was given once; do not compute it again"
        yield error("F5", guid, f"podcast:guid {guid.text} is not a UUID", fix)
    if locked not in ("", "yes", "no"):
        where = document.one(channel, "podcast:locked")
        yield error("F5", where, f"podcast:locked is {locked}", "write yes or no")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text.strip())
    except ValueError:
        return False
    return True


def schedule(document: FeedDocument) -> Iterator[FeedFinding]:
    """F6: an updateFrequency whose rrule a calendar understands."""
    for found in document.all(document.channel, "podcast:updateFrequency"):
        rrule = found.get("rrule")
        if rrule and not _is_rrule(rrule):
            yield error(
                "F6", found, f"the rrule {rrule} is not one", "write one like FREQ=WEEKLY;BYDAY=TU,FR"
            )


def _is_rrule(rrule: str) -> bool:
    parts = dict(part.partition("=")[::2] for part in rrule.split(";"))
    days = parts.get("BYDAY")
    known_days = days is None or all(DAY.fullmatch(day) for day in days.split(","))
    return parts.get("FREQ") in FREQUENCIES and all(parts.values()) and known_days


def move(document: FeedDocument) -> Iterator[FeedFinding]:
    """F7: a moved show names the new address in the new feed, and that is this one."""
    for found in document.all(document.channel, "itunes:new-feed-url"):
        address = (found.text or "").strip()
        if url_path(address) is None:
            yield error("F7", found, f"itunes:new-feed-url is {address}", "write the whole new address")
        elif document.self_address and address != document.self_address:
            fix = "answer 301 here, and name the new address in the new feed too"
            yield warning("F7", found, "the show has moved away from this feed", fix)


def pages(document: FeedDocument) -> Iterator[FeedFinding]:
    """F17: links between the pages of a long archive lead somewhere else, each once."""
    seen: set[str] = set()
    for link in document.all(document.channel, "atom:link"):
        rel, href = link.get("rel", ""), link.get("href", "")
        if rel not in ("next", "prev", "previous", "first", "last"):
            continue
        if rel in seen:
            yield error("F17", link, f"two links rel={rel}", "keep one")
        seen.add(rel)
        if url_path(href) is None:
            yield error("F17", link, f"rel={rel} is not a whole address", "write it with https://")
        elif rel not in ("first", "last") and href == document.self_address:
            yield error("F17", link, f"rel={rel} leads back to this page", "name the other page")


def private(document: FeedDocument) -> Iterator[FeedFinding]:
    """P2: a feed behind a token keeps itself out of directories."""
    path = url_path(document.self_address or "") or ""
    if not any(TOKEN_PATTERN.fullmatch(part) for part in path.split("/")):
        return
    for name in ("itunes:block", "podcast:block", "podcast:locked"):
        if document.text(document.channel, name).lower() != "yes":
            yield error(
                "P2", document.channel, f"a private feed without {name}", f"write <{name}>yes</{name}>"
            )


def hubs(document: FeedDocument) -> Iterator[FeedFinding]:
    """H7: a hub gets the address of a public feed only."""
    path = url_path(document.self_address or "") or ""
    for link in document.all(document.channel, "atom:link[@rel='hub']"):
        if any(TOKEN_PATTERN.fullmatch(part) for part in path.split("/")):
            yield error("H7", link, "a private feed names a hub", "remove it; a hub would get the address")
        elif url_path(link.get("href", "")) is None:
            yield error("H7", link, "the hub has no whole address", "write it with https://")


CHANNEL_RULES: tuple[Rule, ...] = (
    required,
    categories,
    explicit,
    images,
    identity,
    schedule,
    move,
    pages,
    private,
    hubs,
)
