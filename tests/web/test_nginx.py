"""The nginx of docs/how-to/privacy.md before a real reader: it passes everything on and logs no token."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.feeds import transcript_urls
from tests.support.parts import how_to_get
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.site import Site, flagship_on_a_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DOCS = ROOT / "docs" / "how-to" / "privacy.md"
MAIN = """
pid {folder}/pid; error_log {folder}/main.log; events {{}}
http {{ client_body_temp_path {folder}/body; {http} }}
"""
AROUND = ("proxy", "fastcgi", "uwsgi", "scgi")  # nginx makes all its temporary folders, wanted or not
SECRET = "m" * 43


@dataclass(frozen=True)
class Proxied:
    """A show behind nginx."""

    site: Site
    url: str
    plain_url: str
    folder: Path

    def logged(self, name: str) -> str:
        """Return the contents of a log after nginx has had time to write."""
        time.sleep(0.2)
        return (self.folder / name).read_text(encoding="utf-8")


def as_documented(folder: Path, upstream: str, port: int, plain_port: int) -> str:
    """Return the documented server block with test ports, test paths and no certificate."""
    (text,) = re.findall(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    places = {
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{plain_port}",
        "http://127.0.0.1:8080": upstream,
        "/var/log/nginx": str(folder),
    }
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    return re.sub(r"ssl_certificate.*", "", text)


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    """A show that is served, and the documented nginx before it."""
    if NGINX is None:
        pytest.skip(how_to_get("nginx"))
    folder, port, plain_port = tmp_path / "nginx", free_port(), free_port()
    folder.mkdir()
    with flagship_on_a_port(tmp_path / "show") as site:
        http = as_documented(folder, site.config.urls.site, port, plain_port)
        http += "".join(f"{name}_temp_path {folder}/{name};" for name in AROUND)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, http=http), encoding="utf-8")
        command = [
            NGINX,
            "-c",
            str(folder / "nginx.conf"),
            "-p",
            str(folder),
            "-e",
            str(folder / "start.log"),
        ]
        process = subprocess.Popen([*command, "-g", "daemon off;"])
        try:
            wait(f"http://127.0.0.1:{port}/healthz")
            yield Proxied(site, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{plain_port}", folder)
        finally:
            process.terminate()
            process.wait()


def wait(url: str) -> None:
    """Wait until somebody answers."""
    for _ in range(100):
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx did not start")


def test_a_private_feed_comes_through_whole(proxied: Proxied) -> None:
    """HEAD, byte ranges and 304 pass through, as do the feed's files."""
    token = proxied.site.subscribe("ann@example.org")
    with httpx.Client(base_url=proxied.url) as client:
        path = f"/feeds/{token}/feed.xml"
        whole, head = client.get(path), client.head(path)
        assert whole.status_code == head.status_code == 200
        assert head.headers["etag"] == whole.headers["etag"]
        assert client.get(path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
        part = client.get(path, headers={"Range": "bytes=0-99"})
        assert (part.status_code, part.content) == (206, whole.content[:100])
        file = transcript_urls(whole.text)[0].replace(proxied.site.config.urls.site, "")
        assert client.get(file).status_code == 200
        assert whole.headers["cache-control"] == "private, no-cache"


def test_no_log_has_a_token(proxied: Proxied) -> None:
    """Neither log does, also for a mistyped path or a broken disk."""
    token = proxied.site.subscribe("ann@example.org")
    secret = token.partition(".")[2]
    paths = (
        f"/feeds/{token}/feed.xml?t={token}",
        f"/feeds/{token}",
        f"/%66eeds/{token}/",
        f"//feeds/{token}/x",
        f"/r/{token}/4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7a",
    )
    mailed = (f"/signin/link/{SECRET}", f"/mail/stop/{SECRET}", f"/students/link/{SECRET}")
    with httpx.Client(base_url=proxied.url, headers={"Referer": f"http://x/{token}"}) as client:
        for path in (*paths, f"/oops/{token}", *mailed):
            client.get(path)
        shutil.rmtree(proxied.folder / "body")
        assert client.post(f"/feeds/{token}/feed.xml", content=b"x" * 100_000).status_code == 500
    access = proxied.logged("podcast.log")
    assert len(access.splitlines()) == 11
    assert "GET /feeds/***/feed.xml 200 " in access
    assert "GET /r/***/4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7a 404 " in access
    for log in (access, proxied.logged("podcast-error.log"), proxied.logged("main.log")):
        assert secret not in log
        assert SECRET not in log


def test_plain_http_is_sent_on_and_kept_nowhere(proxied: Proxied) -> None:
    """A request without TLS is redirected to the feed's URL for any Host header; no log has the token."""
    token = proxied.site.subscribe("ann@example.org")
    path = f"/feeds/{token}/feed.xml"
    response = httpx.get(f"{proxied.plain_url}{path}", headers={"Host": "evil.example"})
    assert (response.status_code, response.headers["location"]) == (301, f"https://podcast.example.org{path}")
    for name in ("podcast.log", "podcast-error.log", "main.log"):
        assert token.partition(".")[2] not in proxied.logged(name)


def test_rate_limits_use_the_visitor_s_address(proxied: Proxied) -> None:
    """Token guesses are counted by the visitor's own address, and 429 passes through with Retry-After."""

    def guess(source: str, claimed: str) -> httpx.Response:
        with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
            return client.get(f"{proxied.url}/feeds/nobody/feed.xml", headers={"X-Forwarded-For": claimed})

    assert {guess("127.0.0.1", f"203.0.113.{n}").status_code for n in range(60)} == {404}
    refused = guess("127.0.0.1", "203.0.113.99")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert guess("127.0.0.2", "127.0.0.1").status_code == 404
