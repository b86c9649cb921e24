"""Files that are written whole or not at all, and the SHA-256 of their bytes."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_path(target: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `target`; the file written there replaces `target`, or is removed.

    A crash or a power cut leaves the old file or the new one. The temporary file carries the number of this
    process: the ffmpeg of a killed run may still be writing its own, and `Library.open` sweeps it up.

    Args:
        target: its folder must exist.
        mode: create the file with these permissions (0o600), before any byte is in it; default: the umask's.

    Raises:
        OSError: the file cannot be written; `target` is as it was.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if mode is not None:
            part.unlink(missing_ok=True)
            part.touch(mode, exist_ok=False)
        yield part
        move_into_place(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        part.write_bytes(data)


def move_into_place(part: Path, target: Path) -> None:
    """Rename a finished file over `target`, with its bytes on the disk before and its name after."""
    sync_to_disk(part)
    part.replace(target)
    sync_to_disk(target.parent)


def sync_to_disk(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_sha256(data: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of some bytes, as keys and file names carry them."""
    return hashlib.sha256(data).hexdigest()[:16]
