"""The languages of pages: the show's words in its language, the site's own words in English."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from unicodedata import name

import pytest
from lxml import html
from starlette.testclient import TestClient

from podcast_pipeline.model import Segment, Speaker, Transcript, Word
from podcast_pipeline.web import languages
from podcast_pipeline.web.routes.feeds import hash_in_key
from tests.support.every_part import PAGES_OF_PARTS, app_with_every_part
from tests.support.outbox import Outbox
from tests.support.shows_in_languages import ARABIC, SLUG, publish_episode, show_in
from tests.support.site import NOW, Site

SITE = "http://127.0.0.1:8080"
ANN = "ann@example.org"
PAGE = f"/episodes/{SLUG}"
UNREAD = ("head", "script", "style", "svg")
"""A page's head is read by programs; its title has words of both languages and one attribute."""

SPOKEN_ATTRIBUTES = ("aria-label", "placeholder", "alt", "title")


@pytest.fixture
def outbox() -> Outbox:
    """An empty outbox."""
    return Outbox()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show in Arabic, without episodes."""
    site = show_in(tmp_path, ARABIC)
    site.write_catalog()
    yield site
    site.close()


@pytest.fixture
def client(site: Site, outbox: Outbox) -> Iterator[TestClient]:
    """A stranger's browser."""
    with TestClient(
        site.app(outbox), base_url=SITE, headers={"accept": "text/html"}, raise_server_exceptions=False
    ) as client:
        yield client


def letters(text: str) -> set[str]:
    """Return the scripts of the letters in a text: Arabic, Latin."""
    return {name(letter).partition(" ")[0].capitalize() for letter in text if letter.isalpha()}


def nearest(element: html.HtmlElement, attribute: str) -> str:
    """Return the value of an attribute of an element, or of the one around it that has it."""
    return next((e.get(attribute) for e in (element, *element.iterancestors()) if e.get(attribute)), "")


def texts(page: str) -> Iterator[tuple[html.HtmlElement, str]]:
    """Yield what a screen reader says, each text with the element that gives it its language."""
    for element in html.fromstring(page).iter():
        if not isinstance(element.tag, str):
            continue
        if not {element.tag, *(parent.tag for parent in element.iterancestors())} & set(UNREAD):
            yield element, element.text or ""
            for attribute in SPOKEN_ATTRIBUTES:
                yield element, element.get(attribute) or ""
        around = element.getparent()
        if around is not None and around.tag not in UNREAD:
            yield around, element.tail or ""


def wrongly_marked(page: str) -> list[tuple[str, str]]:
    """Return the texts that are not in the language that they say, each with that language."""
    found = []
    for element, text in texts(page):
        language = nearest(element, "lang")
        right = {"Latin": "en", "Arabic": "ar"}
        if any(language != right[script] for script in letters(text)):
            found.append((text.strip(), language))
    return found


def sign_in(site: Site, client: TestClient, outbox: Outbox) -> None:
    site.subscribe(ANN)
    seal = re.findall(r'name="seal" value="(\w+)"', client.get("/signin").text)[0]
    client.post("/signin", data={"email": ANN, "seal": seal})
    seal = re.findall(r'name="seal" value="(\w+)"', client.get(outbox.link).text)[0]
    assert client.post(outbox.link, data={"seal": seal}).url.path == "/account"


def strangers_pages(site: Site) -> list[str]:
    """Return the addresses that a stranger opens, those of errors too."""
    hash16 = hash_in_key(site.catalog.episodes[0].transcripts[0].document_key)
    return [
        *("/", "/archive", "/listen", "/?year=2026", "/?season=1", f"/?guest={ARABIC.guest}"),
        *(f"/?topic={ARABIC.topic}", PAGE, f"{PAGE}?v={hash16}", "/nothing", "/r/cut/it"),
        *("/search", "/search?q=النهر", "/search?q=شمس", "/search?q=guest:سامر"),
        *("/signin", f"/signin?next={PAGE}", "/signin/code", "/signin/link/x", "/mail/stop/x"),
    ]


def readers_pages(site: Site) -> list[str]:
    """Return the addresses that somebody who is signed in opens."""
    hash16 = hash_in_key(site.catalog.episodes[0].transcripts[0].document_key)
    return [
        *(
            "/",
            PAGE,
            f"{PAGE}?v={hash16}",
            f"{PAGE}/changes",
            "/account",
            "/account/rotate",
            "/account/replaced",
        ),
        *("/search?q=النهر", "/search?q=المذكرة", "/search?q=شمس"),
    ]


