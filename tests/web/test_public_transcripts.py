"""A transcript that is public by choice, over HTTP: everybody reads it, and no other one."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.feeds import transcript_urls
from tests.support.outbox import Outbox
from tests.support.site import NOW, Site, transcript_of

pytestmark = pytest.mark.usefixtures("each_database")

WORDS = "Ann: The weir was opened at dawn and nobody in the lower town was told of it before noon."
OTHER = "Ann: Only those who pay may read how the seventh gauge was drowned on purpose in the spring flood."
STANDINGS = ("anonymous", "active", "lapsed", "rotated")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with a public transcript and one for subscribers."""
    made = Site.make(tmp_path)
    made.publish("open", transcript_of(WORDS, duration_s=9), teaser="", transcript_is_public=True)
    made.publish("closed", transcript_of(OTHER, duration_s=9), teaser="", days_ago=2)
    yield made
    made.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A browser; the index is filled."""
    app = site.app()
    if thread := app.state.catch_up():
        thread.join()
    with TestClient(app, base_url=site.config.urls.site, follow_redirects=False) as made:
        yield made


def come_as(standing: str, site: Site, client: TestClient) -> str | None:
    """Open the private link of a subscriber of a standing; return the token."""
    if standing == "anonymous":
        return None
    ended = NOW - timedelta(days=1) if standing == "lapsed" else None
    token = site.subscribe("ann@example.org", paid_until=ended)
    client.get(f"/feeds/{token}/")
    if standing == "rotated":
        site.subscribers.rotate("ann@example.org", now=NOW, origin="cli")
    return token


@pytest.mark.parametrize("standing", STANDINGS)
def test_everybody_reads_it(site: Site, client: TestClient, standing: str) -> None:
    """Page, files and EPUB are open to each visitor; the other episode's are as before."""
    come_as(standing, site, client)
    page = client.get("/episodes/open").text
    assert "The weir was opened at dawn" in page
    assert "Subscribers get the whole transcript" not in page
    for ending in ("vtt", "srt", "txt", "json", "html", "docx", "epub"):
        assert client.get(f"/episodes/open/transcript.{ending}").status_code == 200
    closed = {"active": 200, "anonymous": 404}.get(standing, 403)
    assert client.get("/episodes/closed/transcript.txt").status_code == closed
    assert ("drowned on purpose" in client.get("/episodes/closed").text) == (standing == "active")


@pytest.mark.parametrize("standing", STANDINGS)
def test_everybody_finds_it(site: Site, client: TestClient, standing: str) -> None:
    """Search has its words for all, and those of the other episode for subscribers alone."""
    come_as(standing, site, client)
    assert "/episodes/open?find=" in client.get("/search?q=weir+dawn").text
    assert ("/episodes/closed?find=" in client.get("/search?q=drowned").text) == (standing == "active")


def test_the_public_feed_names_its_files(site: Site, client: TestClient) -> None:
    """Three files below /public/transcripts/, which anybody gets; of the other episode none."""
    urls = transcript_urls(client.get("/public/feed.xml").text)
    names = [url.rpartition("/")[2] for url in urls]
    assert [name.partition(".")[0] for name in names] == ["open"] * 3
    assert [name.rpartition(".")[2] for name in names] == ["vtt", "srt", "json"]
    answers = [client.get(url) for url in urls]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=300"}
    assert "weir" in answers[0].text


@pytest.mark.parametrize("standing", ["active", "lapsed", "rotated"])
def test_private_feeds_have_it_too(site: Site, client: TestClient, standing: str) -> None:
    """Paid or not, its files are listed at the public address, and its notes link to the public page."""
    token = come_as(standing, site, client)
    feed = client.get(f"/feeds/{token}/feed.xml").text
    open_urls = [url for url in transcript_urls(feed) if "/public/transcripts/open." in url]
    assert (len(open_urls), len(transcript_urls(feed))) == (3, 6 if standing == "active" else 3)
    first = f'<p><a href="{site.catalog.show.episode_url("open")}">Read the transcript</a></p>'
    assert (first in feed) == (standing == "active")
    assert len(re.findall("/r/", feed)) == (2 if standing == "active" else 0)


def test_search_engines_are_told(client: TestClient) -> None:
    """Structured data says which transcript is free."""

    def is_free(slug: str) -> bool:
        page = client.get(f"/episodes/{slug}").text
        (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        return bool(json.loads(found)["hasPart"]["isAccessibleForFree"])

    assert (is_free("open"), is_free("closed")) == (True, False)


def test_a_page_with_words_has_nothing_of_its_address(site: Site) -> None:
    """A page that is compressed small and kept is the same for each address, but for the version."""
    with TestClient(site.app(Outbox()), base_url=site.config.urls.site) as client:
        plain = client.get("/episodes/open").text
        (version,) = re.findall(r'data-version-url="[^"]*\?(v=\w+)"', plain)
        of_version = client.get(f"/episodes/open?{version}").text
        assert ("/signin?next=" in plain, version in of_version) == (True, True)
        for more in ("find=drowned", "find=a&find=b", "utm_source=x"):
            assert client.get(f"/episodes/open?{more}").text == plain
        for more in (f"{version}&t=1.5", f"v=0&{version}&t=1.5,9", f"{version}&find=a"):
            assert client.get(f"/episodes/open?{more}").text == of_version


def test_an_offer_keeps_what_was_to_be_found(site: Site) -> None:
    """Sign-in leads from the page without the words to the hit that its address names."""
    with TestClient(site.app(Outbox()), base_url=site.config.urls.site) as client:
        assert "closed%3Ffind%3Ddrowned" in client.get("/episodes/closed?find=drowned").text
