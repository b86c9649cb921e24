"""Contents of the pages, and escaping of hostile text."""

import json
import random
import re
from collections.abc import Iterator
from html import unescape
from math import log
from pathlib import Path
from pydoc_data.topics import topics
from uuid import uuid5

import feedparser
import pytest
from starlette.testclient import TestClient

from podcast_pipeline.model import Chapter, Enclosure, Person, Segment, Speaker, Transcript, Word
from podcast_pipeline.model.catalog import CATALOG_KEY, WRITTEN_BY, transcript_from_json
from podcast_pipeline.transcript.documents.word import WORD_TYPE
from tests.support.html_elements import Elements
from tests.support.later_release import UNKNOWN_KEY, with_unknown_keys
from tests.support.site import NOW, SHOW_ID, Site, flagship, transcript_of

pytestmark = pytest.mark.usefixtures("each_database")

PAGE = "/episodes/the-water-was-always-coming"
EVIL = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>]]>"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show of its own."""
    site = Site.make(tmp_path)
    yield site
    site.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """An anonymous browser."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        yield client


def sign_in(site: Site, client: TestClient) -> None:
    client.get(f"/feeds/{site.subscribe('ann@example.org')}/")


def test_an_empty_show(client: TestClient) -> None:
    """Every page works before the first episode."""
    assert "No episode yet" in client.get("/").text
    assert client.get("/sitemap.xml").status_code == 200


def test_the_list(site: Site, client: TestClient) -> None:
    """The first page shows the newest; the others are under their years, all reachable without a script."""
    for number in range(15):
        site.publish(f"episode-{number}", days_ago=number * 40, season=1 + number // 10)
    page = client.get("/").text
    assert [f"/episodes/episode-{n}" in page for n in (0, 11, 12)] == [True, True, False]
    links = re.findall(r'href="(/\?year=\d+)"', page)
    assert links == ["/?year=2026", "/?year=2025", "/?year=2024"]
    everything = "".join(client.get(link).text for link in links)
    assert all(f'href="/episodes/episode-{n}"' in everything for n in range(15))
    assert client.get("/?season=2").text.count("<article>") == 5
    assert client.get("/?season=2&utm_source=mail").text == client.get("/?season=2").text
    assert client.get("/?year=1999").status_code == 404


def test_a_guest_has_a_page(site: Site, client: TestClient) -> None:
    """A guest's name links to all episodes with this guest."""
    flagship(site)
    site.publish("without-her")
    page = client.get("/", params={"guest": "Ines Marchetti"})
    assert "The water was always coming" in page.text
    assert "without-her" not in page.text
    assert client.get("/", params={"guest": "Nobody"}).status_code == 404
    assert "1 episode ·" in page.text
    assert "on the web" not in page.text
    known = Person(name="Ines Marchetti", role="guest", url="https://ines.example/")
    site.publish("with-her-page", persons=(known,))
    page = client.get("/?guest=Ines+Marchetti")
    assert "2 episodes ·" in page.text
    assert '<a href="https://ines.example/"' in page.text
    assert '<link rel="canonical" href="http://127.0.0.1:8080/?guest=Ines%20Marchetti">' in page.text


def test_the_archive(site: Site, client: TestClient) -> None:
    """Every year, season, topic and guest stands there with its number of episodes, and leads to them."""
    assert "No episode yet" in client.get("/archive").text
    guest = Person(name="Ann O'Neill & Sons", role="guest")
    site.publish("one", days_ago=400, season=1, topics=("Water", "c/o A&B?"), persons=(guest,))
    site.publish("two", season=2, topics=("Water",), persons=(guest,))
    page = client.get("/archive").text
    links = re.findall(r'<li><a href="([^"]+)">([^<]+)</a> <span class="aside">(\d+)', page)
    assert [(unescape(label), count) for _, label, count in links] == [
        ("2026", "1"),
        ("2025", "1"),
        ("Season 2", "1"),
        ("Season 1", "1"),
        ("c/o A&B?", "1"),
        ("Water", "2"),
        ("Ann O'Neill & Sons", "2"),
    ]
    for address, label, count in links:
        listed = client.get(unescape(address)).text
        assert f'<h1 dir="auto">{label}</h1>' in listed
        assert listed.count("<article>") == int(count)
    assert client.get("/", params={"topic": "Fire"}).status_code == 404
    assert 'href="/?topic=c/o%20A%26B%3F"' in client.get("/episodes/one").text


