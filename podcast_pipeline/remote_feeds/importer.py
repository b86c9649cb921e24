"""Import of a show from another host: the feed's pages, its items, their files, the show, the catalog."""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid5

from slugify import slugify

from podcast_pipeline.config.placeholders import INIT_COVER
from podcast_pipeline.episodes.create import MAX_SLUG_LENGTH, RESERVED_SLUGS
from podcast_pipeline.errors import FeedError, FetchError
from podcast_pipeline.feed import parse
from podcast_pipeline.feed.conformance.document import FeedDocument
from podcast_pipeline.feed.parse import ImportRemark, ParsedItem
from podcast_pipeline.feed.untrusted.playable import why_unplayable
from podcast_pipeline.files import make_folder, short_sha256, sweep_parts
from podcast_pipeline.model import Episode, Progress
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import load_catalog
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.pipeline.show_assets import ShowAssets, build_show_assets
from podcast_pipeline.pipeline.withdraw.checks import withdrawn_in_episode
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.files import FileImporter
from podcast_pipeline.remote_feeds.item import ImportContext, ImportedEpisode, import_item
from podcast_pipeline.remote_feeds.pages import ReadPage, read_pages
from podcast_pipeline.remote_feeds.show import import_show_settings
from podcast_pipeline.storage.published import update_catalog
from podcast_pipeline.storage.upload import upload

PARALLEL = 4


@dataclass(frozen=True)
class ImportResult:
    """The result of an import.

    Attributes:
        added_slugs: the episodes that were added to the catalog, oldest first.
        known_count: items that were in the catalog already.
        missing: items whose audio did not come this time, and why; another run takes them.
        remarks: differences from the old feed.
    """

    added_slugs: tuple[str, ...]
    known_count: int
    missing: tuple[ImportRemark, ...]
    remarks: tuple[ImportRemark, ...]


