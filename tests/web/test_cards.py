"""The cards of pages: what another site shows for a link."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from starlette.testclient import TestClient

from podcast_pipeline.model import Person
from podcast_pipeline.storage.objects import stage_bytes
from podcast_pipeline.web.cards import locale_of
from tests.support.pictures import picture
from tests.support.shows_in_languages import ARABIC, SLUG, publish_episode, show_in
from tests.support.site import Site, flagship

SITE = "http://127.0.0.1:8080"
FLAGSHIP = "/episodes/the-water-was-always-coming"
SECRET = "because by then I was angry"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with a cover of 1500 px and one episode."""
    site = Site.make(tmp_path)
    cover = site.put(stage_bytes("public/art", "", "jpg", picture("JPEG", (1500, 1500)), "image/jpeg"))
    site.catalog = site.catalog.with_show(site.config.to_show(artwork_key=cover))
    flagship(site)
    yield site
    site.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A stranger's browser."""
    with TestClient(site.app(), base_url=SITE) as client:
        yield client


def card(client: TestClient, path: str) -> dict[str, str]:
    """Return the properties of a page's card by their names, and the canonical address as `canonical`."""
    page = html.fromstring(client.get(path).text)
    metas = [(m.get("property") or m.get("name") or "", m.get("content") or "") for m in page.iter("meta")]
    named = [(name, content) for name, content in metas if name.startswith(("og:", "twitter:"))]
    assert len(named) == len(dict(named)), "a property stands twice"
    return {**dict(named), "canonical": str(page.xpath("string(//link[@rel='canonical']/@href)"))}


def test_the_front_page(site: Site, client: TestClient) -> None:
    """The show's own words and cover, with its size, its type and what it shows."""
    show = site.catalog.show
    assert show.artwork_key
    assert card(client, "/") == {
        "og:type": "website",
        "og:site_name": "Late Proofs",
        "og:title": "Late Proofs",
        "og:description": show.description,
        "og:url": f"{SITE}/",
        "og:locale": "en_US",
        "og:image": show.object_url(show.artwork_key),
        "og:image:type": "image/jpeg",
        "og:image:width": "1500",
        "og:image:height": "1500",
        "og:image:alt": "Late Proofs",
        "twitter:card": "summary",
        "canonical": f"{SITE}/",
    }


def test_an_episode_with_a_picture_of_its_own(site: Site, client: TestClient) -> None:
    """Its own picture counts, and its language; the audio has its type."""
    art = site.put(stage_bytes("public/art", "", "png", picture("PNG", (640, 480)), "image/png"))
    site.publish("bilder", title="Bilder", language="de", notes="Zwei Bilder.", artwork_key=art)
    found = card(client, "/episodes/bilder")
    assert found["og:image"] == site.catalog.show.object_url(art)
    assert (found["og:image:width"], found["og:image:height"]) == ("640", "480")
    assert (found["og:image:type"], found["og:image:alt"]) == ("image/png", "Bilder")
    assert (found["og:type"], found["og:locale"]) == ("article", "de_DE")
    assert (found["og:title"], found["og:description"]) == ("Bilder", "Zwei Bilder.")
    assert found["og:audio:type"] == "audio/wav"


def test_a_guest(site: Site, client: TestClient) -> None:
    """The guest's name and newest picture, and the titles of the episodes; a topic has the show's cover."""
    portrait = "https://harrowstreet.example/ines.jpg"
    for slug, image_url in (("second", portrait), ("third", None)):
        guest = Person(name="Ines Marchetti", role="guest", image_url=image_url)
        site.publish(slug, persons=(guest,), topics=("Water",), days_ago=0)
    found = card(client, "/?guest=Ines+Marchetti")
    assert found == {
        "og:type": "profile",
        "og:site_name": "Late Proofs",
        "og:title": "Ines Marchetti",
        "og:description": found["og:description"],
        "og:url": f"{SITE}/?guest=Ines%20Marchetti",
        "og:locale": "en_US",
        "og:image": portrait,
        "og:image:alt": "Ines Marchetti",
        "twitter:card": "summary",
        "canonical": f"{SITE}/?guest=Ines%20Marchetti",
    }
    assert sorted(found["og:description"].split(" · ")) == ["Second", "The water was always coming", "Third"]
    topic = card(client, "/?topic=Water")
    assert (topic["og:type"], topic["og:title"]) == ("website", "Water")
    assert topic["og:image:width"] == "1500"


def test_a_readers_card_is_a_strangers(site: Site, client: TestClient) -> None:
    """Who reads by a private link gets the same card: no token, and no word of the transcript."""
    token = site.subscribe("ann@example.org")
    before = card(client, FLAGSHIP)
    client.get(f"/feeds/{token}/")
    assert SECRET in client.get(FLAGSHIP).text
    after = card(client, FLAGSHIP)
    assert after == before
    assert token not in str(after)
    assert SECRET not in str(after)


def test_a_picture_that_is_away(site: Site, client: TestClient) -> None:
    """Without the object the page stands, and says no size."""
    key = site.catalog.show.artwork_key
    assert key
    site.store.delete(key)
    found = card(client, "/")
    assert "og:image" in found
    assert "og:image:width" not in found


def test_the_card_of_an_arabic_show(tmp_path: Path) -> None:
    """The locale is the show's; without a cover there is no picture."""
    site = show_in(tmp_path, ARABIC)
    publish_episode(site, ARABIC)
    with TestClient(site.app(), base_url=SITE) as client:
        found = card(client, f"/episodes/{SLUG}")
    site.close()
    assert (found["og:locale"], found["og:title"]) == ("ar_EG", ARABIC.episode_title)
    assert "og:image" not in found


@pytest.mark.parametrize(
    ("language", "locale"),
    [("en", "en_US"), ("en-GB", "en_GB"), ("zh-Hant", "zh_TW"), ("he", "he_IL"), ("not a language", None)],
)
def test_locales(language: str, locale: str | None) -> None:
    """A language without a country has that of most of its readers."""
    assert locale_of(language) == locale
