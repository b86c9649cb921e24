"""episode.toml: its keys, and reading it."""

import datetime
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from podcast_pipeline.config import Language, PersonTable, validate_toml
from podcast_pipeline.episodes.conflict_markers import check_markers
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import (
    Chapter,
    EpisodeType,
    FrozenModel,
    HttpUrlOrNone,
    NonEmptyStr,
    PersonName,
    Seconds,
    Sha256,
    SingleLineStr,
    Slug,
    Soundbite,
    Topic,
    TranscriptChoice,
    http_url_or_none,
)
from podcast_pipeline.transcript.text.clock import parse_clock

EPISODE_FILE = "episode.toml"
LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)
ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\s-]*:(?!\d)")
"""The begin of an address with a scheme, `localhost:8080` being none."""


class TrackTable(FrozenModel):
    """[[tracks]]: a speaker with a microphone of their own."""

    name: PersonName
    """Name of the speaker."""
    file: NonEmptyStr
    """A file in this folder."""
    channel: Annotated[int, Field(ge=1)] | None = None
    """Channel of the file, from 1. Without it the whole file."""
    sha256: Sha256
    """SHA-256 of the file."""


def _no_other_scheme(url: object) -> object:
    """Refuse an address that is not of the web, which the model would leave out without a word."""
    if isinstance(url, str) and ANY_SCHEME.match(url.strip()) and http_url_or_none(url) is None:
        raise ValueError(f"{url!r} is no http(s) address; write one like https://example.org/page")
    return url


def _without_other_link(chapter: object) -> object:
    url = chapter.get("url") if isinstance(chapter, dict) else None
    if not isinstance(chapter, dict) or not isinstance(url, str) or http_url_or_none(url):
        return chapter
    return {name: value for name, value in chapter.items() if name != "url"}


def _seconds(time: object) -> object:
    """Return the seconds of a time that a person may write as a clock: "1:05.5", or TOML's 01:02:03."""
    if isinstance(time, datetime.time):
        return (time.hour * 60 + time.minute) * 60 + time.second + time.microsecond / 1e6
    if not isinstance(time, str):
        return time
    seconds = parse_clock(time)
    if seconds is None:
        raise ValueError(f'{time!r} is no time; write seconds like 65.5, or a clock like "1:05.5"')
    return seconds


ClockOrSeconds = Annotated[Seconds, BeforeValidator(_seconds), Field(title="time")]


class ChapterTable(Chapter):
    """[[chapters]]: chapter marks."""

    model_config = ConfigDict(extra="forbid")
    start_s: ClockOrSeconds
    """Start, in the *recording*."""
    url: Annotated[HttpUrlOrNone, BeforeValidator(_no_other_scheme), Field(title="address")] = None
    """A page that belongs to the chapter, http(s)."""


class SoundbiteTable(Soundbite):
    """[[soundbites]]: stretches that apps offer as a preview."""

    model_config = ConfigDict(extra="forbid")
    start_s: ClockOrSeconds
    """Start, in the *recording*."""
    duration_s: ClockOrSeconds
    """Length; apps want 15 to 120 s."""


class EpisodeTable(FrozenModel):
    """A whole episode.toml; an imported episode has no source."""

    id: UUID
    """The episode's id; made by `podcast ingest`, never changed."""
    guid: NonEmptyStr
    """The id by which apps know the episode; never changed."""
    slug: Slug
    """Name of the folder, in every address of the episode: a-z, 0-9 and hyphens; never changed."""
    title: Annotated[SingleLineStr, Field(max_length=255)]
    """The title that apps show."""
    source: Annotated[NonEmptyStr, Field(max_length=63)] | None = None  # 252 bytes: a file system takes 255
    """The recording, a file in this folder. None for an imported episode."""
    source_sha256: Sha256 | None = None
    """SHA-256 of the recording. Another file is refused until this key has its hash."""
    season: Annotated[int, Field(ge=1)] | None = None
    """Number of the season."""
    number: Annotated[int, Field(ge=1)] | None = None
    """Number of the episode."""
    type: EpisodeType = "full"
    """What kind of episode apps show."""
    language: NonEmptyStr | None = None
    """Language of this episode. Without it the show's."""
    access: Literal["public", "subscribers"] = "public"
    """Who gets the audio."""
    transcript: TranscriptChoice | None = None
    """Who reads the transcript: everybody (`public`), or subscribers alone for ever (`subscribers`). Without
    this key subscribers alone, until `[access] public_after_days` is over."""
    explicit: bool | None = None
    """Whether apps mark this episode as explicit. Without it as the show."""
    hosts: tuple[PersonTable, ...] = ()
    """The hosts of this episode, in place of the show's; written like `guests`."""
    guests: tuple[PersonTable, ...] = ()
    """The guests: in the feed, on pages, and known to the transcription. Names, or `{ name = "Ann", url =
    "https://…", image_url = "https://…" }`."""
    topics: tuple[Topic, ...] = ()
    """Subjects by which the archive groups episodes."""
    reviewed_by: Annotated[SingleLineStr, Field(max_length=255)] | None = None
    """Who has read the transcript against the audio; the page names them. Without it the page says "not
    checked by a person"."""
    speakers: Annotated[int, Field(ge=1, le=20)] | None = None
    """How many people speak, where that was not recognised in the mix."""
    tracks: tuple[TrackTable, ...] = ()
    """A file or channel for each speaker; written by `podcast publish --track` and `podcast
    ingest --track`."""
    chapters: tuple[ChapterTable, ...] = ()
    """Chapter marks."""
    soundbites: tuple[SoundbiteTable, ...] = ()
    """Stretches that apps offer as a preview."""

    @field_validator("language")
    @classmethod
    def _like_that_of_a_show(cls, language: str | None, info: ValidationInfo) -> str | None:
        """Refuse what show.toml refuses; an imported episode keeps what its old feed said."""
        if language is not None and info.data.get("source") is not None:
            LANGUAGE.validate_python(language)
        return language

    @model_validator(mode="after")
    def _words_of_public_audio(self) -> Self:
        if self.transcript == "public" and self.access == "subscribers":
            raise ValueError('transcript = "public" is for episodes that everybody hears; access is not')
        return self

    @model_validator(mode="before")
    @classmethod
    def _without_imported_links(cls, data: object) -> object:
        """Leave out odd chapter links that an earlier import wrote; those of our own episodes are refused."""
        if not isinstance(data, dict) or "source" in data or not isinstance(data.get("chapters"), list):
            return data
        return {**data, "chapters": [_without_other_link(chapter) for chapter in data["chapters"]]}


def read_table(path: Path, slug: str) -> EpisodeTable:
    """Read an episode.toml.

    Raises:
        EpisodeError: the file is missing, not TOML, not merged to the end, or of another episode.
        ConfigError: an unknown key or a wrong value.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        check_markers(text, path, slug)
        data = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError) as error:
        message = "there is no such episode, nor such a file; `podcast list` shows all episodes"
        raise EpisodeError(slug, message) from error
    except (ValueError, RecursionError) as error:
        raise EpisodeError(slug, f"{path} is not valid TOML: {error}") from error
    table = validate_toml(EpisodeTable, data, path)
    if table.slug != slug:
        raise EpisodeError(slug, f"{path} says slug = {table.slug!r}; folder and slug must agree")
    return table