def test_older_versions_are_kept(site: Site, client: TestClient) -> None:
    """A corrected page leads to the version before, which says what it is and leads back."""
    flagship(site)
    sign_in(site, client)
    (old,) = re.findall(rf'href="({PAGE}\?v=\w+)"', client.get(PAGE).text)
    page = client.get(old).text
    assert "You are reading version 1" in page
    assert "Marketti" in page
    assert f'<a href="{PAGE}">Read the newest</a>' in page
    assert f'rel="canonical" href="http://127.0.0.1:8080{PAGE}"' in page
    client.cookies.clear()
    assert "Marketti" not in client.get(old).text


def test_the_transcript_is_by_turns(site: Site, client: TestClient) -> None:
    """Names, times, chapters as headings, corrections with their dates, and files to keep."""
    flagship(site)
    sign_in(site, client)
    page = client.get(PAGE).text
    assert page.count("<cite>Robin Ashdown</cite>") + page.count("<cite>Ines Marchetti</cite>") == 19
    assert re.findall(r"<h3[^>]*>([^<]+)</h3>", page) == [
        "Two memos",
        "The gauge that moved",
        "Alder Street, four years on",
    ]
    assert "10 March 2026" in page
    assert "We misspelled Ines Marchetti’s name." in page
    for ending in ("vtt", "srt", "txt", "json", "html", "docx", "epub"):
        assert f"/transcript.{ending}?v=" in page


def test_word_is_offered_where_the_file_is(site: Site, client: TestClient) -> None:
    """The link has Word's type and the slug as its name; a version of an earlier release has none."""
    episode = flagship(site)
    sign_in(site, client)
    (link,) = re.findall(
        rf'<a href="({PAGE}/transcript\.docx\?v=\w+)" download>Word</a>', client.get(PAGE).text
    )
    answered = client.get(link)
    assert answered.headers["content-type"] == WORD_TYPE
    assert answered.headers["content-disposition"] == f'attachment; filename="{episode.slug}.docx"'
    assert answered.content[:4] == b"PK\x03\x04"
    versions = tuple(version.model_copy(update={"word_key": None}) for version in episode.transcripts)
    site.catalog = site.catalog.with_episode(episode.model_copy(update={"transcripts": versions}))
    site.write_catalog()
    assert "transcript.docx" not in client.get(PAGE).text
    assert client.get(f"{PAGE}/transcript.docx").status_code == 404


def test_every_media_fragment_has_an_element(site: Site, client: TestClient) -> None:
    """Every `#t=` link has exactly one element with that id, so that it works without a script."""
    flagship(site)
    sign_in(site, client)
    elements = Elements(client.get(PAGE).text)
    ids = [value for tag in ("span", "h3", "main", "h2") for value in elements.all(tag, "id")]
    links = [href[1:] for href in elements.all("a", "href") if href.startswith("#")]
    assert len(ids) == len(set(ids))
    assert len(links) > 10
    assert set(links) <= set(ids)


def test_no_third_party_requests(site: Site, client: TestClient) -> None:
    """No page loads anything from another host, and none has inline styles or scripts."""
    flagship(site)
    sign_in(site, client)
    for path in ("/", PAGE):
        elements = Elements(client.get(path).text)
        loaded = [
            *elements.all("script", "src"),
            *elements.all("img", "src"),
            *elements.all("audio", "src"),
            *(a["href"] for t, a in elements.found if t == "link" and a["rel"] in ("stylesheet", "icon")),
        ]
        assert all(str(address).startswith(("/", "http://127.0.0.1:8080/")) for address in loaded)
        assert not any("style" in attributes or "onclick" in attributes for _, attributes in elements.found)
        for address in loaded:
            assert client.get(str(address)).status_code == 200


def test_hostile_text_stays_text(site: Site, client: TestClient) -> None:
    """Titles, names, notes, chapters and words that look like HTML are shown, not obeyed."""
    site.publish(
        "evil",
        transcript_of(f"Eve {EVIL.replace(':', '')}: said {EVIL} and more.", duration_s=9),
        title=EVIL,
        notes=EVIL,
        chapters=(Chapter(start_s=0, title=EVIL),),
        persons=(Person(name=EVIL, role="guest"),),
        season=1,
    )
    sign_in(site, client)
    for path in ("/", "/episodes/evil", "/?season=1", f"/{EVIL}"):
        elements = Elements(client.get(path).text)
        assert not any("onerror" in attributes for _, attributes in elements.found)
        assert not any("alert" in script for script in elements.scripts if not script.startswith("{"))
        for script, attributes in zip(
            elements.scripts, [a for t, a in elements.found if t == "script"], strict=True
        ):
            assert attributes.get("type") == "application/ld+json" or attributes.get("src")
            assert not script or json.loads(script)["name"] == EVIL


