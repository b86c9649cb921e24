"""The line of an import: the feed's pages, its items, their files, the show, the catalog."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from slugify import slugify

from podcast_pipeline.episodes.create import MAX_SLUG_LENGTH
from podcast_pipeline.errors import FetchError
from podcast_pipeline.feed import parse
from podcast_pipeline.feed.app_impact import read_feed
from podcast_pipeline.feed.conformance.document import LIMIT_BYTES, Document
from podcast_pipeline.feed.parse import Item, Remark
from podcast_pipeline.files import hash16
from podcast_pipeline.model import Episode, Progress
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import standing
from podcast_pipeline.pipeline.media import Parts, dress, step
from podcast_pipeline.remote_feeds.client import Web
from podcast_pipeline.remote_feeds.files import Files
from podcast_pipeline.remote_feeds.item import Brought, Leaving, bring
from podcast_pipeline.remote_feeds.show import take_show
from podcast_pipeline.storage.published import commit
from podcast_pipeline.storage.upload import deliver

PARALLEL = 4
PAGES = 1000


@dataclass(frozen=True)
class MovedIn:
    """What an import came to.

    Attributes:
        entered: slugs of the episodes that the catalog has now, oldest first. known: how many it had.
        remarks: what is not as it was.
    """

    entered: tuple[str, ...]
    known: int
    remarks: tuple[Remark, ...]


def import_feed(source: str, parts: Parts, web: Web, *, keep_audio: bool) -> MovedIn:
    """Enter every item of a feed into the catalog, with its guid, date, notes and files as they are.

    Interrupted, it is run again: files that are in the store are not fetched twice, and the catalog is
    replaced once, at the end.

    Args:
        source: a URL, or a file.
        keep_audio: leave the audio where it is.

    Raises:
        FeedError: the feed cannot be read; nothing was written.
        FetchError: audio could not be fetched; nothing was entered.
    """
    documents = tuple(_pages(source, web))
    items, remarks = _items(documents)
    catalog = standing(parts)
    guids = {episode.guid for episode in catalog.episodes} if catalog else set()
    new = sorted((item for item in items if item.guid not in guids), key=lambda item: item.published_at)
    leaving = Leaving(
        files=Files(web, parts.store, _journal(parts, source), parts.clock),
        library=parts.library,
        show=parts.config.to_show(artwork_key=None),
        language=documents[0].text(documents[0].channel, "language") or parts.config.show.language,
        now=parts.clock(),
        keep_audio=keep_audio,
    )
    brought = list(_bring_all(new, _slugs(new, parts, catalog), leaving, parts))
    episodes = [one.episode for one in brought if one.episode]
    if catalog is None:
        parts, told = take_show(documents[0], source, parts, web)
        remarks += (*told, *parse.lost_of_show(documents[0]))
    _enter(episodes, parts, catalog)
    return MovedIn(
        entered=tuple(episode.slug for episode in episodes),
        known=len(items) - len(new),
        remarks=(*remarks, *(remark for one in brought for remark in one.remarks)),
    )


def _pages(source: str, web: Web) -> Iterator[Document]:
    """Yield a feed and, of one in pages, the pages with older items."""
    seen: set[str] = set()
    address: str | None = source
    while address and address not in seen and len(seen) < PAGES:
        seen.add(address)
        document = read_feed(_bytes(address, web))
        yield document
        address = parse.next_page(document)


def _bytes(address: str, web: Web) -> bytes:
    if address.startswith(("http://", "https://")):
        return web.get(address, limit_bytes=LIMIT_BYTES).body
    return Path(address).read_bytes()


def _items(documents: Iterable[Document]) -> tuple[list[Item], tuple[Remark, ...]]:
    items: dict[str, Item] = {}
    remarks: list[Remark] = []
    for document in documents:
        found, told = parse.items(document)
        remarks += told
        for item in found:
            items.setdefault(item.guid, item)
    return list(items.values()), tuple(remarks)


def _journal(parts: Parts, source: str) -> Path:
    return parts.config.state_folder / "cache" / "import" / hash16(source.encode())


def _slugs(items: Iterable[Item], parts: Parts, catalog: Catalog | None) -> dict[UUID, str]:
    """Return a slug for each item by its id; a second run finds the same ones."""
    taken = {episode.slug for episode in catalog.episodes} if catalog else set()
    slugs: dict[UUID, str] = {}
    for item in items:
        stem = slugify(item.title, max_length=MAX_SLUG_LENGTH, word_boundary=True) or "episode"
        number, slug = 1, stem
        while slug in taken or parts.library.id_of(slug) not in (None, _id(item, parts)):
            number += 1
            slug = f"{stem}-{number}"
        taken.add(slug)
        slugs[_id(item, parts)] = slug
    return slugs


def _id(item: Item, parts: Parts) -> UUID:
    return uuid5(parts.config.show.id, item.guid)


def _bring_all(
    items: list[Item], slugs: dict[UUID, str], leaving: Leaving, parts: Parts
) -> Iterator[Brought]:
    """Take the items over, some at a time.

    Raises:
        FetchError: after all were tried, so that a second run has little left to do.
    """
    failed: list[FetchError] = []

    def attempt(item: Item) -> Brought | FetchError:
        episode_id = _id(item, parts)
        try:
            return bring(item, episode_id, slugs[episode_id], leaving)
        except FetchError as error:
            return error

    parts.report(Progress(step="import", done=0, total=len(items), unit="episodes"))
    with ThreadPoolExecutor(PARALLEL) as pool:
        for done, one in enumerate(pool.map(attempt, items), start=1):
            if isinstance(one, FetchError):
                failed.append(one)
            else:
                yield one
            parts.report(Progress(step="import", done=done, total=len(items), unit="episodes"))
    if failed:
        message = (
            f"{failed[0].message}; {len(failed)} of {len(items)} audio files are missing and nothing was"
            " entered; run again to go on, or pass --keep-audio"
        )
        raise FetchError(failed[0].subject, message)


def _enter(episodes: list[Episode], parts: Parts, catalog: Catalog | None) -> None:
    dressing = dress(parts, catalog)
    deliver(parts.store, dressing.objects, now=parts.clock(), report=parts.report)

    def enter(current: Catalog | None) -> Catalog:
        there = {episode.guid for episode in current.episodes} if current else set()
        base = current or dressing.put_on(None)
        return base.with_episodes(episode for episode in episodes if episode.guid not in there)

    with parts.alone(), step(parts.report, "catalog"):
        commit(parts.store, enter)
