"""Cuts the power of commands, and asserts what must be true afterwards."""

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.support.power_cuts.commands import (
    COMMANDS,
    Folder,
    assert_kept,
    assert_nothing_half_published,
    filled_in,
    make_begin,
    run,
    start,
)
from tests.support.power_cuts.forgetful_disk import ForgetfulDisk
from tests.support.power_cuts.loop_device import LoopDisk


@dataclass(frozen=True)
class UncutRun:
    """A run without a cut.

    Attributes:
        syncs: how often something was synced.
        seconds: its duration.
        result: what it left.
    """

    syncs: int
    seconds: float
    result: object


@dataclass
class Laboratory:
    """Where the power is cut.

    Attributes:
        library: that is preloaded.
        work: an empty folder.
        feed: address of another host's feed.
    """

    library: Path
    work: Path
    feed: str
    _uncut: dict[str, UncutRun] = field(default_factory=dict)

    def uncut(self, name: str) -> UncutRun:
        """Return a run of a command without a cut, made once."""
        if name not in self._uncut:
            command, disk = COMMANDS[name], self._forgetful_disk(name, Random(0))
            began = time.monotonic()
            done = run(disk.root, filled_in(command.arguments, self.work, self.feed), disk.environment(None))
            assert done.returncode == 0, done.stderr
            seconds = time.monotonic() - began
            self._uncut[name] = UncutRun(disk.syncs, seconds, command.result(disk.root))
        return self._uncut[name]

    def cut_before_sync(self, name: str, number: int, chance: Random) -> str:
        """Cut a command's power before a sync, or after its end, and run it again.

        Args:
            number: of the sync, from 1; a number above theirs: after the end.
            chance: draws what of the unsynced is left.

        Returns:
            What the second run printed on stderr.
        """
        command, disk = COMMANDS[name], self._forgetful_disk(name, chance)
        done = run(disk.root, filled_in(command.arguments, self.work, self.feed), disk.environment(number))
        promised = command.promise(disk.root) if done.returncode == 0 else None
        assert done.returncode in (0, -9), done.stderr
        disk.lose_unsynced()
        return self._assert_survived(name, disk.root, promised)

    def cut_on_ext4(self, name: str, disk: LoopDisk, chance: Random) -> str:
        """Cut a command's power on a real disk at a random time, and run it again; see `cut_before_sync`."""
        command, uncut = COMMANDS[name], self.uncut(name)
        folder = disk.mounted / "root"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(make_begin(self.work, command.begin), folder, symlinks=True)
        os.sync()
        process = start(folder, filled_in(command.arguments, self.work, self.feed))
        end = chance.uniform(0.2, 1.2) * uncut.seconds
        until = time.monotonic() + end
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        promised = command.promise(folder) if process.poll() == 0 else None
        disk.cut_power(process)
        return self._assert_survived(name, folder, promised)

    def _assert_survived(self, name: str, folder: Folder, promised: object | None) -> str:
        command, uncut = COMMANDS[name], self.uncut(name)
        if promised is not None:
            assert command.promise(folder) == promised
        assert_kept(make_begin(self.work, command.begin), folder)
        assert_nothing_half_published(folder)
        again = run(folder, filled_in(command.arguments, self.work, self.feed))
        is_refused = bool(command.refusal) and command.refusal in again.stderr
        assert again.returncode == 0 or is_refused, again.stderr
        assert_nothing_half_published(folder)
        assert command.result(folder) == uncut.result
        return again.stderr

    def _forgetful_disk(self, name: str, chance: Random) -> ForgetfulDisk:
        root, kept = self.work / "disk", self.work / "kept"
        for folder in (root, kept):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(make_begin(self.work, COMMANDS[name].begin), root, symlinks=True)
        return ForgetfulDisk(self.library, root, kept, chance)
