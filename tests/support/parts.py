"""The programs that some tests drive, where each comes from, and the line about those that are missing."""

import os
import re
import shutil
from collections.abc import Iterable

import pytest

from tests.support.paths import ROOT

SCRIPT = "scripts/install_test_parts.sh"
PACKAGES = {
    "cc": "gcc",
    "chromium": "chromium",
    "epubcheck": "epubcheck",
    "gpo": "gpodder",
    "newsboat": "newsboat",
    "nginx": "nginx-light",
    "podboat": "newsboat",
    "podget": "podget",
    "postgres": "postgresql",
    "tmux": "tmux",
    "wget": "wget",
}
"""Program -> its Debian package; a program without one comes from SCRIPT."""
PATH = f"{ROOT / '.venv-archiver' / 'bin'}{os.pathsep}{os.environ['PATH']}"
PACKAGE = re.compile(r"apt-get install (\S+)")


def missing_part(*programs: str) -> str | None:
    """Return the reason to skip a test that needs these programs, None where all are there."""
    missing = [program for program in programs if shutil.which(program, path=PATH) is None]
    return how_to_get(missing[0]) if missing else None


def how_to_get(program: str) -> str:
    """Return the line about a missing program."""
    package = PACKAGES.get(program)
    return f"{program} is not installed; " + (f"apt-get install {package}" if package else f"run {SCRIPT}")


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs these programs."""
    reason = missing_part(*programs)
    return pytest.mark.skipif(reason is not None, reason=reason or "")


def summary(reasons: Iterable[str]) -> str | None:
    """Return one line about the tests that a part was missing for, None where none was."""
    plain = (reason.removeprefix("Skipped: ") for reason in reasons)
    found = [reason for reason in plain if PACKAGE.search(reason) or SCRIPT in reason]
    if not found:
        return None
    packages = sorted({match[1] for reason in found if (match := PACKAGE.search(reason))})
    others = sorted({reason.split()[0] for reason in found if not PACKAGE.search(reason)})
    command = f" (apt-get install {' '.join(packages)})" if packages else ""
    named = ", ".join([*packages, *others])
    return f"{len(found)} tests were skipped for want of {named}: run {SCRIPT}{command}"
