"""One-episode links over HTTP: the row of the access table, the cookie, and where the link is not seen."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from podcast_pipeline.audience.database.tables import audit_log, network_addresses, sessions
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
from podcast_pipeline.model import Episode
from podcast_pipeline.web.middleware.access_log import redact
from tests.support.leaky_site import FLAGSHIP, make_site
from tests.support.site import NOW, Site, flagship

pytestmark = pytest.mark.usefixtures("each_database")

ANN = "ann@example.org"
PAGE = f"/episodes/{FLAGSHIP}"
SECRET = "because by then I was angry"
TEXT_FILE = f"{PAGE}/transcript.txt"
DAY = timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with an episode in every state."""
    made = make_site(tmp_path / "show")
    yield made
    made.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A browser without a session."""
    with TestClient(site.app(), base_url=site.config.urls.site, follow_redirects=False) as made:
        yield made


def episode(site: Site, slug: str = FLAGSHIP) -> Episode:
    found = site.catalog.by_slug(slug)
    assert found is not None
    return found


def link(site: Site, token: str, slug: str = FLAGSHIP) -> str:
    """Return the path of a subscriber's link to an episode."""
    one = episode(site, slug)
    return f"/r/{EpisodeLinks(site.subscribers).token(token.partition('.')[0], one.id)}/{one.id}"


def count(site: Site, table: object) -> int:
    with site.subscribers.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


def test_it_opens_the_words_at_a_clean_address(site: Site, client: TestClient) -> None:
    """303 to the page, which then has the words; the address has no secret, and no session is stored."""
    opened = client.get(link(site, site.subscribe(ANN)))
    assert (opened.status_code, opened.headers["location"]) == (303, PAGE)
    assert opened.headers["cache-control"] == "no-store"
    assert opened.headers["referrer-policy"] == "no-referrer"
    assert opened.headers["x-robots-tag"] == "noindex"
    assert SECRET in client.get(PAGE).text
    assert client.get(TEXT_FILE).status_code == 200
    assert client.get(f"{PAGE}/transcript.epub").status_code == 200
    assert count(site, sessions) == 0


def test_the_cookie_is_this_episodes(site: Site, client: TestClient) -> None:
    """Its path is the episode's, scripts cannot read it, and it ends after twelve hours."""
    header = client.get(link(site, site.subscribe(ANN))).headers["set-cookie"]
    parts = header.split("; ")
    assert parts[0].startswith("episode=")
    assert {"HttpOnly", "Max-Age=43200", f"Path={PAGE}", "SameSite=lax"} <= set(parts)
    value = parts[0].partition("=")[2]
    for path in ("/episodes/bonus/transcript.txt", "/episodes/bonus/audio.wav"):
        assert client.get(path, headers={"cookie": f"episode={value}"}).status_code == 404
    site.clock.now += timedelta(hours=12)
    assert SECRET not in client.get(PAGE, headers={"cookie": f"episode={value}"}).text


def test_behind_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    """Over HTTPS it is sent over nothing else."""
    site = Site.make(tmp_path / "tls", site_url="https://late.example")
    flagship(site)
    with TestClient(site.app(), base_url="https://late.example", follow_redirects=False) as client:
        header = client.get(link(site, site.subscribe(ANN))).headers["set-cookie"]
    assert header.startswith("__Secure-episode=")
    assert "Secure" in header.split("; ")
    site.close()


def test_it_opens_nothing_else(site: Site, client: TestClient) -> None:
    """No feed, no account, no search of words, no other episode; pages without a cookie stay teasers."""
    path = link(site, site.subscribe(ANN))
    client.get(path)
    token = path.split("/")[2]
    assert client.get(f"/feeds/{token}/feed.xml").status_code == 404
    assert client.get(f"/feeds/{token}/").status_code == 404
    assert client.get(f"/feeds/{token}/transcripts/{episode(site).id}.vtt").status_code == 404
    assert client.get("/account").status_code in (303, 404)
    assert "Read every word" in client.get("/").text
    assert "passage" not in client.get("/search?q=angry").text
    assert client.get("/episodes/bonus/transcript.txt").status_code == 404
    assert client.get("/episodes/bonus/audio.wav").status_code == 404


