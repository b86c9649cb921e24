"""The access table of docs/explanation/access.md, over HTTP."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.model import Episode
from podcast_pipeline.web.routes.feeds import hash_in_key
from tests.support.site import NOW, Site, flagship, transcript_of

SLUG = "the-water-was-always-coming"
pytestmark = pytest.mark.usefixtures("each_database")

SECRET = "because by then I was angry"
"""Words of the transcript after the teaser."""

MADE_UP = "abcdefghijklmnop." + "a" * 32


class SiteWithTokens:
    """A site with one episode in every state and one token in every standing."""

    def __init__(self, folder: Path) -> None:
        self.site = Site.make(folder)
        self.main = flagship(self.site)
        words = transcript_of(f"A: {'one two three. ' * 40}", duration_s=5)
        self.bonus = self.site.publish("bonus", words, access="subscribers", days_ago=2, chapters=())
        self.site.publish("tomorrow", words, state="scheduled", days_ago=-1, published_at=None)
        self.site.publish("withdrawn", words, state="unpublished", days_ago=3)
        self.tokens = self._tokens()
        self.client = TestClient(self.site.app(), base_url="http://127.0.0.1:8080", follow_redirects=False)

    def _tokens(self) -> dict[str, str]:
        subscribe, people = self.site.subscribe, self.site.subscribers
        ended = NOW - timedelta(days=2)
        long_ago = NOW - timedelta(days=31)
        tokens = {
            "active": subscribe("active@example.org"),
            "lapsed": subscribe("lapsed@example.org", paid_until=ended),
            "suspended": subscribe("suspended@example.org"),
            "rotated": subscribe("rotated@example.org"),
            "rotated long ago": subscribe("rotated.long@example.org"),
            "removed": subscribe("removed@example.org"),
            "removed long ago": subscribe("removed.long@example.org"),
            "made up": MADE_UP,
            "not a token": "feed",
        }
        people.suspend("suspended@example.org", None, now=ended, origin="cli")
        people.rotate("rotated@example.org", now=ended, origin="cli")
        people.rotate("rotated.long@example.org", now=long_ago, origin="cli")
        people.remove("removed@example.org", now=ended, origin="cli")
        people.remove("removed.long@example.org", now=long_ago, origin="cli")
        return tokens

    def open_private_link(self, standing: str) -> int:
        """Forget the browser's cookies and open a private link; return the status."""
        self.client.cookies.clear()
        if standing == "anonymous":
            return 303
        return self.client.get(f"/feeds/{self.tokens[standing]}/").status_code


@pytest.fixture(scope="module")
def world(each_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteWithTokens]:
    """One world shared by all tests that change nothing."""
    world = SiteWithTokens(tmp_path_factory.mktemp("site"))
    yield world
    world.client.close()
    world.site.close()


FEED = {
    "active": 200,
    "lapsed": 200,
    "suspended": 200,
    "rotated": 200,
    "rotated long ago": 404,
    "removed": 200,
    "removed long ago": 404,
    "made up": 404,
    "not a token": 404,
}
FILE = {standing: {200: 403}.get(status, status) for standing, status in FEED.items()} | {"active": 200}


@pytest.mark.parametrize(("standing", "status"), FEED.items())
def test_private_feed(world: SiteWithTokens, standing: str, status: int) -> None:
    """Only an active subscriber's feed has transcripts; ended ones get a notice, later 404."""
    answered = world.client.get(f"/feeds/{world.tokens[standing]}/feed.xml")
    assert answered.status_code == status
    assert ("podcast:transcript" in answered.text) == (standing == "active")
    if status == 200:
        assert f'<guid isPermaLink="false">{world.main.guid}</guid>' in answered.text
        assert answered.text.count("<item>") == (2 if standing == "active" else 3)


