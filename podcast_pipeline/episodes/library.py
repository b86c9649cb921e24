"""Owns `episodes/`: loads and saves what is in an episode's folder; `minting` makes folders."""

import fcntl
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationError

from podcast_pipeline.config import validate_toml
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import sha256_of, short_sha256, write_atomically
from podcast_pipeline.model import (
    Chapter,
    EpisodeDraft,
    EpisodeType,
    FrozenModel,
    NonEmptyStr,
    Person,
    Sha256,
    SingleLineStr,
    Slug,
    Soundbite,
    Topic,
    Transcript,
)
from podcast_pipeline.model.catalog import to_json, transcript_from_json

EPISODE_FILE = "episode.toml"
STALE_PART_FILE = re.compile(
    r".+\.\d+\.part"
)  # begun by a process of that number; a download's part has none
IMPORTED_AUDIO = "build/came"

Result = TypeVar("Result", bound=FrozenModel)


class TrackTable(FrozenModel):
    """[[tracks]] of episode.toml: who is on which file; `channel` counts from 1, None is all of it."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    file: NonEmptyStr
    channel: Annotated[int, Field(ge=1)] | None = None
    sha256: Sha256


class ChapterTable(Chapter):
    """[[chapters]] of episode.toml."""

    model_config = ConfigDict(extra="forbid")


class SoundbiteTable(Soundbite):
    """[[soundbites]] of episode.toml."""

    model_config = ConfigDict(extra="forbid")


class EpisodeTable(FrozenModel):
    """A whole episode.toml; an imported episode has no source."""

    id: UUID
    guid: NonEmptyStr
    slug: Slug
    title: Annotated[SingleLineStr, Field(max_length=255)]
    source: Annotated[NonEmptyStr, Field(max_length=63)] | None = (
        None  # 252 bytes at most: a file system takes 255
    )
    source_sha256: Sha256 | None = None
    season: Annotated[int, Field(ge=1)] | None = None
    number: Annotated[int, Field(ge=1)] | None = None
    type: EpisodeType = "full"
    language: NonEmptyStr | None = None
    access: Literal["public", "subscribers"] = "public"
    explicit: bool = False
    guests: tuple[Annotated[SingleLineStr, Field(max_length=128)], ...] = ()
    topics: tuple[Topic, ...] = ()
    speakers: Annotated[int, Field(ge=1, le=20)] | None = None
    tracks: tuple[TrackTable, ...] = ()
    chapters: tuple[ChapterTable, ...] = ()
    soundbites: tuple[SoundbiteTable, ...] = ()


@dataclass(frozen=True)
class EpisodeFolder:
    """The files of one episode.

    Attributes:
        source: the recording; of an imported episode a copy of the audio that came, where somebody heard it.
        has_recording: whether the episode has a recording of its own.
    """

    path: Path
    source: Path
    has_recording: bool

    @property
    def transcript(self) -> Path:
        """What the machine heard, in recording times; in git."""
        return self.path / "transcript.json"

    @property
    def markdown(self) -> Path:
        """The words as a person edits them."""
        return self.path / "transcript.md"

    @property
    def edits(self) -> Path:
        """What a person changed, told so that it survives another transcription; in git."""
        return self.path / "edits.json"

    @property
    def receipt(self) -> Path:
        """What the last publication did; never read as truth."""
        return self.path / "published.json"

    @property
    def build(self) -> Path:
        """Derived files; may be deleted at any time."""
        return self.path / "build"


class Library:
    """The episodes of a show, a folder each."""

    def __init__(self, root: Path, *, language: str) -> None:
        self.root = root
        self.language = language

    def slugs(self) -> Iterator[str]:
        """Yield the slugs of all episode folders, sorted."""
        return (p.parent.name for p in sorted(self.root.glob(f"*/{EPISODE_FILE}")))

    def folder(self, slug: str) -> EpisodeFolder:
        """Return the files of an episode; EpisodeError when there is no such episode."""
        source = self.table(slug).source
        return EpisodeFolder(
            self.root / slug, self.root / slug / (source or IMPORTED_AUDIO), source is not None
        )

    def load_draft(self, slug: str) -> EpisodeDraft:
        """Return what the producer says about an episode; an imported one has no source_sha256.

        Raises:
            EpisodeError: no such episode, or its source is not the one that was ingested.
            ConfigError: episode.toml has an unknown key or a wrong value.
        """
        table = self.table(slug)
        if table.source is None:
            return self._draft(table, self.notes(slug))
        source = self.root / slug / table.source
        if not source.is_file():
            raise EpisodeError(slug, f"{source} is missing; put the recording back")
        if sha256_of(source) != table.source_sha256:
            raise EpisodeError(
                slug,
                f"{table.source} is not the recording that was ingested; put it back, or, to replace the"
                f" audio, set source_sha256 in {EPISODE_FILE} to the new file's SHA-256",
            )
        return self._draft(table, self.notes(slug))

    def table(self, slug: str) -> EpisodeTable:
        """Return what episode.toml says, as `read_table` does."""
        return read_table(self.root / slug / EPISODE_FILE, slug)

    def notes(self, slug: str) -> str:
        """Return the show notes, in Markdown; "" where there are none."""
        path = self.root / slug / "notes.md"
        try:
            return path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        except UnicodeDecodeError as error:
            raise EpisodeError(slug, f"{path} is not UTF-8; save it as UTF-8") from error

    def slug_of_source(self, sha256: str, *, exclude: frozenset[str] = frozenset()) -> str | None:
        """Return the episode whose recording has this hash, None when there is none.

        Args:
            but: slugs that are passed over.
        """
        slugs = (slug for slug in self.slugs() if slug not in exclude)
        return next((slug for slug in slugs if self.table(slug).source_sha256 == sha256), None)

    def id_of(self, slug: str) -> UUID | None:
        """Return the id of the episode whose folder has this name, None where there is no such folder."""
        return self.table(slug).id if (self.root / slug).exists() else None

    def transcript(self, slug: str) -> Transcript | None:
        """Return the machine's words in recording times, None when there are none yet."""
        path = self.root / slug / "transcript.json"
        return transcript_from_json(path.read_bytes(), str(path)) if path.is_file() else None

    def speaker_count(self, slug: str) -> int | None:
        """Return how many people episode.toml says speak, None where it does not."""
        return self.table(slug).speakers

    def tracks(self, slug: str) -> tuple[TrackTable, ...]:
        """Return the tracks that the recording was mixed from, none where it came as one mix.

        Raises:
            EpisodeError: a track is missing, or not the one that was ingested.
        """
        tracks = self.table(slug).tracks
        for track in tracks:
            path = self.root / slug / track.file
            if not path.is_file() or sha256_of(path) != track.sha256:
                raise EpisodeError(slug, f"{path} is missing or was changed; put back what was ingested")
        return tracks

    def save_transcript(self, slug: str, transcript: Transcript) -> None:
        """Keep the machine's words; the file before them goes to `build/`."""
        path = self.root / slug / "transcript.json"
        if path.is_file():
            previous = path.read_bytes()
            write_atomically(path.parent / "build" / f"transcript.{short_sha256(previous)}.json", previous)
        write_atomically(path, to_json(transcript))

    def save_receipt(self, slug: str, receipt: Mapping[str, object]) -> None:
        """Keep what a publication did, for people; nothing reads it as truth."""
        text = json.dumps(receipt, ensure_ascii=False, indent=1, default=str)
        write_atomically(self.root / slug / "published.json", f"{text}\n".encode())

    def receipt(self, slug: str) -> dict[str, object]:
        """Return what published.json says, nothing where it is not there or damaged."""
        try:
            told = json.loads((self.root / slug / "published.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def published_slugs(self) -> tuple[str, ...]:
        """Return the episodes whose folders tell of a publication."""
        return tuple(sorted(path.parent.name for path in self.root.glob("*/published.json")))

    @contextmanager
    def open(self, slug: str) -> Iterator[None]:
        """Keep other processes on this machine out of an episode's folder; a killed one lets go by itself.

        What a killed one had begun to write is swept up.

        Raises:
            EpisodeError: no such episode, or another process has it.
        """
        build = self.folder(slug).build
        build.mkdir(exist_ok=True)
        with (build / ".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = "another `podcast` on this machine is at work on it; run again when it is done"
                raise EpisodeError(slug, message) from error
            for left in (*build.parent.glob("*.part"), *build.glob("*.part")):
                if STALE_PART_FILE.fullmatch(left.name):
                    left.unlink(missing_ok=True)
            yield

    def _draft(self, table: EpisodeTable, notes: str) -> EpisodeDraft:
        return EpisodeDraft(
            id=table.id,
            guid=table.guid,
            slug=table.slug,
            title=table.title,
            notes=notes,
            language=table.language or self.language,
            access=table.access,
            explicit=table.explicit,
            season=table.season,
            number=table.number,
            type=table.type,
            persons=tuple(Person(name=name, role="guest") for name in table.guests),
            chapters=tuple(Chapter(**dict(chapter)) for chapter in table.chapters),
            soundbites=tuple(Soundbite(**dict(bite)) for bite in table.soundbites),
            topics=table.topics,
            source_sha256=table.source_sha256,
        )


def read_table(path: Path, slug: str) -> EpisodeTable:
    """Return what an episode.toml says.

    Raises:
        EpisodeError: it is not there, no TOML, or another episode's.
        ConfigError: it has an unknown key or a wrong value.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        message = "there is no such episode, nor such a file; `podcast list` shows all episodes"
        raise EpisodeError(slug, message) from error
    except (ValueError, RecursionError) as error:
        raise EpisodeError(slug, f"{path} is not valid TOML: {error}") from error
    table = validate_toml(EpisodeTable, data, path)
    if table.slug != slug:
        raise EpisodeError(slug, f"{path} says slug = {table.slug!r}; folder and slug must agree")
    return table


def build_once(
    folder: EpisodeFolder,
    stage: str,
    suffix: str,
    *,
    inputs: Mapping[str, object],
    result_type: type[Result],
    build: Callable[[Path], Result],
) -> tuple[Path, Result]:
    """Return a stage's file and result, made only when there is none for the same inputs.

    Args:
        stage: its name; with `suffix` the file's name in `build/`.
        inputs: everything the result depends on, as plain JSON values.
        make: writes the file to the path given to it and returns what else there is to say about it.
    """
    key = short_sha256(json.dumps({"stage": stage, **inputs}, sort_keys=True, default=str).encode())
    target, note = folder.build / f"{stage}.{key}{suffix}", folder.build / f"{stage}.{key}.json"
    try:
        if target.is_file():
            return target, result_type.model_validate_json(note.read_bytes())
    except (FileNotFoundError, ValidationError):
        note.unlink(missing_ok=True)
    folder.build.mkdir(exist_ok=True)
    made = build(target)
    write_atomically(note, to_json(made))
    return target, made
