"""Rules P1 to P9 of private feeds, over HTTP and on both databases; each test is named by its rule."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from podcast_pipeline.audience.database.tables import audit_log, network_addresses, tokens
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.tokens import new_selector, to_token
from podcast_pipeline.config import AccessTable
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.model import Chapter
from podcast_pipeline.storage.objects import stage_bytes
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.feeds import transcript_urls
from tests.support.leaky_site import BONUS, FLAGSHIP, SECRET, make_site
from tests.support.outbox import Outbox
from tests.support.site import Site, transcript_of

ANN = "ann@example.org"
DAY = timedelta(days=1)


pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with an episode in every state."""
    made = make_site(tmp_path / "show")
    yield made
    made.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """An app, or a browser."""
    with TestClient(site.app(), base_url=site.config.urls.site, follow_redirects=False) as made:
        yield made


def guids(feed: str) -> list[str]:
    """Return the guids of a feed's items."""
    return re.findall(r"<guid[^>]*>([^<]+)</guid>", feed)


def test_p1_the_token_is_in_the_path_and_enough(site: Site, client: TestClient) -> None:
    """At least 128 secret bits after the selector; passwords are neither required nor checked."""
    token = site.subscribe(ANN)
    assert re.fullmatch(r"[a-z2-7]{16}\.[a-z2-7]{32}", token)
    answer = client.get(f"/feeds/{token}/feed.xml", headers={"Authorization": "Basic d3Jvbmc6d3Jvbmc="})
    assert answer.status_code == 200
    assert "www-authenticate" not in client.get("/feeds/wrong/feed.xml").headers


def test_p2_no_directory_lists_it(site: Site, client: TestClient) -> None:
    """The three tags and the header stand in every private feed, paid or not."""
    token = site.subscribe(ANN, paid_until=site.clock.now + DAY)
    for _ in range(2):
        answer = client.get(f"/feeds/{token}/feed.xml")
        assert "<itunes:block>Yes</itunes:block>" in answer.text
        assert "<podcast:block>yes</podcast:block>" in answer.text
        assert re.search(r"<podcast:locked[^>]*>yes</podcast:locked>", answer.text)
        assert answer.headers["x-robots-tag"] == "noindex"
        site.clock.now += 2 * DAY


