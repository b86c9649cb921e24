"""The flip: what is checked before anything becomes public, and the swap of the catalog and of the feed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

from podcast_pipeline.audio import tags
from podcast_pipeline.errors import EpisodeError, FeedError, LeakError, StoreError
from podcast_pipeline.feed import app_impact, conformance
from podcast_pipeline.feed.rss import Public, render, render_archive, render_whole
from podcast_pipeline.model import Episode, Transcript
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog
from podcast_pipeline.pipeline.assemble import Composed, Media
from podcast_pipeline.pipeline.media import Dressing, Parts, step
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.objects import FEED_KEY, StagedObject
from podcast_pipeline.storage.published import commit, read_catalog, read_feed, write_archive, write_feed
from podcast_pipeline.transcript.leaks.shingles import Shingles
from podcast_pipeline.transcript.markdown import clock

Writer = Callable[[Catalog, bytes | None], bytes]
"""Renders the public feed of a catalog, given the published one (None for the first); raises to refuse."""


@dataclass(frozen=True)
class Ready:
    """An episode with everything made and checked, before any of it leaves the laptop.

    Attributes:
        known: the episode as the catalog had it, None for a new one.
        write: the public feed with it.
    """

    known: Episode | None
    media: Media
    composed: Composed
    dressing: Dressing
    write: Writer

    @property
    def objects(self) -> tuple[StagedObject, ...]:
        """What the catalog will name and does not name yet."""
        return (*self.dressing.objects, *self.composed.objects)

    @property
    def changed(self) -> bool:
        """Whether the catalog will say something else of the episode."""
        return self.composed.episode != self.known

    def enter(self, current: Catalog | None) -> Catalog:
        """Return the catalog with the episode in it; EpisodeError when somebody else was first."""
        episode = self.composed.episode
        there = current.by_id(episode.id) if current else None
        if there not in (self.known, episode):
            raise EpisodeError(episode.slug, "was published by somebody else meanwhile; run again to see it")
        return self.dressing.put_on(current).with_episode(episode)


def standing(parts: Parts) -> Catalog | None:
    """Return the catalog, None before the first publication.

    Raises:
        StoreError: it is gone; a new one in its place would take what was in it out of every app. Or a later
            release wrote it.
    """
    catalog, _ = read_catalog(parts.store)
    if catalog is not None:
        catalog.check_writable()
    if catalog is None and (slugs := parts.library.said_to_be_out()):
        raise StoreError(
            CATALOG_KEY,
            f"is gone, though {slugs[0]} was published ({len(slugs)} in all); see that the store is there and"
            " the right one, or restore it. To begin anew, delete published.json in every episode's folder",
        )
    return catalog


def flip(parts: Parts, change: Callable[[Catalog | None], Catalog], write: Writer) -> tuple[Catalog, bool]:
    """Replace the catalog, then the public feed, each by compare-and-swap, then tell the hubs.

    Returns:
        The catalog, and whether the feed changed.
    """
    with parts.alone():
        with step(parts.report, "catalog"):
            catalog = commit(parts.store, change)
        with step(parts.report, "feed"):
            write_archive(parts.store, render_archive)
            feed_changed = write_feed(parts.store, write)
    if feed_changed:
        parts.announce(catalog.show)
    return catalog, feed_changed


@dataclass(frozen=True)
class Foreseen:
    """What a change would make of the catalog and of the public feed.

    Attributes:
        published: the feed as it is, None before the first.
        feed: the feed as it would be.
    """

    catalog: Catalog
    published: bytes | None
    feed: bytes


def foresee(store: Store, change: Callable[[Catalog | None], Catalog], write: Writer) -> Foreseen:
    """Return what a change would make, or raise as it would; nothing is written.

    A feed that would be refused is refused here, before the catalog is changed. The feed is read before
    the catalog: what somebody else publishes in between is in the catalog, and no item seems lost.
    """
    published, _ = read_feed(store)
    current, _ = read_catalog(store)
    catalog = change(current)
    return Foreseen(catalog, published, write(catalog, published))


def refuse_leaks(secret: Shingles, objects: Iterable[StagedObject]) -> None:
    """Raise LeakError when an object that would become public holds text of the transcript."""
    for staged_object in objects:
        if staged_object.key.startswith("public/"):
            _refuse_leak(secret, staged_object.key, _readable(staged_object))


def refuse_late(episode: Episode) -> None:
    """Raise EpisodeError when a chapter or a soundbite begins after the audio of our own has ended."""
    end_s = inf if episode.original else episode.enclosure.duration_s
    for what, marks in (("chapter", episode.chapters), ("soundbite", episode.soundbites)):
        for mark in marks:
            if mark.start_s >= end_s:
                raise EpisodeError(
                    episode.slug,
                    f"{what} “{mark.title}” begins at {clock(mark.start_s)}, the audio ends at"
                    f" {clock(end_s)}; correct start_s in episode.toml",
                )


def secrets_of(words: Transcript, catalog: Catalog) -> Shingles:
    """Return what of a transcript must not be public, whoever wrote it elsewhere in the catalog."""
    return Shingles.of(words, public_text=catalog.public_text)


def feed_writer(words: Sequence[Transcript], *, allow: bool) -> Writer:
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
        new = render(catalog, Public())
        whole = render_whole(catalog) if catalog.show.page_size else new
        for transcript in words:  # also where the newest page stays as it is: an archive page may change
            _refuse_leak(secrets_of(transcript, catalog), FEED_KEY, whole)
        if new == published:
            return new
        _refuse_broken_rules(whole)
        if published is not None and not allow:
            _refuse_broken_history(published, whole)
        return new

    return write


def _refuse_leak(secret: Shingles, key: str, data: bytes) -> None:
    if secret.found_in(data):
        raise LeakError(key, "would hold text of the transcript; nothing was published")


def _refuse_broken_rules(new: bytes) -> None:
    for finding in conformance.check(new):
        if finding.severity == "error":
            raise FeedError(finding.rule, f"{finding.message}; {finding.fix}")


def _refuse_broken_history(published: bytes, new: bytes) -> None:
    for line in app_impact.lock(app_impact.diff(published, new)):
        raise FeedError(FEED_KEY, f"{line}; nothing was published, pass --allow if that is meant")


def _readable(staged_object: StagedObject) -> bytes:
    """Return the bytes of an object in which text could be: all, or a media file's tags."""
    if isinstance(staged_object.body, bytes):
        return staged_object.body
    return tags.raw(staged_object.body)
