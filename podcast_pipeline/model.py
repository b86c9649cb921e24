"""The nouns of the pipeline: frozen values, no I/O, no clock.

Times are seconds as float, rounded to the millisecond; instants are aware datetimes in UTC, whole
seconds. Every model forbids unknown fields, so a typo in a stored document is an error, not a loss.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, model_validator


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:  # year 1 east of Greenwich
        raise ValueError("has no date in UTC") from error


UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Line ends, controls, and halves of characters."""


def _one_line(text: str) -> str:
    if UNREADABLE.search(text) or not text.strip():
        raise ValueError("is no line of readable text; take line breaks and control characters out")
    return text


Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(lambda s: round(s, 3) + 0.0)]
"""Seconds from the start of the audio it belongs to, to the millisecond."""

Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment in UTC, whole seconds."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
Slug = Annotated[str, Field(pattern=f"^{SLUG.pattern}$", max_length=100)]
Text = Annotated[str, Field(min_length=1)]
Line = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
"""One line that a person reads; it steers no terminal and breaks no list."""

Topic = Annotated[str, Field(min_length=1, max_length=64)]

CaptionFormat = Literal["vtt", "srt", "json", "html", "txt"]
EpisodeType = Literal["full", "trailer", "bonus"]
EpisodeState = Literal["scheduled", "published", "unpublished"]
SubscriberState = Literal["active", "lapsed", "suspended", "removed"]
Plan = Literal["standard", "student"]
Period = Literal["monthly", "yearly"]


def _by_key(table: dict[Any, Any]) -> dict[Any, Any]:
    """Put a table in order, so that equal values have equal bytes."""
    return dict(sorted(table.items()))


class Noun(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Noun):
    """A credited human: a host or a guest (podcast:person; group is always `cast` here)."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    role: Literal["host", "guest"] = "host"
    url: str | None = None
    image_url: str | None = None


class Show(Noun):
    """What a feed says about the show. Built from show.toml; the catalog keeps the published copy.

    Attributes:
        id: our own id, on every database row.
        guid: podcast:guid of the public feed, minted once.
        categories: Apple's categories, a subcategory as "News > Politics".
        site_url, media_url: no trailing slash; an object's public URL is media_url + key after `public/`.
        artwork_key: key under `public/art/`, None until the first publication.
        update_rrule: podcast:updateFrequency, e.g. `FREQ=WEEKLY;BYDAY=TU,FR`.
        hub_urls: WebSub hubs that tell apps when the public feed has changed.
        page_size: episodes on a page of the public feed's archive; None: all are on one page.
        new_feed_url: where the show has moved to.
    """

    id: UUID
    guid: UUID
    title: Text
    description: Text
    language: Text
    author: Text
    owner_email: Text
    categories: tuple[Text, ...] = Field(min_length=1)
    explicit: bool = False
    hosts: tuple[Person, ...] = ()
    site_url: Text
    media_url: Text
    feed_url: Text
    artwork_key: str | None = None
    update_rrule: str | None = None
    locked: bool = True
    hub_urls: tuple[Text, ...] = ()
    page_size: Annotated[int, Field(ge=10)] | None = None
    new_feed_url: str | None = None
    renew_url: str

    def media_address(self, key: str) -> str:
        """Return the public URL of an object under `public/`."""
        return f"{self.media_url}/{key.removeprefix('public/')}"

    def page_address(self, slug: str) -> str:
        """Return the URL of an episode's page."""
        return f"{self.site_url}/episodes/{slug}"


class Chapter(Noun):
    """A chapter mark; `toc` False keeps it out of tables of contents."""

    start_s: Seconds
    title: Annotated[str, Field(min_length=1, max_length=255)]
    url: str | None = None
    toc: bool = True


class Soundbite(Noun):
    """A stretch of the audio offered as a preview (podcast:soundbite)."""

    start_s: Seconds
    duration_s: Seconds
    title: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class Enclosure(Noun):
    """The audio file of an item: ours by `key`, or somebody else's by `external_url`."""

    key: str | None = None
    external_url: str | None = None
    size_bytes: Annotated[int, Field(gt=0)]
    type: Text
    duration_s: Seconds
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.key is None) == (self.external_url is None):
            raise ValueError("an enclosure has a key or an external_url, one of them")
        return self


class Cut(Noun):
    """A stretch of the recording that is not in the media; recording times, the end not included."""

    start_s: Seconds
    end_s: Seconds

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError("a cut ends after it starts")
        return self


class Insert(Noun):
    """Audio put into the media at a moment of the recording (an intro at 0, an outro at the end)."""

    at_s: Seconds
    duration_s: Seconds


