"""CHANGELOG.md: a version for each release, the newest first, and short lines."""

import re

from podcast_pipeline import __version__
from tests.support.paths import ROOT

LINES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
VERSIONS = [line.removeprefix("## ") for line in LINES if line.startswith("## ")]
GROUPS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
"""Those of Keep a Changelog."""
LONGEST = 110


def test_unreleased_stands_first_then_the_version_of_the_package() -> None:
    """`podcast --version` is the newest version that has a date."""
    assert VERSIONS[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d", VERSIONS[1])
    assert len(set(VERSIONS)) == len(VERSIONS)


def test_a_group_stands_once_in_a_version() -> None:
    """The groups are those of Keep a Changelog."""
    versions = ("\n" + "\n".join(LINES)).split("\n## ")[1:]
    for version in versions:
        groups = re.findall(r"^### (.*)", version, flags=re.MULTILINE)
        assert set(groups) <= GROUPS
        assert len(set(groups)) == len(groups)


def test_an_entry_is_one_short_line() -> None:
    """No entry is wrapped, and none stands twice."""
    *_, entries = "\n".join(LINES).partition("\n## ")
    lines = entries.splitlines()[1:]
    assert [line for line in lines if len(line) > LONGEST] == []
    assert [line for line in lines if line.startswith(" ")] == []
    written = [line for line in lines if line.startswith("- ")]
    assert len(set(written)) == len(written)
