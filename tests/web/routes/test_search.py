"""The search page: every word for subscribers, titles, notes and guests for everybody, without JavaScript."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from podcast_pipeline.model import Person
from podcast_pipeline.search import SearchIndex
from tests.support.site import NOW, SHOW_ID, Site, flagship, transcript_of

pytestmark = pytest.mark.usefixtures("each_database")

EVIL = "<img src=x onerror=alert(1)>"
SECRET = "spreadsheet"
"""A phrase in the flagship's transcript, after the teaser."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with a public episode, one for subscribers, one scheduled, one taken down; all indexed."""
    site = Site.make(tmp_path)
    flagship(site)
    words = transcript_of(f"Ann: The zeppelin {EVIL} rose. A spreadsheet rose as well.", duration_s=20)
    site.publish("inside", words, days_ago=2, access="subscribers", title="Inside the hangar", teaser="")
    site.publish("soon", words, state="scheduled", published_at=None, title="Soon zeppelin")
    site.publish("gone", words, state="unpublished", title="Gone zeppelin")
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    yield site
    site.close()


@pytest.fixture
def app(site: Site) -> Iterator[Starlette]:
    """The app; the sync of its index is joined at the end of the test."""
    app = site.app()
    yield app
    app.state.catch_up().join()


@pytest.fixture
def anonymous(app: Starlette) -> Iterator[TestClient]:
    """A browser without a session."""
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def subscriber(app: Starlette, site: Site) -> Iterator[TestClient]:
    """A browser with a private link, paid for another day."""
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        token = site.subscribe("ann@example.com", paid_until=NOW + timedelta(days=1))
        client.get(f"/feeds/{token}/")
        yield client


def _ask(client: TestClient, query: str, **more: str) -> str:
    answer = client.get("/search", params={"q": query, **more})
    assert answer.status_code == 200
    return answer.text


def _without_query(page: str, query: str) -> str:
    return page.replace(query, "")


def test_a_subscriber_finds_words_and_lands_on_them(subscriber: TestClient) -> None:
    """A hit names the time, and its link leads to an element of the episode's page with these words."""
    page = _ask(subscriber, SECRET)
    href = re.search(r'href="(/episodes/the-water[^"#]*)#([^"]+)"', page)
    assert href is not None
    assert href[1].endswith(f"?find={SECRET}")
    assert f"<mark>{SECRET}</mark>" in page
    episode = subscriber.get(href[1]).text
    sentence = re.search(f'id="{re.escape(href[2])}"[^>]*>([^<]*)<', episode)
    assert sentence is not None
    assert SECRET in sentence[1]


@pytest.mark.parametrize(
    "query", [SECRET, f'"{SECRET}"', "spread*", f"{SECRET} speaker:ines", "zeppelin rose"]
)
def test_words_of_transcripts_leave_no_trace_for_others(anonymous: TestClient, query: str) -> None:
    """Without a subscription a word of a transcript gives the same page as an unknown word."""
    nothing = "q" * len(query)
    if "speaker:" in query:
        nothing = "q" * len(SECRET) + " speaker:ines"
    assert _without_query(_ask(anonymous, query).replace(query.replace('"', "&#34;"), ""), query) == (
        _without_query(_ask(anonymous, nothing), nothing)
    )


@pytest.mark.parametrize("query", ["alder", "marchetti", "guest:ines", "water coming", "gauge"])
def test_titles_notes_and_guests_are_for_everybody(anonymous: TestClient, query: str) -> None:
    """An anonymous visitor finds an episode by what everybody may read; no passage is counted or shown."""
    page = _ask(anonymous, query)
    assert '<ol class="results">' in page
    assert "the-water-was-always-coming" in page
    assert "passage" not in page
    assert "#t=" not in page