class Timeline(Noun):
    """Maps recording times to media times: what was cut out, in order and apart, and what was put in."""

    cuts: tuple[Cut, ...] = ()
    inserts: tuple[Insert, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if any(after.start_s < before.end_s for before, after in pairwise(self.cuts)):
            raise ValueError("cuts overlap or are not in order")
        return self

    def to_media(self, recording_s: float) -> float | None:
        """Return the media time of a recording time, or None where the recording was cut.

        A moment at which something was inserted comes after the insert; what ends there ends before it
        (transcript/timeline.py).
        """
        if any(cut.start_s <= recording_s < cut.end_s for cut in self.cuts):
            return None
        removed = sum(c.end_s - c.start_s for c in self.cuts if c.end_s <= recording_s)
        added = sum(i.duration_s for i in self.inserts if i.at_s <= recording_s)
        return round(recording_s - removed + added, 3)


class Word(Noun):
    """What an engine heard.

    Attributes:
        text: as written, with the space before it where the language has one (" Ann", "'s", "。").
        confidence: 0 to 1.
    """

    text: Text
    start_s: Seconds
    end_s: Seconds
    confidence: Annotated[float, Field(ge=0, le=1), AfterValidator(lambda c: round(c, 3) + 0.0)] = 1.0

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_s < self.start_s:
            raise ValueError("a word ends before it starts")
        return self


class Speaker(Noun):
    """A voice in a transcript. `name` is None until a person or a consented voice confirmed it."""

    id: Text
    name: str | None = None


class Segment(Noun):
    """A sentence or a phrase of one speaker: at least one word, in order of time.

    Attributes:
        doubts: why a person should listen here ("speaker", "silence", "loop"); empty when nothing is wrong.
    """

    speaker: str | None = None
    words: tuple[Word, ...] = Field(min_length=1)
    doubts: tuple[str, ...] = ()

    @property
    def start_s(self) -> float:
        """Start of the first word."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last word."""
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        """The words as written, without the space before the first."""
        return "".join(word.text for word in self.words).strip()


class Receipt(Noun):
    """How a transcript was made, enough to make it again."""

    engine: Text
    engine_version: Text
    model: Text
    weights_sha256: Sha256
    audio_sha256: Sha256
    options: Annotated[dict[str, str | int | FiniteFloat | bool | None], AfterValidator(_by_key)] = {}


class Correction(Noun):
    """A dated public note on what changed in a transcript after publication."""

    corrected_at: Instant
    note: Text


class Transcript(Noun):
    """The words of an episode. In `episodes/` its times are recording times; everywhere else media times.

    Attributes:
        version: 1 for the first published, one more for every correction.
        media_sha256: the audio its times belong to; None as long as they are recording times.
        duration_s: length of the audio its times belong to.
    """

    schema_version: Literal[1] = 1
    version: Annotated[int, Field(ge=1)] = 1
    language: Text
    duration_s: Seconds
    media_sha256: Sha256 | None = None
    speakers: tuple[Speaker, ...] = ()
    segments: tuple[Segment, ...] = ()
    corrections: tuple[Correction, ...] = ()
    receipt: Receipt | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """All words, in order."""
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def text(self) -> str:
        """The words as running text, segments joined by one space."""
        return " ".join(segment.text for segment in self.segments)

    def speaker_name(self, speaker: str | None) -> str | None:
        """Return what a reader is shown for a segment's speaker: a name, or `Speaker 1`, never a guess."""
        for number, known in enumerate(self.speakers, start=1):
            if known.id == speaker:
                return known.name or f"Speaker {number}"
        return None


class TranscriptVersion(Noun):
    """Where one published version of a transcript lies. All keys are under `private/`.

    Attributes:
        note: what was corrected, for the public; empty for the first version.
    """

    version: Annotated[int, Field(ge=1)]
    document_key: Text
    file_keys: Annotated[dict[CaptionFormat, str], AfterValidator(_by_key)]
    language: Text
    word_count: Annotated[int, Field(ge=0)]
    published_at: Instant
    note: str = ""


class Draft(Noun):
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
    guid: Text
    slug: Slug
    title: Annotated[str, Field(min_length=1, max_length=255)]
    notes: str = ""
    language: Text
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


class Markup(Noun):
    """An element of another host's feed, kept as it stood.

    Attributes:
        name: as people write it, `podcast:person`.
    """

    name: Text
    text: str | None = None
    attributes: dict[str, str] = {}
    children: tuple["Markup", ...] = ()


class Original(Noun):
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
    tags: tuple[Markup, ...] = ()


class Episode(Draft):
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
    original: Original | None = None

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


class Subscriber(Noun):
    """Somebody who pays. The state is computed, never stored."""

    id: UUID
    show_id: UUID
    email: Text
    email_normalized: Text
    plan: Plan = "standard"
    period: Period = "yearly"
    paid_until: Instant | None = None
    suspended_at: Instant | None = None
    suspended_reason: str | None = None
    removed_at: Instant | None = None
    created_at: Instant
    updated_at: Instant
    is_canary: bool = False

    def state(self, now: datetime) -> SubscriberState:
        """Return the first state that holds: removed, suspended, lapsed (paid_until has come), active."""
        if self.removed_at is not None:
            return "removed"
        if self.suspended_at is not None:
            return "suspended"
        if self.paid_until is not None and self.paid_until <= now:
            return "lapsed"
        return "active"

    def state_since(self, now: datetime) -> datetime:
        """Return the instant from the field that caused the state; for an active one its last change."""
        causes = {
            "removed": self.removed_at,
            "suspended": self.suspended_at,
            "lapsed": self.paid_until,
        }
        return causes.get(self.state(now)) or self.updated_at


class Token(Noun):
    """What the database knows of a feed token; the secret itself is not in it."""

    selector: Annotated[str, Field(pattern=r"^[a-z2-7]{16}$")]
    secret_sha256: Sha256
    subscriber_id: UUID
    created_at: Instant
    rotated_at: Instant | None = None


class Progress(Noun):
    """How far a step is: `done` of `total`, in `unit`. The first has done 0, the last done == total."""

    step: Text
    done: float
    total: float
    unit: Literal["s", "bytes", "episodes", "steps"] = "steps"


Report = Callable[[Progress], None]
"""Takes progress as it happens; given by `cli`, called by stages."""
