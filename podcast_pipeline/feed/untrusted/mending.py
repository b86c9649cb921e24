"""Mend another host's feed that is no well-formed XML, as the readers of apps do, and name each mend.

First the usual mends over the whole text; what is still wrong is looked for item by item, so that one broken
item spoils no other. No entity is expanded, nothing is fetched, and each step takes linear time.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.entities import html5
from typing import cast

from lxml import etree

from podcast_pipeline.errors import FeedError
from podcast_pipeline.feed.feedgen_extension import NAMESPACES
from podcast_pipeline.feed.text import single_line
from podcast_pipeline.feed.untrusted.charset import decode_feed
from podcast_pipeline.model import ILLEGAL_IN_XML

KNOWN_NAMESPACES = {
    **NAMESPACES,
    "media": "http://search.yahoo.com/mrss/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "googleplay": "http://www.google.com/schemas/play-podcasts/1.0",
    "spotify": "http://www.spotify.com/ns/rss",
}
XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
PLAIN_ELEMENTS = ("title", "itunes:title", "itunes:subtitle", "itunes:author", "itunes:keywords")
HTML_ELEMENTS = (*PLAIN_ELEMENTS, "description", "itunes:summary", "content:encoded")
"""Elements in which some hosts write HTML as if it were XML; the text of the plain ones is none."""

ITEM_ELEMENTS = ("enclosure", "guid", "pubDate")
"""Without these an item is another one or none."""

ELEMENTS_IN_NOTES = "has HTML that is not escaped in its notes, read as HTML"

OPAQUE = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
"""What begins and ends a stretch in which & and < are letters."""

BEGIN_CHARACTERS = 1 << 16
MOST_BROKEN = 1000  # items: a feed with more is none, and each costs a reading of its own
SHOWN_CHARACTERS = 60

_OPAQUE_BEGIN = re.compile("|".join(map(re.escape, OPAQUE)))
_ROOT = re.compile(r"<\?xml\b|<rss\b")
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[\]]{0,1000}>")
_ANY_DOCTYPE = re.compile(r"<!DOCTYPE\b", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?:(#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,30});)?")
_LESS = re.compile(r"<(?![A-Za-z_/!?])")
_PREFIX = re.compile(
    r"</?([A-Za-z_][\w.-]{0,40}):|\s(?!xmlns:|xml:)([A-Za-z_][\w.-]{0,40}):[\w.-]{1,40}\s{0,9}="
)
_RSS = re.compile(r"<rss\b[^<>]*>")
_CHANNEL = re.compile(r"<channel\b[^<>]*>")
_ITEM = re.compile(r"<item(?=[\s>])")
_ITEM_END = re.compile(r"</item\s*>")
_ENDS = re.compile(r"</(?:channel|rss)\s*>")
_TITLE = re.compile(r"<title>(?:<!\[CDATA\[)?([^<\]]{1,200})")
_HTML_TAGS = tuple(
    f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local
    for prefix, _, local in (name.rpartition(":") for name in HTML_ELEMENTS)
)
_CLOSING = "</channel></rss>"


@dataclass(frozen=True)
class ReadableFeed:
    """A feed as UTF-8, well-formed where that was possible.

    Attributes:
        remarks: predicates of the feed: how it was mended; empty where it came well-formed in its encoding.
    """

    body: bytes
    remarks: tuple[str, ...] = ()


@dataclass
class _Mends:
    """Counts the mends of each kind, with the first line of each."""

    found: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, about: str, line: int) -> None:
        first, count = self.found.get(about, (line, 0))
        self.found[about] = first, count + 1

    def remarks(self) -> tuple[str, ...]:
        return tuple(
            f"{about} (line {line})" if count == 1 else f"{about} ({count} times, first in line {line})"
            for about, (line, count) in self.found.items()
        )


@dataclass(frozen=True)
class _Part:
    """A stretch of the feed, and the number of its first line."""

    text: str
    line: int = 1

    def line_at(self, position: int) -> int:
        return self.line + self.text.count("\n", 0, position)

    def until(self, start: int, end: int) -> "_Part":
        return _Part(self.text[start:end], self.line_at(start))


def readable_feed(body: bytes, *, http_charset: str = "") -> ReadableFeed:
    """Return a feed decoded and, if it is not well-formed, mended; what no mend helps comes back unmended.

    Args:
        http_charset: of the answer's Content-Type; empty for a file.

    Raises:
        FeedError: it has a DOCTYPE that declares something, as entities; no mend takes that away.
    """
    decoded = decode_feed(body, http_charset=http_charset)
    mends = _Mends()
    text = _without_doctype(decoded.text, mends)
    _refuse_doctype(text)
    if not _is_well_formed(text) and _RSS.search(text):
        mended = _mended(_without_begin(text, mends), mends)
        text = mended.text if _is_well_formed(mended.text) else _by_item(mended, mends)
    text = _with_whole_texts(text, mends)
    return ReadableFeed(text.encode("utf-8", "replace"), (*decoded.remarks, *mends.remarks()))


def _without_doctype(text: str, mends: _Mends) -> str:
    found = _DOCTYPE.search(text, 0, BEGIN_CHARACTERS)
    if not found:
        return text
    mends.add("has a DOCTYPE, which is left out", _Part(text).line_at(found.start()))
    return text[: found.start()] + "\n" * found[0].count("\n") + text[found.end() :]


def _refuse_doctype(text: str) -> None:
    mask = _masked(text)
    root = _RSS.search(mask)
    if root and _ANY_DOCTYPE.search(mask, 0, root.start()):
        raise FeedError("F1", "the feed has a DOCTYPE; remove it; feed readers reject entities")


def _with_whole_texts(text: str, mends: _Mends) -> str:
    """Return a feed in which notes that have elements are text: else what follows the first one is lost."""
    try:
        root = _parse(text, recover=False)
    except etree.XMLSyntaxError:
        return text
    assert root is not None
    with_elements = (e for name in _HTML_TAGS for e in root.iter(name) if len(e.findall("*")))
    first = next(with_elements, None)
    if first is None:
        return text
    as_text = _with_cdata(text)
    if not _is_well_formed(as_text):
        return text
    mends.add(ELEMENTS_IN_NOTES, cast(int, first.sourceline))
    return as_text


def _is_well_formed(text: str) -> bool:
    try:
        _parse(text, recover=False)
    except etree.XMLSyntaxError:
        return False
    return True


def _parse(text: str, *, recover: bool) -> etree._Element | None:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        strip_cdata=False,
        recover=recover,
    )
    return etree.fromstring(text.encode("utf-8", "replace"), parser)


def _without_begin(text: str, mends: _Mends) -> _Part:
    root = _ROOT.search(text, 0, BEGIN_CHARACTERS)
    begin = text[: root.start()] if root else ""
    if begin:
        words = single_line(begin)[:SHOWN_CHARACTERS]
        mends.add(f"begins with {f'“{words}”' if words else 'a blank'}, which is left out", 1)
    return _Part(text).until(len(begin), len(text))


def _mended(part: _Part, mends: _Mends) -> _Part:
    """Return the usual mends; each keeps the line ends, so that lines stay what they are."""
    part = _sub(ILLEGAL_IN_XML, _leave_out, part, mends)
    mended, line = [], part.line
    for is_opaque, text in _pieces(part.text):
        piece = _Part(text, line)
        line += text.count("\n")
        if not is_opaque:
            piece = _sub(_LESS, _mend_less, _sub(_AMPERSAND, _mend_ampersand, piece, mends), mends)
        mended.append(piece.text)
    return _with_namespaces(_Part("".join(mended), part.line), mends)


def _sub(
    pattern: re.Pattern[str],
    mend: Callable[[re.Match[str]], tuple[str, str] | None],
    part: _Part,
    mends: _Mends,
) -> _Part:
    """Replace what `mend` has a replacement for, and count it."""
    line, counted_to = part.line, 0

    def replacement(found: re.Match[str]) -> str:
        nonlocal line, counted_to
        mended = mend(found)
        if mended is None:
            return found[0]
        line += part.text.count("\n", counted_to, found.start())
        counted_to = found.start()
        mends.add(mended[1], line)
        return mended[0]

    return _Part(pattern.sub(replacement, part.text), part.line)


def _leave_out(_: re.Match[str]) -> tuple[str, str]:
    return "", "has control characters, which are left out"


def _mend_less(_: re.Match[str]) -> tuple[str, str]:
    return "&lt;", "has bare <, read as &lt;"


def _mend_ampersand(found: re.Match[str]) -> tuple[str, str] | None:
    name = found[1]
    if name is None:
        return "&amp;", "has bare &, read as &amp;"
    if name.startswith("#"):
        code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
        if code < 0x110000 and not ILLEGAL_IN_XML.match(chr(code)):
            return None if not name.startswith("#X") else (f"&#{code};", "has &#X, read as &#x")
        return "", "has references to characters that XML forbids, which are left out"
    if name in XML_ENTITIES:
        return None
    if f"{name};" in html5:
        return html.escape(html5[f"{name};"], quote=False), "has names of HTML, such as &nbsp;"
    return f"&amp;{name};", "has unknown names, such as &this;, read as they stand"


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield stretches of a text, and whether & and < are letters in them."""
    position = 0
    while found := _OPAQUE_BEGIN.search(text, position):
        yield False, text[position : found.start()]
        end = text.find(OPAQUE[found[0]], found.end())
        if end < 0:
            yield True, text[found.start() :]
            return
        position = end + len(OPAQUE[found[0]])
        yield True, text[found.start() : position]
    yield False, text[position:]


