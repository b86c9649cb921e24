"""Transcripts for everybody, by choice: the files under `public/`, and `release` after so many days.

Opened: the files are stored, then catalog and feed name them. Taken back: catalog and feed no longer name
them, and the catalog keeps their keys until they are removed, so that a killed run is finished by the next.
Stored and never named, by a run that was killed or overtaken: removed by that run, else by the episode's next
publication or `unpublish`, else by `gc`; `doctor` names them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.gates import GateName, check_gate
from podcast_pipeline.pipeline.commit import CatalogUpdate, commit, load_catalog, make_feed_renderer, preview
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.withdraw.removal import remove_unreferenced
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.objects import PUBLIC_TRANSCRIPTS, StagedObject, stage_bytes
from podcast_pipeline.storage.upload import upload
from podcast_pipeline.transcript.captions.formats import CONTENT_TYPES

MOST_AT_ONCE = 5  # transcripts: more are no week's episodes, but a back catalogue


def public_files(
    episode: Episode, known: Episode | None, staged: Iterable[StagedObject], store: ObjectReader
) -> tuple[StagedObject, ...]:
    """Return the files for everybody of an episode's newest words, with the bytes of the private ones.

    Args:
        known: the episode as the catalog has it; what it has made public already is left out.
        staged: the episode's objects that are not stored yet.
    """
    version = episode.transcript
    if version is None or not episode.transcript_is_public:
        return ()
    bodies = {one.key: one.body for one in staged if isinstance(one.body, bytes)}
    newest = known.transcript if known else None
    is_same = newest is not None and newest.public_keys == version.public_keys
    there = known.public_transcript_keys if known and is_same else frozenset()
    return tuple(
        stage_bytes(
            "public/transcripts",
            episode.slug,
            form,
            bodies.get(version.file_keys[form]) or store.get(version.file_keys[form])[1],
            CONTENT_TYPES[form],
        )
        for form, key in version.public_keys.items()
        if key not in there
    )


def with_leftovers(episode: Episode, store: ObjectReader) -> Episode:
    """Return an episode that is to lose the public files which are stored and which it does not name."""
    stored = {info.key for info in store.list(f"{PUBLIC_TRANSCRIPTS}{episode.slug}.")}
    pending = {*episode.pending_keys, *stored} - episode.public_transcript_keys
    return episode.model_copy(update={"pending_keys": tuple(sorted(pending))})


def unnamed_public_files(
    catalog: Catalog | None, store: ObjectReader, *, before: datetime
) -> tuple[str, ...]:
    """Return the keys of transcripts under `public/` older than `before` that no episode names."""
    episodes = catalog.episodes if catalog else ()
    named = {key for one in episodes for key in (*one.public_transcript_keys, *one.pending_keys)}
    stored = store.list(PUBLIC_TRANSCRIPTS)
    return tuple(sorted(o.key for o in stored if o.key not in named and o.modified_at < before))


def is_due_for_everybody(episode: Episode, *, days: int | None, now: datetime) -> bool:
    """Whether the time is over for which a published transcript is for subscribers alone."""
    is_theirs = episode.state == "published" and not episode.transcript_is_public
    if days is None or not is_theirs or episode.transcript is None or episode.access != "public":
        return False
    return episode.transcript_choice is None and episode.publish_at + timedelta(days=days) <= now


def open_due_transcripts(context: Context, *, allow: Iterable[GateName] = ()) -> tuple[str, ...]:
    """Make public the transcripts that `access.public_after_days` says are due; return their slugs.

    Needs no episode folder; idempotent, like `release`.

    Raises:
        GateClosed: more than MOST_AT_ONCE are due, as when the setting is new; nothing was opened.
    """
    now, days = context.clock(), context.config.access.public_after_days
    catalog = load_catalog(context) if days is not None else None
    episodes = catalog.episodes if catalog else ()
    due = [one for one in episodes if is_due_for_everybody(one, days=days, now=now)]
    if not due:
        return ()
    finding = (
        f"{len(due)} transcripts would be for everybody from now on; what was read cannot be called back"
    )
    many = finding if len(due) > MOST_AT_ONCE else None
    check_gate("back-catalogue", "access.public_after_days", many, allow=frozenset(allow))

    def open_all(current: Catalog | None) -> Catalog:
        if current is None:
            raise EpisodeError("catalog", "is gone; restore it")
        changed_at = current.next_change_at(now)
        return current.with_episodes(_opened(one, changed_at) for one in current.episodes if one in due)

    files = [file for one in due for file in public_files(_opened(one, now), one, (), context.store)]
    upload(context.store, files, now=now, report=context.report)
    update = CatalogUpdate(open_all, make_feed_renderer((), allow=frozenset()))
    preview(context.store, update)
    written, _ = commit(context, update)
    remove_unreferenced(context, written, (file.key for file in files))
    opened = {episode.id for episode in written.episodes if episode.transcript_is_public}
    return tuple(episode.slug for episode in due if episode.id in opened)


def _opened(episode: Episode, changed_at: datetime) -> Episode:
    opened = episode.model_copy(update={"transcript_is_public": True, "content_changed_at": changed_at})
    pending = tuple(key for key in episode.pending_keys if key not in opened.public_transcript_keys)
    return opened.model_copy(update={"pending_keys": pending})
