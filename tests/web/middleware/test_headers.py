"""Middleware: CORS, CSP, HSTS and caching headers on every response, and no secret in a log."""

import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from podcast_pipeline.audience.database.engine import POOL_OPTIONS, POOL_SIZE
from podcast_pipeline.errors import StoreError
from podcast_pipeline.model.catalog import CATALOG_KEY
from podcast_pipeline.storage import ObjectInfo
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.web.middleware.access_log import redact
from tests.support.site import Site, flagship

pytestmark = pytest.mark.usefixtures("each_database")

PAGE = "/episodes/the-water-was-always-coming"
TOKENS = st.from_regex(r"[a-z2-7]{16}\.[a-z2-7]{32}", fullmatch=True)
SIGN_INS = st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True)
RANDOM_SIGN_INS = st.randoms(use_true_random=False).map(
    lambda random: urlsafe_b64encode(random.randbytes(32)).decode().rstrip("=")
)


@pytest.fixture(scope="module")
def site(each_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show with one episode."""
    site = Site.make(tmp_path_factory.mktemp("site"))
    flagship(site)
    yield site
    site.close()


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[TestClient]:
    """Somebody with a subscription and no session."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080", follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    """A good token."""
    return site.subscribe("ann@example.org")


@pytest.mark.parametrize(
    "path", ["/feeds/{}/feed.xml", "/public/feed.xml", "/feeds/nobody/feed.xml", "/public/no"]
)
def test_open_paths_have_cors_and_no_credentials(client: TestClient, token: str, path: str) -> None:
    """Any web player may read feeds and public objects, without cookies (H5), errors included."""
    answered = client.get(path.format(token), headers={"Origin": "https://player.example"})
    assert answered.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in answered.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answered.headers
    assert "set-cookie" not in answered.headers


def test_preflight(client: TestClient, token: str) -> None:
    """A player on another site may ask for a range."""
    asked = {"Origin": "https://player.example", "Access-Control-Request-Method": "GET"}
    answered = client.options(f"/feeds/{token}/feed.xml", headers=asked)
    assert answered.status_code == 204
    assert answered.headers["access-control-allow-origin"] == "*"
    assert "Range" in answered.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/", PAGE, "/nothing", "/robots.txt"])
def test_pages_have_no_cors_and_a_policy(client: TestClient, path: str) -> None:
    """No other site reads or frames a page, and inline scripts and styles are forbidden."""
    headers = client.get(path, headers={"Origin": "https://player.example"}).headers
    assert "access-control-allow-origin" not in headers
    assert client.options(path).status_code == 405 or path == "/nothing"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/public/feed.xml", "/feeds/{}/feed.xml", "/feeds/nobody/"]
)
def test_everywhere(client: TestClient, token: str, path: str) -> None:
    """No sniffing, no referrer, and no Server header."""
    headers = client.get(path.format(token)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    assert "strict-transport-security" not in headers  # plain HTTP here


def test_behind_tls(tmp_path: Path) -> None:
    """With an https site there is HSTS and the cookie is Secure and bound to the host."""
    site = Site.make(tmp_path, site_url="https://late.example")
    token = site.subscribe("ann@example.org")
    client = TestClient(site.app(), base_url="https://late.example", follow_redirects=False)
    answered = client.get(f"/feeds/{token}/")
    assert answered.headers["strict-transport-security"] == "max-age=31536000"
    cookie = answered.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    client.close()
    site.close()


def test_private_answers_are_not_kept_by_others(client: TestClient, token: str) -> None:
    """Feeds and pages are private; feeds stay out of search engines; errors are not stored."""
    feed = client.get(f"/feeds/{token}/feed.xml").headers
    assert (feed["cache-control"], feed["x-robots-tag"]) == ("private, no-cache", "noindex")
    assert client.get(PAGE).headers["cache-control"] == "private, no-cache"
    assert "Cookie" in client.get(PAGE).headers["vary"]
    assert client.get("/feeds/nobody/feed.xml").headers["cache-control"] == "no-store"
    assert client.get(f"/feeds/{token}/").headers["cache-control"] == "no-store"
    assert client.get("/public/feed.xml").headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize(
    "path",
    ["/", PAGE, "/feeds/{}/feed.xml", "/public/feed.xml", "/robots.txt", "/sitemap.xml", "/archive.atom"],
)
def test_head_and_304_everywhere(client: TestClient, token: str, path: str) -> None:
    """HEAD has the headers of GET, and a known ETag gives 304."""
    path = path.format(token)
    get, head = client.get(path), client.head(path)
    assert dict(get.headers) == dict(head.headers)
    again = client.get(path, headers={"If-None-Match": get.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_errors_ignore_conditions(client: TestClient) -> None:
    """Neither a range nor a condition makes a 404 anything else."""
    headers = {"If-None-Match": "*", "Range": "bytes=0-1"}
    for path in ("/nothing", "/public/nothing", "/feeds/nobody/feed.xml"):
        answered = client.get(path, headers=headers)
        assert answered.status_code == 404
        assert len(answered.content) > 2


def test_a_store_that_fails_is_503(client: TestClient, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store is unavailable, responses are 503 with Retry-After and reveal nothing."""

    def fail(self: LocalStore, key: str) -> ObjectInfo:
        raise StoreError(key, "the disk is away")

    monkeypatch.setattr(LocalStore, "head", fail)
    for path in ("/", f"/feeds/{token}/feed.xml", "/healthz"):
        answered = client.get(path)
        assert answered.status_code == 503
        assert answered.headers["retry-after"] == "30"
        assert "disk" not in answered.text


@pytest.mark.parametrize("restarted", [False, True])
def test_a_catalog_that_is_gone_is_503(tmp_path: Path, restarted: bool) -> None:
    """An unmounted store gives 503 instead of empty feeds, also after a restart."""
    site = Site.make(tmp_path)
    flagship(site)
    token = site.subscribe("ann@example.org")
    app = site.app()
    app.state.catch_up().join()
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        assert client.get(f"/feeds/{token}/feed.xml").status_code == 200
    site.store.delete(CATALOG_KEY)
    with TestClient(site.app() if restarted else app, base_url="http://127.0.0.1:8080") as client:
        for path in ("/", f"/feeds/{token}/feed.xml", "/healthz"):
            answered = client.get(path)
            assert (answered.status_code, answered.headers["retry-after"]) == (503, "30")
        site.write_catalog()
        assert client.get(f"/feeds/{token}/feed.xml").status_code == 200
    site.close()


def test_a_database_that_fails_is_503(tmp_path: Path) -> None:
    """Without the database private pages are 503 with Retry-After; pages that need none are served."""
    site = Site.make(tmp_path)
    flagship(site)
    token = site.subscribe("ann@example.org")
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        assert client.get(f"/feeds/{token}/feed.xml").status_code == 200
        with site.subscribers.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE tokens RENAME TO lost")
        answered = client.get(f"/feeds/{token}/feed.xml")
        assert (answered.status_code, answered.headers["retry-after"]) == (503, "30")
        assert token not in answered.text
        assert client.get("/public/feed.xml").status_code == 200
    site.close()


def test_a_database_without_a_free_connection_is_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With every connection in use a visitor gets 503 with Retry-After, and the log one line."""
    monkeypatch.setitem(POOL_OPTIONS, "pool_timeout", 0.05)
    site = Site.make(tmp_path)
    token = site.subscribe("ann@example.org")
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client, ExitStack() as held:
        for _ in range(POOL_SIZE):
            held.enter_context(site.subscribers.engine.connect())
        answered = client.get(f"/feeds/{token}/feed.xml")
        assert (answered.status_code, answered.headers["retry-after"]) == (503, "30")
        held.close()
        assert client.get(f"/feeds/{token}/feed.xml").status_code == 200
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "all connections were in use" in line.getMessage()
    assert (line.exc_info, "\n" in line.getMessage()) == (None, False)
    site.close()


def test_a_folder_of_objects_is_404(client: TestClient) -> None:
    """The store's folders have no page and no listing."""
    for path in ("/public/audio", "/public/audio/", "/public/", "/public"):
        assert client.get(path).status_code == 404


def test_a_bug_is_a_bare_500(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is logged, and its details are not in the response."""

    def fail(self: LocalStore, key: str) -> ObjectInfo:
        raise ZeroDivisionError(key)

    monkeypatch.setattr(LocalStore, "get", fail)
    client = TestClient(site.app(), raise_server_exceptions=False)
    answered = client.get("/")
    assert answered.status_code == 500
    assert "Zero" not in answered.text
    assert answered.headers["x-content-type-options"] == "nosniff"


def test_the_log_has_no_secret(client: TestClient, token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Tokens, queries and cookies are in no line; method, path, status and size are."""
    with caplog.at_level(logging.DEBUG):
        client.get(f"/feeds/{token}/feed.xml?token={token}", headers={"Referer": f"http://x/{token}"})
        client.get(f"/oops/{token}", headers={"User-Agent": f"app {token}\x1b[2J"})
    ours = [record.getMessage() for record in caplog.records if record.name == "podcast_pipeline.access"]
    assert ours[0].startswith("GET /feeds/***/feed.xml 200 ")
    assert ours[1].startswith("GET /oops/*** 404 ")
    for record in caplog.records:
        if not record.name.startswith("httpx"):
            assert token not in record.getMessage()
            assert token.partition(".")[2] not in record.getMessage()


def test_the_log_of_a_missing_object_has_no_secret_and_one_line(
    client: TestClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A requested path in an error line is redacted like one in the access log."""
    for path in (f"/public/{token}", "/public/a%0afake%1b[2J", f"/public/audio/{token}.mp3"):
        assert client.get(path).status_code == 404
    lines = [record.getMessage() for record in caplog.records if record.name == "podcast_pipeline.web"]
    assert any("***" in line for line in lines)
    for line in lines:
        assert line.isprintable()
        assert token not in line
        assert token.partition(".")[2] not in line


@given(st.text(max_size=60), TOKENS, st.text(max_size=60))
@example("/feeds/", "a" * 16 + "." + "b" * 32, "/feed.xml")
@example("x", "a" * 16 + "." + "b" * 32, "y")
def test_redaction_holds_anywhere(before: str, token: str, after: str) -> None:
    """A token anywhere in a path is redacted, and unprintable characters are replaced."""
    line = redact(f"{before}{token}{after}")
    assert token.partition(".")[2] not in line
    assert line.isprintable()
    assert line.isascii()


@given(st.text(max_size=20), SIGN_INS)
def test_a_sign_in_link_is_in_no_log(before: str, secret: str) -> None:
    """A GET of a mailed link is logged while the link still works, so the secret is redacted."""
    assert redact(f"{before}/signin/link/{secret}").endswith("/signin/link/***")
    assert redact(f"{before}/mail/stop/{secret}").endswith("/mail/stop/***")
    assert redact(f"{before}/students/link/{secret}").endswith("/students/link/***")


@given(
    SIGN_INS, st.integers(0, 4), st.sampled_from(["/nothing/{}", "/{}?a=b", "/x?next={}&y", "/%3fq={}", "{}"])
)
def test_a_sign_in_secret_is_in_no_log_anywhere(secret: str, times: int, path: str) -> None:
    """Under any path, in a query, in capitals, and percent-encoded once or more often it is starred."""
    for text in (secret, secret.upper()):
        encoded = text
        for _ in range(times):
            encoded = "".join(f"%{byte:02x}" for byte in encoded.encode())
        assert text[4:-4] not in redact(path.format(encoded))


@pytest.mark.parametrize(
    "path",
    [
        "/episodes/what-the-river-took-and-why-nobody-came-back-for-it-in-2026",
        "/public/audio/the-water-was-always-coming.36572f988b560484.mp3",
        "/static/36572f988b560484/reader.css",
        "/feeds",
        "/search",
        "AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5_1 like Mac OS X; en_us)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36",
    ],
)
def test_ordinary_paths_and_clients_are_logged_whole(path: str) -> None:
    """A log of stars would help nobody."""
    assert redact(path) == path


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=80))
@example(b"a" * 16 + b"." + b"b" * 32)
@example(b"a" * 16 + b"." + b"B" * 32)
@example("ａ".encode() * 16 + b"." + b"b" * 32)
def test_hostile_tokens_are_404(site: Site, text: bytes) -> None:
    """Any text in place of a token is 404, never an exception."""
    client = TestClient(site.app())  # a fresh one: guesses are counted
    escaped = "".join(f"%{byte:02x}" for byte in text if byte != ord("/")) or "x"
    assert client.get(f"/feeds/{escaped}/feed.xml").status_code == 404
    assert client.get("/", headers={"Cookie": f"session={escaped}"}).status_code == 200
