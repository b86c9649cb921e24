"""Import of a show from another host: the feed's pages, its items, their files, the show, the catalog."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from slugify import slugify

from podcast_pipeline.episodes.create import MAX_SLUG_LENGTH
from podcast_pipeline.errors import FetchError
from podcast_pipeline.feed import parse
from podcast_pipeline.feed.app_impact import parse_feed
from podcast_pipeline.feed.conformance.document import MAX_FEED_BYTES, FeedDocument
from podcast_pipeline.feed.parse import ImportRemark, ParsedItem
from podcast_pipeline.files import short_sha256
from podcast_pipeline.model import Episode, Progress
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import load_catalog
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.pipeline.show_assets import build_show_assets
from podcast_pipeline.pipeline.withdraw.checks import withdrawn_in_episode
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.files import FileImporter
from podcast_pipeline.remote_feeds.item import ImportContext, ImportedEpisode, import_item
from podcast_pipeline.remote_feeds.show import import_show_settings
from podcast_pipeline.storage.published import update_catalog
from podcast_pipeline.storage.upload import upload

PARALLEL = 4
PAGES = 1000


@dataclass(frozen=True)
class ImportResult:
    """The result of an import.

    Attributes:
        added_slugs: the episodes that were added to the catalog, oldest first.
        known_count: items that were in the catalog already.
        remarks: differences from the old feed.
    """

    added_slugs: tuple[str, ...]
    known_count: int
    remarks: tuple[ImportRemark, ...]


def import_feed(context: Context, source: str, client: HttpClient, *, keep_audio: bool) -> ImportResult:
    """Add every item of a feed to the catalog, with its guid, date, notes and files unchanged.

    An interrupted import can be run again: files in the store are not fetched twice, and the catalog is
    replaced once, at the end.

    Args:
        source: a URL, or a file.
        keep_audio: leave the audio where it is.

    Raises:
        FeedError: the feed cannot be read; nothing was written.
        FetchError: audio could not be fetched; the catalog is unchanged.
    """
    documents = tuple(_pages(source, client))
    items, remarks = _items(documents)
    catalog = load_catalog(context)
    guids = {episode.guid for episode in catalog.episodes} if catalog else set()
    new = sorted((item for item in items if item.guid not in guids), key=lambda item: item.published_at)
    import_context = ImportContext(
        files=FileImporter(client, context.store, _journal(context, source), context.clock),
        library=context.library,
        show=context.config.to_show(artwork_key=None),
        language=documents[0].text(documents[0].channel, "language") or context.config.show.language,
        now=context.clock(),
        keep_audio=keep_audio,
    )
    imported = list(_import_all(new, _slugs(new, context, catalog), import_context, context))
    episodes, withdrawn = _without_withdrawn_words([e.episode for e in imported if e.episode], catalog)
    remarks += withdrawn
    if catalog is None:
        context, show_remarks = import_show_settings(documents[0], source, context, client)
        remarks += (*show_remarks, *parse.dropped_show_elements(documents[0]))
    _add_to_catalog(episodes, context, catalog)
    return ImportResult(
        added_slugs=tuple(episode.slug for episode in episodes),
        known_count=len(items) - len(new),
        remarks=(*remarks, *(remark for one in imported for remark in one.remarks)),
    )


def _without_withdrawn_words(
    episodes: Iterable[Episode], catalog: Catalog | None
) -> tuple[list[Episode], tuple[ImportRemark, ...]]:
    """Leave out the items whose texts have words that were withdrawn, and name them."""
    found = [(episode, withdrawn_in_episode(episode, catalog)) for episode in episodes]
    remarks = (
        ImportRemark(f"left out: it has words that were withdrawn on {w.withdrawn_at:%Y-%m-%d}", e.title)
        for e, w in found
        if w
    )
    return [episode for episode, withdrawal in found if not withdrawal], tuple(remarks)


def _pages(source: str, client: HttpClient) -> Iterator[FeedDocument]:
    """Yield a feed and, where it has pagination, the pages with older items."""
    seen: set[str] = set()
    address: str | None = source
    while address and address not in seen and len(seen) < PAGES:
        seen.add(address)
        document = parse_feed(_bytes(address, client))
        yield document
        address = parse.next_page_url(document)


def _bytes(address: str, client: HttpClient) -> bytes:
    if address.startswith(("http://", "https://")):
        return client.get(address, limit_bytes=MAX_FEED_BYTES).body
    return Path(address).read_bytes()


def _items(documents: Iterable[FeedDocument]) -> tuple[list[ParsedItem], tuple[ImportRemark, ...]]:
    items: dict[str, ParsedItem] = {}
    remarks: list[ImportRemark] = []
    for document in documents:
        found, item_remarks = parse.parse_items(document)
        remarks += item_remarks
        for item in found:
            items.setdefault(item.guid, item)
    return list(items.values()), tuple(remarks)


def _journal(context: Context, source: str) -> Path:
    return context.config.state_folder / "cache" / "import" / short_sha256(source.encode())


def _slugs(items: Iterable[ParsedItem], context: Context, catalog: Catalog | None) -> dict[UUID, str]:
    """Return a slug for each item, by its id; a second run returns the same ones."""
    used = {episode.slug for episode in catalog.episodes} if catalog else set()
    slugs: dict[UUID, str] = {}
    for item in items:
        stem = slugify(item.title, max_length=MAX_SLUG_LENGTH, word_boundary=True) or "episode"
        number, slug = 1, stem
        while slug in used or context.library.id_of(slug) not in (None, _id(item, context)):
            number += 1
            slug = f"{stem}-{number}"
        used.add(slug)
        slugs[_id(item, context)] = slug
    return slugs


def _id(item: ParsedItem, context: Context) -> UUID:
    return uuid5(context.config.show.id, item.guid)


def _import_all(
    items: list[ParsedItem], slugs: dict[UUID, str], import_context: ImportContext, context: Context
) -> Iterator[ImportedEpisode]:
    """Import the items, some in parallel.

    Raises:
        FetchError: after all items were tried, so that a second run has little left to do.
    """
    failed: list[FetchError] = []

    def attempt(item: ParsedItem) -> ImportedEpisode | FetchError:
        episode_id = _id(item, context)
        try:
            return import_item(item, episode_id, slugs[episode_id], import_context)
        except FetchError as error:
            return error

    context.report(Progress(step="import", done=0, total=len(items), unit="episodes"))
    with ThreadPoolExecutor(PARALLEL) as pool:
        for done, one in enumerate(pool.map(attempt, items), start=1):
            if isinstance(one, FetchError):
                failed.append(one)
            else:
                yield one
            context.report(Progress(step="import", done=done, total=len(items), unit="episodes"))
    if failed:
        message = (
            f"{failed[0].message}; {len(failed)} of {len(items)} audio files are missing and nothing was"
            " added; run again to go on, or pass --keep-audio"
        )
        raise FetchError(failed[0].subject, message)


def _add_to_catalog(episodes: list[Episode], context: Context, catalog: Catalog | None) -> None:
    show_assets = build_show_assets(context, catalog)
    upload(context.store, show_assets.objects, now=context.clock(), report=context.report)

    def add(current: Catalog | None) -> Catalog:
        known = {episode.guid for episode in current.episodes} if current else set()
        base = current or show_assets.apply_to(None)
        return base.with_episodes(episode for episode in episodes if episode.guid not in known)

    with context.publisher_lock(), step(context.report, "catalog"):
        update_catalog(context.store, add)
