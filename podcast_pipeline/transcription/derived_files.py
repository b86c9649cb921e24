"""Files that a library derives from weights and keeps in our cache: believed only if they are whole.

OpenVINO takes a compiled graph by its name. One with a block of zeros, as a power cut or a bad disk leaves
it, gives other words without an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from podcast_pipeline.files import sha256_of, sync_to_disk, write_atomically
from podcast_pipeline.model import FrozenModel, Sha256

LIST_NAME = "files.json"


class DerivedFile(FrozenModel):
    """A file that was on the disk when it was listed."""

    size_bytes: int
    sha256: Sha256

    @classmethod
    def of(cls, path: Path) -> "DerivedFile":
        """Return the length and the hash of a file."""
        return cls(size_bytes=path.stat().st_size, sha256=sha256_of(path))


class DerivedFiles(FrozenModel):
    """The list of a folder's files: name -> file."""

    files: dict[str, DerivedFile]


@contextmanager
def verified_files(folder: Path) -> Iterator[None]:
    """Let a library read and write its files in a folder.

    Before: files that are not as the list has them are removed, and the library derives them again. After:
    its files are flushed to the disk and listed; where the list cannot be written, the next run derives them.
    """
    known = _read_list(folder).files
    whole = {path.name for path in _files(folder) if known.get(path.name) == DerivedFile.of(path)}
    for path in _files(folder):
        if path.name not in whole:
            path.unlink(missing_ok=True)
    yield
    new = [path for path in _files(folder) if path.name not in whole]
    if new:
        with suppress(OSError):
            _write_list(folder, {name: known[name] for name in whole}, new)


def _write_list(folder: Path, known: Mapping[str, DerivedFile], new: Iterable[Path]) -> None:
    for path in new:
        sync_to_disk(path)
    files = {**known, **{path.name: DerivedFile.of(path) for path in new}}
    write_atomically(folder / LIST_NAME, DerivedFiles(files=files).model_dump_json(indent=1).encode())


def _read_list(folder: Path) -> DerivedFiles:
    try:
        return DerivedFiles.model_validate_json((folder / LIST_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return DerivedFiles(files={})


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*")) if path.is_file() and path.name != LIST_NAME]
