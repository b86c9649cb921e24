"""What a published version of a transcript has otherwise than the version before it."""

from bisect import bisect_right
from dataclasses import dataclass, field

from podcast_pipeline.model import Episode, TranscriptVersion
from podcast_pipeline.transcript.edits.changelog import PassageChange, passage_changes
from podcast_pipeline.web.catalog_cache import CatalogCache, Lru

CACHED_COMPARISONS = 256

Changes = tuple[tuple[float, PassageChange], ...]
"""Pairs of (start of the sentence in the newer version, in seconds; change), in order."""


@dataclass(frozen=True)
class VersionChanges:
    """Compares published versions, and keeps the comparisons."""

    catalog_cache: CatalogCache
    _cache: Lru[Changes] = field(default_factory=lambda: Lru(CACHED_COMPARISONS))

    def of(self, episode: Episode, version: TranscriptVersion) -> Changes:
        """Return the changes since the version before; nothing if there is none to compare with."""
        before = version_before(episode, version)
        if before is None:
            return ()
        return self._cache.get_or_compute(
            (before.document_key, version.document_key), lambda: self._compare(before, version)
        )

    def _compare(self, before: TranscriptVersion, version: TranscriptVersion) -> Changes:
        old, new = self.catalog_cache.transcript(before), self.catalog_cache.transcript(version)
        starts = [segment.start_s for segment in new.segments]
        changes = passage_changes(old, new)
        places = (max(bisect_right(starts, change.start_s) - 1, 0) for change in changes)
        return tuple((starts[n], change) for n, change in zip(places, changes, strict=True)) if starts else ()


def version_before(episode: Episode, version: TranscriptVersion) -> TranscriptVersion | None:
    """Return the version before one; None for the first, and if it was withdrawn."""
    older = [known for known in episode.transcripts if known.version < version.version]
    return older[-1] if older and older[-1] in episode.readable_versions else None