def test_structured_data(site: Site, client: TestClient) -> None:
    """The JSON-LD contains public facts, and marks the transcript as paywalled."""
    flagship(site)
    (said,) = (json.loads(s) for s in Elements(client.get(PAGE).text).scripts if s)
    assert said["@type"] == "PodcastEpisode"
    assert said["duration"] == "PT0H4M0S"
    assert said["associatedMedia"]["contentUrl"].startswith("http://127.0.0.1:8080/public/audio/")
    assert said["hasPart"]["isAccessibleForFree"] is False


def test_a_stranger_reads_sixty_words(site: Site, client: TestClient) -> None:
    """Not one run of eight words of the transcript is on a public page beyond teaser and notes."""
    episode = flagship(site)
    key = episode.transcripts[-1].document_key
    transcript = site_words(transcript_from_json(site.store.get(key)[1], key).text)
    allowed = site_words(" ".join(episode.public_text))
    runs = {tuple(transcript[n : n + 8]) for n in range(len(transcript) - 7)}
    runs -= {tuple(allowed[n : n + 8]) for n in range(len(allowed) - 7)}
    for path in ("/", PAGE, "/?year=2026", "/sitemap.xml", "/archive.atom", "/public/feed.xml"):
        answered = client.get(path)
        seen = site_words(re.sub(r"<[^>]+>", " ", answered.text) + answered.text + str(answered.headers))
        assert not runs & {tuple(seen[n : n + 8]) for n in range(len(seen) - 7)}
    assert len(runs) > 500


def site_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_a_subscriber_only_page(site: Site, client: TestClient) -> None:
    """A bonus episode is announced to everybody, without its audio."""
    site.publish("bonus", transcript_of("A: one two three.", duration_s=3), access="subscribers")
    page = client.get("/episodes/bonus").text
    assert "<audio" not in page
    assert "contentUrl" not in page
    assert "This episode is for subscribers" in page
    sign_in(site, client)
    (audio,) = Elements(client.get("/episodes/bonus").text).all("audio", "src")
    assert client.get(audio).status_code == 200


def test_a_new_catalog_shows_at_once(site: Site, client: TestClient) -> None:
    """New and withdrawn episodes show in the next response."""
    assert client.get("/episodes/new").status_code == 404
    episode = site.publish("new")
    assert client.get("/episodes/new").status_code == 200
    site.catalog = site.catalog.with_episode(episode.model_copy(update={"state": "unpublished"}))
    site.write_catalog()
    assert client.get("/episodes/new").status_code == 410