@pytest.mark.parametrize(("standing", "status"), FILE.items())
@pytest.mark.parametrize("kind", ["vtt", "srt", "json", "bonus vtt", "audio"])
def test_private_files(world: SiteWithTokens, kind: str, standing: str, status: int) -> None:
    """Files are for active subscribers; former ones get 403 with the reason, others 404."""
    path = {
        "audio": f"audio/{world.bonus.id}.wav",
        "bonus vtt": f"transcripts/{world.bonus.id}.vtt",
    }.get(kind, f"transcripts/{world.main.id}.{kind}")
    answered = world.client.get(f"/feeds/{world.tokens[standing]}/{path}")
    assert answered.status_code == status
    assert answered.headers["cache-control"] == ("private, no-cache" if status == 200 else "no-store")
    if status != 200:
        assert answered.headers["content-type"] == "text/plain; charset=utf-8"
        assert len(answered.text.splitlines()) == 1
        assert ("harrowstreet.example/subscribe" in answered.text) == (status == 403)


@pytest.mark.parametrize(("standing", "status"), FEED.items())
def test_opening_a_private_link(world: SiteWithTokens, standing: str, status: int) -> None:
    """A private link leads to the pages; a replaced or closed one leads there without a session."""
    assert world.open_private_link(standing) == {200: 303}.get(status, status)
    assert ("session" in world.client.cookies) == (standing in ("active", "lapsed", "suspended"))


PAGES = {
    "anonymous": "Read every word",
    "active": None,
    "lapsed": "Your subscription has ended",
    "suspended": "Your subscription is suspended",
    "rotated": "Read every word",
    "removed": "Read every word",
    "made up": "Read every word",
}


@pytest.mark.parametrize(("standing", "offer"), PAGES.items())
def test_episode_page(world: SiteWithTokens, standing: str, offer: str | None) -> None:
    """Everybody gets 200, the notes and the teaser; only active subscribers get the transcript."""
    world.open_private_link(standing)
    page = world.client.get(f"/episodes/{SLUG}")
    assert page.status_code == 200
    assert "Ines Marchetti" in page.text
    assert (SECRET in page.text) == (standing == "active")
    assert (offer is None) == (standing == "active")
    assert offer is None or offer in page.text


@pytest.mark.parametrize("ending", ["vtt", "srt", "json", "txt", "html", "docx"])
@pytest.mark.parametrize(
    ("standing", "status"),
    [("anonymous", 404), ("active", 200), ("lapsed", 403), ("suspended", 403), ("made up", 404)],
)
def test_downloads_of_a_session(world: SiteWithTokens, ending: str, standing: str, status: int) -> None:
    """The files on the page follow the session as those in the feed follow the token."""
    world.open_private_link(standing)
    answered = world.client.get(f"/episodes/{SLUG}/transcript.{ending}")
    assert answered.status_code == status
    assert ("attachment" in answered.headers.get("content-disposition", "")) == (status == 200)


@pytest.mark.parametrize(
    ("standing", "status"),
    [
        ("active", 302),
        ("lapsed", 302),
        ("removed", 302),
        ("made up", 404),
        ("rotated long ago", 404),
        ("removed long ago", 404),
    ],
)
def test_old_private_url_of_public_audio_needs_a_token(
    world: SiteWithTokens, standing: str, status: int
) -> None:
    """The private URL of audio that has become public redirects, except for an unknown token."""
    audio, chapters = f"audio/{world.main.id}.wav", f"chapters/{world.main.id}.json"
    for path in (audio, chapters):
        assert world.client.get(f"/feeds/{world.tokens[standing]}/{path}").status_code == status


@pytest.mark.parametrize(("standing", "status"), [("anonymous", 404), ("active", 206), ("lapsed", 403)])
def test_bonus_audio_of_a_session(world: SiteWithTokens, standing: str, status: int) -> None:
    """The audio of a subscriber-only page supports byte ranges, for active subscribers."""
    world.open_private_link(standing)
    answered = world.client.get("/episodes/bonus/audio.wav", headers={"Range": "bytes=100-199"})
    assert answered.status_code == status
    assert (len(answered.content) == 100) == (status == 206)


