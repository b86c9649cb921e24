"""Create episode folders, whole, by one rename: for a recording, or for an imported episode."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import tomlkit
from slugify import slugify

from podcast_pipeline.episodes.library import Library
from podcast_pipeline.episodes.table import EPISODE_FILE, TrackTable, read_table
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import atomic_folder, sha256_of
from podcast_pipeline.model import CONTROL_CHARACTERS, SLUG_PATTERN, EpisodeDraft, composed

MAX_SLUG_LENGTH = 80
RESERVED_SLUGS = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
"""Windows has no folders of these names, so a clone of the show there would lack the episode."""

RECORDING_SUFFIXES = frozenset(
    {
        *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".flac"),
        *(".mp2", ".mp3", ".mpga", ".aac", ".adts", ".oga", ".ogg", ".ogv", ".opus", ".spx"),
        *(".m4a", ".m4b", ".m4v", ".mp4", ".mov", ".qt", ".3gp", ".3g2", ".mka", ".mkv", ".webm"),
        *(".mp1", ".mpa", ".m2a", ".m4r", ".f4a", ".f4v", ".isma", ".ismv", ".mj2", ".mk3d", ".weba"),
        *(".amr", ".awb", ".3ga", ".asf", ".wma", ".wmv", ".avi", ".wv", ".ac3", ".eac3", ".ec3", ".flv"),
        *(".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".mpe", ".vob", ".mxf", ".au", ".snd", ".voc", ".ape"),
        *(".apl", ".tta", ".tak", ".mpc", ".dts", ".thd", ".truehd", ".dsf", ".xwma", ".qcp", ".dss"),
        *(".oma", ".omg", ".aa3", ".rm", ".ra", ".rmvb", ".wtv", ".loas", ".latm"),
    }
)
"""Suffixes of recordings in the formats that are read (audio/recording/opening.py). Text after any other dot
belongs to the name: "Dr. Smith talks"."""


def create_episode(
    source: Path,
    library: Library,
    *,
    title: str | None = None,
    slug: str | None = None,
    guests: tuple[str, ...] = (),
    default_guests: tuple[str, ...] = (),
    notes: str = "",
    tracks: Sequence[tuple[str, Path, int | None]] = (),
    unpublished_slugs: frozenset[str] = frozenset(),
) -> str:
    """Create an episode folder for a recording and return its slug.

    Idempotent: the same recording is the same episode. The folder appears whole, by one rename.

    Args:
        default_guests: of a new episode where `guests` is empty.
        tracks: (speaker, file, channel from 1) that `source` was mixed from; kept beside it.
        unpublished_slugs: episodes that cannot come back; their recordings may be ingested again.

    Raises:
        EpisodeError: the slug belongs to another episode, no slug can be derived from the title, or the
            recording's episode exists with other words.
    """
    title, guests, notes = title and composed(title), tuple(map(composed, guests)), composed(notes)
    sha256 = sha256_of(source)
    known = library.slug_of_source(sha256, exclude=unpublished_slugs)
    if known is not None:
        _check_same_words(library, known, title=title, slug=slug, guests=guests, notes=notes)
        return known
    title, guests = title or _title_from(source), guests or default_guests
    slug = slug or slug_of(title)
    _check_words(title, guests)
    _check_slug(library, slug, source)
    with atomic_folder(library.root / slug) as folder:
        file = f"source{recording_suffix(source)}"
        shutil.copyfile(source, folder / file)
        tables = _copy_tracks(tracks, folder)
        text = _episode_toml(slug=slug, title=title, source=file, sha256=sha256, guests=guests, tracks=tables)
        (folder / EPISODE_FILE).write_text(text, encoding="utf-8")
        (folder / "notes.md").write_text(notes, encoding="utf-8")
        read_table(folder / EPISODE_FILE, slug)
    return slug


def slug_of(title: str) -> str:
    """Return the slug of a title, like the-mayors-budget; "" where it has no letter or digit."""
    return slugify(re.sub("['’ʼ]", "", title), max_length=MAX_SLUG_LENGTH, word_boundary=True)


def create_imported_episode(draft: EpisodeDraft, library: Library, files: Mapping[str, bytes]) -> None:
    """Create the folder of an imported episode, whole, by one rename; an existing one is left unchanged.

    Args:
        files: further files by name.
    """
    if (library.root / draft.slug).exists():
        return
    with atomic_folder(library.root / draft.slug) as folder:
        for name, data in {EPISODE_FILE: _imported_toml(draft).encode(), **files}.items():
            (folder / name).write_bytes(data)


def _check_slug(library: Library, slug: str, source: Path) -> None:
    if not slug:
        raise EpisodeError(source, "no slug can be derived from its title; pass --slug with ASCII letters")
    if len(slug) > MAX_SLUG_LENGTH or not SLUG_PATTERN.fullmatch(slug):
        message = f"use at most {MAX_SLUG_LENGTH} of a-z, 0-9 and single hyphens, like the-long-night"
        raise EpisodeError(f"--slug {slug[:MAX_SLUG_LENGTH]}", message)
    if slug in RESERVED_SLUGS:
        message = "is a name that Windows keeps for a device, so a clone there lacks it; pass another --slug"
        raise EpisodeError(slug, message)
    if (library.root / slug).exists():
        raise EpisodeError(
            slug,
            f"is the slug of another recording than {source}; pass another --slug, or --replace to give that"
            " episode this audio",
        )


def _check_same_words(
    library: Library, known: str, *, title: str | None, slug: str | None, guests: tuple[str, ...], notes: str
) -> None:
    """Raise EpisodeError where the existing episode has another title, slug, guests or notes."""
    folder = library.folder(known)
    table = folder.table
    pairs = {
        "title": (title, table.title),
        "slug": (slug, known),
        "guests": (guests, tuple(guest.name for guest in table.guests)),
        "notes": (notes, folder.read_notes()),
    }
    other = [name for name, (given, kept) in pairs.items() if given and given != kept]
    if other:
        message = f"is this recording's episode already and has other {' and '.join(other)}; change"
        raise EpisodeError(
            known, f"{message} {EPISODE_FILE} or notes.md in its folder, then `podcast publish {known}`"
        )


def recording_suffix(path: Path) -> str:
    """Return the suffix of a recording's name, empty for any other; the content decides the format."""
    ending = path.suffix.lower()
    return ending if ending in RECORDING_SUFFIXES else ""


