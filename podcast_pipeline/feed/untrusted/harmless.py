"""Take out of another host's feed what could run a script: addresses, and HTML of show notes."""

import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape

import nh3

from podcast_pipeline.feed.text import xml_safe
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.model import FeedElement

ADDRESS_NAMES = ("href", "img", "src", "uri", "url")
"""What the name of an attribute, or of a member of JSON, ends in where its value is an address."""

OTHER_SCHEMES = ("mailto:", "tel:", "ipfs://", "magnet:?", "nostr:", "lightning:")
"""What a link may lead to beside the web: nothing of them runs in a browser."""

NOTES = frozenset({"itunes:summary", "itunes:subtitle"})
"""Elements whose text apps show as HTML."""

KEPT_WITHOUT_ADDRESS = frozenset({"podcast:person"})
"""Elements that say something without their address too."""

_SCRIPT_ADDRESS = re.compile(
    r"(?:javascript|vbscript|livescript):\S|data:[\w.+-]*[;,/]|(?:file|blob|jar|view-source):\S*/",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\ufeff]")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060\ufeff]")
_ACTIVE = re.compile(
    r"<\s*/?(?:script|style|iframe|frame|object|embed|applet|form|button|input|base|meta|link|svg|math|template)\b"
    r"""|<[^<>]*[\s/"']on[a-z]+\s*="""
    r"|<[^<>]*\b(?:style|srcdoc)\s*=",
    re.IGNORECASE,
)
_SCRIPT_LINK = re.compile(
    r"""(?:javascript|vbscript|livescript):|=["']?(?:data|file|blob|jar|view-source):""", re.IGNORECASE
)
_CLEANER = nh3.Cleaner(url_schemes={"http", "https", "mailto", "tel"}, link_rel=None)


@lru_cache(maxsize=4096)  # the public, private and lapsed feeds have the same notes
def harmless_notes(html: str) -> str:
    """Return the notes of an imported item without scripts; notes without any stay as they are.

    The search finds too much rather than too little: what it finds is written anew by a HTML sanitizer.
    """
    readable = unescape(unescape(html))
    if _ACTIVE.search(readable) or _SCRIPT_LINK.search(_INVISIBLE.sub("", readable)):
        return _CLEANER.clean(xml_safe(html))
    return html


def harmless_element(element: FeedElement, base: str | None = None) -> FeedElement | None:
    """Return an element of an item with http(s) addresses only, None where nothing would be left of it.

    Args:
        base: the address against which relative ones are resolved; None: there is none.
    """
    attributes = {name: _harmless_value(name, value, base) for name, value in element.attributes.items()}
    kept = {name: value for name, value in attributes.items() if value is not None}
    children = harmless_elements(element.children, base)
    is_whole = len(kept) == len(attributes) and len(children) == len(element.children)
    text = element.text and (harmless_notes(element.text) if element.name in NOTES else element.text)
    if (not is_whole and element.name not in KEPT_WITHOUT_ADDRESS) or could_run(element.text or ""):
        return None
    if (kept, children, text) == (element.attributes, element.children, element.text):
        return element
    return element.model_copy(update={"attributes": kept, "children": children, "text": text})


def is_address_name(name: str) -> bool:
    """Tell whether an attribute, or a member of JSON, of this name is an address."""
    return name.lower().endswith(ADDRESS_NAMES)


def harmless_elements(elements: Iterable[FeedElement], base: str | None = None) -> tuple[FeedElement, ...]:
    """Return the elements that `harmless_element` leaves."""
    return tuple(kept for element in elements if (kept := harmless_element(element, base)) is not None)


def _harmless_value(name: str, value: str, base: str | None) -> str | None:
    if name == "srcset":
        return _harmless_srcset(value, base)
    if is_address_name(name):
        address = web_address(value, base)
        return value.strip() if address is None and _is_other_link(value) else address
    return None if could_run(value) else value


def _is_other_link(value: str) -> bool:
    return value.strip().lower().startswith(OTHER_SCHEMES)


def _harmless_srcset(value: str, base: str | None) -> str | None:
    """Return a srcset ("address width, address width") with encoded addresses, None where one is none."""
    candidates = [part.split() for part in value.split(", ") if part.strip()]
    addresses = [web_address(part[0], base) for part in candidates]
    if None in addresses or any(map(could_run, re.split(r"[\s,]+", value))):
        return None
    return ", ".join(" ".join([str(a), *part[1:]]) for a, part in zip(addresses, candidates, strict=True))


def could_run(text: str) -> bool:
    """Tell whether a text is an address that runs a script, or reads a file, where it is followed."""
    return _SCRIPT_ADDRESS.match(_CONTROL.sub("", text).strip()) is not None