def test_a_subscriber_only_episode_plays(site: Site, client: TestClient) -> None:
    """Its link opens its audio too."""
    client.get(link(site, site.subscribe(ANN), "bonus"))
    assert client.get("/episodes/bonus/audio.wav").status_code == 200


@pytest.mark.parametrize("standing", ["lapsed", "suspended", "rotated", "removed"])
def test_who_has_not_paid_gets_the_teaser(site: Site, client: TestClient, standing: str) -> None:
    """303 to the page without a cookie; a cookie of better days shows the teaser and why."""
    path = link(site, site.subscribe(ANN))
    client.get(path)
    people = site.subscribers
    if standing == "lapsed":
        people.renew(ANN, NOW - DAY, now=NOW, origin="cli")
    elif standing == "suspended":
        people.suspend(ANN, None, now=NOW, origin="cli")
    elif standing == "rotated":
        people.rotate(ANN, now=NOW, origin="cli")
    else:
        people.remove(ANN, now=NOW, origin="cli")
    assert SECRET not in client.get(PAGE).text
    assert client.get(TEXT_FILE).status_code == 403
    assert "subscription has ended" in client.get(PAGE).text or standing != "lapsed"
    client.cookies.clear()
    opened = client.get(path)
    assert (opened.status_code, opened.headers["location"]) == (303, PAGE)
    assert "set-cookie" not in opened.headers
    site.clock.now += 40 * DAY
    assert client.get(path).status_code == 303


def test_a_made_up_link_is_404_and_counted(site: Site, client: TestClient) -> None:
    """A wrong mac, another episode's, an unknown episode: 404 as a page, and after many 429."""
    good = link(site, site.subscribe(ANN))
    token, main = good.split("/")[2], episode(site)
    wrong = (
        f"/r/{token[:-1]}{'a2'[token[-1] == 'a']}/{main.id}",
        f"/r/{token}/{episode(site, 'bonus').id}",
        f"/r/{token}/{uuid4()}",
        f"/r/{'a' * 16}.{'b' * 32}/{main.id}",
    )
    for path in wrong:
        answer = client.get(path)
        assert (answer.status_code, token in answer.text) == (404, False)
        assert answer.headers["content-type"].startswith("text/html")
    assert client.get(good[:-9]).status_code == 404  # cut by a mail program
    assert {client.get(wrong[0]).status_code for _ in range(80)} == {404, 429}
    assert client.get(good).status_code == 303  # a good link is never slowed down


def test_states_of_an_episode(site: Site, client: TestClient) -> None:
    """Scheduled: as if there were none. Taken down: 410, and 404 for a made-up link."""
    token = site.subscribe(ANN)
    assert client.get(link(site, token, "tomorrow")).status_code == 404
    assert client.get(link(site, token, "withdrawn")).status_code == 410
    assert client.get(f"/r/{'a' * 16}.{'b' * 32}/{episode(site, 'withdrawn').id}").status_code == 404


def test_it_counts_as_the_links_use(site: Site, client: TestClient) -> None:
    """A GET is one use of this subscriber's link; a HEAD of a link preview and a canary's are none."""
    path = link(site, site.subscribe(ANN))
    client.head(path)
    assert count(site, network_addresses) == 0
    client.get(path)
    assert count(site, network_addresses) == 1
    canary = ensure_canaries(site.subscribers, now=NOW)["active"][1]
    assert client.get(link(site, canary)).status_code == 303
    assert count(site, network_addresses) == 1


def test_a_reader_of_two_devices_shares_no_link(site: Site) -> None:
    """Opened all day on a phone and a laptop it is not noted; opened in four browsers it is, once."""
    opened = link(site, site.subscribe(ANN))

    def open_in(browser: str, times: int) -> None:
        there = TestClient(site.app(), base_url=site.config.urls.site, follow_redirects=False)
        for _ in range(times):
            assert there.get(opened, headers={"User-Agent": browser}).status_code == 303

    open_in("Phone/1", 4)
    open_in("Laptop/1", 4)
    assert (overused(site), count(site, network_addresses)) == ([], 2)
    open_in("Tablet/1", 1)
    assert overused(site) == []
    open_in("Another/1", 2)
    assert [(noted["locations"], noted["apps"]) for noted in overused(site)] == [(1, 4)]


