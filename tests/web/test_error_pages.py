"""Errors for people are pages with what to do, for apps one line; neither repeats a secret."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
from podcast_pipeline.errors import StoreError
from podcast_pipeline.storage.local import LocalStore
from tests.support.site import NOW, Site, flagship

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
APP = {"accept": "*/*"}
SLUG = "the-water-was-always-coming"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with one episode."""
    made = Site.make(tmp_path)
    flagship(made)
    yield made
    made.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A browser or an app, by its Accept."""
    made = TestClient(site.app(), base_url=site.config.urls.site, raise_server_exceptions=False)
    with made as client:
        yield client


def is_page(text: str) -> bool:
    return '<nav aria-label="Site">' in text


def test_a_lapsed_reader_can_click_on_renew(site: Site, client: TestClient) -> None:
    """The mailed page that adds a feed, and a saved download: a button to renew, without the token."""
    token = site.subscribe("ann@example.org", paid_until=NOW - timedelta(days=1))
    episode = site.catalog.by_slug(SLUG)
    assert episode
    for path in ("add", f"transcripts/{episode.id}.vtt"):
        answer = client.get(f"/feeds/{token}/{path}", headers=BROWSER)
        assert (answer.status_code, is_page(answer.text)) == (403, True)
        assert "<h1>Your subscription has ended</h1>" in answer.text
        assert '<a class="button" href="https://harrowstreet.example/subscribe">Renew</a>' in answer.text
        assert token not in answer.text
        line = client.get(f"/feeds/{token}/{path}", headers=APP)
        assert (line.status_code, len(line.text.splitlines())) == (403, 1)


def test_a_link_that_a_mail_program_has_cut(site: Site, client: TestClient) -> None:
    """A private link and a one-episode link without their ends: what may have happened, and no secret."""
    token = site.subscribe("ann@example.org")
    episode = site.catalog.by_slug(SLUG)
    assert episode
    one = EpisodeLinks(site.subscribers).token(token.partition(".")[0], episode.id)
    for path in (
        f"/feeds/{token[:-5]}/",
        f"/feeds/{token[:-5]}",
        f"/r/{one}/{str(episode.id)[:-4]}",
        f"/r/{one}",
    ):
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, is_page(answer.text)) == (404, True), path
        assert "This link does not work" in answer.text
        assert token[:20] not in answer.text
        assert one[:20] not in answer.text
    assert client.get(f"/feeds/{token[:-5]}/feed.xml", headers=APP).text == "not found\n"


def test_a_file_when_the_time_of_a_link_is_over(site: Site, client: TestClient) -> None:
    """After twelve hours the page is the teaser, and a file says what to do, the same as for any name."""
    token = site.subscribe("ann@example.org")
    episode = site.catalog.by_slug(SLUG)
    assert episode
    one = EpisodeLinks(site.subscribers).token(token.partition(".")[0], episode.id)
    path = f"/episodes/{SLUG}/transcript.vtt"
    client.get(f"/r/{one}/{episode.id}", headers=BROWSER)
    assert client.get(path, headers=BROWSER).status_code == 200
    site.clock.now += timedelta(hours=12)
    page = client.get(f"/episodes/{SLUG}", headers=BROWSER)
    assert "or the link to the words in your podcast app" in page.text
    answers = [client.get(p, headers=BROWSER) for p in (path, f"/episodes/{SLUG}/transcript.txt")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert "A link to one episode opens them for twelve hours" in answers[0].text
    assert answers[0].text == answers[1].text
    assert client.get(path, headers=APP).text == "not found\n"


def test_too_many_tries(client: TestClient) -> None:
    """429 keeps Retry-After and says how long to wait."""
    answers = [client.get("/feeds/nobody/", headers=BROWSER) for _ in range(61)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "<h1>Too many tries</h1>" in answers[-1].text
    assert client.get("/feeds/nobody/", headers=APP).text == "too many tries; wait a little\n"


def test_a_store_that_is_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 for a person and for an app, with Retry-After for both."""

    def away(_: LocalStore, key: str) -> None:
        raise StoreError(key, "the network is gone")

    monkeypatch.setattr(LocalStore, "get", away)
    for headers in (BROWSER, APP):
        answer = client.get("/", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert is_page(answer.text) == (headers is BROWSER)


def test_a_fault_of_ours(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 is a page with the headers of every answer; an app gets a line."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LocalStore, "get", broken)
    for headers in (BROWSER, APP):
        answer = client.get("/", headers=headers)
        assert (answer.status_code, is_page(answer.text)) == (500, headers is BROWSER)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_feed_for_people(site: Site, client: TestClient) -> None:
    """“Feed” in the masthead leads to buttons for apps; without an episode it says when there will be one."""
    assert '<a href="/listen">Feed</a>' in client.get("/").text
    page = client.get("/listen").text
    assert "podcast://127.0.0.1:8080/public/feed.xml" in page
    assert "overcast://" in page
    assert f'id="feed-url">{site.catalog.show.feed_url}<' in page
    site.catalog = site.catalog.model_copy(update={"episodes": ()})
    site.write_catalog()
    assert "The feed begins with the first one." in client.get("/listen").text