def import_feed(
    context: Context,
    source: str,
    client: HttpClient,
    *,
    keep_audio: bool,
    keep_audio_of: Collection[str] = (),
    keep_missing: bool = False,
    undated_at: datetime | None = None,
) -> ImportResult:
    """Add every item of a feed to the catalog, with its guid, date, notes and files unchanged.

    An item whose audio does not come this time holds up no other: it is in `missing`, and another run takes
    it. An interrupted import can be run again: files in the store are not fetched twice.

    Args:
        source: a URL, or a file.
        keep_audio: leave the audio where it is.
        keep_audio_of: guids, titles or audio addresses of items whose audio is left where it is.
        keep_missing: leave there the audio that cannot be fetched this time.
        undated_at: aware; the date of the newest item of a feed in which none has a date.

    Raises:
        FeedError: the feed cannot be read, or has no item of `keep_audio_of`; nothing was written.
        FetchError: the feed cannot be fetched; nothing was written.
    """
    client.trust_hosts_like(source)
    document, items, remarks = _items(read_pages(source, client), undated_at)
    kept = _named_items(items, keep_audio_of)
    catalog = load_catalog(context)
    known = _known_guids(catalog)
    new = _oldest_first(item for item in items if item.guid not in known)
    import_context = ImportContext(
        files=FileImporter(client, context.store, _journal(context, source), context.clock),
        library=context.library,
        show=context.config.to_show(artwork_key=None),
        language=document.text(document.channel, "language") or context.config.show.language,
        now=context.clock(),
        keep_audio=frozenset(item.guid for item in (items if keep_audio else kept)),
        keep_missing=keep_missing,
    )
    make_folder(import_context.files.journal)
    with sweep_parts(import_context.files.journal):
        tried = list(_import_all(new, _slugs(new, context, catalog), import_context, context))
    imported = [one for one in tried if isinstance(one, ImportedEpisode)]
    missing = tuple(one for one in tried if isinstance(one, ImportRemark))
    episodes, withdrawn = _without_withdrawn_words([e.episode for e in imported if e.episode], catalog)
    remarks += withdrawn
    if episodes or known or not (tried or remarks):
        if catalog is None:
            context, show_remarks = import_show_settings(document, source, context, client)
            remarks += (*show_remarks, *parse.dropped_show_elements(document))
        _add_to_catalog(episodes, context, catalog)
    return ImportResult(
        added_slugs=tuple(episode.slug for episode in episodes),
        known_count=len(items) - len(new),
        missing=missing,
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


def _named_items(items: Iterable[ParsedItem], names: Collection[str]) -> list[ParsedItem]:
    """Return the items with one of these guids, titles or audio addresses; FeedError for a name of none."""
    found = {name: [i for i in items if name in (i.guid, i.title, i.audio.stated_url)] for name in names}
    unknown = [name for name, named in found.items() if not named]
    if unknown:
        raise FeedError(
            f"--keep-audio-of {unknown[0]}", "no item of the feed has this title, guid or audio address"
        )
    return [item for named in found.values() for item in named]


def _oldest_first(items: Iterable[ParsedItem]) -> list[ParsedItem]:
    """Return items in the order of their dates; of equal dates the feed's first is the newest."""
    return sorted(items, key=lambda item: (item.dated_at, item.place))


def _items(
    pages: Iterable[ReadPage], undated_at: datetime | None
) -> tuple[FeedDocument, tuple[ParsedItem, ...], tuple[ImportRemark, ...]]:
    """Return the first page and the items of all, of which no other page is kept in memory."""
    items: dict[str, ParsedItem] = {}
    remarks: list[ImportRemark] = []
    first: FeedDocument | None = None
    for page in pages:
        first = first or page.document
        found, item_remarks = parse.parse_items(page.document)
        remarks += (*(ImportRemark(f"the feed {about}") for about in page.remarks), *item_remarks)
        for item in found:
            items.setdefault(item.guid, item)
    assert first is not None
    dated, date_remarks = parse.date_items(list(items.values()), undated_at=undated_at)
    return first, dated, (*remarks, *date_remarks)


def _known_guids(catalog: Catalog | None) -> set[str]:
    """Return the guids of the items that need not be imported: unpublished ones, and those with audio."""
    episodes = catalog.episodes if catalog else ()
    return {e.guid for e in episodes if e.state == "unpublished" or why_unplayable(e) is None}


def _fetched_again(known: Episode | None, episode: Episode, changed_at: datetime) -> Episode:
    """Return an episode whose audio, of an earlier release, was none, with the audio that it has now."""
    if known is None:
        return episode
    audio = {"enclosure": episode.enclosure, "source_sha256": episode.source_sha256}
    return Episode.model_validate({**dict(known), **audio, "content_changed_at": changed_at})


def _journal(context: Context, source: str) -> Path:
    return context.config.state_folder / "cache" / "import" / short_sha256(source.encode())


def _slugs(items: Iterable[ParsedItem], context: Context, catalog: Catalog | None) -> dict[UUID, str]:
    """Return a slug for each item, by its id; a second run returns the same ones."""
    used = {episode.slug for episode in catalog.episodes} if catalog else set()
    slugs = {episode.id: episode.slug for episode in catalog.episodes} if catalog else {}
    for item in items:
        if _id(item, context) in slugs:  # to be fetched again
            continue
        stem = slugify(item.title, max_length=MAX_SLUG_LENGTH, word_boundary=True) or "episode"
        number, slug = 1, stem
        while slug in used | RESERVED_SLUGS or context.library.id_of(slug) not in (None, _id(item, context)):
            number += 1
            slug = f"{stem}-{number}"
        used.add(slug)
        slugs[_id(item, context)] = slug
    return slugs


def _id(item: ParsedItem, context: Context) -> UUID:
    return uuid5(context.config.show.id, item.guid)


def _import_all(
    items: list[ParsedItem], slugs: dict[UUID, str], import_context: ImportContext, context: Context
) -> Iterator[ImportedEpisode | ImportRemark]:
    """Import the items, some in parallel; of one whose audio does not come this time yield why."""

    def attempt(item: ParsedItem) -> ImportedEpisode | ImportRemark:
        episode_id = _id(item, context)
        try:
            return import_item(item, episode_id, slugs[episode_id], import_context)
        except FetchError as error:
            return ImportRemark(f"its audio {error.message}", item.title)

    context.report(Progress(step="import", done=0, total=len(items), unit="episodes"))
    with ThreadPoolExecutor(PARALLEL) as pool:
        for done, one in enumerate(pool.map(attempt, items), start=1):
            yield one
            context.report(Progress(step="import", done=done, total=len(items), unit="episodes"))


def _without_sample_cover(show_assets: ShowAssets) -> ShowAssets:
    """Return the show without a cover that listeners would take for the newsroom's; no feed goes out so."""
    if show_assets.show.artwork_key != f"public/art/{INIT_COVER[:16]}.jpg":
        return show_assets
    return replace(show_assets, show=show_assets.show.model_copy(update={"artwork_key": None}))


def _add_to_catalog(episodes: list[Episode], context: Context, catalog: Catalog | None) -> None:
    show_assets = build_show_assets(context, catalog)
    upload(context.store, show_assets.objects, now=context.clock(), report=context.report)

    def add(current: Catalog | None) -> Catalog:
        known = _known_guids(current)
        base = current or _without_sample_cover(show_assets).apply_to(None)
        added = (episode for episode in episodes if episode.guid not in known)
        changed_at = base.next_change_at(context.clock())
        return base.with_episodes(_fetched_again(base.by_id(e.id), e, changed_at) for e in added)

    with context.publisher_lock(), step(context.report, "catalog"):
        update_catalog(context.store, add)
