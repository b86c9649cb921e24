"""Attacks on a running server: path traversal, CSRF, cache poisoning, header injection, XSS and others."""

import re
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest

from podcast_pipeline.feed import app_impact, parse
from podcast_pipeline.model import Chapter, Correction, Person
from tests.support.html_elements import Elements
from tests.support.outbox import Outbox
from tests.support.site import Site, flagship_on_a_port, transcript_of

ANN = "ann@example.org"
PAGE = "/episodes/the-water-was-always-coming"
EVIL = "evil.example"
SCRIPT = '"><img src=x onerror=alert(1)></script><script>alert(1)</script>'

Response = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def outbox() -> Outbox:
    """The outbox of the site's mail."""
    return Outbox()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, outbox: Outbox) -> Iterator[Site]:
    """A show on a port of this machine, with a hostile episode, and Ann who has paid."""
    with flagship_on_a_port(tmp_path_factory.mktemp("show"), outbox) as site:
        said = transcript_of(f"Eve: said {SCRIPT.replace(':', '')} and more.", duration_s=9)
        note = Correction(corrected_at=site.clock.now, note=SCRIPT)
        site.publish(
            "evil",
            said.model_copy(update={"corrections": (note,)}),
            title=SCRIPT,
            notes=f"{SCRIPT} [x](javascript:alert(1)) <svg/onload=alert(1)> <iframe src=x></iframe>",
            chapters=(Chapter(start_s=0, title=SCRIPT),),
            persons=(Person(name=SCRIPT, role="guest"),),
            topics=(SCRIPT[:64],),
            season=1,
        )
        site.subscribe(ANN)
        yield site


@pytest.fixture
def token(site: Site) -> str:
    """Ann's token."""
    return site.subscribers.feed_token(ANN)


def ask(
    site: Site,
    target: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    source: str = "127.0.0.1",
    **headers: str,
) -> Response:
    """Send a request with an unnormalised target from a local address; `_` in header names means `-`."""
    place = urlsplit(site.config.urls.site)
    connection = HTTPConnection(str(place.hostname), place.port, timeout=60, source_address=(source, 0))
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        said = {"Host": place.netloc, **headers}
        if body is not None:
            said["Content-Length"] = str(len(body))
        for name, value in said.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def cookies(response: Response) -> dict[str, str]:
    """Return the cookies that an answer sets."""
    name, _, value = response[1].get("set-cookie", "").partition(";")[0].partition("=")
    return {name: value} if name else {}


@pytest.mark.parametrize(
    "trick",
    [
        "/feeds/{}/%2e/feed.xml",
        "//feeds/{}/feed.xml",
        "/feeds//{}/feed.xml",
        "/feeds/{}./feed.xml",
        "/feeds/{}%20/feed.xml",
        "/feeds/{}%00/feed.xml",
        "/feeds/{};a/feed.xml",
        "/feeds/{}/feed.xml/",
        "/feeds/x/../{}/feed.xml",
        "/FEEDS/{}/feed.xml",
        "/public/%2e%2e/private/catalog.json",
        "/public/..%2fprivate/catalog.json",
        "/public/..%5cprivate/catalog.json",
        "/public//private/catalog.json",
        "/static/%2e%2e/%2e%2e/show.toml",
        "http://evil.example/feeds/{}/feed.xml",
    ],
)
def test_a_trick_in_the_path_opens_nothing(site: Site, token: str, trick: str) -> None:
    """There is one spelling of an address; any other is 404, from an address that has guesses left."""
    assert ask(site, trick.format(token), source="127.0.0.9")[0] == 404
    assert ask(site, f"/feeds/{token}/feed.xml")[0] == 200


def test_a_token_in_capitals_is_none(site: Site, token: str) -> None:
    """Tokens are case-sensitive; otherwise logs and rate limits would see many spellings of one."""
    assert ask(site, f"/feeds/{token.upper()}/feed.xml", source="127.0.0.9")[0] == 404


@pytest.mark.parametrize("host", [EVIL, "[", "[::1", "a/b?c#d", "x@y", "evil.example:99999", ""])
def test_a_foreign_host_changes_no_answer(site: Site, token: str, host: str) -> None:
    """Responses use urls.site of show.toml only, and an odd Host header breaks no error page."""
    for path in ("/", PAGE, f"/feeds/{token}/feed.xml", "/nothing", "/feeds/nobody/feed.xml", "/account"):
        wanted, response = (ask(site, path, source="127.0.0.8", Host=name) for name in ("pod.example", host))
        assert (response[0], response[2]) == (wanted[0], wanted[2])
        assert EVIL not in str(response)


