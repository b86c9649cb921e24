"""Publication of an episode: ingest the recording, publish it, release it when its time has come.

Each takes an episode through the rooms once. An interrupted run can be repeated: a step whose result exists
for the same inputs is skipped, no object is referenced before it was read back, and the feed is written last.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from podcast_pipeline.audio.recording.findings import RecordingFinding
from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.audio.tracks import Track, mix_tracks
from podcast_pipeline.config import Config
from podcast_pipeline.episodes.base import EpisodeBase, write_base
from podcast_pipeline.episodes.create import create_episode
from podcast_pipeline.episodes.edits import EditedTranscript
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import EpisodeError, PodcastError
from podcast_pipeline.feed import app_impact
from podcast_pipeline.model import Episode, EpisodeDraft, Person, Show, TranscriptProvenance
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.gates import GateName
from podcast_pipeline.pipeline import recordings
from podcast_pipeline.pipeline.assemble import MasteringReport, as_published, assemble_episode
from podcast_pipeline.pipeline.checks import check_before_work, check_prepared, check_words
from podcast_pipeline.pipeline.commit import (
    CatalogUpdate,
    PreparedEpisode,
    check_times,
    commit,
    load_catalog,
    make_feed_renderer,
    preview,
)
from podcast_pipeline.pipeline.context import Context, ignore
from podcast_pipeline.pipeline.media import build_media, mastering_beside, remove_staged_media
from podcast_pipeline.pipeline.merge.published import base_before, merge_published
from podcast_pipeline.pipeline.notes_pictures import build_pictures
from podcast_pipeline.pipeline.public_transcripts import public_files, with_leftovers
from podcast_pipeline.pipeline.show_assets import build_show_assets
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from podcast_pipeline.pipeline.withdraw.removal import remove_pending_objects, remove_unreferenced
from podcast_pipeline.pipeline.words.accuracy import provenance_of
from podcast_pipeline.pipeline.words.correction_note import note_for, settle_note
from podcast_pipeline.pipeline.words.text import (
    published_transcript,
    warn_of_printed_names,
)
from podcast_pipeline.pipeline.words.transcribe import NOT_IN_CATALOG
from podcast_pipeline.storage.upload import object_exists, upload

NO_NAME = re.compile(
    r"\w\d*|(host|guest|speaker|voice|track|mic|microphone|channel|left|right)([ _-]*\d*|[ _-]+[a-z])",
    re.IGNORECASE,
)
"""Names of tracks that are no person's."""


@dataclass(frozen=True)
class PublishResult:
    """The result of a publication.

    Attributes:
        folder: the episode's folder, no longer locked.
        episode: as the catalog has it now.
        show: as the catalog has it now.
        word_count: of the published transcript; 0 without one.
        changed: whether the catalog or the feed differs from the one before.
        mastering: measurements of the new master; None for audio that was published already.
        taken: a line for each change by another producer that was merged into the folder.
        before: the episode as it was published or scheduled before; None for a new one.
    """

    folder: EpisodeFolder
    episode: Episode
    show: Show
    word_count: int
    changed: bool
    mastering: MasteringReport | None
    taken: tuple[str, ...] = ()
    before: Episode | None = None


@dataclass(frozen=True)
class DryRunResult:
    """What a publication would do.

    Attributes:
        changed: whether the catalog or the feed would differ.
        objects: (key, size in bytes) of the objects that would be stored.
        feed_changes: of the public feed.
        taken: a line for each change by another producer that would be merged into the folder.
        has_folder: whether the episode has a folder; else its id and guid are of this run only.
    """

    episode: Episode
    show: Show
    changed: bool
    objects: tuple[tuple[str, int], ...]
    feed_changes: app_impact.FeedDiff
    taken: tuple[str, ...] = ()
    has_folder: bool = True


def ingest(
    context: Context,
    recording: Path,
    *,
    title: str | None = None,
    slug: str | None = None,
    guests: tuple[str, ...] = (),
    notes: str = "",
) -> str:
    """Create an episode folder for a recording and return its slug; the same recording gives the same."""
    findings = check_audio(recording, report=context.report).findings
    slug = create_episode(
        recording,
        context.library,
        title=title,
        slug=slug,
        guests=guests,
        notes=notes,
        unpublished_slugs=unpublished_slugs(context),
    )
    _tell_new(slug, findings, context)
    return slug


def _tell_new(slug: str, findings: tuple[RecordingFinding, ...], context: Context) -> None:
    """Tell what was found in a new episode's recording, and note it."""
    recordings.tell(slug, findings, context)
    recordings.note_findings(context.library.folder(slug), findings)


