"""Files and folders that are written whole or not at all, and the SHA-256 of their bytes."""

import errno
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PART_FILE = re.compile(r".+\.\d+\.part")
"""A part of `atomic_path`, named by its process; a resumable download's part is not."""

LOCK_POLL_S = 0.005  # between two looks at a lock that another process holds


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


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a file so that a crash leaves the old one or the new one; makes its folder.

    Args:
        mode: see `atomic_path`.
    """
    make_folder(path.parent)
    with atomic_path(path, mode=mode) as part:
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
    with ExitStack() as held:
        with _brief_lock(target.parent) as has_locks:  # nobody takes the new folder for one that was left
            for left in target.parent.glob(".*.part"):
                if has_locks and not _is_held(_holder(left) if left.is_dir() else left):
                    shutil.rmtree(left, ignore_errors=True)
            part.mkdir()
            held.enter_context(_held(_holder(part)))
        try:
            yield part
            sync_tree(part)
            part.rename(target)
            sync_to_disk(target.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def file_lock(path: Path, *, wait: bool = True) -> FileLock:
    """Return a lock of threads and processes of one machine on a file, to be used as a context manager.

    The system releases the lock of a killed process. Where a disk has no locks, taking it is an OSError.

    Args:
        wait: for another holder; else taking it raises filelock.Timeout.
    """
    return FileLock(path, mode=0o600, blocking=wait, poll_interval=LOCK_POLL_S, fallback_to_soft=False)


def _holder(part: Path) -> Path:
    """Return the file that is locked for as long as somebody writes a folder."""
    return part.with_suffix(".lock.part")


@contextmanager
def _held(holder: Path) -> Iterator[bool]:
    """Lock a file, and remove it in the end; yield whether the disk has locks, as a network share may not."""
    lock = file_lock(holder)
    with suppress(OSError):
        lock.acquire()
    try:
        yield lock.is_locked
    finally:
        _remove(holder, lock)


def _brief_lock(folder: Path) -> AbstractContextManager[bool]:
    """Keep other processes from sweeping a folder, or from beginning something in it; see `_held`."""
    return _held(folder / ".sweep.lock.part")


def _is_held(holder: Path) -> bool:
    """Return whether somebody holds a file, and remove it where nobody does any more."""
    lock = file_lock(holder, wait=False)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return True
    _remove(holder, lock)
    return False


def _remove(holder: Path, lock: FileLock) -> None:
    """Remove a file while it is locked: who waits for it sees that, and makes a new one."""
    if sys.platform == "win32":  # where an open file cannot be removed
        lock.release()
    with suppress(OSError):
        holder.unlink()
    lock.release()


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """Make a folder, and those above it, with their names on the disk; no error where it exists.

    Args:
        mode: permissions of the new ones, less what the umask takes away.
    """
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(new):
        folder.mkdir(mode, exist_ok=True)
        sync_to_disk(folder.parent)
    path.mkdir(exist_ok=True)  # an error where it is no folder


def sync_tree(folder: Path) -> None:
    """Flush all files and names in a folder to the disk; its own name is flushed with its parent's names."""
    for path in (*folder.rglob("*"), folder):
        sync_to_disk(path)


@contextmanager
def sweep_parts(folder: Path) -> Iterator[None]:
    """Hold a folder in which files are written by `atomic_path`, and remove the parts of killed processes.

    Nothing is removed while another process holds the folder; a killed one holds nothing.
    """
    with ExitStack() as held:
        with _brief_lock(folder) as has_locks:
            holders = [_is_held(holder) for holder in folder.glob(".holder-*.lock.part")]
            if has_locks and not any(holders):
                remove_parts(folder)
            held.enter_context(_held(folder / f".holder-{secrets.token_hex(8)}.lock.part"))
        yield


def remove_parts(folder: Path) -> None:
    """Remove the parts that killed processes left in a folder which no other process writes in."""
    for left in folder.glob("*.part"):
        if PART_FILE.fullmatch(left.name) and left.is_file():
            left.unlink(missing_ok=True)


def sync_to_disk(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk (fsync).

    Windows has no handles of folders, and flushes files that are open for writing only.
    """
    is_windows = sys.platform == "win32"
    if is_windows and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if is_windows else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def user_cache_folder() -> Path:
    """Return the folder of what this user's commands share and can make again: models, windows, measurements.

    It is `podcast-pipeline` in $XDG_CACHE_HOME, else in ~/.cache.
    """
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "podcast-pipeline"


def foreign_file(folder: Path, name: str) -> str | None:
    """Return why a file that a folder names is not the folder's own, None where it is, or is not there.

    A folder comes out of git, from anybody: a path or a link in it must not make us read another file of this
    machine, nor a pipe or a device wait or deliver for ever.

    Args:
        name: relative to the folder, as it is written there.
    """
    parts = re.split(r"[/\\]", name)
    if ".." in parts or not parts[0] or re.match("[A-Za-z]:", name):
        return f"leads out of {folder}; copy the file into it and write its name alone"
    path = folder / name
    target = path.resolve()
    if not target.is_relative_to(folder.resolve()):
        return f"leads to {target}; put a plain file in its place"
    if target.exists() and not target.is_file():
        return f"leads to {target}, which is a folder, a pipe or a device; put a plain file in its place"
    return None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_sha256(data: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of some bytes, as keys and file names carry them."""
    return hashlib.sha256(data).hexdigest()[:16]
