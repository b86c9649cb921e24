"""Files that are whole or not there, whatever interrupts their writing."""

import fcntl
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import Timeout

from podcast_pipeline.files import (
    atomic_folder,
    atomic_path,
    file_lock,
    make_folder,
    move_into_place,
    sha256_of,
    sweep_parts,
    write_atomically,
)


@pytest.fixture
def disk_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The flushes and renames of this process in order, each with the name of its file or folder."""
    calls: list[str] = []
    replace = Path.replace

    def fsync(handle: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().name}")

    def recorded_replace(part: Path, target: Path) -> Path:
        calls.append(f"rename {part.name} {target.name}")
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    return calls


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_on_the_disk_before_its_name_and_the_name_when_it_returns(
    tmp_path: Path, disk_calls: list[str]
) -> None:
    """The bytes are flushed, the file is renamed over the target, and the folder is flushed."""
    path = tmp_path / "words.json"
    write_atomically(path, b"new")
    part = f".words.json.{os.getpid()}.part"
    assert disk_calls == [f"fsync {part}", f"rename {part} words.json", f"fsync {tmp_path.name}"]
    assert (path.read_bytes(), names(tmp_path)) == (b"new", ["words.json"])


def test_a_download_is_on_the_disk_before_it_has_its_name(tmp_path: Path, disk_calls: list[str]) -> None:
    """A part that survives its process is flushed as well, before and after the rename."""
    part = tmp_path / "a.mp3.part"
    part.write_bytes(b"sound")
    move_into_place(part, tmp_path / "a.mp3")
    assert disk_calls == ["fsync a.mp3.part", "rename a.mp3.part a.mp3", f"fsync {tmp_path.name}"]


def test_a_new_folder_has_its_name_on_the_disk(tmp_path: Path, disk_calls: list[str]) -> None:
    """The folder above each new one is flushed, from the top; folders that exist are left alone."""
    make_folder(tmp_path / "a/b/c")
    assert disk_calls == [f"fsync {name}" for name in (tmp_path.name, "a", "b")]
    make_folder(tmp_path / "a/b/c")
    assert len(disk_calls) == 3


def test_a_folder_appears_whole(tmp_path: Path, disk_calls: list[str]) -> None:
    """All that is in it is flushed before its rename, and its name after."""
    with atomic_folder(tmp_path / "show") as folder:
        (folder / "sub").mkdir()
        (folder / "sub/file").write_bytes(b"x")
        assert names(tmp_path) == [folder.name.replace(".part", ".lock.part"), folder.name]
    assert disk_calls == [f"fsync {name}" for name in ("sub", "file", folder.name, tmp_path.name)]
    assert names(tmp_path) == ["show"]


def test_a_folder_that_fails_is_removed(tmp_path: Path) -> None:
    """After an error, or where the name is taken, nothing is left and nothing is replaced."""

    def make(error: OSError | None) -> None:
        with atomic_folder(tmp_path / "a") as folder:
            (folder / "file").write_bytes(b"new")
            if error:
                raise error

    with pytest.raises(OSError, match="disk full"):
        make(OSError("disk full"))
    assert names(tmp_path) == []
    write_atomically(tmp_path / "a/old", b"old")
    with pytest.raises(OSError, match="not empty"):
        make(None)
    assert (names(tmp_path), names(tmp_path / "a")) == (["a"], ["old"])


def test_parts_of_killed_processes_are_swept(tmp_path: Path) -> None:
    """They are removed by the next that holds the folder, and by nobody while another holds it."""
    left, download = tmp_path / ".0.json.4711.part", tmp_path / "a.bin.part"
    for path in (left, download):
        path.touch()
    with sweep_parts(tmp_path):
        assert [name for name in names(tmp_path) if "lock" not in name] == ["a.bin.part"]
        left.touch()  # now somebody's who is at work
        with sweep_parts(tmp_path):
            assert [name for name in names(tmp_path) if "lock" not in name] == [left.name, "a.bin.part"]
    assert names(tmp_path) == [left.name, "a.bin.part"]


KILLED = """
import os, sys
from pathlib import Path
from podcast_pipeline.files import atomic_folder, sweep_parts
folder = Path(sys.argv[1])
with sweep_parts(folder), atomic_folder(folder / "b") as part:
    (part / "half").touch()
    (folder / f".c.{os.getpid()}.part").touch()
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_held_is_swept_with_its_locks(tmp_path: Path) -> None:
    """The system has let go of the locks; folder, part and lock files are removed by the next."""
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False).returncode == -9
    assert len(names(tmp_path)) == 4
    with sweep_parts(tmp_path), atomic_folder(tmp_path / "d"):
        pass
    assert names(tmp_path) == ["d"]


def test_a_lock_is_between_threads_and_is_let_go_by_a_killed_process(tmp_path: Path) -> None:
    """Held by a thread of this process it is busy; held by a process that was killed it is free."""
    path = tmp_path / ".lock"
    with file_lock(path), ThreadPoolExecutor(1) as pool:
        busy = pool.submit(file_lock(path, wait=False).acquire)
        assert isinstance(busy.exception(), Timeout)
    code = (
        "import os, sys; from podcast_pipeline.files import file_lock\n"
        "with file_lock(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == -9
    with file_lock(path, wait=False):
        assert path.stat().st_mode & 0o777 == 0o600


def test_where_folders_have_no_locks_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a network share without locks everything is written, and nobody's part is removed."""

    def refuse(_handle: int, _flags: int) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".0.json.4711.part").touch()
    (tmp_path / ".a.4711.part").mkdir()
    with sweep_parts(tmp_path), atomic_folder(tmp_path / "b"):
        pass
    assert names(tmp_path) == [".0.json.4711.part", ".a.4711.part", "b"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    """Any exception while writing keeps the old bytes, leaves no part behind, and goes on."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted(part: Path) -> None:
        part.write_bytes(b"ne")
        raise error

    with pytest.raises(type(error)), atomic_path(path) as part:
        interrupted(part)
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["file"])


def test_a_flush_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot keep the bytes does not get to replace the old ones."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["file"])


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    """A target does not become an empty file because nobody wrote its part."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), atomic_path(path):
        pass
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["file"])


def test_a_mode_holds_from_the_first_byte(tmp_path: Path) -> None:
    """A private file is private while it is written, over an open one and over a part left behind."""
    path = tmp_path / "people.csv"
    path.touch(0o644)
    (tmp_path / f".people.csv.{os.getpid()}.part").touch(0o644)
    with atomic_path(path, mode=0o600) as part:
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        part.write_bytes(b"ann")
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (0o600, b"ann")
    assert names(tmp_path) == ["people.csv"]


def test_a_folder_that_is_missing_is_made_by_write_atomically_only(tmp_path: Path) -> None:
    """A path that somebody named is not made up; a file of ours gets its folder."""
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "gone/file") as part:
        part.write_bytes(b"new")
    assert names(tmp_path) == []
    write_atomically(tmp_path / "new/file", b"new")
    assert (tmp_path / "new/file").read_bytes() == b"new"


def test_a_file_is_hashed_as_its_bytes_are(tmp_path: Path) -> None:
    """The hash of a file is that of its bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """The part beside it is nothing that anybody has named; another file's error keeps its own name (c24)."""
    target, other = tmp_path / "gone" / "file", tmp_path / "database"
    with pytest.raises(FileNotFoundError) as refused, atomic_path(target) as part:
        part.write_bytes(b"x")
    assert refused.value.filename == str(target)
    with pytest.raises(FileNotFoundError) as others, atomic_path(tmp_path / "file"):
        other.read_bytes()
    assert others.value.filename == str(other)
