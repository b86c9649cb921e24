"""Rules F3, F12 and F13: text lengths, show notes and file addresses."""

import re
from collections.abc import Iterator

from lxml import etree

from podcast_pipeline.feed.conformance.document import FeedDocument, Rule, url_path
from podcast_pipeline.feed.conformance.finding import FeedFinding, error, warning
from podcast_pipeline.feed.show_notes import ALLOWED_TAGS, DESCRIPTION_BYTES

TEXT_LIMIT = 255
TEXT_LIMITS = {
    "podcast:txt": 4000,
    "podcast:person": 128,
    "podcast:soundbite": 128,
    "podcast:updateFrequency": 128,
}
LONG_TEXTS = ("description", "itunes:summary", "content:encoded")
ATTRIBUTE_LIMITS = {
    ("podcast:txt", "purpose"): 128,
    ("podcast:season", "name"): 128,
    ("podcast:episode", "display"): 32,
    ("podcast:alternateEnclosure", "title"): 32,
    ("podcast:alternateEnclosure", "rel"): 32,
}
"""Characters. Source: PSP-1 and the tags' pages in the podcast namespace."""

ADDRESSES = {
    "enclosure": "url",
    "itunes:image": "href",
    "podcast:transcript": "url",
    "podcast:chapters": "url",
}

_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)[\s/>]")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]*")


def lengths(document: FeedDocument) -> Iterator[FeedFinding]:
    """F3: no text is longer than apps show, or has white space around it."""
    for element in document.channel.iter(etree.Element):
        name, text = document.name(element), element.text or ""
        if len(element) or "://" in name:
            continue
        if name not in LONG_TEXTS and text.strip() not in (text, ""):
            yield warning("F3", element, f"white space around the text of {name}", "remove it")
        yield from _check_length(name, text, element)
        for (owner, attribute), limit in ATTRIBUTE_LIMITS.items():
            if owner == name and len(element.get(attribute, "")) > limit:
                yield warning("F3", element, f"{name} {attribute} has over {limit} characters", "shorten it")


def _check_length(name: str, text: str, element: etree._Element) -> Iterator[FeedFinding]:
    if name in ("description", "itunes:summary"):
        size = len(text.strip().encode())
        if size > DESCRIPTION_BYTES:
            yield warning("F3", element, f"{name} has {size} bytes, over {DESCRIPTION_BYTES}", "shorten it")
    elif name not in LONG_TEXTS:
        limit = TEXT_LIMITS.get(name, TEXT_LIMIT)
        if len(text.strip()) > limit:
            yield warning("F3", element, f"{name} has {len(text)} characters, over {limit}", "shorten it")


def show_notes(document: FeedDocument) -> Iterator[FeedFinding]:
    """F12: show notes are HTML in CDATA, with only the tags that apps show."""
    for notes in document.all(document.channel, "item/content:encoded"):
        other_tags = {tag.lower() for tag in _TAG.findall(notes.text or "")} - ALLOWED_TAGS
        if other_tags:
            message = f"the show notes contain {', '.join(sorted(other_tags))}"
            yield warning("F12", notes, message, "use only p ol ul li a b i strong em; apps drop other tags")
        if "<" in (notes.text or "") and b"<![CDATA[" not in etree.tostring(notes, with_tail=False):
            yield warning("F12", notes, "the show notes are escaped HTML", "write them in a CDATA section")


def addresses(document: FeedDocument) -> Iterator[FeedFinding]:
    """F13: files have full URLs in plain ASCII."""
    for name, attribute in ADDRESSES.items():
        for element in document.all(document.channel, f".//{name}"):
            yield from _check_address(name, element.get(attribute, ""), element)


def _check_address(name: str, address: str, element: etree._Element) -> Iterator[FeedFinding]:
    path = url_path(address)
    if path is None:
        yield error("F13", element, f"{name} has no full URL", "write it with https://")
    elif not address.isascii() or " " in address:
        yield error(
            "F13", element, f"the address of {name} has spaces or non-ASCII characters", "rename the file"
        )
    elif not _PLAIN_PATH.fullmatch(path):
        fix = "name files with letters, digits and - . _ ~ only"
        yield warning("F13", element, f"the address of {name} has unusual characters", fix)


TEXT_RULES: tuple[Rule, ...] = (lengths, show_notes, addresses)
