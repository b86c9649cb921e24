"""An episode: what the producer says about it, and what the catalog keeps once it has left the laptop."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from podcast_pipeline.model.audio import Chapter, Enclosure, Soundbite, Timeline
from podcast_pipeline.model.fields import Instant, NonEmptyStr, Sha256, Slug, StoredNoun, Topic
from podcast_pipeline.model.show import Person
from podcast_pipeline.model.transcript import TranscriptVersion

EpisodeType = Literal["full", "trailer", "bonus"]
EpisodeState = Literal["scheduled", "published", "unpublished"]


class EpisodeDraft(StoredNoun):
    """What the producer says about an episode: episode.toml and notes.md.

    Attributes:
        id: minted at ingest; in our URLs and tables. guid: what apps know it by; equal to id for our own.
        access: who gets the audio; transcripts are always for subscribers.
        notes: Markdown.
        chapters, soundbites: recording times here, media times in an Episode.
        topics: what the archive lists it under, in the producer's words.
        source_sha256: of the recording kept beside it.
    """

    id: UUID
    guid: NonEmptyStr
    slug: Slug
    title: Annotated[str, Field(min_length=1, max_length=255)]
    notes: str = ""
    language: NonEmptyStr
    access: Literal["public", "subscribers"] = "public"
    explicit: bool = False
    season: Annotated[int, Field(ge=1)] | None = None
    number: Annotated[int, Field(ge=1)] | None = None
    type: EpisodeType = "full"
    persons: tuple[Person, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    soundbites: tuple[Soundbite, ...] = ()
    topics: tuple[Topic, ...] = ()
    source_sha256: Sha256 | None = None


class FeedElement(StoredNoun):
    """An element of another host's feed, kept as it stood.

    Attributes:
        name: as people write it, `podcast:person`.
    """

    name: NonEmptyStr
    text: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    children: tuple["FeedElement", ...] = ()


class ImportedItem(StoredNoun):
    """What another host's feed said of an imported episode beyond what an Episode says, kept as it stood.

    Attributes:
        description, content: of the item, as written; HTML or not.
        image_url, chapters_url: where they still are; None where they are ours now, or there were none.
        tags: what the item said in the itunes: and podcast: namespaces.
    """

    link: str | None = None
    description: str = ""
    content: str = ""
    image_url: str | None = None
    chapters_url: str | None = None
    tags: tuple[FeedElement, ...] = ()


class Episode(EpisodeDraft):
    """An episode that has left the laptop, as the catalog keeps it.

    Attributes:
        publish_at: when it goes, or went, out; the item's pubDate.
        published_at: when its state became published; None while scheduled.
        content_changed_at: last change that a feed or a page shows.
        timeline: from the recording to this enclosure.
        teaser: the first words of the transcript that everybody may read.
        transcripts: every version ever published, oldest first.
        original: of an imported episode; a feed says it as it stood.
    """

    state: EpisodeState
    publish_at: Instant
    published_at: Instant | None = None
    content_changed_at: Instant
    enclosure: Enclosure
    timeline: Timeline = Timeline()
    artwork_key: str | None = None
    chapters_key: str | None = None
    teaser: str = ""
    transcripts: tuple[TranscriptVersion, ...] = ()
    guid_is_permalink: bool = False
    original: ImportedItem | None = None

    @property
    def transcript(self) -> TranscriptVersion | None:
        """The newest version."""
        return self.transcripts[-1] if self.transcripts else None

    @property
    def public_text(self) -> tuple[str, ...]:
        """Everything of this episode that the producer wrote or approved for everybody."""
        chapters = (chapter.title for chapter in self.chapters)
        soundbites = (bite.title for bite in self.soundbites if bite.title)
        kept = (self.original.description, self.original.content) if self.original else ()
        return (self.title, self.notes, self.teaser, *self.topics, *chapters, *soundbites, *kept)