def _masked(text: str) -> str:
    """Return a text of the same length in which opaque stretches are blanks, to search for tags."""
    return "".join(" " * len(piece) if is_opaque else piece for is_opaque, piece in _pieces(text))


def _with_namespaces(part: _Part, mends: _Mends) -> _Part:
    mask = _masked(part.text)
    used = {name for found in _PREFIX.findall(mask) for name in found if name}
    missing = sorted(name for name in used - {"xml", "xmlns"} if f"xmlns:{name}" not in mask)
    root = _RSS.search(mask)
    if not (missing and root):
        return part
    declared = "".join(
        f' xmlns:{name}="{KNOWN_NAMESPACES.get(name, f"urn:undeclared:{name}")}"' for name in missing
    )
    mends.add(f"does not declare the namespaces of {', '.join(missing)}", part.line_at(root.start()))
    place = root.start() + len("<rss")
    return _Part(part.text[:place] + declared + part.text[place:], part.line)


@dataclass(frozen=True)
class _Layout:
    """The parts of a feed.

    Attributes:
        opening: the tags of rss and channel.
        channel: the channel's text around the items.
        is_cut: whether the last item breaks off.
    """

    opening: str
    channel: _Part
    items: list[_Part]
    is_cut: bool


def _layout(part: _Part) -> _Layout | None:
    """Return the parts of a feed, None where it has no rss and no channel to speak of."""
    mask = _masked(part.text)
    root = _RSS.search(mask)
    channel = _CHANNEL.search(mask, root.end() if root else 0)
    if root is None or channel is None:
        return None
    starts = [found.start() for found in _ITEM.finditer(mask, channel.end())]
    limits = [*starts[1:], len(mask)][: len(starts)]
    items, around, position, line = [], [], channel.end(), part.line_at(channel.end())
    is_cut = False
    for start, limit in zip(starts, limits, strict=True):
        end = _ITEM_END.search(mask, start, limit)
        is_cut = end is None
        around.append(part.text[position:start])
        line += part.text.count("\n", position, start)
        position = end.end() if end else limit
        items.append(_Part(part.text[start:position], line))
        line += items[-1].text.count("\n")
    around.append(part.text[position:])
    text = _ENDS.sub("", "".join(around))
    return _Layout(root[0] + channel[0], _Part(text, part.line_at(channel.end())), items, is_cut)