def ingest_tracks(
    context: Context,
    tracks: Sequence[Track],
    *,
    title: str | None = None,
    slug: str | None = None,
    guests: tuple[str, ...] = (),
    notes: str = "",
) -> str:
    """Create an episode folder for the tracks of one recording and return its slug; see `ingest`.

    Args:
        guests: empty: those whom the tracks of a new episode name and who are no hosts of the show.

    Raises:
        AudioError: the tracks do not belong together, or one of them cannot be used.
    """
    with TemporaryDirectory() as work:
        recording = Path(work) / f"{' and '.join(track.name for track in tracks)}.flac"
        findings = mix_tracks(tracks, recording, ffmpeg=context.ffmpeg, report=context.report)
        slug = create_episode(
            recording,
            context.library,
            title=title,
            slug=slug,
            guests=guests,
            default_guests=guests_of(tracks, context.show.hosts),
            notes=notes,
            tracks=[(track.name, track.path, track.channel) for track in tracks],
            unpublished_slugs=unpublished_slugs(context),
        )
    _tell_new(slug, findings, context)
    return slug


def guests_of(tracks: Iterable[Track], hosts: Iterable[Person]) -> tuple[str, ...]:
    """Return the names of tracks, without the hosts' and without words like "guest" or "mic 2"."""
    known = {host.name.casefold() for host in hosts}
    names = dict.fromkeys(track.name for track in tracks)
    return tuple(name for name in names if name.casefold() not in known and not NO_NAME.fullmatch(name))


def publish(
    context: Context,
    slug: str,
    *,
    publish_at: datetime | None = None,
    allow: Iterable[GateName] = (),
    trust_folder: bool = False,
    confirm: Callable[[PreparedEpisode], None] = ignore,
) -> PublishResult:
    """Publish an episode, or update its publication to the present state of its folder.

    Args:
        publish_at: aware; None: now for a new episode, its own time for one in the catalog.
        allow: gates that a person has allowed.
        trust_folder: take a folder without base.json for newer than the published episode.
        confirm: called with what would change, once all is made and checked and nothing is stored; raises to
            stop. Not called where nothing would change.

    Raises:
        EpisodeError: the episode was unpublished, or another publisher is at it or changed it meanwhile.
        MergeError: another producer has published a change that differs from one in the folder.
        ReviewError: the review policy blocks publication.
        StoreError: the store cannot be used, or a published object is missing.
        LeakError, FeedError: text or a feed that must not become public; nothing was published.
        GateClosed: a person has to allow it by name; nothing was published.
    """
    with context.library.open(slug) as folder:
        prepared = prepare(
            folder,
            context,
            publish_at=publish_at,
            allow=allow,
            trust_folder=trust_folder,
        )
        if prepared.changed:
            confirm(prepared)
        upload(context.store, prepared.objects, now=context.clock(), report=context.report)
        new_base = EpisodeBase.of(prepared.assembled.episode, words=prepared.words)
        if prepared.changed:
            before = base_before(folder, prepared.known)
            write_base(folder, before.model_copy(update={"publishing": new_base}))
        catalog, feed_changed = commit(context, prepared.update)
        remove_pending_objects(context, catalog, slug=slug)
        write_base(folder, new_base)
        remove_staged_media(folder)
    transcript = prepared.assembled.transcript
    return PublishResult(
        folder=folder,
        episode=prepared.assembled.episode,
        show=catalog.show,
        word_count=len(transcript.words) if transcript else 0,
        changed=feed_changed or prepared.changed,
        mastering=prepared.media.mastering,
        taken=prepared.taken,
        before=prepared.known,
    )


def prepare(
    folder: EpisodeFolder,
    context: Context,
    *,
    publish_at: datetime | None = None,
    allow: Iterable[GateName] = (),
    trust_folder: bool = False,
    save: bool = True,
) -> PreparedEpisode:
    """Build everything of an episode and refuse what must not be published; nothing leaves the laptop.

    Args:
        allow, trust_folder: see `publish`.
        save: write transcript.json, transcript.md and edits.json, and what others have published since.
    """
    now, allowed = context.clock(), frozenset(allow)
    draft = folder.load_draft()
    catalog = load_catalog(context)
    known = catalog.by_id(draft.id) if catalog else None
    publish_at = _publication_time(draft, known, publish_at, now)
    check_before_work(folder, draft, known, catalog, context, allow=allowed)
    with mastering_beside(folder, draft, known, context):
        merged = merge_published(folder, draft, known, context, trust_folder=trust_folder, save=save)
        draft, edited = merged.draft, merged.edited
        review_items = check_words(draft, known, edited, catalog, context, allow=allowed)
    media = build_media(folder, draft, known, publish_at, context)
    published = published_transcript(known, context.store)
    assembled = assemble_episode(
        draft,
        known,
        media=media,
        transcript=merged.transcript,
        correction_note=note_for(edited),
        published_transcript=published,
        provenance=_provenance(edited, known, draft.slug, context.config),
        notes_pictures=build_pictures(folder, draft, known, context),
        teaser_words=context.config.access.teaser_words,
        publish_at=publish_at,
        now=now,
        changed_at=catalog.next_change_at(now) if catalog else now,
        files=TranscriptFiles(context.show, context.config.zone),
    )
    readable = public_files(assembled.episode, known, assembled.objects, context.store)
    entry = with_leftovers(assembled.episode, context.store)
    assembled = replace(assembled, episode=entry, objects=(*assembled.objects, *readable))
    if known is None or assembled.episode.transcripts != known.transcripts:
        warn_of_printed_names(draft, edited, context)
    settle_note(folder, edited, known, assembled.episode, context, save=save)
    check_times(assembled.episode)
    prepared = PreparedEpisode(
        known,
        media,
        assembled,
        build_show_assets(context, catalog),
        make_feed_renderer([assembled.transcript] if assembled.transcript else [], allow=allowed),
        words=edited.transcript if edited else None,
        taken=merged.taken,
        review_items=review_items,
    )
    check_prepared(prepared, published, context, allow=allowed)
    return prepared


