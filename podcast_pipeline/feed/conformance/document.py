"""Parse an untrusted feed; rule F1."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from lxml import etree

from podcast_pipeline.feed.conformance.finding import FeedFinding, error, warning
from podcast_pipeline.feed.feedgen_extension import NAMESPACES
from podcast_pipeline.feed.untrusted.addresses import web_address

MAX_FEED_BYTES = 64 * 1024 * 1024  # 2,000 episodes with long notes take 10 MB
OLD_PODCAST_NAMESPACE = "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"

Element = etree._Element


class UnreadableFeed(Exception):
    """The bytes are not a feed; `finding` states the reason."""

    def __init__(self, finding: FeedFinding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(frozen=True)
class FeedDocument:
    """A feed as a tree.

    Attributes:
        names: prefix to URI as declared in this feed, so that one wrong URI gives one finding, not twenty.
    """

    root: Element
    channel: Element
    names: dict[str, str]

    @cached_property
    def items(self) -> list[Element]:
        """The items, in the feed's order."""
        return self.all(self.channel, "item")

    @property
    def self_address(self) -> str | None:
        """The href of atom:link rel=self."""
        links = self.all(self.channel, "atom:link[@rel='self']")
        return links[0].get("href") if links else None

    def resolve(self, element: Element, address: str) -> str | None:
        """Return an http(s) address in an element, resolved against xml:base and the feed's own address.

        Source: RFC 3986, section 5; XML Base.
        """
        return web_address(address, self.base_of(element))

    def base_of(self, element: Element) -> str | None:
        """Return the address against which those in an element are relative; None if there is none."""
        try:
            return urljoin(self.self_address or "", element.base or "") or None
        except ValueError:
            return None

    def all(self, parent: Element, path: str) -> list[Element]:
        """Return the children at a path like `itunes:image`."""
        return parent.findall(path, self.names)

    def one(self, parent: Element, path: str) -> Element | None:
        """Return the first child at a path."""
        return parent.find(path, self.names)

    def text(self, parent: Element, path: str) -> str:
        """Return the stripped text of the first child at a path; empty if there is none."""
        return self.element_and_text(parent, path)[1]

    def element_and_text(self, parent: Element, path: str) -> tuple[Element | None, str]:
        """Return the first child at a path and its stripped text."""
        element = self.one(parent, path)
        return element, "" if element is None else (element.text or "").strip()

    def name(self, element: Element) -> str:
        """Return an element's name with prefix, like `itunes:image`; an unknown namespace keeps its URI."""
        space, _, local = element.tag.rpartition("}")  # {URI}local; a QName costs ten times this
        return f"{self._prefixes.get(space) or space[1:]}:{local}" if space else local

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        return {f"{{{uri}": prefix for prefix, uri in self.names.items()}


def parse_rss(feed: bytes, *, base_url: str = "") -> FeedDocument:
    """F1: the feed is well-formed XML in UTF-8, without a DOCTYPE.

    No entity is expanded and nothing is fetched.

    Args:
        base_url: the address of the feed, for `Element.base`; empty where it is not needed.

    Raises:
        UnreadableFeed: too large, not well-formed, not UTF-8, with a DOCTYPE, or not RSS.
    """
    if len(feed) > MAX_FEED_BYTES:
        fix = f"keep it under {MAX_FEED_BYTES} bytes; split it into pages, see F17"
        raise _unreadable(None, f"the feed has {len(feed)} bytes", fix)
    root = _parse(feed, base_url)
    _refuse_other_documents(root)
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        raise _unreadable(
            root, f"this is <{root.tag}>, not an RSS feed", "use the address of the RSS feed itself"
        )
    declared = {prefix: uri for prefix, uri in root.nsmap.items() if prefix in NAMESPACES}
    return FeedDocument(root, channel, {**NAMESPACES, **declared})


def _parse(feed: bytes, base_url: str) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=False,
    )
    try:
        return etree.fromstring(feed, parser, base_url=base_url)
    except etree.XMLSyntaxError as problem:
        line = problem.lineno or None
        fix = "write the feed with an XML library, and nothing before <?xml"
        raise UnreadableFeed(
            FeedFinding("F1", "error", line, f"not well-formed XML: {problem.msg}", fix)
        ) from problem


def _refuse_other_documents(root: Element) -> None:
    info = root.getroottree().docinfo
    if info.internalDTD is not None:
        raise _unreadable(root, "the feed has a DOCTYPE", "remove it; feed readers reject entities")
    if (info.encoding or "UTF-8").upper() not in ("UTF-8", "ASCII", "US-ASCII"):
        raise _unreadable(root, f"the feed is encoded in {info.encoding}", "write it in UTF-8")


def _unreadable(element: Element | None, message: str, fix: str) -> UnreadableFeed:
    return UnreadableFeed(error("F1", element, message, fix))


def url_path(address: str) -> str | None:
    """Return the path of a full http(s) URL; None for anything else."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    return parts.path if parts.scheme in ("http", "https") and parts.netloc else None


def check_namespaces(document: FeedDocument) -> Iterator[FeedFinding]:
    """F1: RSS 2.0, and the four namespaces with their exact URIs."""
    root = document.root
    if root.get("version") != "2.0":
        yield error("F1", root, f'the RSS version is "{root.get("version")}"', 'write <rss version="2.0">')
    uris = set(root.nsmap.values())
    for prefix, uri in NAMESPACES.items():
        declared = root.nsmap.get(prefix)
        fix = f'write xmlns:{prefix}="{uri}"'
        if declared == OLD_PODCAST_NAMESPACE:
            yield warning("F1", root, f"the namespace {prefix} has its old URI", fix)
        elif declared not in (None, uri):
            yield error("F1", root, f"the namespace {prefix} has the URI {declared}", fix)
        elif uri not in uris:
            yield warning("F1", root, f"the namespace {prefix} is not declared", fix)


Rule = Callable[[FeedDocument], Iterator[FeedFinding]]
