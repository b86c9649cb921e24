"""Rehearsal: everything of a publication is made and checked, and neither store nor database is written.

A new recording is rehearsed in a temporary library: no folder, no id and no slug of it stays. What its
transcription heard stays in the cache, so that the publication does not hear it again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from podcast_pipeline.errors import EpisodeError, GateClosed
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.gates import GATES, GateName
from podcast_pipeline.pipeline.assemble import as_published
from podcast_pipeline.pipeline.commit import PreparedEpisode, load_catalog, preview
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.publish import prepare, unpublished_slugs
from podcast_pipeline.storage.objects import StagedObject
from podcast_pipeline.transcript.review import ReviewItem


@contextmanager
def ingested_for_rehearsal(
    context: Context, ingest: Callable[[Context], str]
) -> Iterator[tuple[Context, str]]:
    """Yield the show and the slug of a recording: its episode, or one in a library that is gone afterwards.

    Args:
        ingest: makes the episode's folder in the library of a context and returns its slug.

    Raises:
        EpisodeError: `ingest` would be refused.
    """
    load_catalog(context)  # knows from the real folders that the catalog was lost
    with TemporaryDirectory(prefix="podcast-rehearsal-") as folder:
        rehearsal = copy(context)
        rehearsal.library = context.library.with_root(Path(folder))
        slug = ingest(rehearsal)
        sha256 = rehearsal.library.folder(slug).table.source_sha256
        known = context.library.slug_of_source(sha256 or "", exclude=unpublished_slugs(context))
        if known is not None:
            yield context, ingest(context)
            return
        if (context.library.root / slug).exists():
            raise EpisodeError(slug, "is the slug of another recording; pass another --slug")
        yield rehearsal, slug


@dataclass(frozen=True)
class EpisodePreview:
    """An episode as readers and apps would have it if its folder were published now.

    Attributes:
        known: the episode as the catalog has it, None for a draft.
        changed: whether a publication would change anything.
        catalog: as it would be, the episode public in it.
        objects: that the store does not have yet.
        review_items: passages to listen to, worst first.
        unnamed_speakers: labels of the voices that nobody has named.
        closed_gates: what a publication would be stopped by, one line each.
    """

    episode: Episode
    known: Episode | None
    changed: bool
    catalog: Catalog
    objects: tuple[StagedObject, ...]
    review_items: tuple[ReviewItem, ...]
    unnamed_speakers: tuple[str, ...]
    closed_gates: tuple[str, ...]


def preview_episode(context: Context, slug: str) -> EpisodePreview:
    """Make and check everything of an episode as `publish` does; writes only into `build/` and the caches.

    Unlike a publication, it stops neither at a gate nor at the review policy.

    Raises:
        PodcastError: for anything else that `publish` refuses.
    """
    lenient = copy(context)
    lenient.config = context.config.model_copy(update={"review": context.config.review.without_blocks()})
    prepared, closed_gates = _prepare_past_gates(lenient, slug)
    then = preview(context.store, prepared.update)
    publish_at = prepared.assembled.episode.publish_at
    public = as_published(prepared.assembled.episode, publish_at, changed_at=publish_at)
    return EpisodePreview(
        episode=public,
        known=prepared.known,
        changed=prepared.changed or then.feed != then.published_feed,
        catalog=then.catalog.with_episode(public),
        objects=prepared.objects,
        review_items=prepared.review_items,
        unnamed_speakers=prepared.unnamed_speakers,
        closed_gates=closed_gates,
    )


def _prepare_past_gates(context: Context, slug: str) -> tuple[PreparedEpisode, tuple[str, ...]]:
    """Return the prepared episode with a line for each gate that is closed."""
    allow: frozenset[GateName] = frozenset()
    lines: list[str] = []
    with context.library.open(slug) as folder:
        while True:
            try:
                return prepare(folder, context, allow=allow, save=False), tuple(lines)
            except GateClosed as closed:
                if closed.gate in allow:
                    raise
                lines.append(f"{closed.subject}: {closed.finding} (--allow {closed.gate})")
                allow |= {gate for gate in GATES if gate == closed.gate}
