"""Corrections on the pages: to whom the words are shown, and to whom only that there was one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.site import NOW, Site, transcript_of

PAGE = "/episodes/corrected"
OLD = "Ann: The first line stays. The elementary canal was removed. Bo: No."
NEW = "Ann: The first line stays. The alimentary canal was removed. Bo: No."
FURTHER = "Ann: The first line stays. The alimentary canal was opened. Bo: No."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with an episode whose transcript was corrected twice, after its teaser."""
    site = Site.make(tmp_path)
    texts = (OLD, NEW, FURTHER)
    versions = [transcript_of(text, duration_s=20, version=n) for n, text in enumerate(texts, 1)]
    site.publish("corrected", *versions, teaser="The first line")
    yield site
    site.close()


@pytest.fixture
def stranger(site: Site) -> Iterator[TestClient]:
    """A browser without a subscription."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def reader(site: Site, stranger: TestClient) -> TestClient:
    """A browser of a subscriber."""
    stranger.get(f"/feeds/{site.subscribe('ann@example.org')}/")
    return stranger


def withdraw(site: Site, number: int) -> None:
    """Mark a version as withdrawn, as `podcast withdraw` does."""
    episode = site.catalog.by_slug("corrected")
    assert episode is not None
    versions = [
        v.model_copy(update={"withdrawn_at": NOW}) if v.version == number else v for v in episode.transcripts
    ]
    changed = episode.model_copy(update={"transcripts": tuple(versions)})
    site.catalog = site.catalog.with_episode(changed)
    site.write_catalog()


def rows(html: str) -> list[tuple[str, ...]]:
    """Return the (before, after) of the rows of a comparison."""
    return re.findall(r"<del>(.*?)</del>.*?<ins>(.*?)</ins>", html, re.DOTALL)


def test_both_versions_side_by_side(reader: TestClient) -> None:
    """A line under the title leads to the place, to both versions, and the place has a mark."""
    page = reader.get(PAGE).text
    line = re.search(r'<p class="band">(.*?)</p>', page, re.DOTALL)
    assert line is not None
    assert "Corrected on 9 March 2026: <bdi>The transcript was corrected.</bdi>" in line[1]
    (place,) = re.findall(r'<a href="#(t=[\d.]+)">At 0:0\d</a>', line[1])
    assert f'id="{place}"' in page
    (mark,) = re.findall(r'<a class="fixed" href="([^"]+)">corrected</a>', page)
    assert mark.endswith(f"#{place}")
    for address in (f"{PAGE}/changes", mark):
        compared = reader.get(address).text
        assert rows(compared) == [("removed.", "opened.")]
        assert f'id="{place}"' in compared


def test_an_older_correction_is_compared_too(reader: TestClient) -> None:
    """The page of version 2 has its own mark, which leads to what it corrected."""
    page = reader.get(PAGE).text
    (second,) = re.findall(rf'<a href="({PAGE}\?v=\w+)">Version 2</a>', page)
    older = reader.get(second).text
    assert '<p class="band">You are reading version 2' in older
    (mark,) = re.findall(r'<a class="fixed" href="([^"]+)">corrected</a>', older)
    assert rows(reader.get(mark).text) == [("elementary", "alimentary")]


def test_a_stranger_learns_that_and_where(stranger: TestClient) -> None:
    """Note, date and time are public; no word of either version is, and the comparison leads to the page."""
    page = stranger.get(PAGE).text
    assert "Corrected on 9 March 2026: <bdi>The transcript was corrected.</bdi>" in page
    assert re.search(r"At 0:0\d\.", page)
    answer = stranger.get(f"{PAGE}/changes", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    for text in (page, answer.text, stranger.get(f"{PAGE}/changes").text):
        assert not re.search("alimentary|elementary|opened|removed", text)


def test_a_withdrawn_version_is_compared_with_nothing(site: Site, reader: TestClient) -> None:
    """The version after a withdrawn one has no comparison and no marks."""
    assert rows(reader.get(f"{PAGE}/changes").text)
    withdraw(site, 2)
    assert reader.get(f"{PAGE}/changes").status_code == 404
    page = reader.get(PAGE).text
    assert 'class="fixed"' not in page
    assert "Corrected on 9 March 2026" in page
    assert "alimentary canal was opened" in page


def test_the_comparison_of_a_withdrawn_version(site: Site, reader: TestClient) -> None:
    """Asked for by its hash, a withdrawn version is answered as its page is."""
    page = reader.get(PAGE).text
    (second,) = re.findall(rf'<a href="{PAGE}(\?v=\w+)">Version 2</a>', page)
    withdraw(site, 2)
    answers = [reader.get(PAGE + path + second) for path in ("", "/changes")]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert "elementary" not in answers[1].text
