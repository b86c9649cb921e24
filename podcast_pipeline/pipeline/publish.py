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

from podcast_pipeline.audio.source import check
from podcast_pipeline.audio.tracks import Track, mix
from podcast_pipeline.episodes.create import mint
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.feed import app_impact
from podcast_pipeline.model import Draft, Episode, Show
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline import imported
from podcast_pipeline.pipeline.assemble import Mastered, compose
from podcast_pipeline.pipeline.commit import (
    Ready,
    feed_writer,
    flip,
    foresee,
    refuse_late,
    refuse_leaks,
    secrets_of,
    standing,
)
from podcast_pipeline.pipeline.media import NOT_ENTERED, Parts, dress, make_media, published_words, worded
from podcast_pipeline.storage.published import read_catalog
from podcast_pipeline.storage.upload import deliver, is_there


@dataclass(frozen=True)
class Published:
    """What a publication came to.

    Attributes:
        changed: whether the catalog or the feed is another than before.
        mastered: what mastering measured; None when the audio was out already.
    """

    episode: Episode
    show: Show
    word_count: int
    changed: bool
    mastered: Mastered | None


@dataclass(frozen=True)
class Rehearsed:
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
    listeners: app_impact.Changes


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
    check(recording, report=parts.report)
    withdrawn = _withdrawn(parts)
    return mint(
        recording, parts.library, title=title, slug=slug, guests=guests, notes=notes, withdrawn=withdrawn
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
        mix(tracks, mixed, ffmpeg=parts.ffmpeg, report=parts.report)
        kept = [(track.name, track.path, track.channel) for track in tracks]
        return mint(
            mixed,
            parts.library,
            title=title,
            slug=slug,
            guests=guests,
            notes=notes,
            tracks=kept,
            withdrawn=_withdrawn(parts),
        )


def publish(slug: str, parts: Parts, *, at: datetime | None = None, allow: bool = False) -> Published:
    """Publish an episode, or bring its publication up to what its folder says now.

    Args:
        at: when it goes out; None: now for a new one, its own time for one in the catalog.
        allow: accept a feed that makes apps download episodes again.

    Raises:
        EpisodeError: it was unpublished, or somebody else is publishing it or did meanwhile.
        StoreError: the store cannot be used, or what was published is not in it.
        LeakError, FeedError: text or a feed that must not become public; nothing was published.
    """
    with parts.library.claim(slug):
        ready = prepare(slug, parts, at=at, allow=allow)
        deliver(parts.store, ready.objects, now=parts.clock(), report=parts.report)
        entered, feed_changed = flip(parts, ready.enter, ready.write)
        return Published(
            episode=ready.composed.episode,
            show=entered.show,
            word_count=len(ready.composed.words.words) if ready.composed.words else 0,
            changed=feed_changed or ready.changed,
            mastered=ready.media.mastered,
        )


def prepare(
    slug: str, parts: Parts, *, at: datetime | None = None, allow: bool = False, keep: bool = True
) -> Ready:
    """Make everything of an episode and refuse what must not go out; nothing leaves the laptop.

    Args:
        keep: what follows in transcript.json, transcript.md and edits.json.
    """
    now = parts.clock()
    draft = parts.library.load(slug)
    catalog = standing(parts)
    known = catalog.by_id(draft.id) if catalog else None
    publish_at = _goes_out(draft, known, at, now)
    draft = imported.complete(draft, known)

    text = worded(draft, known, parts, keep=keep)
    media = make_media(draft, known, publish_at, parts)
    composed = compose(
        draft,
        known,
        media=media,
        heard=text.words if text else None,
        note=text.note if text else "",
        published=published_words(known, parts.store),
        teaser_words=parts.config.access.teaser_words,
        publish_at=publish_at,
        now=now,
    )
    words = [composed.words] if composed.words else []
    write = feed_writer(words, allow=allow)
    refuse_late(composed.episode)
    ready = Ready(known, media, composed, dress(parts, catalog), write)
    then = foresee(parts.store, ready.enter, write)
    if composed.episode.state == "scheduled":  # what `release` would refuse is refused while somebody is here
        write(then.catalog.with_episode(_out(composed.episode, publish_at)), then.published)
    for spoken in words:
        refuse_leaks(secrets_of(spoken, then.catalog), ready.objects)
    return ready


def rehearse(slug: str, parts: Parts, *, at: datetime | None = None, allow: bool = False) -> Rehearsed:
    """Prepare an episode and say what `publish` would store and change; writes nothing outside `build/`."""
    with parts.library.claim(slug):
        ready = prepare(slug, parts, at=at, allow=allow, keep=False)
    then = foresee(parts.store, ready.enter, ready.write)
    missing = (staged for staged in ready.objects if not is_there(parts.store, staged.key))
    return Rehearsed(
        episode=ready.composed.episode,
        show=then.catalog.show,
        changed=ready.changed or then.feed != then.published,
        objects=tuple((staged.key, staged.size_bytes) for staged in missing),
        listeners=app_impact.diff(then.published, then.feed),
    )


def release(parts: Parts, *, allow: bool = False) -> tuple[str, ...]:
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

    catalog = standing(parts)
    words = [published_words(episode, parts.store) for episode in _due(catalog, now)]
    write = feed_writer([transcript for transcript in words if transcript], allow=allow)
    foresee(parts.store, go_out, write)
    flip(parts, go_out, write)
    return tuple(released)


def _withdrawn(parts: Parts) -> frozenset[str]:
    """Return the slugs of the episodes that were unpublished: their recordings may come again."""
    catalog, _ = read_catalog(parts.store)
    return frozenset(e.slug for e in catalog.episodes if e.state == "unpublished") if catalog else frozenset()


def _goes_out(draft: Draft, known: Episode | None, at: datetime | None, now: datetime) -> datetime:
    slug = draft.slug
    if known is None:
        if draft.source_sha256 is None:
            raise EpisodeError(slug, NOT_ENTERED)
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