def test_a_forwarded_address_buys_no_guesses(site: Site) -> None:
    """The rate limit ignores X-Forwarded-For from clients other than the proxy."""
    spoofed = [
        ask(
            site,
            "/feeds/nobody/feed.xml",
            source="127.0.0.2",
            X_Forwarded_For=f"203.0.113.{n}",
            Forwarded=f"for=203.0.113.{n}",
            X_Real_IP=f"203.0.113.{n}",
        )
        for n in range(61)
    ]
    assert [response[0] for response in spoofed] == [404] * 60 + [429]
    assert int(spoofed[-1][1]["retry-after"]) > 0
    assert ask(site, "/feeds/nobody/feed.xml", source="127.0.0.3")[0] == 404


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "POST", "PROPFIND", "CONNECT"])
def test_another_method_does_nothing(site: Site, token: str, method: str) -> None:
    """The response is 405 and contains nothing of the request."""
    for path in ("/", f"/feeds/{token}/feed.xml", "/public/feed.xml", "/account/data.json"):
        status, _, body = ask(site, path, method=method, X_Secret="echo", Cookie="session=echo")
        assert status == 405
        assert b"echo" not in body


def test_no_header_and_no_query_poisons_a_cache(site: Site, token: str) -> None:
    """Cacheable responses are the same for every visitor; others forbid caching."""

    def poisoned(path: str) -> Response:
        return ask(site, path, X_Forwarded_Host=EVIL, X_Original_URL="/account", X_Forwarded_Scheme="http")

    plain = ask(site, "/public/feed.xml")
    assert poisoned(f"/public/feed.xml?a={EVIL}")[2] == plain[2]
    assert "public" in plain[1]["cache-control"]
    for path in (PAGE, f"/feeds/{token}/feed.xml"):
        _, headers, body = poisoned(f"{path}?a={EVIL}")
        assert headers["cache-control"] == "private, no-cache"
        assert EVIL.encode() not in body
    for path in ("/nothing", "/public/nothing", "/signin", "/account"):
        assert poisoned(path)[1]["cache-control"] == "no-store"


def test_a_look_by_head_opens_no_session(site: Site, token: str) -> None:
    """HEAD on a private link opens no session; GET does."""
    looked, came = (ask(site, f"/feeds/{token}/", method=method) for method in ("HEAD", "GET"))
    assert looked[0] == came[0] == 303
    assert (cookies(looked), list(cookies(came))) == ({}, ["session"])


def csrf_token_of(told: Response) -> str:
    return str(re.findall(r'name="seal" value="(\w+)"', told[2].decode())[0])


def mailed(outbox: Outbox) -> str:
    """Return the link of the mail that leaves after the answer."""
    until = time.monotonic() + 20
    while not outbox.messages and time.monotonic() < until:
        time.sleep(0.02)
    return outbox.link


def test_a_planted_cookie_is_no_session(site: Site, outbox: Outbox) -> None:
    """Sign-in opens a new session; a planted session cookie stays invalid (session fixation)."""
    planted = "p" * 43
    jar = {"session": planted}

    def go(path: str, body: str = "") -> Response:
        cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
        response = ask(site, path, method="POST" if body else "GET", body=body.encode(), Cookie=cookie)
        jar.update(cookies(response))
        return response

    go("/signin", f"email={ANN}&seal={csrf_token_of(go('/signin'))}")
    link = mailed(outbox)
    assert go(link, f"seal={csrf_token_of(go(link))}")[1]["location"] == "/account"
    assert jar["session"] != planted
    assert ask(site, "/account", Cookie=f"session={jar['session']}")[0] == 200
    assert ask(site, "/account", Cookie=f"session={planted}")[0] == 303


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/json", "multipart/form-data"]
)
def test_no_content_type_forges_a_form(site: Site, token: str, kind: str) -> None:
    """A cross-site POST with the browser's cookies is refused (CSRF)."""
    ann, now = site.subscribers.get(ANN).id, site.clock.now
    cookie = f"session={site.sessions.open(ann, scope='account', selector=None, now=now)}"
    said = {"Content_Type": kind, "Origin": f"https://{EVIL}", "Cookie": cookie}
    for path in ("/account/rotate", "/account/delete", "/account/news", "/account/signout"):
        assert ask(site, path, method="POST", body=b"sure=yes&news=yes", **said)[0] == 403
    assert site.subscribers.feed_token(ANN) == token
    assert ask(site, "/account", Cookie=cookie)[0] == 200