def test_p1_a_stolen_database_opens_nothing(site: Site) -> None:
    """The database contains only a hash of the secret."""
    selector, _, secret = site.subscribe(ANN).partition(".")
    with site.subscribers.engine.connect() as connection:
        (row,) = connection.execute(select(tokens).where(tokens.c.selector == selector)).mappings()
    assert row["secret_sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(dict(row))


def test_p3_what_needs_the_token(site: Site, client: TestClient) -> None:
    """Transcripts, subscriber-only audio and chapters need the token; other audio and artwork do not."""
    art = site.put(stage_bytes("public/art", "", "jpg", b"a picture", "image/jpeg"))
    show = site.catalog.show.model_copy(update={"artwork_key": art})
    site.catalog = site.catalog.with_show(show)
    marks = (Chapter(start_s=0, title="A mark"),)
    site.publish("bonus-two", transcript_of(BONUS, duration_s=2), access="subscribers", chapters=marks)
    token = site.subscribe(ANN)
    feed = client.get(f"/feeds/{token}/feed.xml").text
    enclosures = re.findall(r'<enclosure url="([^"]+)"', feed)
    chapters = re.findall(r'<podcast:chapters url="([^"]+)"', feed)
    assert sorted("/feeds/" in url for url in enclosures) == [False, True, True]
    assert sorted("/feeds/" in url for url in chapters) == [False, True]
    assert transcript_urls(feed)
    assert all("/feeds/" in url for url in transcript_urls(feed))
    pictures = set(re.findall(r'<itunes:image href="([^"]+)"', feed))
    assert pictures == {show.object_url(art)}
    closed = [url for url in (*enclosures, *chapters, *transcript_urls(feed)) if "/feeds/" in url]
    nobodys = to_token(new_selector(), b"not the key")
    assert {client.get(url.replace(token, nobodys)).status_code for url in closed} == {404}
    assert {client.get(url).status_code for url in (*closed, *enclosures, *chapters, *pictures)} == {200}


def test_p4_the_address_stays_and_ends_at_once(site: Site, client: TestClient) -> None:
    """A year later it is the same address with the same files; removal shows in the next request."""
    token = site.subscribe(ANN)
    first = client.get(f"/feeds/{token}/feed.xml")
    site.clock.now += 365 * DAY
    assert client.get(f"/feeds/{token}/feed.xml").content == first.content
    assert site.subscribers.feed_token(ANN) == token
    site.subscribers.remove(ANN, now=site.clock.now, origin="cli")
    assert client.get(transcript_urls(first.text)[0]).status_code == 403


@pytest.mark.parametrize(
    ("suffix", "title"), [("", "Late Proofs"), ("(subscribers)", "Late Proofs (subscribers)")]
)
def test_the_title_tells_a_private_feed_from_the_public_one(site: Site, suffix: str, title: str) -> None:
    """The suffix of show.toml is in the channel's title, with and without transcripts, and in no item."""
    access = site.config.access.model_copy(update={"private_title_suffix": suffix})
    site.config = site.config.model_copy(update={"access": access})
    token = site.subscribe(ANN, paid_until=site.clock.now + DAY)
    client = TestClient(site.app(), base_url=site.config.urls.site)
    for _ in ("active", "lapsed"):
        channel = parse_rss(client.get(f"/feeds/{token}/feed.xml").content).channel
        assert channel.findtext("title") == title
        assert "(subscribers)" not in {item.findtext("title") for item in channel.findall("item")}
        site.clock.now += 2 * DAY


def test_p5_a_lapsed_feed_goes_on(site: Site, client: TestClient) -> None:
    """200, the same channel guid, items and guids, no transcripts, and a notice that renewal takes away."""
    token = site.subscribe(ANN, paid_until=site.clock.now + DAY)
    paid = client.get(f"/feeds/{token}/feed.xml").text
    site.clock.now += 2 * DAY
    lapsed = client.get(f"/feeds/{token}/feed.xml")
    assert lapsed.status_code == 200
    assert re.findall("<podcast:guid>.*?<", lapsed.text) == re.findall("<podcast:guid>.*?<", paid)
    assert len(set(guids(lapsed.text)) - set(guids(paid))) == 1
    assert set(guids(paid)) < set(guids(lapsed.text))
    assert transcript_urls(lapsed.text) == []
    assert site.config.renew_url in lapsed.text
    assert [client.get(url).status_code for url in transcript_urls(paid)] == [403] * len(
        transcript_urls(paid)
    )
    site.subscribers.renew(ANN, site.clock.now + DAY, now=site.clock.now, origin="cli")
    assert client.get(f"/feeds/{token}/feed.xml").text == paid


def test_p5_an_etag_is_of_one_subscriber_and_state(site: Site, client: TestClient) -> None:
    """304 for one's own feed as it is; another's ETag and yesterday's state are answered in full."""
    ann, bob = site.subscribe(ANN), site.subscribe("bob@example.org")
    etag = client.get(f"/feeds/{ann}/feed.xml").headers["etag"]
    asked = {"If-None-Match": etag}
    assert client.get(f"/feeds/{ann}/feed.xml", headers=asked).status_code == 304
    other = client.get(f"/feeds/{bob}/feed.xml", headers=asked)
    assert other.status_code == 200
    assert ann not in other.text
    site.subscribers.suspend(ANN, None, now=site.clock.now, origin="cli")
    suspended = client.get(f"/feeds/{ann}/feed.xml", headers=asked)
    assert suspended.status_code == 200
    assert transcript_urls(suspended.text) == []
    file = transcript_urls(client.get(f"/feeds/{bob}/feed.xml").text)[0].replace(bob, ann)
    assert client.get(file, headers={"If-None-Match": "*"}).status_code == 403
    assert suspended.headers["cache-control"] == "private, no-cache"


def test_p5_a_replaced_link_tells_for_thirty_days(site: Site, client: TestClient) -> None:
    """Rotation opens a new address at once; the old one has a notice without it, and then is unknown."""
    old = site.subscribe(ANN)
    new = site.subscribers.rotate(ANN, now=site.clock.now, origin="cli")
    told = client.get(f"/feeds/{old}/feed.xml")
    assert client.get(f"/feeds/{new}/feed.xml").status_code == told.status_code == 200
    assert transcript_urls(told.text) == []
    assert "This private link was replaced" in told.text
    assert new not in told.text
    site.clock.now += 30 * DAY
    assert client.get(f"/feeds/{old}/feed.xml").status_code == 200
    site.clock.now += timedelta(seconds=1)
    assert client.get(f"/feeds/{old}/feed.xml").status_code == 404


def bonus_url(feed: str) -> str:
    """Return the address of the subscriber-only audio."""
    urls: list[str] = re.findall(r'<enclosure url="([^"]+)"', feed)
    return next(url for url in urls if "/feeds/" in url)


def test_p6_private_audio_is_streamed_by_us(site: Site, client: TestClient) -> None:
    """HEAD has the headers of GET, byte ranges are exact, and shared caches do not store the audio."""
    url = bonus_url(client.get(f"/feeds/{site.subscribe(ANN)}/feed.xml").text)
    whole, head = client.get(url), client.head(url)
    part = client.get(url, headers={"Range": "bytes=100-199"})
    assert head.headers["content-length"] == str(len(whole.content))
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert whole.headers["cache-control"] == "private, no-cache"


def test_p6_private_audio_may_be_redirected(site: Site, s3_store: S3Store) -> None:
    """With the setting GET is sent to the bucket for 15 minutes, HEAD is ours, who has not paid goes nowhere.

    The bucket's signature check is real: its address refuses HEAD.
    """
    bonus = site.catalog.by_slug("bonus")
    assert bonus is not None
    assert bonus.enclosure.key is not None
    audio = site.store.get(bonus.enclosure.key)[1]
    for info in [i for prefix in ("public/", "private/") for i in site.store.list(prefix)]:
        kind = site.store.head(info.key).content_type
        s3_store.put(info.key, site.store.get(info.key)[1], content_type=kind, cache_control="private")
    config = site.config.model_copy(update={"access": AccessTable(private_audio="redirect")})
    there = replace(site, config=config, store=s3_store)  # type: ignore[arg-type]
    token = site.subscribe(ANN, paid_until=site.clock.now + DAY)
    with TestClient(there.app(), base_url=site.config.urls.site, follow_redirects=False) as client:
        url = bonus_url(client.get(f"/feeds/{token}/feed.xml").text)
        sent = client.get(url)
        head = client.head(url)
        site.clock.now += 2 * DAY
        assert client.get(url).status_code == 403
    assert (sent.status_code, head.status_code) == (302, 200)
    assert head.headers["content-length"] == str(len(audio))
    place = sent.headers["location"]
    assert "X-Amz-Expires=900" in urlsplit(place).query
    assert httpx.get(place).content == audio
    assert httpx.head(place).status_code == 403


def overused(site: Site) -> list[dict[str, object]]:
    """Return the recorded incidents of overuse."""
    with site.subscribers.engine.connect() as connection:
        query = select(audit_log.c.details).where(audit_log.c.action == "overused")
        return [dict(details) for details in connection.scalars(query)]


def test_p7_too_much_use_is_noted_once_and_changes_nothing(site: Site, client: TestClient) -> None:
    """The fifth complete download in a day is recorded; partial responses, HEADs and 304s do not count."""
    url = transcript_urls(client.get(f"/feeds/{site.subscribe(ANN)}/feed.xml").text)[0]
    etag = client.get(url).headers["etag"]
    for headers in ({"Range": "bytes=0-9"}, {"If-None-Match": etag}):
        for _ in range(5):
            client.get(url, headers=headers)
            client.head(url)
    for _ in range(3):
        client.get(url)
    assert overused(site) == []
    whole = int(client.head(url, headers={"Accept-Encoding": "identity"}).headers["content-length"])
    for _ in range(2):  # all of it, as players ask that always send a range
        assert client.get(url, headers={"Range": f"bytes=0-{whole - 1}"}).status_code == 206
    flagship = site.catalog.by_slug(FLAGSHIP)
    assert flagship is not None
    episodes = {str(episode.id) for episode in site.catalog.published()}
    (noted,) = overused(site)
    assert noted.pop("episode") in episodes
    assert noted == {"downloads": 5, "locations": 1, "apps": 1}
    assert client.get(url).status_code == 200
    site.clock.now += DAY + timedelta(seconds=1)
    client.get(url)
    assert len(overused(site)) == 1


def test_p7_four_apps_are_noted(site: Site, client: TestClient) -> None:
    """More than three apps or networks count as well as downloads."""
    url = transcript_urls(client.get(f"/feeds/{site.subscribe(ANN)}/feed.xml").text)[0]
    for app in ("AntennaPod/3", "Overcast/1", "gPodder/3", "Castro/1"):
        client.get(url, headers={"User-Agent": app})
    (noted,) = overused(site)
    assert (noted["downloads"], noted["apps"]) == (4, 4)


def test_p7_four_networks_are_noted(site: Site, client: TestClient) -> None:
    """More than three places count as well as downloads; a household's IPv6 addresses are one."""
    ann, bob = site.subscribe(ANN), site.subscribe("bob@example.org")
    path = transcript_urls(client.get(f"/feeds/{ann}/feed.xml").text)[0]

    def fetch(token: str, *addresses: str) -> None:
        for address in addresses:
            there = TestClient(site.app(), base_url=site.config.urls.site, client=(address, 50000))
            assert there.get(path.replace(ann, token)).status_code == 200

    fetch(ann, "2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2")
    assert overused(site) == []
    fetch(bob, "2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert [(noted["downloads"], noted["locations"]) for noted in overused(site)] == [(4, 4)]


def test_p7_the_audits_own_are_not_counted(site: Site, client: TestClient) -> None:
    """A canary's downloads are unlimited, and neither their number nor their networks are recorded."""
    _, token = ensure_canaries(site.subscribers, now=site.clock.now)["active"]
    url = transcript_urls(client.get(f"/feeds/{token}/feed.xml").text)[0]
    for _ in range(6):
        assert client.get(url).status_code == 200
    assert overused(site) == []
    with site.subscribers.engine.connect() as connection:
        assert connection.scalars(select(network_addresses.c.subscriber_id)).all() == []


def test_p8_the_token_is_told_to_nobody(
    site: Site, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The token is in no log, error page or referrer."""
    token = site.subscribe(ANN, paid_until=site.clock.now - DAY)
    with caplog.at_level("INFO"):
        feed = client.get(f"/feeds/{token}/feed.xml")
        errors = [client.get(f"/feeds/{token}/{path}") for path in ("transcripts/x.vtt", "nothing", "..%2f")]
    log = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("podcast_pipeline"))
    assert "/feeds/***/feed.xml" in log
    assert not any(token in text for text in (log, *(e.text for e in errors)))
    assert {answer.headers["referrer-policy"] for answer in (feed, *errors)} == {"no-referrer"}


def test_p9_subscribers_are_told_about_spotify(site: Site) -> None:
    """Pages with the private link state that Spotify supports no private feeds."""
    site.subscribe(ANN)
    ann = site.subscribers.get(ANN).id
    cookie = site.sessions.open(ann, scope="account", selector=None, now=site.clock.now)
    with TestClient(
        site.app(Outbox()), base_url=site.config.urls.site, cookies={"session": cookie}
    ) as browser:
        assert "Spotify takes no private feeds" in browser.get("/account").text


def test_nobody_unpaid_reads_the_bonus(site: Site, client: TestClient) -> None:
    """The subscriber-only words are in no answer to a lapsed token."""
    token = site.subscribe(ANN, paid_until=site.clock.now + DAY)
    feed = client.get(f"/feeds/{token}/feed.xml").text
    urls = [*transcript_urls(feed), bonus_url(feed), "/", "/episodes/bonus"]
    said = SECRET.partition(": ")[2].split()[3]
    assert any(said in client.get(url).text for url in transcript_urls(feed))
    site.clock.now += 2 * DAY
    client.get(f"/feeds/{token}/")
    assert not any(said in client.get(url).text for url in urls)
