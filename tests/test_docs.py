"""The documentation: paths and links that lead somewhere, and a site that needs no other host."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from tests.support.parts import missing_library
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


def test_every_page_is_in_the_navigation_and_on_the_first_page() -> None:
    """Once in `nav` of mkdocs.yml, and linked from docs/index.md, which the repository shows."""
    pages = sorted(str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md"))
    navigation = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(navigation) == pages
    linked = set(LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8")))
    assert [page for page in pages if page not in linked | {"index.md"}] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    if reason := missing_library("mkdocs"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_is_built_without_a_warning(site: Path) -> None:
    """Links and anchors between the pages lead somewhere, and every page is in the navigation."""
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert [page for page in sorted(pages) if not (site / page).is_file()] == []


def parsed(page: Path) -> Any:
    """Return a page of the site as lxml's tree."""
    return html.fromstring(page.read_bytes())


def test_the_site_asks_no_other_host(site: Path) -> None:
    """No page loads a script, a style, a font or a picture from elsewhere."""
    loaded = {
        str(address)
        for page in site.rglob("*.html")
        for address in parsed(page).xpath("//@src | //link[not(@rel='canonical')]/@href")
    }
    styles = [path for path in site.rglob("*.css") if re.search(r"url\(.?(https?:)?//", path.read_text())]
    assert [address for address in sorted(loaded) if "//" in address] == []
    assert styles == []


def test_the_python_api_shows_signatures(site: Path) -> None:
    """The reference has what the docstrings say, with the types of the signatures."""
    text = " ".join(parsed(site / "reference" / "api.html").text_content().split())
    assert "publish_at: datetime | None = None" in text
    assert "the review policy blocks publication" in text
