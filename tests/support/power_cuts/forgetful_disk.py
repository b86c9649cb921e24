"""The state that a power cut leaves: what was synced, and of the rest whatever a disk may have kept."""

import ctypes
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SOURCE = Path(__file__).with_suffix(".c")
PAGE_BYTES = 4096
IDENTITY_BYTES = 64
COMPILER = shutil.which("gcc") or shutil.which("cc")


@dataclass(frozen=True)
class Entry:
    """A name in a folder.

    Attributes:
        inode: identity of what it names.
        kind: "d" folder, "f" file, "l" link.
        link: the target of a link.
    """

    inode: str
    kind: str
    link: str = ""


Names = dict[str, Entry]


def compile_library(folder: Path) -> Path:
    """Compile the library that is preloaded."""
    library = folder / "forgetful_disk.so"
    command: list[str | Path] = [COMPILER or "gcc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE]
    subprocess.run(command, check=True)
    return library


def has_births(library: Path, path: Path) -> bool:
    """Whether the file system of a path knows when a file was made: numbers of inodes are used again."""
    text = ctypes.create_string_buffer(IDENTITY_BYTES)
    return bool(ctypes.CDLL(str(library)).inode_identity(str(path).encode(), text, len(text)) == 0)


@dataclass
class ForgetfulDisk:
    """A folder on a disk that keeps only what was synced, and some of the rest.

    Attributes:
        root: the folder; it is on the disk with all that is in it at the begin.
        kept: the folder of the copies that the library makes.
        chance: draws what of the unsynced is kept.
    """

    library: Path
    root: Path
    kept: Path
    chance: Random
    _native: ctypes.CDLL = field(init=False)

    def __post_init__(self) -> None:
        """Keep everything that is there."""
        self._native = ctypes.CDLL(str(self.library))
        self.kept.mkdir()
        for path in (self.root, *self.root.rglob("*")):
            if path.is_symlink():
                continue
            copy = self.kept / self._identity(path)
            if path.is_dir():
                lines = (f"{e.inode}\t{e.kind}\t{name}\t{e.link}\n" for name, e in self._seen(path).items())
                copy.write_text("".join(lines), encoding="utf-8")
            else:
                shutil.copyfile(path, copy)

    @property
    def syncs(self) -> int:
        """How often something was synced."""
        counted = self.kept / "syncs"
        return counted.stat().st_size if counted.is_file() else 0

    def environment(self, cut: int | None) -> dict[str, str]:
        """Return the environment variables of a process whose power is cut before a sync; None: never."""
        return {
            "LD_PRELOAD": str(self.library),
            "FORGETFUL_ROOT": str(self.root),
            "FORGETFUL_KEPT": str(self.kept),
            **({"FORGETFUL_CUT": str(cut)} if cut else {}),
        }

    def lose_unsynced(self) -> None:
        """Replace the folder by what a power cut leaves of it; no process may be at work in it."""
        seen, places = {}, {}
        for path in (self.root, *self.root.rglob("*")):
            inode = self._identity(path)
            places[inode] = path
            if path.is_dir() and not path.is_symlink():
                seen[inode] = self._seen(path)
        left = self.root.with_name(f"{self.root.name}.left")
        left.mkdir()
        self._restore(self._identity(self.root), left, self._names_left(seen), places)
        shutil.rmtree(self.root)
        left.rename(self.root)

    def _names_left(self, seen: dict[str, Names]) -> dict[str, Names]:
        """Return the names of every folder: each that was not synced is there or not.

        A move is whole, as on a file system with a journal: what was moved has its old name or its new one.
        """
        synced = {inode: self._synced_names(inode) for inode in seen}
        was = {(e.inode, folder, name) for folder, names in synced.items() for name, e in names.items()}
        now = {(e.inode, folder, name) for folder, names in seen.items() for name, e in names.items()}
        left = {folder: dict(names) for folder, names in synced.items()}
        moved = {inode for inode, _, _ in was - now} & {inode for inode, _, _ in now - was}
        done = {inode: self.chance.random() < 0.5 for inode in sorted(moved)}
        for inode, folder, name in sorted(was - now):
            replaced = name in seen[folder]
            if not replaced and done.get(inode, self.chance.random() < 0.5):
                del left[folder][name]
        for inode, folder, name in sorted(now - was):
            if done.get(inode, self.chance.random() < 0.5):
                left[folder][name] = seen[folder][name]
        return left

    def _restore(self, inode: str, target: Path, left: dict[str, Names], places: dict[str, Path]) -> None:
        for name, entry in left.get(inode, self._synced_names(inode)).items():
            path = target / name
            if entry.kind == "l":
                path.symlink_to(entry.link)
            elif entry.kind == "d":
                path.mkdir()
                self._restore(entry.inode, path, left, places)
            else:
                path.write_bytes(self._bytes_left(entry.inode, places.get(entry.inode)))

    def _bytes_left(self, inode: str, place: Path | None) -> bytes:
        """Return what is left of a file: of each unsynced page the old bytes, the new ones, or zeros."""
        copy = self.kept / inode
        synced = copy.read_bytes() if copy.is_file() else b""
        seen = place.read_bytes() if place else synced
        if seen == synced:
            return synced
        sizes = [len(synced), len(seen), self.chance.randint(*sorted((len(synced), len(seen))))]
        size = self.chance.choice(sizes)
        before, after = synced.ljust(size, b"\0"), seen.ljust(size, b"\0")
        share = self.chance.choice([0.0, 0.5, 1.0])  # of the new pages that had reached the disk
        pages = (
            (after if self.chance.random() < share else before)[at : min(at + PAGE_BYTES, size)]
            for at in range(0, size, PAGE_BYTES)
        )
        return b"".join(pages)

    def _synced_names(self, inode: str) -> Names:
        copy = self.kept / inode
        if not copy.is_file():
            return {}
        rows = [line.split("\t") for line in copy.read_text(encoding="utf-8").splitlines()]
        return {name: Entry(identity, kind, link) for identity, kind, name, link in rows}

    def _seen(self, folder: Path) -> Names:
        return {path.name: self._entry(path) for path in folder.iterdir()}

    def _entry(self, path: Path) -> Entry:
        if path.is_symlink():
            return Entry(self._identity(path), "l", str(path.readlink()))
        return Entry(self._identity(path), "d" if path.is_dir() else "f")

    def _identity(self, path: Path) -> str:
        text = ctypes.create_string_buffer(IDENTITY_BYTES)
        assert self._native.inode_identity(str(path).encode(), text, len(text)) == 0, path
        return text.value.decode()
