"""Show notes: convert the producer's Markdown to the HTML subset of podcast apps, and to plain text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from urllib.parse import unquote, urlsplit

import idna
import nh3
import pyromark

from podcast_pipeline.feed.text import shorten, xml_safe
from podcast_pipeline.model import Episode, Show

ALLOWED_TAGS = frozenset({"p", "ol", "ul", "li", "a", "b", "i", "strong", "em"})
"""Source: PSP-1, item description; rule F12."""

DESCRIPTION_BYTES = 4000
"""Source: PSP-1 and Apple; rule F3."""

SUMMARY_BYTES = 220


def _web_address(_tag: str, _name: str, value: str) -> str | None:
    """Return a link with its host in IDNA, `https://xn--mller-kva.example/`; None for one without a host.

    A relative address leads nowhere in an app, which knows no page that it would be relative to.
    """
    if value.startswith("//"):
        value = f"https:{value}"
    if not _SCHEME.match(value):
        return None
    try:
        host = urlsplit(value).netloc.rpartition("@")[2].partition(":")[0]
        name = unquote(host)
        return value if name.isascii() else value.replace(host, idna.encode(name, uts46=True).decode(), 1)
    except ValueError:
        return value


_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:")
_URL_SCHEMES = {"http", "https", "mailto"}
_CLEANER = nh3.Cleaner(
    tags=set(ALLOWED_TAGS),
    attributes={"a": {"href"}},
    attribute_filter=_web_address,
    url_schemes=_URL_SCHEMES,
    link_rel=None,
)
_TAG = re.compile(r"""<[^<>"]*(?:"[^"]*"[^<>"]*)*>""")  # for clean HTML, where any other < is escaped

# Imported notes are HTML already; unsupported block tags become paragraphs, line breaks become newlines.
_BLOCK = "div|blockquote|pre|tr|dt|dd"
_PAGE_BLOCK = "div|pre|tr|dt|dd"
_TABLE = "h[1-6]|table|thead|tbody|t[dh]"
_HEADINGS = re.compile(r"<(/?)h[1-6]\b[^<>]*>", re.IGNORECASE)
_TABLES = re.compile(r"</?(?:table|thead|tbody|tfoot|t[dh])\b[^<>]*>\n?", re.IGNORECASE)
_CELLS = re.compile(r"</t[dh]>\s*(?=<t[dh]\b)", re.IGNORECASE)
_IMAGES = re.compile(r"<a\b[^<>]*>|</a>|<img\b[^<>]*>", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*"([^"<>]*)\"""", re.IGNORECASE)
_BLOCKS = re.compile(rf"<(/?)(?:{_BLOCK})\b[^<>]*>", re.IGNORECASE)
_PAGE_BLOCKS = re.compile(rf"<(/?)(?:{_PAGE_BLOCK})\b[^<>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"<(?:br|hr)\b[^<>]*>\n?", re.IGNORECASE)
_EMPTY = re.compile(r"<p>\s*</p>\n?")
_ENDS = re.compile(r"(</(?:p|li|blockquote)>)(?=<)")

# Unwrap lines that an editor wrapped, but keep line ends next to a block tag or in <pre>.
_EDGE = rf"</?(?:p|[ou]l|li|br|hr|{_BLOCK}|{_TABLE})\b[^<>]*>"
_LISTING = r"<pre\b(?:[^<]|<(?!/?pre\b))*+</pre>"
_ADDRESS = re.compile(r"""https?://(?:(?!&(?:gt|lt|quot|\#39);)[^\s<>"])+""", re.IGNORECASE)
_HEADING_LINE = re.compile(r"<p><strong>(?:(?!</strong>).)*</strong></p>")
_WRAPS = re.compile(rf"({_LISTING}|{_EDGE}\n|\n(?={_EDGE}))|\n", re.IGNORECASE)


@dataclass(frozen=True)
class PublishedPicture:
    """A picture of the notes that was published with them.

    Attributes:
        source: as the notes name it, `map.png`.
        url: where it is.
    """

    source: str
    url: str
    width_px: int
    height_px: int


def published_pictures(show: Show, episode: Episode) -> tuple[PublishedPicture, ...]:
    """Return the pictures of an episode's notes."""
    return tuple(
        PublishedPicture(one.source, show.object_url(one.key), one.width_px, one.height_px)
        for one in episode.pictures
    )


@lru_cache(maxsize=4096)  # the public, private and lapsed feeds have the same notes
def to_html(notes: str, pictures: tuple[PublishedPicture, ...] = ()) -> str:
    """Convert Markdown to HTML of ALLOWED_TAGS only, safe in a CDATA section.

    A heading becomes a bold paragraph, a row of a table a line, an image a link, a bare address one too.

    Args:
        pictures: of the notes; their links lead to where they were published.
    """
    urls = {picture.source: picture.url for picture in pictures}
    raw = _images_as_links(_to_raw_html(notes), urls)
    return _to_clean_html(raw, _BLOCKS, _CLEANER)


def to_page_html(notes: str, pictures: tuple[PublishedPicture, ...] = ()) -> str:
    """Convert Markdown to HTML for a page of ours: with quotations, and with these pictures.

    Any other image is a link, so that a page loads nothing from another host.
    """
    by_source = {picture.source: picture for picture in pictures}

    def show(image: re.Match[str]) -> str:
        picture = by_source.get(_attributes(image).get("src", ""))
        return _page_image(picture, _attributes(image).get("alt", "")) if picture else image[0]

    raw = _IMAGE.sub(show, _to_raw_html(notes))
    raw = _images_as_links(raw, {}, kept=frozenset(picture.url for picture in pictures))
    return _to_clean_html(raw, _PAGE_BLOCKS, _page_cleaner(frozenset(picture.url for picture in pictures)))


def _page_image(picture: PublishedPicture, alt: str) -> str:
    size = f'width="{picture.width_px}" height="{picture.height_px}"'
    return f'<img src="{escape(picture.url)}" alt="{alt}" {size} loading="lazy">'


@lru_cache(maxsize=64)
def _page_cleaner(urls: frozenset[str]) -> nh3.Cleaner:
    """Return a cleaner that also allows quotations, and images from these addresses."""

    def allowed(tag: str, name: str, value: str) -> str | None:
        if tag == "img":
            return value if name != "src" or value in urls else None
        return _web_address(tag, name, value)

    return nh3.Cleaner(
        tags={*ALLOWED_TAGS, "blockquote", "img"},
        attributes={"a": {"href"}, "img": {"src", "alt", "width", "height", "loading"}},
        attribute_filter=allowed,
        url_schemes=_URL_SCHEMES,
        link_rel=None,
    )


def _to_raw_html(notes: str) -> str:
    return pyromark.html(xml_safe(notes), options=pyromark.Options.ENABLE_TABLES)


def _to_clean_html(raw: str, blocks: re.Pattern[str], cleaner: nh3.Cleaner) -> str:
    unwrapped = _WRAPS.sub(lambda match: match[1] or " ", raw)
    html = _CELLS.sub(" · ", _HEADINGS.sub(lambda h: "</strong></p>" if h[1] else "<p><strong>", unwrapped))
    html = _BREAKS.sub("\n", blocks.sub(r"<\1p>", _TABLES.sub("", html)))
    clean = _ENDS.sub(r"\1\n", _EMPTY.sub("", cleaner.clean(html)))
    return xml_safe(_with_links(clean).strip()).replace("]]>", "]]&gt;")


def local_pictures(notes: str) -> tuple[str, ...]:
    """Return the sources of images in Markdown that name no host: files beside the notes."""
    sources = (_attributes(image).get("src", "") for image in _IMAGE.finditer(_to_raw_html(notes)))
    return tuple(dict.fromkeys(s for s in sources if s and not s.startswith("//") and not _SCHEME.match(s)))


def relative_links(notes: str) -> tuple[str, ...]:
    """Return the addresses in Markdown that name no host, so that no app can follow them."""
    found = re.findall(r'<a\b[^<>]*\bhref="([^"<>]*)"', _to_raw_html(notes))
    addresses = (unescape(address) for address in found)
    return tuple(a for a in addresses if not a.startswith("//") and not _SCHEME.match(a))


def _attributes(image: re.Match[str]) -> dict[str, str]:
    """Return the source and the text of an image, the source unescaped."""
    found = {name.lower(): value.strip() for name, value in _ATTRIBUTE.findall(image[0])}
    return {**found, "src": unescape(found.get("src", ""))}


def _images_as_links(html: str, urls: Mapping[str, str], kept: frozenset[str] = frozenset()) -> str:
    """Return HTML with a link for each image that has a text; in a link only its text stays.

    Args:
        urls: addresses of images by their sources; another one is its own.
        kept: addresses whose images stay.
    """
    in_link = False

    def link(found: re.Match[str]) -> str:
        nonlocal in_link
        tag = found[0].lower()
        if not tag.startswith("<img"):
            in_link = not tag.startswith("</")
            return found[0]
        attributes = _attributes(found)
        text, source = attributes.get("alt", ""), attributes["src"]
        if source in kept:
            return found[0]
        return text if in_link or not text else f'<a href="{escape(urls.get(source, source))}">{text}</a>'

    return _IMAGES.sub(link, html)


def _with_links(html: str) -> str:
    """Return clean HTML with a link for each address that stands in its text outside of a link."""
    parts, in_link, at = [], False, 0
    for tag in (*_TAG.finditer(html), None):
        text = html[at : tag.start() if tag else len(html)]
        parts += [text if in_link else _ADDRESS.sub(_link, text), tag[0] if tag else ""]
        at = tag.end() if tag else at
        if tag and tag[0].startswith(("<a", "</a")):
            in_link = tag[0].startswith("<a")
    return "".join(parts)


def _link(found: re.Match[str]) -> str:
    """Return the link of an address, without the punctuation that ends a sentence behind it."""
    address = found[0].rstrip(".,;:!?'*_")
    if address.endswith(")") and "(" not in address:
        address = address.rstrip(").,;:!?'*_")
    return _CLEANER.clean(f'<a href="{address}">{address}</a>') + found[0][len(address) :]


@lru_cache(maxsize=4096)
def to_plain(notes: str) -> str:
    """Convert Markdown to plain text of at most DESCRIPTION_BYTES bytes of UTF-8, cut between words."""
    return shorten(_text(to_html(notes)), DESCRIPTION_BYTES)


def _text(html: str) -> str:
    """Return the text of clean HTML, without empty lines."""
    lines = unescape(_TAG.sub("", html)).splitlines()
    return xml_safe("\n".join(line.strip() for line in lines if line.strip()))


def summary(notes: str) -> str:
    """Return the first paragraph of Markdown as one line of at most SUMMARY_BYTES bytes of UTF-8.

    A heading before it, "Show notes", says nothing; it is taken where there is nothing else.
    """
    paragraphs = to_html(notes).split("\n")
    first = next((one for one in paragraphs if _text(one) and not _HEADING_LINE.fullmatch(one)), None)
    return shorten((_text(first) if first else to_plain(notes)).partition("\n")[0], SUMMARY_BYTES)