def test_no_redirect_leaves_the_site(site: Site, token: str) -> None:
    """Redirects lead to fixed paths of this site (no open redirect)."""
    asked = f"next=//{EVIL}&url=https://{EVIL}&return_to=//{EVIL}"
    for path in (f"/feeds/{token}/", "/account", "/signin", f"//{EVIL}/", f"//{EVIL}/%2e%2e"):
        status, headers, _ = ask(site, f"{path}?{asked}", Referer=f"https://{EVIL}/")
        assert headers.get("location", "/") in ("/", "/signin"), status


def test_a_line_break_splits_no_answer(site: Site, token: str) -> None:
    """A header in the URL does not become a response header (header injection)."""
    planted = "%0d%0aSet-Cookie:%20planted=1%0d%0a%0d%0a"
    targets = (
        "/episodes/{}",
        PAGE + "?v={}",
        "/?guest={}",
        "/search?q={}",
        "/feeds/{}/feed.xml",
        "/public/{}",
    )
    for target in (*targets, f"/feeds/{token}/audio/{{}}.mp3"):
        status, headers, _ = ask(site, target.format(planted), source="127.0.0.7")
        assert "planted" not in str(headers)
        assert status < 500


def test_too_much_of_anything_is_no_error(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Many fields, long words and a form that breaks off are refused without a traceback in the log."""
    caplog.set_level("INFO", logger="podcast_pipeline.access")
    many = "&".join(f"a{n}=1" for n in range(100)).encode()
    assert ask(site, "/signin", method="POST", body=many)[0] == 403
    assert ask(site, f"/search?q={'%22(' * 5000}")[0] == 200
    assert ask(site, f"/{'a' * 60_000}")[0] in (404, 414)
    assert ask(site, PAGE, If_None_Match='"' * 50_000)[0] == 200
    place = urlsplit(site.config.urls.site)
    with socket.create_connection((str(place.hostname), place.port)) as broken:
        broken.sendall(b"POST /signin HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nseal=")
    until = time.monotonic() + 20
    while "POST /signin 400" not in caplog.text and time.monotonic() < until:
        time.sleep(0.02)
    assert "POST /signin 400" in caplog.text
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_script_in_any_field_is_text(site: Site, token: str) -> None:
    """Title, notes, chapter, guest, topic, correction, words and snippets are shown and never run."""
    cookie = f"session={cookies(ask(site, f'/feeds/{token}/'))['session']}"
    guest = f"/?guest={quote(SCRIPT)}"
    for path in (
        "/",
        "/episodes/evil",
        guest,
        "/archive",
        f"/?topic={quote(SCRIPT[:64])}",
        "/search?q=alert",
    ):
        status, _, body = ask(site, path, Cookie=cookie)
        assert status == 200
        elements = Elements(body.decode())
        assert not {tag for tag, _ in elements.found} & {"iframe", "object", "embed", "base"}
        for tag, attributes in elements.found:
            assert not any(name.startswith("on") for name in attributes), (path, tag)
            assert not str(attributes.get("href", "")).lower().startswith(("javascript:", "data:"))
            assert tag != "script" or attributes.get("type") == "application/ld+json" or attributes.get("src")
    for path in ("/archive.atom", "/public/feed.xml", "/sitemap.xml", f"/feeds/{token}/feed.xml"):
        assert b"<script" not in ask(site, path)[2].replace(b"&lt;script", b"")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//x"]
)
def test_a_foreign_feed_links_no_script(address: str) -> None:
    """An imported guest's page is a web address or none."""
    people = "".join(
        f'<podcast:person role="guest" href="{href}" img="{href}">Eve</podcast:person>'
        for href in (address, "https://eve.example/")
    )
    feed = (
        '<rss version="2.0" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><title>T</title>'
        f'<item><title>I</title><guid>g</guid><enclosure url="https://x.example/a.mp3" length="1" '
        f'type="audio/mpeg"/><pubDate>Tue, 10 Mar 2026 12:00:00 GMT</pubDate>{people}</item></channel></rss>'
    )
    (item,), _ = parse.parse_items(app_impact.parse_feed(feed.encode()))
    assert [person.url for person in item.persons] == [None, "https://eve.example/"]
    assert [person.image_url for person in item.persons] == [None, "https://eve.example/"]
