"""The programs and libraries that some tests need, where each comes from, and the line about missing ones."""

import os
import re
import shutil
from collections.abc import Iterable
from importlib.util import find_spec

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
ENVIRONMENTS = (".venv-archiver", ".venv-localstripe")
"""Environments of their own, in which SCRIPT installs programs from PyPI."""
PATH = os.pathsep.join([*(str(ROOT / name / "bin") for name in ENVIRONMENTS), os.environ["PATH"]])
PACKAGE = re.compile(r"apt-get install (\S+)")
PIP = re.compile(r"pip install .+")
EXTRAS = {"mkdocs": "docs"}
"""Library -> the extra of this package that brings it."""


def missing_part(*programs: str) -> str | None:
    """Return the reason to skip a test that needs these programs, None where all are there."""
    missing = [program for program in programs if shutil.which(program, path=PATH) is None]
    return how_to_get(missing[0]) if missing else None


def how_to_get(program: str) -> str:
    """Return the line about a missing program."""
    package = PACKAGES.get(program)
    return f"{program} is not installed; " + (f"apt-get install {package}" if package else f"run {SCRIPT}")


def missing_library(name: str) -> str | None:
    """Return the reason to skip a test that needs a library, None where it is there."""
    return None if find_spec(name) else f"{name} is not installed; pip install -e '.[{EXTRAS[name]}]'"


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs these programs."""
    reason = missing_part(*programs)
    return pytest.mark.skipif(reason is not None, reason=reason or "")


def summary(reasons: Iterable[str]) -> str | None:
    """Return one line about the tests that a part was missing for, None where none was."""
    plain = (reason.removeprefix("Skipped: ") for reason in reasons)
    found = [reason for reason in plain if PACKAGE.search(reason) or SCRIPT in reason or PIP.search(reason)]
    if not found:
        return None
    extras = sorted({match[0] for reason in found if (match := PIP.search(reason))})
    packages = sorted({match[1] for reason in found if (match := PACKAGE.search(reason))})
    others = sorted({reason.split()[0] for reason in found if not PACKAGE.search(reason)})
    debian = f" (apt-get install {' '.join(packages)})" if packages else ""
    script = [f"run {SCRIPT}{debian}"] if len(extras) < len(packages) + len(others) else []
    named = ", ".join([*packages, *others])
    return f"{len(found)} tests were skipped for want of {named}: {'; '.join([*script, *extras])}"
