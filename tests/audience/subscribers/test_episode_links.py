"""One-episode links and their cookie: what opens one episode opens nothing else, and ends with the token."""

import hmac
from base64 import b32encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from podcast_pipeline.audience.subscribers.episode_links import COOKIE_LIFETIME, EpisodeLinks
from podcast_pipeline.audience.subscribers.tokens import to_token
from tests.support.site import NOW, Site

pytestmark = pytest.mark.usefixtures("each_database")

ANN = "ann@example.org"
ONE, OTHER = UUID(int=1), UUID(int=2)
KEY = b"k" * 32


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show without episodes."""
    made = Site.make(tmp_path)
    yield made
    made.close()


@pytest.fixture
def links(site: Site) -> EpisodeLinks:
    """The show's links."""
    return EpisodeLinks(site.subscribers)


@pytest.fixture
def selector(site: Site) -> str:
    """The selector of a subscriber's token."""
    return site.subscribe(ANN).partition(".")[0]


def test_the_token_is_the_documented_one(links: EpisodeLinks, selector: str) -> None:
    """The first 20 bytes of HMAC-SHA256(key, "read:" + selector + ":" + episode id), in base32."""
    mac = hmac.digest(KEY, f"read:{selector}:{ONE}".encode(), "sha256")[:20]
    assert links.token(selector, ONE) == f"{selector}.{b32encode(mac).decode().lower()}"


def test_a_link_opens_its_episode_and_no_other(links: EpisodeLinks, selector: str) -> None:
    """The token of one episode is no token of another one, and no feed token."""
    token = links.token(selector, ONE)
    visitor = links.visitor(token, ONE)
    assert visitor is not None
    assert (visitor.subscriber and visitor.subscriber.email, visitor.standing(NOW)) == (ANN, "active")
    assert links.visitor(token, OTHER) is None
    assert token != to_token(selector, KEY)
    assert links.visitor(to_token(selector, KEY), ONE) is None


def test_it_is_no_feed_token(site: Site, links: EpisodeLinks, selector: str) -> None:
    """Who holds a one-episode link finds no private feed with it."""
    assert site.subscribers.visitor(links.token(selector, ONE)) is None


@pytest.mark.parametrize("change", [lambda t: t[:-1] + "a2"[t[-1] == "a"], str.upper, lambda t: t + "\n"])
def test_a_made_up_link_is_nobodys(links: EpisodeLinks, selector: str, change: object) -> None:
    """One changed letter, capitals, a line end: no link."""
    assert links.visitor(change(links.token(selector, ONE)), ONE) is None  # type: ignore[operator]


def test_the_link_ends_with_the_token(site: Site, links: EpisodeLinks, selector: str) -> None:
    """After a rotation its visitor is one with a replaced link; after an erasure it is nobody's."""
    token, cookie = links.token(selector, ONE), links.cookie(selector, ONE, now=NOW)
    site.subscribers.rotate(ANN, now=NOW, origin="cli")
    found = (links.visitor(token, ONE), links.visitor_by_cookie(cookie, ONE, now=NOW))
    assert [visitor and visitor.standing(NOW) for visitor in found] == ["rotated", "rotated"]
    site.subscribers.erase(ANN, now=NOW, origin="cli")
    assert links.visitor(token, ONE) is links.visitor_by_cookie(cookie, ONE, now=NOW) is None


def test_another_show_has_other_links(site: Site, links: EpisodeLinks, selector: str) -> None:
    """A second show in the same database, with the same key, knows no link of the first."""
    site.subscribers.show_id = UUID(int=9)
    assert links.visitor(links.token(selector, ONE), ONE) is None


def test_the_cookie_reads_one_episode_for_twelve_hours(links: EpisodeLinks, selector: str) -> None:
    """Until the last second, for this episode alone."""
    cookie = links.cookie(selector, ONE, now=NOW)
    end = NOW + COOKIE_LIFETIME
    assert timedelta(hours=12) == COOKIE_LIFETIME
    assert links.visitor_by_cookie(cookie, ONE, now=end - timedelta(seconds=1))
    assert links.visitor_by_cookie(cookie, ONE, now=end) is None
    assert links.visitor_by_cookie(cookie, OTHER, now=NOW) is None


def test_a_cookie_is_not_made_longer(links: EpisodeLinks, selector: str) -> None:
    """A later end, another subscriber, a link's token, nonsense: each is refused."""
    who, end, mac = links.cookie(selector, ONE, now=NOW).split("-")
    for cookie in (f"{who}-{int(end) + 1}-{mac}", f"{'a' * 16}-{end}-{mac}", f"{who}-{end}-{'0' * 40}"):
        assert links.visitor_by_cookie(cookie, ONE, now=NOW) is None
    for cookie in ("", "-", links.token(selector, ONE), f"{who}-{'9' * 40}-{mac}"):
        assert links.visitor_by_cookie(cookie, ONE, now=NOW) is None
