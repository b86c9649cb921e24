"""What is done to a show beside publishing: take an episode down, make everything derived again."""

from podcast_pipeline.catalog import Catalog, transcript_from_json
from podcast_pipeline.compose import keys
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import Episode
from podcast_pipeline.objects import StagedObject, chapters_file, transcript_files
from podcast_pipeline.stages import Parts, dress, feed_writer, step
from podcast_pipeline.stores import Reader
from podcast_pipeline.stores.delivery import deliver
from podcast_pipeline.stores.shelf import commit, read_catalog, write_feed


def unpublish(slug: str, parts: Parts) -> None:
    """Take an episode out of feed and pages; its id, guid and slug are never used again."""
    now = parts.clock()

    def take_down(current: Catalog | None) -> Catalog:
        catalog, episode = _entry(current, slug)
        if episode.state == "unpublished":
            return catalog
        changes = {"state": "unpublished", "content_changed_at": now}
        return catalog.with_episode(Episode.model_validate({**dict(episode), **changes}))

    commit(parts.store, take_down)
    write_feed(parts.store, feed_writer(None, allow=True))


def rebuild(parts: Parts, *, allow: bool = False) -> bool:
    """Make captions, chapters and the feed again from the documents and the catalog.

    Returns:
        Whether any byte came out differently; what is already there under its key is left alone.
    """
    catalog, _ = read_catalog(parts.store)
    if catalog is None:
        raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
    rebuilt = catalog
    for episode in catalog.episodes:
        with step(parts.report, f"rebuild {episode.slug}"):
            again, objects = _derive(episode, parts.store)
            deliver(parts.store, objects, report=parts.report)
            rebuilt = rebuilt.with_episode(again)
    dressing = dress(parts, catalog)
    deliver(parts.store, dressing.objects, report=parts.report)

    def replace(current: Catalog | None) -> Catalog:
        if current != catalog:
            raise EpisodeError("catalog", "somebody published meanwhile; run `podcast rebuild` again")
        return dressing.put_on(rebuilt)

    changed = commit(parts.store, replace) != catalog
    return write_feed(parts.store, feed_writer(None, allow=allow)) or changed


def _derive(episode: Episode, store: Reader) -> tuple[Episode, tuple[StagedObject, ...]]:
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
    if episode.chapters:
        marks = chapters_file(episode.slug, episode.chapters, access=episode.access)
        objects.append(marks)
        changes["chapters_key"] = marks.key
    rebuilt = Episode.model_validate({**dict(episode), **changes})
    known = keys(episode)
    return rebuilt, tuple(o for o in objects if o.key not in known or not _is_there(store, o.key))


def _is_there(store: Reader, key: str) -> bool:
    return any(info.key == key for info in store.list(key))


def _entry(current: Catalog | None, slug: str) -> tuple[Catalog, Episode]:
    episode = current.by_slug(slug) if current else None
    if current is None or episode is None:
        raise EpisodeError(slug, "is not in the catalog; `podcast list` shows all")
    return current, episode
