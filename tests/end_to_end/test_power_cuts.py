"""After a power cut the same command ends where an uncut run ends; nothing half is published or lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.http_servers import FileHost, running_host
from tests.support.imported_show import audio_bytes, old_files
from tests.support.parts import how_to_get
from tests.support.power_cuts.commands import COMMANDS
from tests.support.power_cuts.forgetful_disk import COMPILER, ForgetfulDisk, compile_library, has_births
from tests.support.power_cuts.laboratory import Laboratory
from tests.support.power_cuts.loop_device import has_loop_devices, loop_disk

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason=how_to_get("cc")),
]

needs_loop_devices = pytest.mark.skipif(
    not has_loop_devices(), reason="no loop devices (or not root): no power cut on a real ext4"
)
CUTS = {"init": 30, "transcribe": 40, "publish": 50, "feed import": 40}
"""How often a command's power is cut in `make soak`."""
OTHERS = 20
"""How often that of each other command: more than 200 in all."""
SHARE = ("init", "publish", "feed import")
"""Cut once each in `make test`."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that is preloaded."""
    built = compile_library(tmp_path_factory.mktemp("library"))
    if not has_births(built, built):
        pytest.skip("this file system does not say when a file was made: power cuts are not simulated")
    return built


@pytest.fixture(scope="module")
def old_show() -> Iterator[FileHost]:
    """Another host with a show of three episodes, one of them with several notes while it is downloaded."""
    with running_host() as running:
        running.files.update(old_files(running.url))
        running.files["/one.mp3"].body = audio_bytes("one", 500_000)
        yield running


@pytest.fixture(scope="module")
def laboratory(library: Path, old_show: FileHost, tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """The laboratory."""
    return Laboratory(library, tmp_path_factory.mktemp("laboratory"), f"{old_show.url}/feed.xml")


def amounts(share: tuple[str, ...]) -> list[object]:
    """Return (command, cuts): one cut for some, and with --soak all of them for each."""
    soak = [pytest.param(name, CUTS.get(name, OTHERS), marks=pytest.mark.soak) for name in COMMANDS]
    return [*(pytest.param(name, 1) for name in share), *soak]


@pytest.mark.parametrize(("name", "cuts"), amounts(SHARE))
def test_cut_before_any_sync(laboratory: Laboratory, name: str, cuts: int) -> None:
    """Any part of what was not synced may be gone; the command run again ends as if it had not been cut."""
    chance = Random(f"{cuts} {name}")
    for _ in range(cuts):
        number = chance.randint(1, laboratory.uncut(name).syncs + 1)
        laboratory.cut_before_sync(name, number, chance)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.soak
def test_cut_after_its_end(laboratory: Laboratory, name: str) -> None:
    """What a command that has returned left is on the disk, whatever the disk forgets."""
    for seed in range(3):
        laboratory.cut_before_sync(name, laboratory.uncut(name).syncs + 1, Random(seed))


@needs_loop_devices
@pytest.mark.parametrize(("name", "cuts"), amounts(()))
def test_cut_on_a_real_disk(laboratory: Laboratory, tmp_path: Path, name: str, cuts: int) -> None:
    """On an ext4 that is copied while it is mounted at any time, and then replays its journal, likewise."""
    chance = Random(f"ext4 {name}")
    for number in range(cuts // 5):
        with loop_disk(tmp_path / str(number)) as disk:
            laboratory.cut_on_ext4(name, disk, chance)


def forgetful(library: Path, folder: Path, seed: int) -> ForgetfulDisk:
    return ForgetfulDisk(library, folder / "root", folder / "kept", Random(seed))


def test_the_simulated_disk_forgets_what_was_not_synced(library: Path, tmp_path: Path) -> None:
    """Without a sync a file is whole, cut, zeros or gone; with one it is there as it was synced."""
    left = set()
    for seed in range(40):
        folder = tmp_path / str(seed)
        (folder / "root").mkdir(parents=True)
        (folder / "root/before").write_bytes(b"before")
        disk = forgetful(library, folder, seed)
        (folder / "root/before").write_bytes(b"after!")
        (folder / "root/new").write_bytes(b"n" * 5000)
        disk.lose_unsynced()
        new = folder / "root/new"
        left.add(new.read_bytes()[:1] + new.read_bytes()[-1:] if new.exists() else None)
        assert (folder / "root/before").read_bytes() in (b"before", b"after!")
    assert {None, b"", b"nn", b"\0\0"} <= left


def test_the_simulated_disk_keeps_what_was_synced(library: Path, tmp_path: Path) -> None:
    """A file that was synced with its folder is there, and a move is whole."""
    program = "\n".join(
        (
            "import os",
            "from pathlib import Path",
            "def sync(path):",
            "    handle = os.open(path, os.O_RDONLY); os.fsync(handle); os.close(handle)",
            "Path('a').write_bytes(b'a' * 9000); sync('a'); sync('.')",
            "Path('sub').mkdir(); sync('.')",
            "Path('b').write_bytes(b'b'); sync('b'); os.rename('b', 'sub/b')",
        )
    )
    places = set()
    for seed in range(20):
        folder = tmp_path / str(seed)
        (folder / "root").mkdir(parents=True)
        disk = forgetful(library, folder, seed)
        (folder / "program.py").write_text(program, encoding="utf-8")
        environment = {**os.environ, **disk.environment(None)}
        subprocess.run(
            [sys.executable, folder / "program.py"], cwd=folder / "root", env=environment, check=True
        )
        assert disk.syncs == 4
        disk.lose_unsynced()
        assert (folder / "root/a").read_bytes() == b"a" * 9000
        assert (folder / "root/sub").is_dir()
        places.add((folder / "root/sub/b").exists())
    assert places == {True, False}
