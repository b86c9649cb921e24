"""Check, then replace catalog and public feed, each by compare-and-swap."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

from podcast_pipeline.audio import tags
from podcast_pipeline.errors import EpisodeError, FeedError, LeakError, StoreError
from podcast_pipeline.feed import app_impact, conformance
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.feed.drop_invalid import guid_at
from podcast_pipeline.feed.rss import PublicAudience, render_archive_pages, render_feed, render_unpaged
from podcast_pipeline.feed.text import xml_safe
from podcast_pipeline.images import searchable_bytes
from podcast_pipeline.model import Episode, Transcript
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog
from podcast_pipeline.model.gates import GateName, check_gate
from podcast_pipeline.pipeline.assemble import AssembledEpisode, Media
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.pipeline.show_assets import ShowAssets
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
from podcast_pipeline.transcript.review import ReviewItem
from podcast_pipeline.transcript.text.clock import format_clock

FeedRenderer = Callable[[Catalog, bytes | None], bytes]
"""Renders the public feed of a catalog, given the published one (None for the first); raises to refuse."""


@dataclass(frozen=True)
class CatalogUpdate:
    """A change of the catalog, and the public feed that follows from it.

    Attributes:
        change: from the catalog (None before the first publication) to the new one; raises to refuse.
    """

    change: Callable[[Catalog | None], Catalog]
    render_feed: FeedRenderer


@dataclass(frozen=True)
class PreparedEpisode:
    """An episode with everything built and checked, before any of it leaves the laptop.

    Attributes:
        known: the episode as the catalog had it, None for a new one.
        words: of the folder, in recording times; None without any.
        taken: a line for each change by another producer that was merged into the folder.
        review_items: passages of the words that a person should listen to, worst first.
    """

    known: Episode | None
    media: Media
    assembled: AssembledEpisode
    show_assets: ShowAssets
    render_feed: FeedRenderer
    words: Transcript | None = None
    taken: tuple[str, ...] = ()
    review_items: tuple[ReviewItem, ...] = ()

    @property
    def objects(self) -> tuple[StagedObject, ...]:
        """The objects that the new catalog references and the old one does not."""
        return (*self.show_assets.objects, *self.assembled.objects)

    @property
    def changed(self) -> bool:
        """Whether the episode's entry in the catalog will differ."""
        return self.assembled.episode != self.known

    @property
    def unnamed_speakers(self) -> tuple[str, ...]:
        """The labels of the voices that nobody has named."""
        return self.words.unnamed_speakers if self.words else ()

    @property
    def update(self) -> CatalogUpdate:
        """The catalog with the episode, and its feed."""
        return CatalogUpdate(self._add_to_catalog, self.render_feed)

    def _add_to_catalog(self, current: Catalog | None) -> Catalog:
        """Return the catalog with the episode; EpisodeError when another publisher was first."""
        episode = self.assembled.episode
        there = current.by_id(episode.id) if current else None
        if there not in (self.known, episode):
            raise EpisodeError(episode.slug, "was published by somebody else meanwhile; run again to see it")
        return self.show_assets.apply_to(current).with_episode(episode)


def load_catalog(context: Context) -> Catalog | None:
    """Return the catalog to be changed, None before the first publication.

    Raises:
        ConfigError: the store can lock out no other publisher.
        StoreError: the catalog is gone, and a new one would take every episode out of every app; or a later
            release wrote it.
    """
    _ = context.publisher_lock  # a store without one is refused before any work
    catalog = context.catalog()
    if catalog is not None:
        catalog.check_writable()
    if catalog is None and (slugs := context.library.published_slugs()):
        raise StoreError(
            CATALOG_KEY,
            f"is gone, though {slugs[0]} was published ({len(slugs)} in all); see that the store is there and"
            " the right one, or restore it. To begin anew, delete published.json in every episode's folder",
        )
    return catalog


def commit(context: Context, update: CatalogUpdate) -> tuple[Catalog, bool]:
    """Replace the catalog, then the public feed, each by compare-and-swap, then notify the hubs.

    Returns:
        The catalog, and whether the feed changed.
    """
    with context.publisher_lock():
        with step(context.report, "catalog"):
            catalog = update_catalog(context.store, update.change)
        with step(context.report, "feed"):
            write_archive(context.store, render_archive_pages)
            feed_changed = write_feed(context.store, update.render_feed)
    if feed_changed:
        context.announce(catalog.show)
    return catalog, feed_changed


@dataclass(frozen=True)
class Preview:
    """The catalog and the public feed that an update would write.

    Attributes:
        published_feed: the feed in storage, None before the first.
    """

    catalog: Catalog
    published_feed: bytes | None
    feed: bytes


