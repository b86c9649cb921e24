"""The parts that some tests need: where each comes from, and the line at the end of a run."""

import re

import pytest

from tests.support.parts import EXTRAS, PACKAGES, SCRIPT, how_to_get, missing_library, missing_part, summary
from tests.support.paths import ROOT


def test_every_package_is_installed_by_the_script() -> None:
    """In the list that apt-get gets."""
    text = (ROOT / SCRIPT).read_text(encoding="utf-8")
    listed = re.search(r"for package in (.*); do", text)
    assert listed
    assert set(PACKAGES.values()) == set(listed[1].split())


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one of several."""
    monkeypatch.setattr("tests.support.parts.PATH", "/nowhere")
    assert missing_part("podboat", "tmux") == "podboat is not installed; apt-get install newsboat"
    assert missing_part("podcast-archiver") == f"podcast-archiver is not installed; run {SCRIPT}"
    assert missing_part() is None


def test_a_run_ends_with_one_line_about_missing_parts() -> None:
    """Tests that were skipped for another reason are not counted."""
    missing = ("nginx", "podboat", "podboat", "podcast-partytime")
    reasons = ["Skipped: no folder of feeds", *(f"Skipped: {how_to_get(name)}" for name in missing)]
    assert summary(reasons) == (
        "4 tests were skipped for want of newsboat, nginx-light, podcast-partytime: "
        f"run {SCRIPT} (apt-get install newsboat nginx-light)"
    )
    assert summary(reasons[:1]) is None


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no program, so no script of Debian's packages brings it."""
    monkeypatch.setitem(EXTRAS, "no_such_library", "docs")
    reason = missing_library("no_such_library")
    assert reason == "no_such_library is not installed; pip install -e '.[docs]'"
    assert summary([reason]) == ("1 tests were skipped for want of no_such_library: pip install -e '.[docs]'")
    both = summary([reason, how_to_get("nginx")])
    assert both is not None
    assert both.endswith(f"run {SCRIPT} (apt-get install nginx-light); pip install -e '.[docs]'")
