"""Owns `episodes/`: mints, loads and saves an episode's folder. Every write is whole or not at all."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from uuid import UUID, uuid4

import tomlkit
from pydantic import Field, ValidationError
from slugify import slugify

from podcast_pipeline.catalog import to_json, transcript_from_json
from podcast_pipeline.config import validate
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import (
    SLUG,
    UNREADABLE,
    Chapter,
    Draft,
    EpisodeType,
    Line,
    Noun,
    Person,
    Sha256,
    Slug,
    Soundbite,
    Text,
    Topic,
    Transcript,
)

EPISODE_FILE = "episode.toml"
MAX_SLUG_LENGTH = 80
OURS = re.compile(r".+\.\d+\.part")  # begun by a process of that number; a download's part has none
CAME = "build/came"

Result = TypeVar("Result", bound=Noun)


class TrackTable(Noun):
    """[[tracks]] of episode.toml: who is on which file; `channel` counts from 1, None is all of it."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    file: Text
    channel: Annotated[int, Field(ge=1)] | None = None
    sha256: Sha256


class EpisodeTable(Noun):
    """A whole episode.toml; an imported episode has no source."""

    id: UUID
    guid: Text
    slug: Slug
    title: Annotated[Line, Field(max_length=255)]
    source: Annotated[Text, Field(max_length=63)] | None = None  # 252 bytes at most: a file system takes 255
    source_sha256: Sha256 | None = None
    season: Annotated[int, Field(ge=1)] | None = None
    number: Annotated[int, Field(ge=1)] | None = None
    type: EpisodeType = "full"
    language: Text | None = None
    access: Literal["public", "subscribers"] = "public"
    explicit: bool = False
    guests: tuple[Annotated[Line, Field(max_length=128)], ...] = ()
    topics: tuple[Topic, ...] = ()
    speakers: Annotated[int, Field(ge=1, le=20)] | None = None
    tracks: tuple[TrackTable, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    soundbites: tuple[Soundbite, ...] = ()


@dataclass(frozen=True)
class Folder:
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
    def document(self) -> Path:
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

    def folder(self, slug: str) -> Folder:
        """Return the files of an episode; EpisodeError when there is no such episode."""
        source = self._table(slug).source
        return Folder(self.root / slug, self.root / slug / (source or CAME), source is not None)

    def load(self, slug: str) -> Draft:
        """Return what the producer says about an episode; an imported one has no source_sha256.

        Raises:
            EpisodeError: no such episode, or its source is not the one that was ingested.
            ConfigError: episode.toml has an unknown key or a wrong value.
        """
        table = self._table(slug)
        if table.source is None:
            return self._draft(table, self._notes(slug))
        source = self.root / slug / table.source
        if not source.is_file():
            raise EpisodeError(slug, f"{source} is missing; put the recording back")
        if sha256_of(source) != table.source_sha256:
            raise EpisodeError(
                slug,
                f"{table.source} is not the recording that was ingested; put it back, or, to replace the"
                f" audio, set source_sha256 in {EPISODE_FILE} to the new file's SHA-256",
            )
        return self._draft(table, self._notes(slug))

    def slug_of_source(self, sha256: str, *, but: frozenset[str] = frozenset()) -> str | None:
        """Return the episode whose recording has this hash, None when there is none.

        Args:
            but: slugs that are passed over.
        """
        slugs = (slug for slug in self.slugs() if slug not in but)
        return next((slug for slug in slugs if self._table(slug).source_sha256 == sha256), None)

    def mint(
        self,
        source: Path,
        *,
        title: str | None = None,
        slug: str | None = None,
        guests: tuple[str, ...] = (),
        notes: str = "",
        tracks: Sequence[tuple[str, Path, int | None]] = (),
        withdrawn: frozenset[str] = frozenset(),
    ) -> str:
        """Make an episode folder for a recording and return its slug.

        The same recording again is the same episode. The folder appears whole, by one rename.

        Args:
            tracks: (speaker, file, channel from 1) that `source` was mixed from; kept beside it.
            withdrawn: slugs of episodes that cannot come back; their recordings may be another's.

        Raises:
            EpisodeError: the slug belongs to another episode, no slug can be made of the title, or the
                recording's episode says something else than what is given here.
        """
        sha256 = sha256_of(source)
        known = self.slug_of_source(sha256, but=withdrawn)
        if known is not None:
            self._refuse_other_words(known, title=title, slug=slug, guests=guests, notes=notes)
            return known
        title = title or _title_of(source)
        slug = slug or slugify(title, max_length=MAX_SLUG_LENGTH, word_boundary=True)
        self._refuse_slug(slug, source)
        _refuse_words(title, guests)
        staged = self.root / f".{slug}.{os.getpid()}.part"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        try:
            kept = f"source{source.suffix.lower()}"
            shutil.copyfile(source, staged / kept)
            kept_tracks = _keep_tracks(tracks, staged)
            minted = _minted(
                slug=slug, title=title, source=kept, sha256=sha256, guests=guests, tracks=kept_tracks
            )
            (staged / EPISODE_FILE).write_text(minted, encoding="utf-8")
            (staged / "notes.md").write_text(notes, encoding="utf-8")
            self._table(slug, staged / EPISODE_FILE)
            staged.rename(self.root / slug)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return slug

    def adopt(self, draft: Draft, files: Mapping[str, bytes]) -> None:
        """Make the folder of an imported episode, whole, by one rename; one that is there stays as it is.

        Args:
            files: what else belongs into it, by name.
        """
        target = self.root / draft.slug
        if target.exists():
            return
        staged = self.root / f".{draft.slug}.{os.getpid()}.part"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        for name, data in {EPISODE_FILE: _adopted(draft).encode(), **files}.items():
            (staged / name).write_bytes(data)
        staged.rename(target)

    def id_of(self, slug: str) -> UUID | None:
        """Return the id of the episode whose folder has this name, None where there is no such folder."""
        return self._table(slug).id if (self.root / slug).exists() else None

    def transcript(self, slug: str) -> Transcript | None:
        """Return the machine's words in recording times, None when there are none yet."""
        path = self.root / slug / "transcript.json"
        return transcript_from_json(path.read_bytes(), str(path)) if path.is_file() else None

    def speaker_count(self, slug: str) -> int | None:
        """Return how many people episode.toml says speak, None where it does not."""
        return self._table(slug).speakers

    def tracks(self, slug: str) -> tuple[TrackTable, ...]:
        """Return the tracks that the recording was mixed from, none where it came as one mix.

        Raises:
            EpisodeError: a track is missing, or not the one that was ingested.
        """
        tracks = self._table(slug).tracks
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
            write_atomically(path.parent / "build" / f"transcript.{hash16(previous)}.json", previous)
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

    @contextmanager
    def claim(self, slug: str) -> Iterator[None]:
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
                if OURS.fullmatch(left.name):
                    left.unlink(missing_ok=True)
            yield

    def _refuse_slug(self, slug: str, source: Path) -> None:
        if not slug:
            raise EpisodeError(source, "no slug can be made of its title; pass --slug with ASCII letters")
        if len(slug) > MAX_SLUG_LENGTH or not SLUG.fullmatch(slug):
            message = f"use at most {MAX_SLUG_LENGTH} of a-z, 0-9 and single hyphens, like the-long-night"
            raise EpisodeError(f"--slug {slug[:MAX_SLUG_LENGTH]}", message)
        if (self.root / slug).exists():
            raise EpisodeError(slug, f"is the slug of another recording than {source}; pass another --slug")

    def _refuse_other_words(
        self, known: str, *, title: str | None, slug: str | None, guests: tuple[str, ...], notes: str
    ) -> None:
        """Refuse what an episode that is there already does not say: it would be lost without a word."""
        table = self._table(known)
        pairs = {
            "title": (title, table.title),
            "slug": (slug, known),
            "guests": (guests, table.guests),
            "notes": (notes, self._notes(known)),
        }
        other = [name for name, (given, kept) in pairs.items() if given and given != kept]
        if other:
            message = f"is this recording's episode already and has other {' and '.join(other)}; change"
            raise EpisodeError(
                known, f"{message} {EPISODE_FILE} or notes.md in its folder, then `podcast publish {known}`"
            )

    def _notes(self, slug: str) -> str:
        path = self.root / slug / "notes.md"
        try:
            return path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        except UnicodeDecodeError as error:
            raise EpisodeError(slug, f"{path} is not UTF-8; save it as UTF-8") from error

    def _table(self, slug: str, path: Path | None = None) -> EpisodeTable:
        path = path or self.root / slug / EPISODE_FILE
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError as error:
            message = "there is no such episode, nor such a file; `podcast list` shows all episodes"
            raise EpisodeError(slug, message) from error
        except (ValueError, RecursionError) as error:
            raise EpisodeError(slug, f"{path} is not valid TOML: {error}") from error
        table = validate(EpisodeTable, data, path)
        if table.slug != slug:
            raise EpisodeError(slug, f"{path} says slug = {table.slug!r}; folder and slug must agree")
        return table

    def _draft(self, table: EpisodeTable, notes: str) -> Draft:
        return Draft(
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
            chapters=table.chapters,
            soundbites=table.soundbites,
            topics=table.topics,
            source_sha256=table.source_sha256,
        )


def _title_of(source: Path) -> str:
    """Return a title made of a file's name: readable, whatever bytes the name has."""
    name = source.stem.encode("utf-8", "replace").decode().replace("_", " ").replace("-", " ")
    return " ".join(UNREADABLE.sub(" ", name).split()).capitalize()


def _refuse_words(title: str, guests: tuple[str, ...]) -> None:
    """Refuse what episode.toml could not hold, by the option that gave it."""
    for option, text, longest in (("--title", title, 255), *(("--guest", guest, 128) for guest in guests)):
        if UNREADABLE.search(text) or not text.strip() or len(text) > longest:
            raise EpisodeError(option, f"give one line of readable text, of at most {longest} characters")


def _keep_tracks(tracks: Sequence[tuple[str, Path, int | None]], folder: Path) -> list[TrackTable]:
    """Copy the files of the tracks, each once, and return what episode.toml says of them."""
    files: dict[Path, str] = {}
    for _, path, _ in tracks:
        if path not in files:
            files[path] = f"track-{len(files) + 1}{path.suffix.lower()}"
            shutil.copyfile(path, folder / files[path])
    return [
        TrackTable(name=name, file=files[path], channel=channel, sha256=sha256_of(folder / files[path]))
        for name, path, channel in tracks
    ]


def _minted(
    *, slug: str, title: str, source: str, sha256: str, guests: tuple[str, ...], tracks: Sequence[TrackTable]
) -> str:
    episode_id = str(uuid4())
    document = tomlkit.document()
    document.add(tomlkit.comment("Never change: apps know the episode by id and guid."))
    document["id"] = episode_id
    document["guid"] = episode_id
    document["slug"] = slug
    document["source"] = source
    document["source_sha256"] = sha256
    document.add(tomlkit.nl())
    document.add(
        tomlkit.comment("Yours. Also: season, number, type, language, access, explicit, topics, speakers,")
    )
    document.add(tomlkit.comment("[[chapters]] start_s title, [[soundbites]] start_s duration_s title."))
    document["title"] = title
    document["guests"] = list(guests)
    if tracks:
        tables = tomlkit.aot()
        for track in tracks:
            tables.append(tomlkit.item(track.model_dump(exclude_none=True)))
        document["tracks"] = tables
    return tomlkit.dumps(document)


def _adopted(draft: Draft) -> str:
    document = tomlkit.document()
    document.add(tomlkit.comment("Imported; its audio stays as it came. Never change id, guid and slug."))
    values = {
        "id": str(draft.id),
        "guid": draft.guid,
        "slug": draft.slug,
        "title": draft.title,
        "season": draft.season,
        "number": draft.number,
        "type": draft.type,
        "language": draft.language,
        "explicit": draft.explicit,
        "guests": [person.name for person in draft.persons if person.role == "guest"],
    }
    document.update({name: value for name, value in values.items() if value is not None})
    if draft.chapters:
        tables = tomlkit.aot()
        for chapter in draft.chapters:
            tables.append(tomlkit.item(chapter.model_dump(exclude_none=True, exclude_defaults=True)))
        document["chapters"] = tables
    return tomlkit.dumps(document)


def built(
    folder: Folder,
    stage: str,
    suffix: str,
    *,
    inputs: Mapping[str, object],
    result: type[Result],
    make: Callable[[Path], Result],
) -> tuple[Path, Result]:
    """Return a stage's file and result, made only when there is none for the same inputs.

    Args:
        stage: its name; with `suffix` the file's name in `build/`.
        inputs: everything the result depends on, as plain JSON values.
        make: writes the file to the path given to it and returns what else there is to say about it.
    """
    key = hash16(json.dumps({"stage": stage, **inputs}, sort_keys=True, default=str).encode())
    target, note = folder.build / f"{stage}.{key}{suffix}", folder.build / f"{stage}.{key}.json"
    try:
        if target.is_file():
            return target, result.model_validate_json(note.read_bytes())
    except (FileNotFoundError, ValidationError):
        note.unlink(missing_ok=True)
    folder.build.mkdir(exist_ok=True)
    made = make(target)
    write_atomically(note, to_json(made))
    return target, made


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash16(data: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256: what keys carry."""
    return hashlib.sha256(data).hexdigest()[:16]