@pytest.mark.parametrize("standing", ["anonymous", "active"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tomorrow", 404),
        ("withdrawn", 410),
        ("never", 404),
        ("tomorrow/transcript.vtt", 404),
        ("withdrawn/transcript.vtt", 404),
        ("tomorrow/audio.wav", 404),
    ],
)
def test_unpublished_episodes(world: SiteWithTokens, standing: str, path: str, status: int) -> None:
    """A scheduled episode is 404 for everybody; a withdrawn one is 410 without any content."""
    world.open_private_link(standing)
    assert world.client.get(f"/episodes/{path}").status_code == status


@pytest.mark.parametrize(
    "path", ["/", "/sitemap.xml", "/archive.atom", "/public/feed.xml", "/feeds/{active}/feed.xml"]
)
def test_unpublished_episodes_are_not_listed(world: SiteWithTokens, path: str) -> None:
    """Neither a scheduled nor a withdrawn episode is in a list or a feed."""
    answered = world.client.get(path.format(**world.tokens))
    assert answered.status_code == 200
    assert "tomorrow" not in answered.text.lower()
    assert "withdrawn" not in answered.text.lower()


def test_access_comes_before_conditions(world: SiteWithTokens, tmp_path: Path) -> None:
    """An ETag from before the lapse gives no 304 afterwards (castopod 74f9325)."""
    site = Site.make(tmp_path)
    episode = flagship(site)
    token = site.subscribe("ann@example.org")
    client = TestClient(site.app())
    vtt, feed = f"/feeds/{token}/transcripts/{episode.id}.vtt", f"/feeds/{token}/feed.xml"
    known = {path: client.get(path).headers["etag"] for path in (vtt, feed)}
    assert all(client.get(p, headers={"If-None-Match": tag}).status_code == 304 for p, tag in known.items())
    site.subscribers.suspend("ann@example.org", None, now=NOW, origin="cli")
    assert client.get(vtt, headers={"If-None-Match": known[vtt]}).status_code == 403
    assert client.get(feed, headers={"If-None-Match": known[feed]}).status_code == 200
    assert client.get(f"/feeds/{MADE_UP}/feed.xml", headers={"If-None-Match": "*"}).status_code == 404
    client.close()
    site.close()


def test_a_change_of_state_shows_in_the_next_answer(tmp_path: Path) -> None:
    """Lapse and renewal change feed, Last-Modified and pages at once, in the middle of a session."""
    site = Site.make(tmp_path)
    flagship(site)
    token = site.subscribe("ann@example.org", paid_until=NOW + timedelta(days=1))
    client = TestClient(site.app(), base_url="http://127.0.0.1:8080")
    client.get(f"/feeds/{token}/")
    feed, page = f"/feeds/{token}/feed.xml", f"/episodes/{SLUG}"
    assert "podcast:transcript" in client.get(feed).text
    assert SECRET in client.get(page).text
    site.clock.now += timedelta(days=2)
    assert "Your subscription has ended" in client.get(feed).text
    assert client.get(feed).headers["last-modified"] == "Wed, 11 Mar 2026 12:00:00 GMT"
    assert SECRET not in client.get(page).text
    site.subscribers.renew("ann@example.org", None, now=site.clock.now, origin="cli")
    assert "podcast:transcript" in client.get(feed).text
    assert client.get(feed).headers["last-modified"] == "Thu, 12 Mar 2026 12:00:00 GMT"
    assert SECRET in client.get(page).text
    client.close()
    site.close()


