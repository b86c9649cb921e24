"""The library: all episode folders of a show. `create` makes them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.table import EPISODE_FILE, read_table
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.files import make_folder, remove_parts

TEXT_FILES = (
    *(EPISODE_FILE, "notes.md", "transcript.md"),
    *("transcript.json", "edits.json", "base.json", "published.json"),
)


class Library:
    """The episodes of a show, a folder each.

    Args:
        language, explicit: of an episode whose episode.toml has none.
    """

    def __init__(self, root: Path, *, language: str, explicit: bool = False) -> None:
        self.root = root
        self.language = language
        self.explicit = explicit

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
        _require_own_files(path, slug)
        return EpisodeFolder(path, read_table(path / EPISODE_FILE, slug), self.language, self.explicit)

    @contextmanager
    def open(self, slug: str) -> Iterator[EpisodeFolder]:
        """Yield the folder of an episode, locked against other processes of this machine.

        The lock of a killed process is released by the system; the part files that it left are removed.

        Raises:
            EpisodeError: there is no such episode, or another process has it open.
            ConfigError: episode.toml has an unknown key or a wrong value.
        """
        folder = self.folder(slug)
        make_folder(folder.build)
        with (folder.build / ".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
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


def _require_own_files(folder: Path, slug: str) -> None:
    """Refuse a text file that is a link out of the folder, which git can carry, or a pipe or a device."""
    for name in TEXT_FILES:
        path = folder / name
        if not path.is_symlink() and not path.exists():
            continue
        target = path.resolve()
        if not target.is_relative_to(folder.resolve()) or (target.exists() and not target.is_file()):
            raise EpisodeError(slug, f"{name} leads to {target}; put a plain file in its place")
