"""Maintenance: unpublish an episode, rebuild derived files, remove orphaned objects."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from podcast_pipeline.errors import DamagedObject, EpisodeError, NotFound
from podcast_pipeline.feed.paging import ARCHIVE_PREFIX
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog
from podcast_pipeline.model.database_mark import DATABASE_MARK_KEY
from podcast_pipeline.model.gates import GateName
from podcast_pipeline.pipeline.assemble import referenced_keys, taken_back
from podcast_pipeline.pipeline.commit import CatalogUpdate, commit, load_catalog, make_feed_renderer, preview
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.pipeline.public_transcripts import public_files, with_leftovers
from podcast_pipeline.pipeline.show_assets import build_show_assets, check_placeholders
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from podcast_pipeline.pipeline.withdraw.checks import check_published
from podcast_pipeline.pipeline.withdraw.removal import remove_pending_objects
from podcast_pipeline.pipeline.words.text import published_transcript
from podcast_pipeline.storage import ObjectInfo, ObjectReader, Store
from podcast_pipeline.storage.objects import (
    FEED_KEY,
    PROBE_KEY,
    StagedObject,
    chapters_file,
)
from podcast_pipeline.storage.upload import object_exists, upload

OBJECT_PREFIXES = ("public/", "private/")
LONG_AGO = datetime.fromtimestamp(0, UTC)


def unpublish(context: Context, slug: str) -> None:
    """Take an episode out of feed and pages; its id, guid and slug are never used again."""
    now = context.clock()

    def take_down(current: Catalog | None) -> Catalog:
        catalog, episode = _entry(current, slug, context)
        if episode.state == "unpublished":
            return catalog.with_episode(with_leftovers(episode, context.store))
        changes = {"state": "unpublished", "content_changed_at": catalog.next_change_at(now)}
        taken_down = Episode.model_validate(
            {**dict(with_leftovers(taken_back(episode), context.store)), **changes}
        )
        return catalog.with_episode(taken_down)

    update = CatalogUpdate(take_down, make_feed_renderer((), allow=frozenset({"redownloads"})))
    catalog, _ = commit(context, update)
    remove_pending_objects(context, catalog, slug=slug)


def rebuild(context: Context, *, allow: Iterable[GateName] = ()) -> bool:
    """Derive captions, chapters and the feed again from the documents and the catalog.

    Args:
        allow: gates that a person has allowed.

    Returns:
        Whether any byte differs; an object that is stored under its key already is left alone.
    """
    catalog = load_catalog(context)
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    allowed = frozenset(allow)
    check_placeholders(context, catalog, allow=allowed)
    rebuilt, files = catalog, TranscriptFiles(context.show, context.config.zone)
    for episode in catalog.episodes:
        with step(context.report, f"rebuild {episode.slug}"):
            check_published(episode, published_transcript(episode, context.store), catalog)
            derived, objects = _derive(episode, files, context.store)
            upload(context.store, objects, now=context.clock(), report=context.report)
            rebuilt = rebuilt.with_episode(derived)
    show_assets = build_show_assets(context, catalog)
    upload(context.store, show_assets.objects, now=context.clock(), report=context.report)

    def replace(current: Catalog | None) -> Catalog:
        if current != catalog:
            raise EpisodeError("catalog", "somebody published meanwhile; run `podcast rebuild` again")
        return show_assets.apply_to(rebuilt)

    update = CatalogUpdate(replace, make_feed_renderer((), allow=allowed))
    preview(context.store, update)
    written, feed_changed = commit(context, update)
    return feed_changed or written != catalog


Verdict = Literal["removed", "would be removed", "kept for now"]


@dataclass(frozen=True)
class OrphanedObject:
    """An object in storage that the catalog does not reference.

    Attributes:
        verdict: done with it, or what removal would do.
        unfinished: an upload that was begun and never completed, no object yet.
    """

    key: str
    size_bytes: int
    modified_at: datetime
    verdict: Verdict
    unfinished: bool = False


def remove_orphaned_objects(context: Context, *, remove: bool) -> list[OrphanedObject]:
    """Return the orphaned objects and uploads, and remove those older than the grace time.

    Args:
        remove: remove them; else only list them.

    Raises:
        EpisodeError: there is no catalog, so orphaned objects cannot be identified.
        StoreError: a later release wrote the catalog.
    """
    oldest = context.clock() - timedelta(days=context.config.storage.gc_grace_days)
    stored = [info for prefix in OBJECT_PREFIXES for info in context.store.list(prefix)]
    catalog = context.catalog()  # after the list: an object referenced meanwhile is no orphan
    if catalog is None:
        raise EpisodeError(
            "catalog",
            "not found; without it orphaned objects cannot be identified. Nothing was removed",
        )
    catalog.check_writable()  # a later release may reference objects in fields that this one does not know
    referenced = _referenced(catalog)
    found = []
    for info in stored:
        if info.key not in referenced and not info.key.startswith(ARCHIVE_PREFIX):
            keep = _referenced_until(info.key, catalog, context.store) > oldest
            found.append(_sweep(info, oldest, context.store, keep=keep, remove=remove))
    return [*found, *_sweep_unfinished(context.store, oldest, remove=remove)]


def _referenced(catalog: Catalog) -> set[str]:
    show = {catalog.show.artwork_key, catalog.notice_audio_key}
    episodes = {key for episode in catalog.episodes for key in referenced_keys(episode)}
    return {CATALOG_KEY, DATABASE_MARK_KEY, FEED_KEY, PROBE_KEY} | episodes | {key for key in show if key}


def _referenced_until(key: str, catalog: Catalog, store: ObjectReader) -> datetime:
    """Return the latest time at which a feed may have referenced an object: apps use older feeds."""
    episode = catalog.by_slug(key.rpartition("/")[2].partition(".")[0])
    if episode is not None:
        return episode.content_changed_at
    return store.head(FEED_KEY).modified_at if key.startswith("public/art/") else LONG_AGO


def _sweep(listed: ObjectInfo, oldest: datetime, store: Store, *, keep: bool, remove: bool) -> OrphanedObject:
    """Check an object once more: one stored again since the list is about to be referenced."""
    try:
        info = store.head(listed.key) if remove else listed
    except NotFound:
        return OrphanedObject(listed.key, listed.size_bytes, listed.modified_at, "removed")
    except DamagedObject:
        info = listed
    verdict = _verdict(info.modified_at, oldest, keep=keep, remove=remove)
    if verdict == "removed":
        store.delete(info.key)
    return OrphanedObject(info.key, info.size_bytes, info.modified_at, verdict)


def _sweep_unfinished(store: Store, oldest: datetime, *, remove: bool) -> Iterator[OrphanedObject]:
    """Yield the uploads that were never completed; one in progress has a recent part."""
    for unfinished in [one for prefix in OBJECT_PREFIXES for one in store.unfinished_uploads(prefix)]:
        verdict = _verdict(unfinished.modified_at, oldest, keep=False, remove=remove)
        if verdict == "removed":
            store.abort_upload(unfinished)
        yield OrphanedObject(
            unfinished.key, unfinished.size_bytes, unfinished.modified_at, verdict, unfinished=True
        )


def _verdict(at: datetime, oldest: datetime, *, keep: bool, remove: bool) -> Verdict:
    if keep or at > oldest:
        return "kept for now"
    return "removed" if remove else "would be removed"


def _derive(
    episode: Episode, files: TranscriptFiles, store: ObjectReader
) -> tuple[Episode, tuple[StagedObject, ...]]:
    """Return an episode with the newest transcript's files and the chapters derived again."""
    objects: list[StagedObject] = []
    changes: dict[str, object] = {}
    if words := published_transcript(episode, store):
        assert episode.transcript is not None
        derived, rendered = files.add_to(episode, episode.transcript, words)
        objects += rendered
        changes["transcripts"] = derived.transcripts
    if episode.chapters and episode.original is None:  # an imported episode keeps its chapters file
        chapters = chapters_file(episode.slug, episode.chapters, access=episode.access)
        objects.append(chapters)
        changes["chapters_key"] = chapters.key
    derived = Episode.model_validate({**dict(episode), **changes})
    objects += public_files(derived, None, objects, store)
    known = referenced_keys(episode)
    return derived, tuple(o for o in objects if o.key not in known or not object_exists(store, o.key))


def _entry(current: Catalog | None, slug: str, context: Context) -> tuple[Catalog, Episode]:
    episode = current.by_slug(slug) if current else None
    if current is None or episode is None:
        if context.library.id_of(slug):
            raise EpisodeError(
                slug,
                "is a draft: it was never published, so nobody has it; delete its folder to be rid of it",
            )
        raise EpisodeError(slug, "is not in the catalog; `podcast list` shows all")
    return current, episode
