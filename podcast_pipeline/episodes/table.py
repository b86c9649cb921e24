"""episode.toml: its keys, and reading it."""

import datetime
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal
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
    http_url_or_none,
)
from podcast_pipeline.transcript.text.clock import parse_clock

EPISODE_FILE = "episode.toml"
LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)
ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\s-]*:(?!\d)")
"""The begin of an address with a scheme, `localhost:8080` being none."""


class TrackTable(FrozenModel):
    """[[tracks]]: a speaker and the file; `channel` counts from 1, None is the whole file."""

    name: PersonName
    file: NonEmptyStr
    channel: Annotated[int, Field(ge=1)] | None = None
    sha256: Sha256


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


ClockOrSeconds = Annotated[Seconds, BeforeValidator(_seconds)]


class ChapterTable(Chapter):
    """[[chapters]]."""

    model_config = ConfigDict(extra="forbid")
    start_s: ClockOrSeconds
    url: Annotated[HttpUrlOrNone, BeforeValidator(_no_other_scheme)] = None


class SoundbiteTable(Soundbite):
    """[[soundbites]]."""

    model_config = ConfigDict(extra="forbid")
    start_s: ClockOrSeconds
    duration_s: ClockOrSeconds


class EpisodeTable(FrozenModel):
    """A whole episode.toml; an imported episode has no source.

    Attributes:
        hosts: of this episode, in place of the show's; empty for the show's.
    """

    id: UUID
    guid: NonEmptyStr
    slug: Slug
    title: Annotated[SingleLineStr, Field(max_length=255)]
    source: Annotated[NonEmptyStr, Field(max_length=63)] | None = None  # 252 bytes: a file system takes 255
    source_sha256: Sha256 | None = None
    season: Annotated[int, Field(ge=1)] | None = None
    number: Annotated[int, Field(ge=1)] | None = None
    type: EpisodeType = "full"
    language: NonEmptyStr | None = None
    access: Literal["public", "subscribers"] = "public"
    explicit: bool | None = None
    hosts: tuple[PersonTable, ...] = ()
    guests: tuple[PersonTable, ...] = ()
    topics: tuple[Topic, ...] = ()
    reviewed_by: Annotated[SingleLineStr, Field(max_length=255)] | None = None
    speakers: Annotated[int, Field(ge=1, le=20)] | None = None
    tracks: tuple[TrackTable, ...] = ()
    chapters: tuple[ChapterTable, ...] = ()
    soundbites: tuple[SoundbiteTable, ...] = ()

    @field_validator("language")
    @classmethod
    def _like_that_of_a_show(cls, language: str | None, info: ValidationInfo) -> str | None:
        """Refuse what show.toml refuses; an imported episode keeps what its old feed said."""
        if language is not None and info.data.get("source") is not None:
            LANGUAGE.validate_python(language)
        return language

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
