"""The table of extras says what pyproject.toml declares."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from podcast_pipeline.extras import EXTRAS, has_extra, install_extra
from tests.support.paths import ROOT

DECLARED: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["optional-dependencies"]
FOR_ENGINEERS = {"all", "dev", "docs"}


def brought(extra: str) -> set[str]:
    """Return the names of the distributions that an extra declares, of the extras within it too."""
    found = set()
    for requirement in DECLARED[extra]:
        own = re.fullmatch(r"podcast-pipeline\[(.*)\]", requirement)
        names = re.match(r"[\w.-]+", requirement)
        found |= set().union(*map(brought, own[1].split(","))) if own else {names[0] if names else ""}
    return found


def test_every_extra_of_a_producer_is_in_the_table() -> None:
    """In `podcast doctor` too; `all` has each of them."""
    assert set(EXTRAS) == set(DECLARED) - FOR_ENGINEERS
    assert brought("all") == set().union(*map(brought, EXTRAS))


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_brings_the_packages_that_show_it(name: str) -> None:
    """Each package of the table is one that pip installs with the extra."""
    if not has_extra(name):
        pytest.skip(f"the {name} extra is not installed")
    distributions = packages_distributions()
    for package in EXTRAS[name].packages:
        assert {d.replace("_", "-").lower() for d in distributions[package]} & brought(name), package


def test_an_extra_is_there_when_all_of_its_packages_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is half there is not."""
    monkeypatch.setattr("podcast_pipeline.extras.find_spec", {"numba": None}.get)
    assert not has_extra("transcribe")
    monkeypatch.setattr("podcast_pipeline.extras.find_spec", lambda _: object())
    assert has_extra("transcribe")


def test_the_command_fits_what_made_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pip in an environment of one's own; pipx and uv have their commands for theirs."""
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert install_extra("weights") == "run `pip install 'podcast-pipeline[weights]'`"
    (tmp_path / "uv-receipt.toml").touch()
    added = f"uv pip install --python {tmp_path} 'podcast-pipeline[weights]'"
    assert install_extra("weights") == f"run `{added}`"
    (tmp_path / "pipx_metadata.json").touch()
    added = "pipx runpip podcast-pipeline install 'podcast-pipeline[weights]'"
    assert install_extra("weights") == f"run `{added}`"
