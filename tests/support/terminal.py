"""A command on a real terminal (a pty), with answers that somebody types."""

import os
import pty
import select
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from tests.support.show import PODCAST, ShowFolder

PATIENCE_S = 120


@dataclass(frozen=True)
class TerminalRun:
    """The exit code, and all that the terminal showed."""

    returncode: int
    text: str


def run_on_terminal(show: ShowFolder, *arguments: str, answer: str, **environment: str) -> TerminalRun:
    """Run `podcast` in a show's folder on a terminal; `answer` is typed at the first question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PODCAST, *arguments],
        cwd=show.folder,
        env={**show.environment, "TERM": "dumb", "COLUMNS": "1000", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, until, is_asked = b"", time.monotonic() + PATIENCE_S, False
    with suppress(OSError):  # EIO: the command has ended
        while time.monotonic() < until:
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 65536)
            if not is_asked and (b"[y/N]" in shown or b"[Y/n]" in shown):
                os.write(ours, f"{answer}\n".encode())
                is_asked = True
    os.close(ours)
    process.kill()
    return TerminalRun(process.wait(), shown.decode())
