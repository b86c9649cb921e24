"""The library: all episode folders of a show. `create` makes them."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

from filelock import Timeout

from podcast_pipeline.episodes.folder import IMPORTED_AUDIO, IMPORTED_TRANSCRIPTS, EpisodeFolder
from podcast_pipeline.episodes.table import EPISODE_FILE, read_table
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import file_lock, foreign_file, make_folder, remove_parts

TEXT_FILES = (
    *(EPISODE_FILE, "notes.md", "transcript.md"),
    *("transcript.json", "edits.json", "base.json", "published.json", "accuracy.md"),
    *IMPORTED_TRANSCRIPTS,
)
"""The files of an episode's folder that are read by their name."""


class Library:
    """The episodes of a show, a folder each.

    Args:
        language, explicit: of an episode whose episode.toml has none.
    """

    def __init__(self, root: Path, *, language: str, explicit: bool = False) -> None:
        self.root = root
        self.language = language
        self.explicit = explicit

    def with_root(self, root: Path) -> "Library":
        """Return a library of the same show with its folders elsewhere."""
        return Library(root, language=self.language, explicit=self.explicit)

    def slugs(self) -> Iterator[str]:
        """Yield the slugs of all episode folders, sorted; a folder that is being made is none."""
        names = (path.parent.name for path in sorted(self.root.glob(f"*/{EPISODE_FILE}")))
        return (name for name in names if not name.startswith("."))

    def folder(self, slug: str) -> EpisodeFolder:
        """Return the folder of an episode, its episode.toml read; for reading only, see `open`.

        Raises:
            EpisodeError: there is no such episode, or one of its text files is elsewhere, or no file.
            ConfigError: episode.toml has an unknown key or a wrong value.
        """
        path = self.root / slug
        if path.is_symlink() and not path.resolve().is_relative_to(self.root.resolve()):
            raise EpisodeError(slug, f"{path} leads to {path.resolve()}; put the folder itself in its place")
        _require_own_files(path, TEXT_FILES, slug)
        table = read_table(path / EPISODE_FILE, slug)
        sound = (IMPORTED_AUDIO, *filter(None, [table.source]), *(track.file for track in table.tracks))
        _require_own_files(path, (*sound, *_links(path / "build")), slug)
        return EpisodeFolder(path, table, self.language, self.explicit)

    @contextmanager
    def open(self, slug: str) -> Iterator[EpisodeFolder]:
        """Yield the folder of an episode, locked against other processes of this machine.

        The lock of a killed process is released by the system; the part files that it left are removed.

        Raises:
            EpisodeError: there is no such episode, or another process has it open.
            ConfigError: episode.toml has an unknown key or a wrong value.
        """
        folder = self.folder(slug)
        make_folder(folder.build, mode=0o700)
        with ExitStack() as held:
            try:
                held.enter_context(file_lock(folder.build / ".lock", wait=False))
            except Timeout as error:
                message = "another `podcast` on this machine is at work on it; run again when it is done"
                raise EpisodeError(slug, message) from error
            for place in (folder.path, folder.build):
                remove_parts(place)
            yield folder

    def slug_of_source(self, sha256: str, *, exclude: frozenset[str] = frozenset()) -> str | None:
        """Return the episode whose recording has this hash, None when there is none.

        Args:
            exclude: slugs that are passed over.
        """
        slugs = (slug for slug in self.slugs() if slug not in exclude)
        return next((slug for slug in slugs if self.folder(slug).table.source_sha256 == sha256), None)

    def id_of(self, slug: str) -> UUID | None:
        """Return the id of the episode whose folder has this name, None where there is no such folder."""
        return self.folder(slug).table.id if (self.root / slug).exists() else None

    def published_slugs(self) -> tuple[str, ...]:
        """Return the slugs whose folder holds a published.json."""
        return tuple(sorted(path.parent.name for path in self.root.glob("*/published.json")))


def _require_own_files(folder: Path, names: Iterable[str], slug: str) -> None:
    """Refuse a file that is not the episode's own: a link or a path out of its folder, a pipe or a device."""
    for name in names:
        if problem := foreign_file(folder, name):
            raise EpisodeError(slug, f"{name} {problem}")


def _links(build: Path) -> Iterator[str]:
    """Yield the links in `build/`, or itself where it is one, relative to the episode's folder."""
    if build.is_symlink():
        yield build.name
    elif build.is_dir():
        yield from (f"{build.name}/{path.name}" for path in build.iterdir() if path.is_symlink())