def _title_from(source: Path) -> str:
    """Return a readable title derived from a file's name.

    A name with spaces was written by a person and is kept, with a capital at the begin.
    """
    name = source.name[: len(source.name) - len(recording_suffix(source))].encode("utf-8", "replace").decode()
    if " " not in name:
        name = name.replace("_", " ").replace("-", " ")
    title = " ".join(CONTROL_CHARACTERS.sub(" ", composed(name)).split())
    return title[:1].upper() + title[1:]


def _check_words(title: str, guests: tuple[str, ...]) -> None:
    """Raise EpisodeError, naming the option, for text that episode.toml cannot hold."""
    for option, text, longest in (("--title", title, 255), *(("--guest", guest, 128) for guest in guests)):
        if CONTROL_CHARACTERS.search(text) or not text.strip() or len(text) > longest:
            raise EpisodeError(option, f"give one line of readable text, of at most {longest} characters")


def _copy_tracks(tracks: Sequence[tuple[str, Path, int | None]], folder: Path) -> list[TrackTable]:
    """Copy the files of the tracks, each once, and return the [[tracks]] of episode.toml."""
    files: dict[Path, str] = {}
    for _, path, _ in tracks:
        if path not in files:
            files[path] = f"track-{len(files) + 1}{recording_suffix(path)}"
            shutil.copyfile(path, folder / files[path])
    return [
        TrackTable(
            name=composed(name), file=files[path], channel=channel, sha256=sha256_of(folder / files[path])
        )
        for name, path, channel in tracks
    ]


def _episode_toml(
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


def _imported_toml(draft: EpisodeDraft) -> str:
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
