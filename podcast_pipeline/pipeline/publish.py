"""The story of an episode: ingest it, publish it, release it when its time has come.

Each takes an episode through the rooms once. What can be interrupted can be run again: a step whose
result exists for the same inputs is skipped, nothing is named before it was read back, and the feed
is written last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from podcast_pipeline.audio.source import check_audio
from podcast_pipeline.audio.tracks import Track, mix_tracks
from podcast_pipeline.episodes.create import create_episode
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.feed import app_impact
from podcast_pipeline.model import Episode, EpisodeDraft, Show
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline import imported
from podcast_pipeline.pipeline.assemble import MasteringReport, assemble_episode
from podcast_pipeline.pipeline.commit import (
    PreparedEpisode,
    check_leaks,
    check_times,
    commit,
    load_catalog,
    make_feed_renderer,
    preview,
    secret_shingles,
)
from podcast_pipeline.pipeline.media import (
    NOT_IN_CATALOG,
    Parts,
    build_media,
    build_show_assets,
    published_transcript,
    reviewed_transcript,
)
from podcast_pipeline.storage.published import read_catalog
from podcast_pipeline.storage.upload import object_exists, upload


@dataclass(frozen=True)
class PublishResult:
    """What a publication came to.

    Attributes:
        changed: whether the catalog or the feed is another than before.
        mastered: what mastering measured; None when the audio was out already.
    """

    episode: Episode
    show: Show
    word_count: int
    changed: bool
    mastering: MasteringReport | None


@dataclass(frozen=True)
class DryRunResult:
    """What a publication would do.

    Attributes:
        changed: whether the catalog or the feed would be another than before.
        objects: (key, bytes) of what would be stored.
        listeners: what would change in the public feed.
    """

    episode: Episode
    show: Show
    changed: bool
    objects: tuple[tuple[str, int], ...]
    feed_changes: app_impact.FeedDiff


def ingest(
    recording: Path,
    parts: Parts,
    *,
    title: str | None = None,
    slug: str | None = None,
    guests: tuple[str, ...] = (),
    notes: str = "",
) -> str:
    """Make an episode folder for a recording and return its slug; the same recording is the same episode."""
    check_audio(recording, report=parts.report)
    withdrawn = _withdrawn(parts)
    return create_episode(
        recording,
        parts.library,
        title=title,
        slug=slug,
        guests=guests,
        notes=notes,
        unpublished_slugs=withdrawn,
    )


def ingest_tracks(
    tracks: Sequence[Track],
    parts: Parts,
    *,
    title: str | None = None,
    slug: str | None = None,
    guests: tuple[str, ...] = (),
    notes: str = "",
) -> str:
    """Make an episode folder for the tracks of one recording and return its slug; see `ingest`.

    Raises:
        AudioError: the tracks do not belong together, or one of them cannot be used.
    """
    with TemporaryDirectory() as work:
        mixed = Path(work) / f"{' and '.join(track.name for track in tracks)}.flac"
        mix_tracks(tracks, mixed, ffmpeg=parts.ffmpeg, report=parts.report)
        kept = [(track.name, track.path, track.channel) for track in tracks]
        return create_episode(
            mixed,
            parts.library,
            title=title,
            slug=slug,
            guests=guests,
            notes=notes,
            tracks=kept,
            unpublished_slugs=_withdrawn(parts),
        )


def publish(
    slug: str, parts: Parts, *, publish_at: datetime | None = None, allow_redownloads: bool = False
) -> PublishResult:
    """Publish an episode, or bring its publication up to what its folder says now.

    Args:
        at: when it goes out; None: now for a new one, its own time for one in the catalog.
        allow: accept a feed that makes apps download episodes again.

    Raises:
        EpisodeError: it was unpublished, or somebody else is publishing it or did meanwhile.
        StoreError: the store cannot be used, or what was published is not in it.
        LeakError, FeedError: text or a feed that must not become public; nothing was published.
    """
    with parts.library.open(slug):
        ready = prepare(slug, parts, publish_at=publish_at, allow_redownloads=allow_redownloads)
        upload(parts.store, ready.objects, now=parts.clock(), report=parts.report)
        entered, feed_changed = commit(parts, ready.add_to_catalog, ready.feed_renderer)
        return PublishResult(
            episode=ready.assembled.episode,
            show=entered.show,
            word_count=len(ready.assembled.transcript.words) if ready.assembled.transcript else 0,
            changed=feed_changed or ready.changed,
            mastering=ready.media.mastering,
        )


def prepare(
    slug: str,
    parts: Parts,
    *,
    publish_at: datetime | None = None,
    allow_redownloads: bool = False,
    save: bool = True,
) -> PreparedEpisode:
    """Make everything of an episode and refuse what must not go out; nothing leaves the laptop.

    Args:
        keep: what follows in transcript.json, transcript.md and edits.json.
    """
    now = parts.clock()
    draft = parts.library.load_draft(slug)
    catalog = load_catalog(parts)
    known = catalog.by_id(draft.id) if catalog else None
    publish_at = _goes_out(draft, known, publish_at, now)
    draft = imported.merge_imported(draft, known)

    text = reviewed_transcript(draft, known, parts, save=save)
    media = build_media(draft, known, publish_at, parts)
    composed = assemble_episode(
        draft,
        known,
        media=media,
        transcript=text.transcript if text else None,
        correction_note=text.correction_note if text else "",
        published_transcript=published_transcript(known, parts.store),
        teaser_words=parts.config.access.teaser_words,
        publish_at=publish_at,
        now=now,
    )
    words = [composed.transcript] if composed.transcript else []
    write = make_feed_renderer(words, allow_redownloads=allow_redownloads)
    check_times(composed.episode)
    ready = PreparedEpisode(known, media, composed, build_show_assets(parts, catalog), write)
    then = preview(parts.store, ready.add_to_catalog, write)
    if composed.episode.state == "scheduled":  # what `release` would refuse is refused while somebody is here
        write(then.catalog.with_episode(_out(composed.episode, publish_at)), then.published_feed)
    for spoken in words:
        check_leaks(secret_shingles(spoken, then.catalog), ready.objects)
    return ready


def dry_run(
    slug: str, parts: Parts, *, publish_at: datetime | None = None, allow_redownloads: bool = False
) -> DryRunResult:
    """Prepare an episode and say what `publish` would store and change; writes nothing outside `build/`."""
    with parts.library.open(slug):
        ready = prepare(slug, parts, publish_at=publish_at, allow_redownloads=allow_redownloads, save=False)
    then = preview(parts.store, ready.add_to_catalog, ready.feed_renderer)
    missing = (staged for staged in ready.objects if not object_exists(parts.store, staged.key))
    return DryRunResult(
        episode=ready.assembled.episode,
        show=then.catalog.show,
        changed=ready.changed or then.feed != then.published_feed,
        objects=tuple((staged.key, staged.size_bytes) for staged in missing),
        feed_changes=app_impact.diff_feeds(then.published_feed, then.feed),
    )


def release(parts: Parts, *, allow_redownloads: bool = False) -> tuple[str, ...]:
    """Publish the scheduled episodes whose time has come and bring the feed up to now.

    Needs no episode folder; safe every minute, on any number of machines.

    Returns:
        The slugs that went out by this call.
    """
    now = parts.clock()
    released: list[str] = []

    def go_out(current: Catalog | None) -> Catalog:
        if current is None:
            raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
        due = _due(current, now)
        released[:] = [episode.slug for episode in due]
        for episode in due:
            current = current.with_episode(_out(episode, now))
        return current

    catalog = load_catalog(parts)
    words = [published_transcript(episode, parts.store) for episode in _due(catalog, now)]
    write = make_feed_renderer(
        [transcript for transcript in words if transcript], allow_redownloads=allow_redownloads
    )
    preview(parts.store, go_out, write)
    commit(parts, go_out, write)
    return tuple(released)


def _withdrawn(parts: Parts) -> frozenset[str]:
    """Return the slugs of the episodes that were unpublished: their recordings may come again."""
    catalog, _ = read_catalog(parts.store)
    return frozenset(e.slug for e in catalog.episodes if e.state == "unpublished") if catalog else frozenset()


def _goes_out(draft: EpisodeDraft, known: Episode | None, at: datetime | None, now: datetime) -> datetime:
    slug = draft.slug
    if known is None:
        if draft.source_sha256 is None:
            raise EpisodeError(slug, NOT_IN_CATALOG)
        return at or now
    if known.state == "unpublished":
        raise EpisodeError(
            slug, "was unpublished and cannot come back; ingest the recording under a new slug"
        )
    if known.state == "published" and at is not None:
        raise EpisodeError(slug, f"is out since {known.publish_at:%Y-%m-%d %H:%M} UTC; leave --at away")
    return at or known.publish_at


def _due(catalog: Catalog | None, now: datetime) -> list[Episode]:
    """Return the scheduled episodes whose time has come."""
    episodes = catalog.episodes if catalog else ()
    return [e for e in episodes if e.state == "scheduled" and e.publish_at <= now]


def _out(episode: Episode, now: datetime) -> Episode:
    changes = {"state": "published", "published_at": now, "content_changed_at": now}
    return Episode.model_validate({**dict(episode), **changes})