def test_rotation_ends_the_sessions_of_the_old_link(tmp_path: Path) -> None:
    """A session opened by a link that was replaced gets teasers from then on."""
    site = Site.make(tmp_path)
    flagship(site)
    token = site.subscribe("ann@example.org")
    client = TestClient(site.app(), base_url="http://127.0.0.1:8080")
    client.get(f"/feeds/{token}/")
    assert SECRET in client.get(f"/episodes/{SLUG}").text
    site.subscribers.rotate("ann@example.org", now=NOW, origin="cli")
    page = client.get(f"/episodes/{SLUG}").text
    assert SECRET not in page
    assert "This private link was replaced" in page
    client.close()
    site.close()


def test_feeds_of_two_subscribers_differ_in_the_token_alone(world: SiteWithTokens) -> None:
    """Everybody's feed is the same but for the token and the one-episode links, and holds nobody else's."""
    other = world.site.subscribe("other@example.org")
    active = world.tokens["active"]
    one = world.client.get(f"/feeds/{active}/feed.xml").text
    two = world.client.get(f"/feeds/{other}/feed.xml").text
    links = re.compile(r"/r/[a-z2-7]{16}\.[a-z2-7]{32}/")
    assert links.sub("/r/", one.replace(active, other)) == links.sub("/r/", two)
    assert {link[3:19] for link in links.findall(two)} == {other.partition(".")[0]}
    assert active not in two


def test_v_selects_a_file_version(world: SiteWithTokens) -> None:
    """`v` is the hash in the key: an old hash gives the old file, an unknown one 404."""
    old, new = (version.file_keys["vtt"] for version in world.main.transcripts)
    path = f"/feeds/{world.tokens['active']}/transcripts/{world.main.id}.vtt"
    assert "Marketti" in world.client.get(f"{path}?v={hash_in_key(old)}").text
    assert "Marchetti" in world.client.get(f"{path}?v={hash_in_key(new)}").text
    assert world.client.get(path).text == world.client.get(f"{path}?v={hash_in_key(new)}").text
    for wrong in ("", "0" * 16, hash_in_key(world.main.transcripts[0].file_keys["srt"])):
        assert world.client.get(f"{path}?v={wrong}").status_code == 404


def test_an_old_version_of_the_page(world: SiteWithTokens) -> None:
    """`?v=` of a document shows that version and leads to the newest; others are 404."""
    world.open_private_link("active")
    old = hash_in_key(world.main.transcripts[0].document_key)
    page = world.client.get(f"/episodes/{SLUG}?v={old}").text
    assert "You are reading version 1" in page
    assert "Marketti" in page
    assert world.client.get(f"/episodes/{SLUG}?v={'0' * 16}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("private/catalog.json", "../private/catalog.json", "%2e%2e/private/catalog.json"),
        *("..%2fprivate%2fcatalog.json", "public/../../private/catalog.json", "", "feed.xml/"),
        *("audio/%00", "a" * 3000, "%ff", "~/.."),
    ],
)
def test_no_way_from_public_to_private(world: SiteWithTokens, path: str) -> None:
    """No path after /public/ reads a private key (path traversal)."""
    assert world.client.get(f"/public/{path}").status_code == 404


@pytest.mark.parametrize("ending", ["mp3", "wav.wav", "exe"])
def test_files_have_one_ending(world: SiteWithTokens, ending: str) -> None:
    """Audio and transcripts exist only under their own file ending."""
    token = world.tokens["active"]
    assert world.client.get(f"/feeds/{token}/audio/{world.bonus.id}.{ending}").status_code == 404
    assert world.client.get(f"/feeds/{token}/transcripts/{world.bonus.id}.{ending}").status_code == 404


def test_audio_that_became_public_is_found(world: SiteWithTokens) -> None:
    """An app that kept the private address of an episode that is public now is sent on."""
    token, main = world.tokens["lapsed"], world.main
    answered = world.client.get(f"/feeds/{token}/audio/{main.id}.wav")
    assert answered.status_code == 302
    assert answered.headers["location"] == public_address(world, main)


def public_address(world: SiteWithTokens, episode: Episode) -> str:
    return world.site.catalog.show.object_url(str(episode.enclosure.key))
