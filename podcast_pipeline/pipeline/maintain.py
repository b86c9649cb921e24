"""What is done to a show beside publishing: take an episode down, make what is derived again, tidy up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from podcast_pipeline.errors import EpisodeError, NotFound
from podcast_pipeline.feed.paging import ARCHIVE_PREFIX
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, transcript_from_json
from podcast_pipeline.pipeline.assemble import referenced_keys
from podcast_pipeline.pipeline.commit import commit, load_catalog, make_feed_renderer, preview
from podcast_pipeline.pipeline.media import Parts, build_show_assets, step
from podcast_pipeline.storage import ObjectInfo, ObjectReader, Store
from podcast_pipeline.storage.objects import (
    FEED_KEY,
    PROBE_KEY,
    StagedObject,
    chapters_file,
    transcript_files,
)
from podcast_pipeline.storage.published import read_catalog
from podcast_pipeline.storage.upload import object_exists, upload

OBJECT_PREFIXES = ("public/", "private/")
LONG_AGO = datetime.fromtimestamp(0, UTC)


def unpublish(slug: str, parts: Parts) -> None:
    """Take an episode out of feed and pages; its id, guid and slug are never used again."""
    now = parts.clock()

    def take_down(current: Catalog | None) -> Catalog:
        catalog, episode = _entry(current, slug, parts)
        if episode.state == "unpublished":
            return catalog
        changes = {"state": "unpublished", "content_changed_at": now}
        return catalog.with_episode(Episode.model_validate({**dict(episode), **changes}))

    commit(parts, take_down, make_feed_renderer((), allow_redownloads=True))


def rebuild(parts: Parts, *, allow_redownloads: bool = False) -> bool:
    """Make captions, chapters and the feed again from the documents and the catalog.

    Returns:
        Whether any byte came out differently; what is already there under its key is left alone.
    """
    catalog = load_catalog(parts)
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    rebuilt = catalog
    for episode in catalog.episodes:
        with step(parts.report, f"rebuild {episode.slug}"):
            again, objects = _derive(episode, parts.store)
            upload(parts.store, objects, now=parts.clock(), report=parts.report)
            rebuilt = rebuilt.with_episode(again)
    dressing = build_show_assets(parts, catalog)
    upload(parts.store, dressing.objects, now=parts.clock(), report=parts.report)

    def replace(current: Catalog | None) -> Catalog:
        if current != catalog:
            raise EpisodeError("catalog", "somebody published meanwhile; run `podcast rebuild` again")
        return dressing.apply_to(rebuilt)

    write = make_feed_renderer((), allow_redownloads=allow_redownloads)
    preview(parts.store, replace, write)
    entered, feed_changed = commit(parts, replace, write)
    return feed_changed or entered != catalog


Verdict = Literal["removed", "would be removed", "kept for now"]


@dataclass(frozen=True)
class OrphanedObject:
    """A stored object that neither the catalog nor the program names.

    Attributes:
        verdict: what was, or would be, done with it.
        unfinished: it is no object yet: its upload was begun and never completed.
    """

    key: str
    size_bytes: int
    modified_at: datetime
    verdict: Verdict
    unfinished: bool = False


def remove_orphaned_objects(parts: Parts, *, remove: bool) -> list[OrphanedObject]:
    """Return the objects and uploads that nothing names, and remove those older than the grace time.

    Args:
        remove: remove them; else only tell.

    Raises:
        EpisodeError: there is no catalog, so nothing can be known to be refuse.
    """
    oldest = parts.clock() - timedelta(days=parts.config.storage.gc_grace_days)
    stored = [info for prefix in OBJECT_PREFIXES for info in parts.store.list(prefix)]
    catalog, _ = read_catalog(parts.store)  # after the list: what was entered meanwhile is named
    if catalog is None:
        raise EpisodeError("catalog", "is not there, so nothing can be told from refuse; nothing was removed")
    catalog.check_writable()  # a later release may name objects in fields that this one does not know
    named = _named(catalog)
    found = []
    for info in stored:
        if info.key not in named and not info.key.startswith(ARCHIVE_PREFIX):
            keep = _changed_at(info.key, catalog, parts.store) > oldest
            found.append(_sweep(info, oldest, parts.store, keep=keep, remove=remove))
    return [*found, *_sweep_unfinished(parts.store, oldest, remove=remove)]


def _named(catalog: Catalog) -> set[str]:
    show = {catalog.show.artwork_key, catalog.notice_audio_key}
    episodes = {key for episode in catalog.episodes for key in referenced_keys(episode)}
    return {CATALOG_KEY, FEED_KEY, PROBE_KEY} | episodes | {key for key in show if key}


def _changed_at(key: str, catalog: Catalog, store: ObjectReader) -> datetime:
    """Return when what named an object may last have changed: apps come back with the feed from before."""
    episode = catalog.by_slug(key.rpartition("/")[2].partition(".")[0])
    if episode is not None:
        return episode.content_changed_at
    return store.head(FEED_KEY).modified_at if key.startswith("public/art/") else LONG_AGO


def _sweep(listed: ObjectInfo, oldest: datetime, store: Store, *, keep: bool, remove: bool) -> OrphanedObject:
    """Look at an object once more: one that was stored anew since the list is about to be named."""
    try:
        info = store.head(listed.key) if remove else listed
    except NotFound:
        return OrphanedObject(listed.key, listed.size_bytes, listed.modified_at, "removed")
    verdict = _verdict(info.modified_at, oldest, keep=keep, remove=remove)
    if verdict == "removed":
        store.delete(info.key)
    return OrphanedObject(info.key, info.size_bytes, info.modified_at, verdict)


def _sweep_unfinished(store: Store, oldest: datetime, *, remove: bool) -> Iterator[OrphanedObject]:
    """Look at the uploads that were never completed; one that goes on now has a part that is new."""
    for put in [put for prefix in OBJECT_PREFIXES for put in store.unfinished_uploads(prefix)]:
        verdict = _verdict(put.modified_at, oldest, keep=False, remove=remove)
        if verdict == "removed":
            store.abort_upload(put)
        yield OrphanedObject(put.key, put.size_bytes, put.modified_at, verdict, unfinished=True)


def _verdict(at: datetime, oldest: datetime, *, keep: bool, remove: bool) -> Verdict:
    if keep or at > oldest:
        return "kept for now"
    return "removed" if remove else "would be removed"


def _derive(episode: Episode, store: ObjectReader) -> tuple[Episode, tuple[StagedObject, ...]]:
    """Return an episode with the newest transcript's files and the chapters derived again."""
    objects: list[StagedObject] = []
    changes: dict[str, object] = {}
    if episode.transcript is not None:
        newest = episode.transcript
        _, body = store.get(newest.document_key)
        files = transcript_files(episode.slug, transcript_from_json(body, newest.document_key))
        objects += files.values()
        file_keys = {format_: file.key for format_, file in files.items()}
        again = newest.model_copy(update={"file_keys": file_keys})
        changes["transcripts"] = (*episode.transcripts[:-1], again)
    if episode.chapters and episode.original is None:  # an imported episode keeps the file that came
        marks = chapters_file(episode.slug, episode.chapters, access=episode.access)
        objects.append(marks)
        changes["chapters_key"] = marks.key
    rebuilt = Episode.model_validate({**dict(episode), **changes})
    known = referenced_keys(episode)
    return rebuilt, tuple(o for o in objects if o.key not in known or not object_exists(store, o.key))


def _entry(current: Catalog | None, slug: str, parts: Parts) -> tuple[Catalog, Episode]:
    episode = current.by_slug(slug) if current else None
    if current is None or episode is None:
        if parts.library.id_of(slug):
            raise EpisodeError(
                slug,
                "is a draft: it was never published, so nobody has it; delete its folder to be rid of it",
            )
        raise EpisodeError(slug, "is not in the catalog; `podcast list` shows all")
    return current, episode
