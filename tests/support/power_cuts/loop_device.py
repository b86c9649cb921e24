"""A real ext4 in a file: a copy of the file, made while it is mounted, is what a power cut leaves."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from podcast_pipeline.files import sha256_of

SIZE_BYTES = 96 * 1024**2
COMMIT_S = 1  # ext4 writes its journal every second; its default of five would leave less to lose
COPIES = 20


@dataclass(frozen=True)
class LoopDisk:
    """A mounted image.

    Attributes:
        image: the file.
        mounted: where it is mounted.
    """

    image: Path
    mounted: Path

    def cut_power(self, process: "subprocess.Popen[str]") -> None:
        """Kill a process and its children, and mount what is on the disk at that moment.

        A copy is a state that was on the disk if the image was the same before and after it was made.
        """
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        copy = self.image.with_suffix(".cut")
        for _ in range(COPIES):
            before = sha256_of(self.image)
            shutil.copyfile(self.image, copy)
            if before == sha256_of(copy) == sha256_of(self.image):
                break
            time.sleep(0.05)
        else:
            raise AssertionError("the disk was written all the time")
        subprocess.run(["umount", self.mounted], check=True)
        copy.replace(self.image)
        mount(self.image, self.mounted)


def mount(image: Path, folder: Path) -> None:
    """Mount an image; ext4 replays its journal."""
    options = f"loop,commit={COMMIT_S}"
    subprocess.run(["mount", "-o", options, image, folder], check=True, capture_output=True)


@contextmanager
def loop_disk(work: Path) -> Iterator[LoopDisk]:
    """Make a file system in a file and mount it."""
    disk = LoopDisk(work / "disk.img", work / "mounted")
    disk.mounted.mkdir(parents=True)
    with disk.image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk.image], check=True)
    mount(disk.image, disk.mounted)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk.mounted], check=True)


@cache
def has_loop_devices() -> bool:
    """Whether this process may make and mount a file system in a file."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("mkfs.ext4", "mount", "losetup")):
        return False
    return subprocess.run(["losetup", "--find"], capture_output=True, check=False).returncode == 0
