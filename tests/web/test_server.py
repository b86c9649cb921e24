"""The web site on a real port, with a real client."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from podcast_pipeline.errors import ConfigError
from podcast_pipeline.storage import CHUNK_BYTES
from podcast_pipeline.web import server
from tests.support.site import Site, flagship_on_a_port


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show with one episode, served on a free port of this machine."""
    with flagship_on_a_port(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """A client of that port."""
    with httpx.Client(base_url=site.config.urls.site) as client:
        yield client


def test_every_url_of_a_feed_answers(site: Site, client: httpx.Client) -> None:
    """Every URL in a subscriber's feed answers HEAD with a length and a byte range with 206."""
    token = site.subscribe("app@example.org")
    feed = client.get(f"/feeds/{token}/feed.xml")
    addresses = {part for part in feed.text.split('"') if part.startswith(site.config.urls.site + "/")}
    files = {address for address in addresses if "/episodes/" not in address and "/r/" not in address}
    assert len(files) >= 6  # itself, the audio, the chapters, three transcripts
    for address in files:
        head = client.head(address, headers={"Accept-Encoding": "identity"})
        part = client.get(address, headers={"Range": "bytes=0-9"})
        assert (head.status_code, part.status_code, len(part.content)) == (200, 206, 10)
        assert part.headers["content-range"] == f"bytes 0-9/{head.headers['content-length']}"


def test_head_sends_no_body(site: Site, client: httpx.Client) -> None:
    """After a HEAD the same connection is ready for the next request."""
    for path in ("/", "/public/feed.xml", "/nothing"):
        assert client.head(path).content == b""
    assert client.get("/healthz").text == "ok\n"


def test_a_person_comes_in_by_the_link(site: Site, client: httpx.Client) -> None:
    """The private link sets a cookie and leads to the pages, which then show the transcript."""
    token = site.subscribe("person@example.org")
    page = client.get(f"/feeds/{token}/", follow_redirects=True)
    assert page.url.path == "/"
    assert token not in page.text
    assert "the river came over the wall" in client.get("/episodes/the-water-was-always-coming").text


@pytest.mark.parametrize("garbage", [b"GET / HTTP/9\r\n\r\n", b"\x00\x01\r\n\r\n", b"GET /" + b"a" * 70000])
def test_garbage_is_refused(site: Site, garbage: bytes) -> None:
    """Invalid HTTP never gets 200, and the server keeps running."""
    host, port = site.config.urls.site.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(garbage)
        assert b" 200 " not in connection.recv(100)
    assert httpx.get(f"{site.config.urls.site}/healthz").status_code == 200


def test_small_answers_do_not_wait() -> None:
    """The socket names TCP; otherwise asyncio leaves Nagle's algorithm on, which costs 40 ms."""
    with server.listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_taken_port_is_one_line() -> None:
    """The error for a port in use names the port and the option to change."""
    with server.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(
            ConfigError, match=f"127.0.0.1:{port}: Address already in use; choose another with --port"
        ):
            server.listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("site_url", "port", "warns"),
    [
        ("http://127.0.0.1:8080", 8080, False),
        ("http://127.0.0.1:8080", 8081, True),
        ("http://late.example", 80, False),
        ("http://late.example", 8080, True),
        ("https://late.example", 8080, False),
    ],
)
def test_the_port_that_links_lead_to(site_url: str, port: int, warns: bool) -> None:
    """A port other than that of urls.site gives a warning, except for https, behind a proxy."""
    assert (server.port_warning(site_url, port) is not None) == warns


@pytest.mark.parametrize(
    ("site_url", "port"),
    [
        ("http://127.0.0.1:9000", 9000),
        ("http://[::1]:9000", 9000),
        ("http://late.example", 8080),
        ("https://late.example:8443", 8080),
        ("https://late.example", 8080),
    ],
)
def test_the_port_of_the_site_is_the_default(site_url: str, port: int) -> None:
    """`serve` listens where its links lead; in front of 80, 443 and https there is a proxy."""
    assert server.default_port(site_url) == port


def test_a_large_file_goes_out_in_pieces(tmp_path: Path) -> None:
    """Memory stays flat: no message to the socket is larger than a chunk of the store."""
    site = Site.make(tmp_path)
    key = "public/audio/long.mp3"
    site.store.put(key, bytes(3_000_000), content_type="audio/mpeg", cache_control="public")
    sizes: list[int] = []

    async def send(message: Message) -> None:
        sizes.append(len(message.get("body", b"")))

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/{key}",
        "headers": [],
        "query_string": b"",
        "asgi": {"spec_version": "2.4"},
    }
    with ThreadPoolExecutor(1) as pool:  # a browser test may have left a loop in this thread
        pool.submit(lambda: asyncio.run(site.app()(scope, receive, send))).result()
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= CHUNK_BYTES
    site.close()


def test_a_server_for_some_time_ends_by_itself() -> None:
    """After its lifetime `serve_for` returns, and the port answers nobody."""
    listener = server.listen("127.0.0.1", 0)
    address = listener.getsockname()
    server.serve_for(Starlette(), listener, lifetime_s=0.1)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, timeout=10)


def test_the_log_has_no_line_for_a_pool_that_ends() -> None:
    """Ctrl-C closes the database's pool without SQLAlchemy's notes in the log."""
    ended = "; ".join(
        (
            "from sqlalchemy import create_engine",
            "from podcast_pipeline.audience.database.engine import ConnectionPool",
            "from podcast_pipeline.web.server import log_to_stderr",
            "log_to_stderr()",
            "create_engine('sqlite://', poolclass=ConnectionPool).dispose()",
        )
    )
    done = subprocess.run([sys.executable, "-c", ended], capture_output=True, text=True, check=True)
    assert done.stderr == ""
