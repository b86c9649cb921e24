"""An episode: the producer's draft, and the episode that the catalog contains."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from podcast_pipeline.model.audio import Chapter, Enclosure, Soundbite, Timeline
from podcast_pipeline.model.fields import Instant, NonEmptyStr, Sha256, Slug, StoredModel, Topic
from podcast_pipeline.model.show import Person
from podcast_pipeline.model.transcript import TranscriptProvenance, TranscriptVersion
from podcast_pipeline.model.withdrawal import Withdrawal

EpisodeType = Literal["full", "trailer", "bonus"]
TranscriptChoice = Literal["public", "subscribers"]
EpisodeState = Literal["scheduled", "published", "unpublished"]


class EpisodeDraft(StoredModel):
    """An episode as the producer describes it in episode.toml and notes.md.

    Attributes:
        id: assigned at ingest; in our URLs and tables.
        guid: of the feed item; equal to id for our own.
        access: to the audio.
        transcript_choice: for whom the words are, as the producer wrote; None: for subscribers, until
            `access.public_after_days` is over.
        notes: Markdown.
        chapters, soundbites: recording times here, media times in an Episode.
        topics: headings in the archive, in the producer's words.
        reviewed_by: who has read the transcript against the audio; empty if nobody has.
        source_sha256: of the recording in the episode's folder.
    """

    id: UUID
    guid: NonEmptyStr
    slug: Slug
    title: Annotated[str, Field(min_length=1, max_length=255)]
    notes: str = ""
    language: NonEmptyStr
    access: Literal["public", "subscribers"] = "public"
    transcript_choice: TranscriptChoice | None = None
    explicit: bool = False
    season: Annotated[int, Field(ge=1)] | None = None
    number: Annotated[int, Field(ge=1)] | None = None
    type: EpisodeType = "full"
    persons: tuple[Person, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    soundbites: tuple[Soundbite, ...] = ()
    topics: tuple[Topic, ...] = ()
    reviewed_by: str = ""
    source_sha256: Sha256 | None = None


class NotesPicture(StoredModel):
    """A picture that the notes show, published with the episode.

    Attributes:
        source: as the notes name it, `map.png`; a file beside notes.md.
        key: under `public/art/`.
    """

    source: NonEmptyStr
    key: NonEmptyStr
    width_px: Annotated[int, Field(ge=1)]
    height_px: Annotated[int, Field(ge=1)]


class FeedElement(StoredModel):
    """An element of another host's feed, unchanged.

    Attributes:
        name: with its usual prefix, `podcast:person`.
    """

    name: NonEmptyStr
    text: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    children: tuple["FeedElement", ...] = ()


class ImportedItem(StoredModel):
    """The item of an imported episode in another host's feed, beyond the fields of Episode, unchanged.

    Attributes:
        description, content: of the item, HTML or plain text.
        image_url, chapters_url: on the other host; None where we have a copy, or there was none.
        tags: the item's elements in the itunes: and podcast: namespaces.
        place: among the items of the same date in that feed, 0 the last; episodes keep that order.
    """

    link: str | None = None
    description: str = ""
    content: str = ""
    image_url: str | None = None
    chapters_url: str | None = None
    tags: tuple[FeedElement, ...] = ()
    place: Annotated[int, Field(ge=0)] = 0


class Episode(EpisodeDraft):
    """An episode of the catalog: scheduled, published or unpublished.

    Attributes:
        publish_at: the time of publication, future or past; the item's pubDate.
        published_at: when its state became published; None while scheduled.
        content_changed_at: last change visible in a feed or on a page.
        timeline: from the recording to this enclosure.
        pictures: that the notes show.
        teaser: the first words of the transcript, for everybody.
        transcript_is_public: whether everybody may read the words now; only of a published episode whose
            audio is public.
        pending_keys: public files of a transcript that is for subscribers again, still to be removed.
        transcripts: every version ever published, oldest first, withdrawn ones too.
        provenance: of the newest words; None before a release that knew it, and for words of another host.
        original: of an imported episode; feeds contain it unchanged.
        withdrawals: what was taken back, oldest first.
    """

    state: EpisodeState
    publish_at: Instant
    published_at: Instant | None = None
    content_changed_at: Instant
    enclosure: Enclosure
    timeline: Timeline = Timeline()
    artwork_key: str | None = None
    pictures: tuple[NotesPicture, ...] = ()
    chapters_key: str | None = None
    teaser: str = ""
    transcript_is_public: bool = False
    pending_keys: tuple[NonEmptyStr, ...] = ()
    transcripts: tuple[TranscriptVersion, ...] = ()
    provenance: TranscriptProvenance | None = None
    guid_is_permalink: bool = False
    original: ImportedItem | None = None
    withdrawals: tuple[Withdrawal, ...] = ()

    def is_due(self, now: datetime) -> bool:
        """Whether the episode waits for `release` and its time has come."""
        return self.state == "scheduled" and self.publish_at <= now

    @property
    def transcript(self) -> TranscriptVersion | None:
        """The newest version that was not withdrawn."""
        return self.readable_versions[-1] if self.readable_versions else None

    @property
    def readable_versions(self) -> tuple[TranscriptVersion, ...]:
        """The versions that were not withdrawn, oldest first."""
        return tuple(version for version in self.transcripts if version.withdrawn_at is None)

    @property
    def withdrawn_versions(self) -> tuple[TranscriptVersion, ...]:
        """The versions that were withdrawn, oldest first."""
        return tuple(version for version in self.transcripts if version.withdrawn_at is not None)

    @property
    def public_transcript_keys(self) -> frozenset[str]:
        """The keys of the files for everybody, of all readable versions; empty where there are none."""
        versions = self.readable_versions if self.transcript_is_public else ()
        return frozenset(key for version in versions for key in version.public_keys.values())

    @property
    def public_text(self) -> tuple[str, ...]:
        """The texts of this episode that the producer wrote or approved for everybody."""
        chapters = (chapter.title for chapter in self.chapters)
        soundbites = (bite.title for bite in self.soundbites if bite.title)
        imported = (self.original.description, self.original.content) if self.original else ()
        return (self.title, self.notes, self.teaser, *self.topics, *chapters, *soundbites, *imported)