def test_a_stranger_finds_the_teaser_and_is_told_what_was_not_searched(
    anonymous: TestClient, subscriber: TestClient, site: Site
) -> None:
    """A word of the teaser is found; the line names what was searched, and how to search the rest."""
    told = (
        "Searched: titles, guests, topics, notes and opening words. The transcripts are searched for "
        f'subscribers: <a href="{site.config.renew_url}">subscribe</a>.'
    )
    page = _ask(anonymous, "families")
    assert "<mark>families</mark>" in page
    assert "the-water-was-always-coming" in page
    assert "#t=" not in page
    assert told in page
    assert told in _ask(anonymous, SECRET)
    assert "Searched:" not in _ask(subscriber, SECRET)
    assert "Searched:" not in _ask(anonymous, "")
    site.clock.now += timedelta(days=2)
    assert told.replace(">subscribe<", ">renew<") in _ask(subscriber, SECRET)


def test_another_query_is_suggested(anonymous: TestClient, subscriber: TestClient) -> None:
    """A link to it; for a stranger never a word of a transcript."""
    assert '<a href="/search?q=spreadsheet+rose"><bdi>spreadsheet rose</bdi></a>?' in _ask(
        subscriber, "spredsheet rose"
    )
    assert '<a href="/search?q=marchetti"><bdi>marchetti</bdi></a>?' in _ask(anonymous, "marcheti")
    alone = {"episode": "inside"}
    assert 'href="/search?q=spreadsheet&amp;episode=inside"' in _ask(subscriber, "spredsheet", **alone)
    assert "Did you mean" not in _ask(anonymous, "spredsheet")
    assert "Did you mean" not in _ask(subscriber, "water")


def test_a_hit_carries_its_words_to_the_page(subscriber: TestClient, site: Site) -> None:
    """In the address: as said, or what two forms of a word share; the page itself is the same."""
    said = transcript_of("Ann: They poisoned the well. Crème & more.", duration_s=9)
    site.publish("well", said)
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    links = {
        "poisoning": "poison",
        '"the well"': "the%20well",
        "creme": "cr%C3%A8me",
        "well poison": "poison%20well",
    }
    for query, find in links.items():
        assert f"/episodes/well?find={find}#t=" in _ask(subscriber, query), query
    plain, filled = (subscriber.get(f"/episodes/well{more}") for more in ("", "?find=poison"))
    assert (plain.content, plain.headers["etag"]) == (filled.content, filled.headers["etag"])
    assert filled.headers["referrer-policy"] == "no-referrer"


def test_a_lapse_in_the_middle_of_a_session_closes_the_words(subscriber: TestClient, site: Site) -> None:
    """From the end of a subscription the same session gets the public results and an offer to renew."""
    assert "#t=" in _ask(subscriber, SECRET)
    site.clock.now += timedelta(days=2)
    page = _ask(subscriber, SECRET)
    assert "#t=" not in page
    assert "Nothing found" in page
    assert "Your subscription has ended" in page
    assert site.config.renew_url in page


def test_a_replaced_link_opens_no_words(app: Starlette, site: Site) -> None:
    """A session from a link that was rotated out searches like anybody."""
    token = site.subscribe("ben@example.com")
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        client.get(f"/feeds/{token}/")
        assert "#t=" in _ask(client, SECRET)
        site.subscribers.rotate("ben@example.com", now=site.clock.now, origin="cli")
        assert "#t=" not in _ask(client, SECRET)


def test_a_subscriber_only_episode_is_named_and_its_words_are_not(
    anonymous: TestClient, subscriber: TestClient
) -> None:
    """Its page is a teaser for everybody, so is its hit; its words are for subscribers."""
    assert "Inside the <mark>hangar</mark>" in _ask(anonymous, "hangar")
    assert "Nothing found" in _ask(anonymous, "zeppelin")
    assert "/episodes/inside?find=zeppelin#t=" in _ask(subscriber, "zeppelin")