def _by_item(part: _Part, mends: _Mends) -> str:
    """Return a feed whose channel and items were each read as far as possible, unmended where nothing was."""
    layout = _layout(part)
    if layout is None:
        return part.text
    if layout.is_cut or not _ENDS.search(_masked(part.text)):
        mends.add("breaks off at its end; what followed is missing", part.line_at(len(part.text)))
    items = layout.items
    if layout.is_cut:
        mends.add(
            f"has a last item that is not whole, {_title(items[-1])}, which is left out", items[-1].line
        )
        items = items[:-1]
    pieces, broken = [_read(layout.opening, layout.channel, "the channel", mends)], 0
    for item in items:
        pieces.append(_read(layout.opening, item, f"the item {_title(item)}", mends))
        broken += pieces[-1] != item.text
        if broken > MOST_BROKEN:
            return part.text
    text = f"{layout.opening}{''.join(pieces)}{_CLOSING}"
    return text if _is_well_formed(text) else part.text


def _title(item: _Part) -> str:
    found = _TITLE.search(item.text)
    return f"“{single_line(found[1])[:SHOWN_CHARACTERS]}”" if found else "without a title"


def _read(opening: str, part: _Part, name: str, mends: _Mends) -> str:
    """Return the elements of a part, well-formed."""
    if _is_well_formed(f"{opening}{part.text}{_CLOSING}"):
        return part.text
    as_text = _with_cdata(part.text)
    if _is_well_formed(f"{opening}{as_text}{_CLOSING}"):
        mends.add(ELEMENTS_IN_NOTES, part.line)
        return as_text
    root = _parse(f"{opening}{as_text}{_CLOSING}", recover=True)
    channel = None if root is None else root.find("channel")
    children = [] if channel is None else list(channel.iterchildren("*"))
    if not children:
        mends.add(f"cannot be read in {name}, which is left out", part.line)
        return ""
    if children[0].tag == "item":
        children = [_whole_item(children)]
    mends.add(f"is not well-formed in {name}, read as far as possible", part.line)
    return "".join(etree.tostring(child, encoding="unicode", with_tail=False) for child in children)


def _whole_item(children: list[etree._Element]) -> etree._Element:
    """Return an item with all that is its own, behind a tag that closes nothing or in one never closed."""
    item = children[0]
    for behind in children[1:]:
        item.append(behind)
    for found in list(item.iter(*ITEM_ELEMENTS)):
        if found.getparent() is not item:
            found.tail = None
            item.append(found)
    return item


def _with_cdata(text: str) -> str:
    """Put the text of the elements that hold HTML into CDATA, where it is written as if it were XML."""
    for name in HTML_ELEMENTS:
        begin, end = re.compile(rf"<{name}(?:\s[^<>]*)?(?<!/)>"), f"</{name}>"
        pieces: list[str] = []
        position = 0
        for found in begin.finditer(text):
            close = text.find(end, found.end())
            if close < 0:
                break
            inner = text[found.end() : close]
            if found.start() < position or "<![CDATA[" in inner or "]]>" in inner or "<" not in inner:
                continue
            meant = html.unescape(inner) if name in PLAIN_ELEMENTS else inner
            pieces += (text[position : found.end()], "<![CDATA[", meant.replace("]]>", "]] >"), "]]>")
            position = close
        text = "".join((*pieces, text[position:]))
    return text
