"""What a withdrawal will do: decided from catalog and published documents, before anything is changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from podcast_pipeline.errors import AlreadyWithdrawn, EpisodeError
from podcast_pipeline.model import (
    Cut,
    Episode,
    MediaSpan,
    Transcript,
    TranscriptVersion,
    Withdrawal,
    WithdrawalKind,
    WordHashes,
)
from podcast_pipeline.model.catalog import CATALOG_KEY, transcript_from_json
from podcast_pipeline.pipeline.assemble import referenced_keys
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.storage.objects import FEED_KEY

SLUG_FOLDERS = (
    *("public/audio", "private/audio", "public/clips", "private/clips"),
    *("public/chapters", "private/chapters"),
    *("private/documents", "private/transcripts", "public/transcripts"),
)
"""Where an episode's objects are: `<folder>/<slug>.<hash16>.<suffix>`."""


@dataclass(frozen=True)
class Selection:
    """What is to be taken back: one of a version, a quoted passage, a passage by its times, or everything."""

    version: int | None = None
    quote: str | None = None
    span: MediaSpan | None = None
    whole: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing new is to be taken back."""
        return self == Selection()


@dataclass(frozen=True)
class PublishedWords:
    """The episode as the catalog has it, with the words of the versions that readers can open."""

    episode: Episode
    transcripts: Mapping[int, Transcript] = field(repr=False)

    @property
    def newest(self) -> Transcript | None:
        """The newest words."""
        version = self.episode.transcript
        return self.transcripts[version.version] if version else None


@dataclass(frozen=True)
class WithdrawalPlan:
    """A withdrawal that was not made yet.

    Attributes:
        known: the episode in the catalog, which the plan is for.
        versions: numbers of the versions that nobody will be able to open.
        rest: the newest words without the passage, to be published anew; None where they stay as they are.
        span, muted: the seconds of the audio, and of the recording, that become silence.
        tokens: the passage, normalised; kept nowhere.
        words: hashes by which the words are recognised.
        hidden_notes: numbers of versions whose public note has the words.
        remarks: what a person should know before and after, one line each.
    """

    known: Episode
    kind: WithdrawalKind
    versions: tuple[int, ...]
    rest: Transcript | None = field(default=None, repr=False)
    span: MediaSpan | None = None
    muted: tuple[Cut, ...] = ()
    tokens: tuple[str, ...] = field(default=(), repr=False)
    words: WordHashes | None = None
    hidden_notes: frozenset[int] = frozenset()
    public_reason: str = ""
    remarks: tuple[str, ...] = ()

    def to_withdrawal(self, now: datetime, pending_keys: frozenset[str]) -> Withdrawal:
        """Return the catalog's entry."""
        return Withdrawal(
            kind=self.kind,
            withdrawn_at=now,
            versions=self.versions,
            public_reason=self.public_reason,
            span=self.span,
            source_sha256=self.known.source_sha256 if self.muted else None,
            muted=self.muted,
            words=self.words,
            pending_keys=tuple(sorted(pending_keys)),
        )

    def marked_versions(self, now: datetime) -> tuple[TranscriptVersion, ...]:
        """Return all versions, the withdrawn ones with the date and without a note that has the words."""
        return tuple(self._marked(version, now) for version in self.known.transcripts)

    def _marked(self, version: TranscriptVersion, now: datetime) -> TranscriptVersion:
        changes: dict[str, object] = {"note": ""} if version.version in self.hidden_notes else {}
        if version.version in self.versions:
            changes |= {"withdrawn_at": now, "withdrawal_reason": self.public_reason}
        return version.model_copy(update=changes) if changes else version


def read_published_words(episode: Episode, store: ObjectReader) -> PublishedWords:
    """Read the documents of all versions that readers can open."""
    return PublishedWords(
        episode,
        {
            version.version: transcript_from_json(store.get(version.document_key)[1], version.document_key)
            for version in episode.readable_versions
        },
    )


def keys_to_remove(
    known: Episode, new: Episode, store: ObjectReader, *, kind: WithdrawalKind
) -> frozenset[str]:
    """Return every object of an episode that nothing will reference, orphans of earlier publications too.

    A publisher who has just uploaded one of them loses the race for the catalog and uploads it again. Of
    catalog and feed only older versions are meant: they have the teaser, titles and notes of then.
    """
    stored = {info.key for prefix in _prefixes(known.slug) for info in store.list(prefix)}
    unreferenced = (referenced_keys(known) | stored) - referenced_keys(new)
    has_public_text = kind == "episode" or known.public_text != new.public_text
    return frozenset(unreferenced | ({CATALOG_KEY, FEED_KEY} if has_public_text else set()))


def _prefixes(slug: str) -> Iterator[str]:
    return (f"{folder}/{slug}." for folder in SLUG_FOLDERS)


def readable_version(episode: Episode, number: int) -> TranscriptVersion:
    """Return a version that readers can open; EpisodeError, with those that there are, where it is none."""
    found = next((v for v in episode.transcripts if v.version == number), None)
    if found is None:
        numbers = ", ".join(str(v.version) for v in episode.transcripts) or "none"
        raise EpisodeError(episode.slug, f"has no version {number}; published are {numbers}")
    if found.withdrawn_at is not None:
        raise AlreadyWithdrawn(
            episode.slug, f"version {number} was withdrawn already, on {found.withdrawn_at:%Y-%m-%d}"
        )
    return found