def test_unpublished_episodes_are_not_found(subscriber: TestClient, site: Site) -> None:
    """A scheduled episode and one taken down are absent; an index that is behind makes no difference."""
    page = _ask(subscriber, "zeppelin")
    assert "Soon" not in page
    assert "Gone" not in page
    inside = site.catalog.by_slug("inside")
    assert inside is not None
    site.catalog = site.catalog.with_episode(inside.model_copy(update={"state": "unpublished"}))
    site.write_catalog()
    assert "Nothing found" in _ask(subscriber, "zeppelin")
    assert subscriber.get("/search", params={"q": "zeppelin", "episode": "inside"}).status_code == 404


def test_the_index_follows_what_is_published_elsewhere(
    app: Starlette, subscriber: TestClient, site: Site
) -> None:
    """An episode published by another machine is found after the sync that the new catalog starts."""
    site.publish("new", transcript_of("Ann: A xylophone.", duration_s=5))
    app.state.catch_up().join()
    assert "/episodes/new?find=xylophone#t=" in _ask(subscriber, "xylophone")


def test_an_unreadable_document_does_not_stop_the_search(
    app: Starlette, subscriber: TestClient, site: Site
) -> None:
    """The index stays incomplete and the page shows results from the rest."""
    broken = site.publish("broken", transcript_of("Ann: A xylophone.", duration_s=5))
    assert broken.transcript is not None
    site.store.delete(broken.transcript.document_key)
    app.state.catch_up().join()
    assert f"/episodes/the-water-was-always-coming?find={SECRET}#t=" in _ask(subscriber, SECRET)


def test_hostile_text_stays_text(subscriber: TestClient) -> None:
    """Neither a query nor a transcript can put markup on the page."""
    page = _ask(subscriber, f'zeppelin {EVIL} " onfocus=alert(1) x="')
    assert "<img" not in page
    assert "&lt;img" in page
    assert "&#34; onfocus=alert(1)" in page
    assert "<img" not in _ask(subscriber, "zeppelin")


def test_the_page_is_not_cached(anonymous: TestClient, subscriber: TestClient) -> None:
    """No cache stores the page, no crawler indexes it, and no referrer contains the query."""
    for client in (anonymous, subscriber):
        answer = client.get("/search", params={"q": "river"})
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert '<meta name="robots" content="noindex">' in answer.text


@pytest.mark.parametrize("page", ["0", "-1", "2", "99999999999999999999", "x", "²", ""])
def test_any_page_number_is_some_page(subscriber: TestClient, page: str) -> None:
    """An invalid or too large page number shows an existing page (pagination)."""
    assert "#t=" in _ask(subscriber, SECRET, page=page)


def test_one_episode_is_counted_in_passages_for_readers_alone(
    anonymous: TestClient, subscriber: TestClient
) -> None:
    """Within one episode a subscriber is told how many passages match, somebody else only that it does."""
    alone = {"episode": "the-water-was-always-coming"}
    counted = re.search(r"(\d+) passages? in this episode", _ask(subscriber, "water", **alone))
    assert counted is not None
    assert int(counted[1]) > 0
    page = _ask(anonymous, "water", **alone)
    assert "1 episode." in page
    assert "passage" not in page


def test_an_empty_query_says_how_to_ask(anonymous: TestClient) -> None:
    """Without a query, and for one without a word in it, the page is the form and its language."""
    for query in ("", "   ", "?!"):
        page = _ask(anonymous, query)
        assert "How to ask" in page
        assert "Nothing found" not in page


def test_the_rest_of_an_episode_is_one_link_away(subscriber: TestClient, site: Site) -> None:
    """Where more passages match than are shown a link shows them all."""
    turns = "\n".join(f"{who}: The lighthouse, take {n}." for n in range(4) for who in ("Ann", "Ben"))
    guest = Person(name="Ann", role="guest")
    long = site.publish("long", transcript_of(turns, duration_s=60), persons=(guest,))
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    page = _ask(subscriber, "lighthouse")
    assert "5 more in this episode" in page
    assert page.count("#t=") == 3
    assert _ask(subscriber, "lighthouse", episode=long.slug).count("#t=") == 8
