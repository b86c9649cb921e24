"""The flip: what is checked before anything becomes public, and the swap of the catalog and of the feed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

from podcast_pipeline.audio import tags
from podcast_pipeline.errors import EpisodeError, FeedError, LeakError, StoreError
from podcast_pipeline.feed import app_impact, conformance
from podcast_pipeline.feed.rss import PublicAudience, render_archive_pages, render_feed, render_unpaged
from podcast_pipeline.model import Episode, Transcript
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog
from podcast_pipeline.pipeline.assemble import AssembledEpisode, Media
from podcast_pipeline.pipeline.media import Parts, ShowAssets, step
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import FEED_KEY, StagedObject
from podcast_pipeline.storage.published import (
    read_catalog,
    read_feed,
    update_catalog,
    write_archive,
    write_feed,
)
from podcast_pipeline.transcript.leaks.shingles import Shingles
from podcast_pipeline.transcript.text.clock import format_clock

FeedRenderer = Callable[[Catalog, bytes | None], bytes]
"""Renders the public feed of a catalog, given the published one (None for the first); raises to refuse."""


@dataclass(frozen=True)
class PreparedEpisode:
    """An episode with everything made and checked, before any of it leaves the laptop.

    Attributes:
        known: the episode as the catalog had it, None for a new one.
        write: the public feed with it.
    """

    known: Episode | None
    media: Media
    assembled: AssembledEpisode
    show_assets: ShowAssets
    feed_renderer: FeedRenderer

    @property
    def objects(self) -> tuple[StagedObject, ...]:
        """What the catalog will name and does not name yet."""
        return (*self.show_assets.objects, *self.assembled.objects)

    @property
    def changed(self) -> bool:
        """Whether the catalog will say something else of the episode."""
        return self.assembled.episode != self.known

    def add_to_catalog(self, current: Catalog | None) -> Catalog:
        """Return the catalog with the episode in it; EpisodeError when somebody else was first."""
        episode = self.assembled.episode
        there = current.by_id(episode.id) if current else None
        if there not in (self.known, episode):
            raise EpisodeError(episode.slug, "was published by somebody else meanwhile; run again to see it")
        return self.show_assets.apply_to(current).with_episode(episode)


def load_catalog(parts: Parts) -> Catalog | None:
    """Return the catalog, None before the first publication.

    Raises:
        StoreError: it is gone; a new one in its place would take what was in it out of every app. Or a later
            release wrote it.
    """
    catalog, _ = read_catalog(parts.store)
    if catalog is not None:
        catalog.check_writable()
    if catalog is None and (slugs := parts.library.published_slugs()):
        raise StoreError(
            CATALOG_KEY,
            f"is gone, though {slugs[0]} was published ({len(slugs)} in all); see that the store is there and"
            " the right one, or restore it. To begin anew, delete published.json in every episode's folder",
        )
    return catalog


def commit(
    parts: Parts, change: Callable[[Catalog | None], Catalog], feed_renderer: FeedRenderer
) -> tuple[Catalog, bool]:
    """Replace the catalog, then the public feed, each by compare-and-swap, then tell the hubs.

    Returns:
        The catalog, and whether the feed changed.
    """
    with parts.alone():
        with step(parts.report, "catalog"):
            catalog = update_catalog(parts.store, change)
        with step(parts.report, "feed"):
            write_archive(parts.store, render_archive_pages)
            feed_changed = write_feed(parts.store, feed_renderer)
    if feed_changed:
        parts.announce(catalog.show)
    return catalog, feed_changed


@dataclass(frozen=True)
class Preview:
    """What a change would make of the catalog and of the public feed.

    Attributes:
        published: the feed as it is, None before the first.
        feed: the feed as it would be.
    """

    catalog: Catalog
    published_feed: bytes | None
    feed: bytes


def preview(
    store: Store, change: Callable[[Catalog | None], Catalog], feed_renderer: FeedRenderer
) -> Preview:
    """Return what a change would make, or raise as it would; nothing is written.

    A feed that would be refused is refused here, before the catalog is changed. The feed is read before
    the catalog: what somebody else publishes in between is in the catalog, and no item seems lost.
    """
    published, _ = read_feed(store)
    current, _ = read_catalog(store)
    catalog = change(current)
    return Preview(catalog, published, feed_renderer(catalog, published))


def check_leaks(secret: Shingles, objects: Iterable[StagedObject]) -> None:
    """Raise LeakError when an object that would become public holds text of the transcript."""
    for staged_object in objects:
        if staged_object.key.startswith("public/"):
            _refuse_leak(secret, staged_object.key, _readable(staged_object))


def check_times(episode: Episode) -> None:
    """Raise EpisodeError when a chapter or a soundbite begins after the audio of our own has ended."""
    end_s = inf if episode.original else episode.enclosure.duration_s
    for what, marks in (("chapter", episode.chapters), ("soundbite", episode.soundbites)):
        for mark in marks:
            if mark.start_s >= end_s:
                raise EpisodeError(
                    episode.slug,
                    f"{what} “{mark.title}” begins at {format_clock(mark.start_s)}, the audio ends at"
                    f" {format_clock(end_s)}; correct start_s in episode.toml",
                )


def secret_shingles(transcript: Transcript, catalog: Catalog) -> Shingles:
    """Return what of a transcript must not be public, whoever wrote it elsewhere in the catalog."""
    return Shingles.of(transcript, public_text=catalog.public_text)


def make_feed_renderer(transcripts: Sequence[Transcript], *, allow_redownloads: bool) -> FeedRenderer:
    """Return what renders the public feed and refuses one that leaks, breaks a rule or breaks history.

    Args:
        words: of the episodes that go out with it, whose text the feed must not hold.
        allow: accept changes that make apps download episodes again.
    """
    last: list[tuple[Catalog, bytes | None, bytes]] = []  # the flip mostly asks what was foreseen

    def write(catalog: Catalog, published: bytes | None) -> bytes:
        if not last or (catalog, published) != last[0][:2]:
            last[:] = [(catalog, published, checked(catalog, published))]
        return last[0][2]

    def checked(catalog: Catalog, published: bytes | None) -> bytes:
        new = render_feed(catalog, PublicAudience())
        whole = render_unpaged(catalog) if catalog.show.page_size else new
        for (
            transcript
        ) in transcripts:  # also where the newest page stays as it is: an archive page may change
            _refuse_leak(secret_shingles(transcript, catalog), FEED_KEY, whole)
        if new == published:
            return new
        _refuse_broken_rules(whole)
        if published is not None and not allow_redownloads:
            _refuse_broken_history(published, whole)
        return new

    return write


def _refuse_leak(secret: Shingles, key: str, data: bytes) -> None:
    if secret.find_in(data):
        raise LeakError(key, "would hold text of the transcript; nothing was published")


def _refuse_broken_rules(new: bytes) -> None:
    for finding in conformance.check_feed(new):
        if finding.severity == "error":
            raise FeedError(finding.rule, f"{finding.message}; {finding.fix}")


def _refuse_broken_history(published: bytes, new: bytes) -> None:
    for line in app_impact.harmful_changes(app_impact.diff_feeds(published, new)):
        raise FeedError(FEED_KEY, f"{line}; nothing was published, pass --allow if that is meant")


def _readable(staged_object: StagedObject) -> bytes:
    """Return the bytes of an object in which text could be: all, or a media file's tags."""
    if isinstance(staged_object.body, bytes):
        return staged_object.body
    return tags.id3_bytes(staged_object.body)