def overused(site: Site) -> list[dict[str, object]]:
    """Return the recorded incidents of overuse."""
    with site.subscribers.engine.connect() as connection:
        query = select(audit_log.c.details).where(audit_log.c.action == "overused")
        return [dict(details) for details in connection.scalars(query)]


def test_a_session_that_reads_comes_first(site: Site, client: TestClient) -> None:
    """A subscriber with a session opens a friend's closed link and goes on reading."""
    client.get(f"/feeds/{site.subscribe(ANN)}/")
    bob = link(site, site.subscribe("bob@example.org"))
    client.get(bob)
    site.subscribers.suspend("bob@example.org", None, now=NOW, origin="cli")
    assert SECRET in client.get(PAGE).text


def test_a_lapsed_reader_reads_by_a_friends_link(site: Site, client: TestClient) -> None:
    """A session without access does not stop a link that has it."""
    client.get(f"/feeds/{site.subscribe(ANN, paid_until=NOW - DAY)}/")
    assert SECRET not in client.get(PAGE).text
    client.get(link(site, site.subscribe("bob@example.org")))
    assert SECRET in client.get(PAGE).text


def test_no_crawler_and_no_log_gets_it(site: Site, client: TestClient) -> None:
    """robots.txt closes the path, the log has stars for the token, and the page does not repeat it."""
    path = link(site, site.subscribe(ANN))
    assert "Disallow: /r/\n" in client.get("/robots.txt").text
    assert redact(path) == f"/r/***/{episode(site).id}"
    assert redact("/r/Short/x") == "/r/***/x"
    client.get(path)
    assert "/r/" not in client.get(PAGE).text


def test_it_is_the_first_line_of_every_items_notes(site: Site, client: TestClient) -> None:
    """In content:encoded and description of the private feed, and nowhere else; it opens the words."""
    token = site.subscribe(ANN)
    feed = client.get(f"/feeds/{token}/feed.xml").text
    for slug in (FLAGSHIP, "bonus"):
        path = link(site, token, slug)
        address = f"{site.config.urls.site}{path}"
        assert f'<![CDATA[<p><a href="{address}">Read the transcript</a> (your own link)</p>' in feed
        assert f"<description>Read the transcript (your own link): {address}" in feed
        assert client.get(path).status_code == 303
    assert len(re.findall("/r/", feed)) == 4
    assert "/r/" not in client.get("/public/feed.xml").text


@pytest.mark.parametrize("standing", ["lapsed", "suspended", "rotated", "removed"])
def test_no_closed_feed_has_it(site: Site, client: TestClient, standing: str) -> None:
    """The feed with a notice has no link to words."""
    token = ensure_canaries(site.subscribers, now=NOW)[standing][1]  # type: ignore[index]
    feed = client.get(f"/feeds/{token}/feed.xml")
    assert feed.status_code == 200
    assert "/r/" not in feed.text


def test_a_304_makes_no_link(site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that has the feed already costs no MAC per item."""
    url = f"/feeds/{site.subscribe(ANN)}/feed.xml"
    first = client.get(url)
    made: list[object] = []
    monkeypatch.setattr(EpisodeLinks, "token", lambda *asked: made.append(asked))
    again = client.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, made) == (304, [])


def test_the_account_page_says_how_far_a_link_reaches(site: Site, client: TestClient) -> None:
    """The page to add the feed says that a forwarded link opens one episode, and what each app shows."""
    page = client.get(f"/feeds/{site.subscribe(ANN)}/add").text
    assert "it opens that one episode, until you replace your private link" in page
    words, rest = page.split("These show a link to the words")
    assert "AntennaPod" in words
    assert "Overcast" in rest
