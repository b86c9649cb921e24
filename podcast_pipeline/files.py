"""Files and folders that are written whole or not at all, and the SHA-256 of their bytes."""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PART_FILE = re.compile(r".+\.\d+\.part")
"""A part of `atomic_path`, named by its process; a resumable download's part is not."""


@contextmanager
def atomic_path(target: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `target`; the file written there replaces `target`, or is removed.

    A crash or a power cut leaves the old file or the new one. The temporary file carries the number of this
    process: the ffmpeg of a killed run may still be writing its own, and `Library.open` sweeps it up.

    Args:
        target: its folder must exist.
        mode: create the file with these permissions (0o600), before any byte is in it; default: the umask's.

    Raises:
        OSError: the file cannot be written; it names `target`, which is as it was.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if mode is not None:
            part.unlink(missing_ok=True)
            part.touch(mode, exist_ok=False)
        yield part
        move_into_place(part, target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and (error.filename == str(part) or _is_unnamed_write(error)):
            error.filename = str(target)  # nobody has named the part
        raise


def _is_unnamed_write(error: OSError) -> bool:
    return error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one; makes its folder."""
    make_folder(path.parent)
    with atomic_path(path) as part:
        part.write_bytes(data)


def move_into_place(part: Path, target: Path) -> None:
    """Rename a finished file over `target`, with its bytes on the disk before and its name after."""
    sync_to_disk(part)
    part.replace(target)
    sync_to_disk(target.parent)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target` that becomes `target`, which must not exist, or is removed.

    A crash or a power cut leaves the whole folder or none. What killed processes left is removed.

    Raises:
        OSError: the folder cannot be written, or there is a `target`.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    make_folder(target.parent)
    with ExitStack() as handles:
        with _opened(target.parent) as parent:
            _lock(parent, fcntl.LOCK_EX)  # nobody takes the new folder for one that was left
            for left in target.parent.glob(".*.part"):
                _remove_unless_locked(left)
            part.mkdir()
            _lock(handles.enter_context(_opened(part)), fcntl.LOCK_EX)
        try:
            yield part
            sync_tree(part)
            part.rename(target)
            sync_to_disk(target.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _remove_unless_locked(folder: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError), _opened(folder) as handle:
        if _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int, flags: int) -> bool:
    """Lock a folder until it is closed or the process ends; return whether that was possible.

    A network share may have no locks on folders: nothing is swept there.
    """
    try:
        fcntl.flock(handle, flags)
    except OSError:
        return False
    return True


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, with their names on the disk; no error where it exists."""
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(new):
        sync_to_disk(folder.parent)


def sync_tree(folder: Path) -> None:
    """Flush all files and names in a folder to the disk; its own name is flushed with its parent's names."""
    for path in (*folder.rglob("*"), folder):
        sync_to_disk(path)


@contextmanager
def sweep_parts(folder: Path) -> Iterator[None]:
    """Hold a folder in which files are written by `atomic_path`, and remove the parts of killed processes.

    Nothing is removed while another process holds the folder; a killed one holds nothing.
    """
    with _opened(folder) as handle:
        if _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            remove_parts(folder)
        _lock(handle, fcntl.LOCK_SH)
        yield


def remove_parts(folder: Path) -> None:
    """Remove the parts that killed processes left in a folder which no other process writes in."""
    for left in folder.glob("*.part"):
        if PART_FILE.fullmatch(left.name) and left.is_file():
            left.unlink(missing_ok=True)


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
