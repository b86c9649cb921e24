"""The documentation: paths and links that lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FOLDERS = ("docs", "podcast_pipeline", "scripts", "tests")
READ = {".html", ".md", ".py", ".sh", ".toml", ".yml"}
PATH = re.compile(r"(?<![\w/.-])docs/[\w/.-]+\.\w+")
LINK = re.compile(r"\]\(([^)\s#]+)")


def texts() -> Iterator[tuple[Path, str]]:
    """Yield path and text of what we write, but for the changelog, which names pages as they were."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in [*files, *ROOT.iterdir()]:
        if path.is_file() and (path.suffix in READ or path.name == "Makefile") and path.stem != "CHANGELOG":
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_a_path_of_the_docs_leads_to_a_file() -> None:
    """Code, error messages and pages name `docs/…` as it is; a page that moves takes them along."""
    named = {(str(path), found) for path, text in texts() for found in PATH.findall(text)}
    assert [(path, found) for path, found in sorted(named) if not (ROOT / found).exists()] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_pages_beside_the_docs_lead_to_files(page: Path) -> None:
    """README and its like are read where the repository is shown, and mkdocs does not check them."""
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
