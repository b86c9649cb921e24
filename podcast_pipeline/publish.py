"""The story of an episode: ingest it, publish it, release it when its time has come.

Each takes an episode through the rooms once. What can be interrupted can be run again: a step whose
result exists for the same inputs is skipped, nothing is named before it was read back, and the feed
is written last.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from podcast_pipeline.audio.source import check
from podcast_pipeline.catalog import Catalog
from podcast_pipeline.compose import Mastered, compose
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import Episode, EpisodeState
from podcast_pipeline.stages import (
    Dressing,
    Parts,
    dress,
    feed_writer,
    hear,
    make_media,
    refuse_leaks,
    secrets_of,
    step,
)
from podcast_pipeline.stores.delivery import deliver
from podcast_pipeline.stores.shelf import commit, read_catalog, write_feed


@dataclass(frozen=True)
class Published:
    """What a publication came to.

    Attributes:
        changed: whether the catalog or the feed is another than before.
        mastered: what mastering measured; None when the audio was out already.
    """

    slug: str
    id: UUID
    guid: str
    state: EpisodeState
    publish_at: datetime
    feed_url: str
    page_url: str
    audio_url: str
    duration_s: float
    word_count: int
    changed: bool
    mastered: Mastered | None


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
    return parts.library.mint(recording, title=title, slug=slug, guests=guests, notes=notes)


def publish(slug: str, parts: Parts, *, at: datetime | None = None, allow: bool = False) -> Published:
    """Publish an episode, or bring its publication up to what its folder says now.

    Args:
        at: when it goes out; None: now for a new one, its own time for one in the catalog.
        allow: accept a feed that makes apps download episodes again.

    Raises:
        EpisodeError: it was unpublished, or somebody else published it meanwhile.
        LeakError, FeedError: text or a feed that must not become public; nothing was published.
    """
    now = parts.clock()
    draft = parts.library.load(slug)
    catalog, _ = read_catalog(parts.store)
    known = catalog.by_id(draft.id) if catalog else None
    publish_at = _goes_out(slug, known, at, now)

    words = hear(draft, known, parts)
    media = make_media(draft, known, publish_at, parts)
    composed = compose(
        draft,
        known,
        media=media,
        heard=words,
        teaser_words=parts.config.access.teaser_words,
        publish_at=publish_at,
        now=now,
    )
    dressing = dress(parts, catalog)

    refuse_leaks(composed, catalog)
    deliver(parts.store, (*dressing.objects, *composed.objects), report=parts.report)
    with step(parts.report, "catalog"):
        entered = commit(parts.store, lambda current: _enter(current, composed.episode, known, dressing))
    with step(parts.report, "feed"):
        feed_changed = write_feed(parts.store, feed_writer(secrets_of(composed, catalog), allow=allow))
    return _published(
        entered,
        composed.episode,
        changed=feed_changed or composed.episode != known,
        mastered=media.mastered,
        word_count=len(composed.words.words),
    )


def release(parts: Parts, *, allow: bool = False) -> tuple[str, ...]:
    """Publish the scheduled episodes whose time has come and bring the feed up to now.

    Needs no episode folder; safe every minute, on any number of machines.

    Returns:
        The slugs that went out by this call.
    """
    now = parts.clock()
    due: list[str] = []

    def flip(current: Catalog | None) -> Catalog:
        if current is None:
            raise EpisodeError("catalog", "nothing was published yet; run `podcast publish`")
        due[:] = [e.slug for e in current.episodes if e.state == "scheduled" and e.publish_at <= now]
        for slug in due:
            episode = current.by_slug(slug)
            assert episode is not None
            current = current.with_episode(_out(episode, now))
        return current

    commit(parts.store, flip)
    write_feed(parts.store, feed_writer(None, allow=allow))
    return tuple(due)


def _goes_out(slug: str, known: Episode | None, at: datetime | None, now: datetime) -> datetime:
    if known is None:
        return at or now
    if known.state == "unpublished":
        raise EpisodeError(
            slug, "was unpublished and cannot come back; ingest the recording under a new slug"
        )
    if known.state == "published" and at is not None:
        raise EpisodeError(slug, f"is out since {known.publish_at:%Y-%m-%d %H:%M} UTC; leave --at away")
    return at or known.publish_at


def _enter(current: Catalog | None, episode: Episode, known: Episode | None, dressing: Dressing) -> Catalog:
    there = current.by_id(episode.id) if current else None
    if there not in (known, episode):
        raise EpisodeError(episode.slug, "was published by somebody else meanwhile; run again to see it")
    return dressing.put_on(current).with_episode(episode)


def _out(episode: Episode, now: datetime) -> Episode:
    changes = {"state": "published", "published_at": now, "content_changed_at": now}
    return Episode.model_validate({**dict(episode), **changes})


def _published(
    catalog: Catalog,
    episode: Episode,
    *,
    changed: bool,
    mastered: Mastered | None,
    word_count: int,
) -> Published:
    show = catalog.show
    enclosure = episode.enclosure
    return Published(
        slug=episode.slug,
        id=episode.id,
        guid=episode.guid,
        state=episode.state,
        publish_at=episode.publish_at,
        feed_url=show.feed_url,
        page_url=show.page_address(episode.slug),
        audio_url=enclosure.external_url or show.media_address(enclosure.key or ""),
        duration_s=enclosure.duration_s,
        word_count=word_count,
        changed=changed,
        mastered=mastered,
    )
