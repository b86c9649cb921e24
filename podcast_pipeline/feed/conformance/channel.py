"""Rules F2, F4 to F7, F17, H7 and P2: the elements of a channel."""

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
    """F2: the elements that PSP-1 requires of a channel."""
    channel = document.channel
    for name in ("title", "description", "link", "language"):
        if not document.text(channel, name):
            yield error("F2", channel, f"the channel has no {name}", f"write <{name}>")
    if not document.self_address:
        yield error("F2", channel, "the channel has no self link", "write <atom:link rel='self'>")
    for link in document.all(channel, "atom:link[@rel='self']"):
        if link.get("type") != "application/rss+xml":
            yield error("F2", link, "the type of the self link is wrong", "write type='application/rss+xml'")
    language = document.one(channel, "language")
    if language is not None and language.text and not LANGUAGE_PATTERN.fullmatch(language.text.strip()):
        yield error(
            "F2", language, f"“{language.text}” is not a language code", "write an ISO 639 code, like en-US"
        )


def categories(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: the channel has at least one category, and only Apple's."""
    found = document.all(document.channel, "itunes:category")
    if not found:
        yield error(
            "F2", document.channel, "the channel has no itunes:category", "write one of Apple's categories"
        )
    for category in found:
        if not category.get("text"):
            yield error("F2", category, "an itunes:category without text", "write text='…'")
        for name in _category_names(document, category):
            if fix := suggest_category_fix(name):
                yield warning("F2", category, f"“{name}” is not one of Apple's categories", fix)


def _category_names(document: FeedDocument, category: Element) -> list[str]:
    """Return a category's name, or the full names of its subcategories: `News > Politics`."""
    top = category.get("text", "").strip()
    subs = [sub.get("text", "").strip() for sub in document.all(category, "itunes:category")]
    return [f"{top} > {sub}" for sub in subs] or [top] if top else []


def explicit(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: itunes:explicit is true or false, in the channel and perhaps in items, without contradiction."""
    if document.one(document.channel, "itunes:explicit") is None:
        yield error("F2", document.channel, "the channel has no itunes:explicit", "write true or false")
    for found in document.all(document.channel, ".//itunes:explicit"):
        if found.text not in ("true", "false"):
            yield error("F2", found, f"itunes:explicit is {found.text}", "write true or false")
    yield from _contradictions(document)


def _contradictions(document: FeedDocument) -> Iterator[FeedFinding]:
    """Yield a warning where all items say the opposite of their channel: apps show the item's value."""
    channel = document.text(document.channel, "itunes:explicit")
    items = {document.text(item, "itunes:explicit") or channel for item in document.items}
    if channel in ("true", "false") and items == {"false" if channel == "true" else "true"}:
        yield warning(
            "F2",
            document.one(document.channel, "itunes:explicit"),
            f"itunes:explicit is {channel}, and every item says the opposite",
            "write the same in channel and items; leave explicit out of episode.toml, and publish again",
        )


def images(document: FeedDocument) -> Iterator[FeedFinding]:
    """F2: the channel has artwork. F4: the address of artwork ends in .jpg, .jpeg or .png."""
    if document.one(document.channel, "itunes:image") is None:
        yield error(
            "F2", document.channel, "the channel has no itunes:image", "write <itunes:image href='…'>"
        )
    for image in document.all(document.channel, ".//itunes:image"):
        path = url_path(image.get("href", "")) or ""
        if not path.lower().endswith(IMAGE_ENDINGS):
            fix = "serve a JPEG named .jpg or a PNG named .png"
            yield error("F4", image, "the artwork's address does not end in .jpg or .png", fix)


def identity(document: FeedDocument) -> Iterator[FeedFinding]:
    """F5: the channel has a podcast:guid, podcast:locked and itunes:author."""
    channel = document.channel
    for name in ("podcast:guid", "podcast:locked", "itunes:author"):
        if not document.text(channel, name):
            yield warning("F5", channel, f"the channel has no {name}", f"write <{name}>")
    guid, locked = document.one(channel, "podcast:guid"), document.text(channel, "podcast:locked")
    if guid is not None and guid.text and not _is_uuid(guid.text):
        fix = "write the UUID that was assigned to the show; do not compute it again"
        yield error("F5", guid, f"podcast:guid {guid.text} is not a UUID", fix)
    if locked not in ("", "yes", "no"):
        element = document.one(channel, "podcast:locked")
        yield error("F5", element, f"podcast:locked is {locked}", "write yes or no")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text.strip())
    except ValueError:
        return False
    return True


def schedule(document: FeedDocument) -> Iterator[FeedFinding]:
    """F6: the rrule of podcast:updateFrequency is valid."""
    for found in document.all(document.channel, "podcast:updateFrequency"):
        rrule = found.get("rrule")
        if rrule and not _is_rrule(rrule):
            yield error(
                "F6", found, f"the rrule {rrule} is invalid", "write a rule like FREQ=WEEKLY;BYDAY=TU,FR"
            )


def _is_rrule(rrule: str) -> bool:
    parts = dict(part.partition("=")[::2] for part in rrule.split(";"))
    days = parts.get("BYDAY")
    known_days = days is None or all(DAY.fullmatch(day) for day in days.split(","))
    return parts.get("FREQ") in FREQUENCIES and all(parts.values()) and known_days


def move(document: FeedDocument) -> Iterator[FeedFinding]:
    """F7: itunes:new-feed-url is a full URL, and the new feed contains it too."""
    for found in document.all(document.channel, "itunes:new-feed-url"):
        address = (found.text or "").strip()
        if url_path(address) is None:
            yield error(
                "F7", found, f"itunes:new-feed-url is “{address}”", "write the full URL of the new feed"
            )
        elif document.self_address and address != document.self_address:
            fix = "redirect this address with a 301, and write itunes:new-feed-url in the new feed too"
            yield warning("F7", found, "the show has moved away from this feed", fix)


def pages(document: FeedDocument) -> Iterator[FeedFinding]:
    """F17: the pagination links of a long archive are full URLs of other pages, one for each rel."""
    seen: set[str] = set()
    for link in document.all(document.channel, "atom:link"):
        rel, href = link.get("rel", ""), link.get("href", "")
        if rel not in ("next", "prev", "previous", "first", "last"):
            continue
        if rel in seen:
            yield error("F17", link, f"two links with rel={rel}", "keep one")
        seen.add(rel)
        if url_path(href) is None:
            yield error("F17", link, f"the link with rel={rel} is not a full URL", "write it with https://")
        elif rel not in ("first", "last") and href == document.self_address:
            yield error(
                "F17", link, f"the link with rel={rel} leads back to this page", "link to the other page"
            )


def private(document: FeedDocument) -> Iterator[FeedFinding]:
    """P2: a private feed is blocked from directories."""
    path = url_path(document.self_address or "") or ""
    if not any(TOKEN_PATTERN.fullmatch(part) for part in path.split("/")):
        return
    for name in ("itunes:block", "podcast:block", "podcast:locked"):
        if document.text(document.channel, name).lower() != "yes":
            yield error(
                "P2", document.channel, f"a private feed without {name}", f"write <{name}>yes</{name}>"
            )


def hubs(document: FeedDocument) -> Iterator[FeedFinding]:
    """H7: only a public feed has a hub link, and it is a full URL."""
    path = url_path(document.self_address or "") or ""
    for link in document.all(document.channel, "atom:link[@rel='hub']"):
        if any(TOKEN_PATTERN.fullmatch(part) for part in path.split("/")):
            yield error(
                "H7",
                link,
                "a private feed has a hub link",
                "remove it; the hub would get the private address",
            )
        elif url_path(link.get("href", "")) is None:
            yield error("H7", link, "the hub link is not a full URL", "write it with https://")


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
