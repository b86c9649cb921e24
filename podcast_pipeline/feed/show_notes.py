"""Show notes: convert the producer's Markdown to the HTML subset of podcast apps, and to plain text."""

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


def _with_idna_host(_tag: str, _name: str, value: str) -> str:
    """Return an attribute, with the host of a URL in IDNA: `https://xn--mller-kva.example/`."""
    try:
        host = urlsplit(value).netloc.rpartition("@")[2].partition(":")[0]
        name = unquote(host)
        return value if name.isascii() else value.replace(host, idna.encode(name, uts46=True).decode(), 1)
    except ValueError:
        return value


_CLEANER = nh3.Cleaner(
    tags=set(ALLOWED_TAGS),
    attributes={"a": {"href"}},
    attribute_filter=_with_idna_host,
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)
_TAG = re.compile(r"""<[^<>"]*(?:"[^"]*"[^<>"]*)*>""")  # for clean HTML, where any other < is escaped

# Imported notes are HTML already; unsupported block tags become paragraphs, line breaks become newlines.
_BLOCK = "h[1-6]|div|blockquote|pre|td|th|dt|dd"
_BLOCKS = re.compile(rf"<(/?)(?:{_BLOCK})\b[^<>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"<(?:br|hr)\b[^<>]*>\n?", re.IGNORECASE)
_EMPTY = re.compile(r"<p>\s*</p>\n?")
_ENDS = re.compile(r"(</(?:p|li)>)(?=<)")

# Unwrap lines that an editor wrapped, but keep line ends next to a block tag or in <pre>.
_EDGE = rf"</?(?:p|[ou]l|li|br|hr|{_BLOCK})\b[^<>]*>"
_LISTING = r"<pre\b(?:[^<]|<(?!/?pre\b))*+</pre>"
_WRAPS = re.compile(rf"({_LISTING}|{_EDGE}\n|\n(?={_EDGE}))|\n", re.IGNORECASE)


@lru_cache(maxsize=4096)  # the public, private and lapsed feeds have the same notes
def to_html(notes: str) -> str:
    """Convert Markdown to HTML of ALLOWED_TAGS only, safe in a CDATA section."""
    unwrapped = _WRAPS.sub(lambda match: match[1] or " ", pyromark.html(xml_safe(notes)))
    html = _BREAKS.sub("\n", _BLOCKS.sub(r"<\1p>", unwrapped))
    clean = _ENDS.sub(r"\1\n", _EMPTY.sub("", _CLEANER.clean(html)))
    return xml_safe(clean.strip()).replace("]]>", "]]&gt;")


@lru_cache(maxsize=4096)
def to_plain(notes: str) -> str:
    """Convert Markdown to plain text of at most DESCRIPTION_BYTES bytes of UTF-8, cut between words."""
    lines = unescape(_TAG.sub("", to_html(notes))).splitlines()
    text = "\n".join(line.strip() for line in lines if line.strip())
    return shorten(xml_safe(text), DESCRIPTION_BYTES)


def summary(notes: str) -> str:
    """Return the first paragraph of Markdown as one line of at most SUMMARY_BYTES bytes of UTF-8."""
    return shorten(to_plain(notes).partition("\n")[0], SUMMARY_BYTES)