def test_our_words_are_english_and_the_shows_are_not(site: Site, client: TestClient, outbox: Outbox) -> None:
    """On every page of an Arabic show each Latin word is marked as English, and no Arabic one is."""
    publish_episode(site, ARABIC)
    pages = {path: client.get(path).text for path in strangers_pages(site)}
    sign_in(site, client, outbox)
    pages |= {f"{path} (reader)": client.get(path).text for path in readers_pages(site)}
    for path, page in pages.items():
        assert '<html lang="ar" dir="rtl">' in page, path
        assert wrongly_marked(page) == [], path


def test_our_words_are_english_on_the_pages_of_every_part(site: Site, outbox: Outbox) -> None:
    """Selling, students, other accounts; the titles of plans and accounts are the newsroom's words."""
    app = app_with_every_part(site, outbox, plan_title="كل شهر", account_title="حسابك")
    with TestClient(app, base_url=SITE, headers={"accept": "text/html"}) as client:
        pages = {path: client.get(path).text for path in PAGES_OF_PARTS}
        sign_in(site, client, outbox)
        pages["/account"] = client.get("/account").text
    for path, page in pages.items():
        assert wrongly_marked(page) == [], path
    assert "كل شهر" in pages["/subscribe"]
    assert "كل شهر" in pages["/account"]
    assert '<a href="/students">pay less</a>' in pages["/subscribe"]


def test_a_show_without_episodes(client: TestClient) -> None:
    """Before the first episode too."""
    for path in ("/", "/archive", "/listen", "/search", PAGE):
        assert wrongly_marked(client.get(path).text) == [], path


@pytest.mark.parametrize("standing", ["lapsed", "suspended", "removed", "rotated"])
def test_the_offer(site: Site, client: TestClient, standing: str) -> None:
    """What is offered to those who do not read is marked, without an address of the newsroom too."""
    publish_episode(site, ARABIC)
    token = site.subscribe("bo@example.org")
    client.get(f"/feeds/{token}/")
    acts: dict[str, Callable[[], object]] = {
        "lapsed": lambda: setattr(site.clock, "now", NOW + timedelta(days=4000)),
        "suspended": lambda: site.subscribers.suspend("bo@example.org", None, now=NOW, origin="cli"),
        "removed": lambda: site.subscribers.remove("bo@example.org", now=NOW, origin="cli"),
        "rotated": lambda: site.subscribers.rotate("bo@example.org", now=NOW, origin="cli"),
    }
    acts[standing]()
    for path in ("/", PAGE, f"/feeds/{token}/add", "/search?q=النهر"):
        assert wrongly_marked(client.get(path).text) == [], path


def test_labels_and_notes_that_are_ours(site: Site, client: TestClient) -> None:
    """`Speaker 1` and a note that counts words are English inside an Arabic transcript."""
    words = (Word(text=" كان", start_s=0, end_s=1), Word(text=" ذلك", start_s=1, end_s=2))
    said = Transcript(
        language="ar",
        duration_s=5,
        speakers=(Speaker(id="s0"),),
        segments=(Segment(speaker="s0", words=words),),
    )
    old = said.model_copy(update={"segments": (Segment(speaker="s0", words=words[:1]),)})
    episode = site.publish("unnamed", old, said.model_copy(update={"version": 2}), language="ar", title="نهر")
    noted = episode.transcripts[1].model_copy(update={"note": "One word was corrected."})
    changed = episode.model_copy(update={"transcripts": (episode.transcripts[0], noted)})
    site.catalog = site.catalog.with_episode(changed)
    site.write_catalog()
    client.get(f"/feeds/{site.subscribe(ANN)}/")
    page = client.get("/episodes/unnamed").text
    assert '<cite lang="en" dir="ltr">Speaker 1</cite>' in page
    assert '<bdi lang="en" dir="ltr">One word was corrected.</bdi>' in page
    assert wrongly_marked(page) == []


@pytest.mark.parametrize(
    ("language", "html_attributes", "ours"),
    [
        ("en-GB", ' lang="en-GB" dir="ltr"', ""),
        ("de", ' lang="de" dir="ltr"', ' lang="en"'),
        ("he-IL", ' lang="he-IL" dir="rtl"', ' lang="en" dir="ltr"'),
        ("az-Arab", ' lang="az-Arab" dir="rtl"', ' lang="en" dir="ltr"'),
        ("zh-Hans", ' lang="zh-Hans" dir="ltr"', ' lang="en"'),
    ],
)
def test_attributes(language: str, html_attributes: str, ours: str) -> None:
    """English within English is not marked; within a language from right to left it has its direction."""
    assert languages.in_language(language) == html_attributes
    assert languages.english_within(language) == ours


def test_attributes_are_escaped() -> None:
    """A language of an imported feed that is none breaks no page."""
    assert languages.named_in('x"><b>') == ' lang="x&#34;&gt;&lt;b&gt;"'