def _provenance(
    edited: EditedTranscript | None, known: Episode | None, slug: str, config: Config
) -> TranscriptProvenance | None:
    """Return that of the folder's words; that of the published ones where the folder has none."""
    if edited is not None:
        return provenance_of(edited, slug, config)
    return known.provenance if known else None


def dry_run(
    context: Context, slug: str, *, publish_at: datetime | None = None, allow: Iterable[GateName] = ()
) -> DryRunResult:
    """Prepare an episode and report what `publish` would store and change; writes only into `build/`."""
    with context.library.open(slug) as folder:
        prepared = prepare(folder, context, publish_at=publish_at, allow=allow, save=False)
    then = preview(context.store, prepared.update)
    missing = (staged for staged in prepared.objects if not object_exists(context.store, staged.key))
    return DryRunResult(
        episode=prepared.assembled.episode,
        show=then.catalog.show,
        changed=prepared.changed or then.feed != then.published_feed,
        objects=tuple((staged.key, staged.size_bytes) for staged in missing),
        feed_changes=app_impact.diff_feeds(then.published_feed, then.feed),
        taken=prepared.taken,
    )


def release(context: Context, *, allow: Iterable[GateName] = ()) -> tuple[str, ...]:
    """Publish the scheduled episodes whose time has come and bring the feed up to date.

    Removes what a withdrawal, or a transcript that was public, has left where a run was killed.
    Needs no episode folder; idempotent, and safe every minute on any number of machines.

    Returns:
        The slugs that this call published.
    """
    released: list[str] = []
    update = _release_update(context, released, frozenset(allow))
    then = preview(context.store, update)
    due = [one for one in then.catalog.episodes if one.slug in released]
    files = [file for one in due for file in public_files(one, None, (), context.store)]
    if files:
        upload(context.store, files, now=context.clock(), report=context.report)
    catalog, _ = commit(context, update)
    remove_unreferenced(context, catalog, (file.key for file in files))
    remove_pending_objects(context, catalog)
    return tuple(released)


def why_not_released(context: Context) -> PodcastError | None:
    """Return the error with which `release` would stop now, None without one; writes nothing."""
    try:
        preview(context.store, _release_update(context, [], frozenset()))
    except PodcastError as error:
        return error
    return None


def _release_update(context: Context, released: list[str], allow: frozenset[GateName]) -> CatalogUpdate:
    """Return the update that publishes what is due now.

    Args:
        released: is given the slugs that the update published.
    """
    now = context.clock()

    def publish_due(current: Catalog | None) -> Catalog:
        if current is None:
            raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
        due = [one for one in _due(current, now) if one.id in ready or one.transcript_choice != "public"]
        released[:] = [episode.slug for episode in due]
        changed_at = current.next_change_at(now)
        return current.with_episodes(as_published(episode, now, changed_at=changed_at) for episode in due)

    catalog = load_catalog(context)
    ready = {episode.id for episode in _due(catalog, now)}  # one scheduled since then has the next run
    transcripts = [published_transcript(episode, context.store) for episode in _due(catalog, now)]
    render_feed = make_feed_renderer([one for one in transcripts if one], allow=allow)
    return CatalogUpdate(publish_due, render_feed)


def unpublished_slugs(context: Context) -> frozenset[str]:
    """Return the slugs of the unpublished episodes: their recordings may be ingested again.

    Raises:
        StoreError: a later release wrote the catalog; nothing could be published.
    """
    catalog = context.catalog()
    if catalog is None:
        return frozenset()
    catalog.check_writable()
    return frozenset(e.slug for e in catalog.episodes if e.state == "unpublished")


def _publication_time(
    draft: EpisodeDraft, known: Episode | None, publish_at: datetime | None, now: datetime
) -> datetime:
    slug = draft.slug
    if publish_at is not None and publish_at.tzinfo is None:
        raise EpisodeError(slug, "publish_at has no time zone; give one, such as datetime.timezone.utc")
    if known is None:
        if draft.source_sha256 is None:
            raise EpisodeError(slug, NOT_IN_CATALOG)
        return publish_at or now
    if known.state == "unpublished":
        raise EpisodeError(
            slug, "was unpublished and cannot come back; ingest the recording under a new slug"
        )
    if known.state == "published" and publish_at is not None:
        raise EpisodeError(slug, f"is out since {known.publish_at:%Y-%m-%d %H:%M} UTC; leave --at away")
    return publish_at or known.publish_at


def _due(catalog: Catalog | None, now: datetime) -> list[Episode]:
    """Return the scheduled episodes whose time has come."""
    episodes = catalog.episodes if catalog else ()
    return [episode for episode in episodes if episode.is_due(now)]