def test_static_files_are_kept_for_ever_under_their_hash(client: TestClient) -> None:
    """A style sheet's address changes with its bytes; nothing but static files is behind it."""
    (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', client.get("/").text)
    assert "immutable" in client.get(style).headers["cache-control"]
    assert client.get("/static/old/reader.css").headers["cache-control"] == "no-cache"
    for name in ("app.py", "..", "nothing.css", "%2e%2e%2fapp.py"):
        assert client.get(f"/static/x/{name}").status_code == 404


def test_robots_and_sitemap(site: Site, client: TestClient) -> None:
    """The sitemap lists the pages, and robots.txt disallows private paths."""
    flagship(site)
    assert "Disallow: /feeds/" in client.get("/robots.txt").text
    assert "Sitemap: http://127.0.0.1:8080/sitemap.xml" in client.get("/robots.txt").text
    assert f"<loc>http://127.0.0.1:8080{PAGE}</loc>" in client.get("/sitemap.xml").text
    assert NOW.date().isoformat()[:7] in client.get("/sitemap.xml").text
    listed = re.findall("<loc>http://127.0.0.1:8080(/.*)</loc>", client.get("/sitemap.xml").text)
    assert {"/?guest=Ines%20Marchetti", "/?season=3", "/?year=2026"} <= set(listed)
    assert [client.get(path).status_code for path in listed] == [200] * len(listed)


def test_atom_of_the_archive(site: Site, client: TestClient) -> None:
    """Every page names the Atom feed: newest first, with titles, first lines and links, and no audio."""
    for day in (3, 2):
        site.publish(f"day-{day}", days_ago=day, notes="One & **two**.\n\nThree.", title="A <b> & c")
    site.publish("bonus", access="subscribers")
    for path in ("/", "/archive", "/episodes/day-3", "/nothing"):
        (link,) = [
            found
            for found in re.findall(r"<link [^>]+>", client.get(path).text)
            if "application/atom+xml" in found
        ]
        assert 'rel="alternate"' in link
        assert 'href="/archive.atom"' in link
    answered = client.get("/archive.atom")
    assert answered.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert answered.headers["cache-control"] == "public, max-age=300"
    read = feedparser.parse(answered.content)
    assert (read.bozo, read.version, read.feed.title, read.feed.language) == (
        0,
        "atom10",
        "Late Proofs",
        "en",
    )
    assert [entry.link for entry in read.entries] == [
        f"http://127.0.0.1:8080/episodes/{slug}" for slug in ("bonus", "day-2", "day-3")
    ]
    (_, newer, older) = read.entries
    assert older.id == f"urn:uuid:{uuid5(SHOW_ID, 'day-3')}"
    assert (older.title, older.summary) == ("A <b> & c", "One & two.")
    assert newer.published_parsed > older.published_parsed
    assert b"enclosure" not in answered.content


def test_atom_says_what_is_new(site: Site, client: TestClient) -> None:
    """It is there before the first episode; a corrected page is updated and keeps its id."""
    tags = [client.get("/archive.atom").headers["etag"]]
    episode = site.publish("new", notes="One.")
    before = feedparser.parse(client.get("/archive.atom").content).entries[0]
    tags.append(client.get("/archive.atom").headers["etag"])
    site.catalog = site.catalog.with_episode(
        episode.model_copy(update={"notes": "Two.", "content_changed_at": NOW})
    )
    site.write_catalog()
    after = feedparser.parse(client.get("/archive.atom").content).entries[0]
    tags.append(client.get("/archive.atom").headers["etag"])
    assert (before.id, before.published) == (after.id, after.published)
    assert (after.summary, after.updated) == ("Two.", "2026-03-10T12:00:00+00:00")
    assert len(set(tags)) == 3


def test_an_imported_episode_of_unknown_length(site: Site, client: TestClient) -> None:
    """The old feed did not say how long it is: the pages say nothing of it, not that it is 0 s."""
    audio = Enclosure(external_url="https://old.example/a.mp3", size_bytes=1, type="audio/mpeg", duration_s=0)
    site.publish("imported", enclosure=audio)
    for path in ("/", "/episodes/imported"):
        assert "0 s<" not in client.get(path).text
    policy = client.get("/episodes/imported").headers["content-security-policy"]
    assert "media-src 'self' http://127.0.0.1:8080 https://old.example" in policy


@pytest.mark.parametrize(("word_count", "most_bytes"), [(10_000, 75_000), (30_000, 115_000)])
def test_a_page_is_small(site: Site, client: TestClient, word_count: int, most_bytes: int) -> None:
    """An hour and three hours of text with style and script keep their budgets, as a browser gets them."""
    site.publish("long", spoken(word_count), has_files=False)
    sign_in(site, client)
    client.headers["accept-encoding"] = "gzip, deflate, br, zstd"
    page = client.get("/episodes/long")
    answers = [page, *(client.get(path) for path in re.findall(r'"(/static/[^"]+)"', page.text))]
    heads = sum(len(name) + len(value) + 4 for answer in answers for name, value in answer.headers.items())
    assert len(page.text.split()) > word_count * 0.9
    assert sum(int(answer.headers["content-length"]) for answer in answers) + heads < most_bytes


def spoken(word_count: int) -> Transcript:
    """Return real text of two people, its words as long as an engine hears them, at no grid."""
    real = re.findall(r"[A-Za-z'’,.]+", " ".join(topics.values()))
    chance, at, segments = random.Random(1), 0.0, []
    for first in range(0, word_count, 13):
        words = []
        for n in range(first, first + 13):
            until = round(at + chance.lognormvariate(log(0.28), 0.65), 3)
            words.append(Word(text=f" {real[n % len(real)]}", start_s=at, end_s=until))
            at = until
        segments.append(Segment(speaker=f"s{first // 52 % 2}", words=tuple(words)))
        at = round(at + chance.expovariate(1), 3)
    people = (Speaker(id="s0", name="Ines Marchetti"), Speaker(id="s1", name="Robin Ashdown"))
    return Transcript(language="en", duration_s=60, speakers=people, segments=tuple(segments))


def test_a_catalog_of_a_later_release_is_served(site: Site) -> None:
    """Feed, page and list are those of a catalog without the keys that this program does not know."""
    flagship(site)
    token = site.subscribe("ann@example.org")
    addresses = ("/", PAGE, "/public/feed.xml", f"/feeds/{token}/feed.xml")
    before = [TestClient(site.app()).get(address).text for address in addresses]
    later = site.catalog.model_copy(update={"written_by": WRITTEN_BY + 1})
    site.store.put(
        CATALOG_KEY, with_unknown_keys(later), content_type="application/json", cache_control="no-store"
    )
    answers = [TestClient(site.app()).get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [200] * len(addresses)
    assert [answer.text for answer in answers] == before
    assert not any(UNKNOWN_KEY in answer.text for answer in answers)