def preview(store: Store, update: CatalogUpdate) -> Preview:
    """Return the catalog and the feed that an update would write; raises as `commit` would.

    A feed that would be refused is refused here, before the catalog is changed. The feed is read before
    the catalog: an episode that another publisher adds in between is in the catalog, and no item seems lost.
    """
    published, _ = read_feed(store)
    current, _ = read_catalog(store)
    catalog = update.change(current)
    return Preview(catalog, published, update.render_feed(catalog, published))


def check_leaks(secret: Shingles, objects: Iterable[StagedObject]) -> None:
    """Raise LeakError when an object that would become public contains text of the transcript."""
    for staged_object in objects:
        if staged_object.key.startswith("public/"):
            _check_leak(secret, staged_object.key, _text_bytes(staged_object))


def check_times(episode: Episode) -> None:
    """Raise EpisodeError when a chapter or a soundbite begins after the end of our own audio."""
    end_s = inf if episode.original else episode.enclosure.duration_s
    for kind, marks in (("chapter", episode.chapters), ("soundbite", episode.soundbites)):
        for mark in marks:
            if mark.start_s >= end_s:
                raise EpisodeError(
                    episode.slug,
                    f"{kind} “{mark.title}” begins at {format_clock(mark.start_s)}, the audio ends at"
                    f" {format_clock(end_s)}; correct start_s in episode.toml",
                )


def secret_shingles(transcript: Transcript, catalog: Catalog) -> Shingles:
    """Return the shingles of a transcript that stand nowhere in the catalog's public text."""
    return Shingles.of(transcript, public_text=catalog.public_text)


def make_feed_renderer(
    transcripts: Sequence[Transcript], *, allow: frozenset[GateName], allow_broken_rules: bool = False
) -> FeedRenderer:
    """Return a renderer of the public feed that refuses a leak, a broken rule and harm to apps.

    Args:
        transcripts: of the episodes that the feed publishes; it must not contain their text.
        allow: gates that a person has allowed; `redownloads` is the one for harm to apps.
        allow_broken_rules: for a withdrawal, which no fault of another item may delay.
    """
    last: list[tuple[Catalog, bytes | None, bytes]] = []  # `commit` mostly asks for the feed of `preview`

    def render(catalog: Catalog, published: bytes | None) -> bytes:
        if not last or (catalog, published) != last[0][:2]:
            last[:] = [(catalog, published, checked(catalog, published))]
        return last[0][2]

    def checked(catalog: Catalog, published: bytes | None) -> bytes:
        new = render_feed(catalog, PublicAudience())
        whole = render_unpaged(catalog) if catalog.show.page_size else new
        for transcript in transcripts:  # also where the newest page stays: an archive page may change
            _check_leak(secret_shingles(transcript, catalog), FEED_KEY, whole)
        if new == published:
            return new
        if not allow_broken_rules:
            _check_rules(whole, catalog)
        if published is not None and not catalog.has_pending_withdrawals:
            _check_history(published, whole, allow=allow)
        return new

    return render


def _check_leak(secret: Shingles, key: str, data: bytes) -> None:
    if secret.find_in(data):
        raise LeakError(key, "would hold text of the transcript; nothing was published")


def _check_rules(new: bytes, catalog: Catalog) -> None:
    """Raise FeedError, with the episode's slug, for a broken rule; an imported item never blocks the show."""
    for finding in conformance.check_feed(new):
        if finding.severity == "error":
            episode = _episode_at(new, finding.line, catalog)
            if episode is None or episode.original is None:
                name = f"{episode.slug}: " if episode else ""
                raise FeedError(finding.rule, f"{name}{finding.message}; {finding.fix}")


def _episode_at(feed: bytes, line: int | None, catalog: Catalog) -> Episode | None:
    """Return the episode whose item holds a line of a feed of ours."""
    guid = guid_at(parse_rss(feed), line)
    return next((episode for episode in catalog.published() if xml_safe(episode.guid) == guid), None)


def _check_history(published: bytes, new: bytes, *, allow: frozenset[GateName]) -> None:
    for line in app_impact.harmful_changes(app_impact.diff_feeds(published, new)):
        check_gate("redownloads", FEED_KEY, line, allow=allow)


def _text_bytes(staged_object: StagedObject) -> bytes:
    """Return the bytes of an object that may contain text: all but pixels, or of audio its tags."""
    body = staged_object.body
    if isinstance(body, bytes) and not staged_object.content_type.startswith("audio/"):
        return searchable_bytes(body)
    return tags.id3_text(body)
