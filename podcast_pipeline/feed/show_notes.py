"""Show notes: from the producer's Markdown to the little HTML that podcast apps show, and to plain text."""

import re
from functools import lru_cache
from html import unescape
from urllib.parse import unquote, urlsplit

import idna
import nh3
import pyromark

from podcast_pipeline.feed.text import shorten, xml_safe

ALLOWED_TAGS = frozenset({"p", "ol", "ul", "li", "a", "b", "i", "strong", "em"})
"""Source: PSP-1, item description; rule F12."""

DESCRIPTION_BYTES = 4000
"""Source: PSP-1 and Apple; rule F3."""

SUMMARY_BYTES = 220


def _with_plain_host(_tag: str, _name: str, value: str) -> str:
    """Return an attribute; an address has its host as apps look it up: `https://xn--mller-kva.example/`."""
    try:
        host = urlsplit(value).netloc.rpartition("@")[2].partition(":")[0]
        name = unquote(host)
        return value if name.isascii() else value.replace(host, idna.encode(name, uts46=True).decode(), 1)
    except ValueError:
        return value


_CLEANER = nh3.Cleaner(
    tags=set(ALLOWED_TAGS),
    attributes={"a": {"href"}},
    attribute_filter=_with_plain_host,
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)
_TAG = re.compile(r"""<[^<>"]*(?:"[^"]*"[^<>"]*)*>""")  # of clean HTML: what is no tag is escaped there

# Imported notes are HTML already; what apps do not know becomes a paragraph, or a space where it is none.
_BLOCK = "h[1-6]|div|blockquote|pre|td|th|dt|dd"
_BLOCKS = re.compile(rf"<(/?)(?:{_BLOCK})\b[^<>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"<(?:br|hr)\b[^<>]*>\n?", re.IGNORECASE)
_EMPTY = re.compile(r"<p>\s*</p>\n?")
_ENDS = re.compile(r"(</(?:p|li)>)(?=<)")

# Where an editor wrapped a line says nothing. Lines that end with a block, or stand in <pre>, were meant.
_EDGE = rf"</?(?:p|[ou]l|li|br|hr|{_BLOCK})\b[^<>]*>"
_LISTING = r"<pre\b(?:[^<]|<(?!/?pre\b))*+</pre>"
_WRAPS = re.compile(rf"({_LISTING}|{_EDGE}\n|\n(?={_EDGE}))|\n", re.IGNORECASE)


@lru_cache(maxsize=4096)  # the public, the private and the lapsed feed show the same notes
def to_html(notes: str) -> str:
    """Return Markdown as HTML of ALLOWED_TAGS only, fit for a CDATA section."""
    unwrapped = _WRAPS.sub(lambda found: found[1] or " ", pyromark.html(xml_safe(notes)))
    html = _BREAKS.sub("\n", _BLOCKS.sub(r"<\1p>", unwrapped))
    clean = _ENDS.sub(r"\1\n", _EMPTY.sub("", _CLEANER.clean(html)))
    return xml_safe(clean.strip()).replace("]]>", "]]&gt;")


@lru_cache(maxsize=4096)
def to_plain(notes: str) -> str:
    """Return Markdown as plain text of at most DESCRIPTION_BYTES bytes of UTF-8, cut between words."""
    lines = unescape(_TAG.sub("", to_html(notes))).splitlines()
    text = "\n".join(line.strip() for line in lines if line.strip())
    return shorten(xml_safe(text), DESCRIPTION_BYTES)


def summary(notes: str) -> str:
    """Return the first paragraph of Markdown as one line of at most SUMMARY_BYTES bytes of UTF-8."""
    return shorten(to_plain(notes).partition("\n")[0], SUMMARY_BYTES)
