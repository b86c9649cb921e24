"""`podcast feed check` against real servers: ours, and one that breaks one rule at a time."""

import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from podcast_pipeline.feed.conformance import FeedFinding
from podcast_pipeline.remote_feeds.check import check_url
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.storage.objects import FEED_CACHE, FEED_KEY, FEED_TYPE
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.http_servers import Host, Served, at_port, host, serving
from tests.support.ports import free_port
from tests.support.show import House, copy_house

pytestmark = pytest.mark.xdist_group("house")

TOKEN = "a" * 16 + "." + "2" * 32
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0">
<channel><title>A show</title><description>About it.</description><link>https://n.example</link><language>en</language>
<atom:link rel="self" type="application/rss+xml" href="{0}/feed.xml"/>
<itunes:category text="News"/><itunes:explicit>false</itunes:explicit><itunes:author>N</itunes:author>
<itunes:image href="{0}/art.png"/><podcast:locked>no</podcast:locked>
<podcast:guid>917393e3-1b1e-5cef-ace4-edaa54e1f810</podcast:guid>
<item><title>One</title><guid isPermaLink="false">one</guid><pubDate>Tue, 03 Mar 2026 06:00:00 +0000</pubDate>
<enclosure url="{0}/one.mp3" length="4000" type="audio/mpeg"/><itunes:duration>60</itunes:duration>
<podcast:chapters url="{0}/one.json" type="application/json+chapters"/>
<podcast:transcript url="{0}/one.vtt" type="text/vtt"/>
<podcast:transcript url="{0}/one.srt" type="application/x-subrip"/>
<podcast:transcript url="{0}/words.json" type="application/json"/></item></channel></rss>"""
SEGMENT = {"startTime": 0, "endTime": 2, "body": "Hello."}


@cache
def picture(side_px: int = 1400) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (side_px, side_px)).save(body, "PNG")
    return body.getvalue()


def right(url: str) -> dict[str, Served]:
    """Return a feed and its files, served as they should be."""
    return {
        "/feed.xml": Served(
            FEED.format(url).encode(), "application/rss+xml", plain={"Content-Encoding": "identity"}
        ),
        "/one.mp3": Served(bytes(4000), "audio/mpeg"),
        "/art.png": Served(picture(), "image/png"),
        "/one.json": Served(
            b'{"version":"1.2.0","chapters":[{"startTime":0,"title":"A"}]}', "application/json+chapters"
        ),
        "/one.vtt": Served(b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n", "text/vtt"),
        "/one.srt": Served(b"1\n00:00:00,000 --> 00:00:02,000\nHello.\n", "application/x-subrip"),
        "/words.json": Served(
            json.dumps({"version": "1.0.0", "segments": [SEGMENT]}).encode(), "application/json"
        ),
    }


@pytest.fixture
def show() -> Iterator[Host]:
    """A host where everything is right."""
    with host() as running:
        running.files.update(right(running.url))
        yield running


def findings(address: str) -> tuple[FeedFinding, ...]:
    with HttpClient() as web:
        return check_url(address, web, newest=5)


def test_right_host_has_no_findings(show: Host) -> None:
    """A feed and files that are right, served well, are left alone; audio is never fetched whole."""
    assert findings(f"{show.url}/feed.xml") == ()
    assert all(range_ for method, path, range_ in show.asked if path == "/one.mp3" and method == "GET")


Break = Callable[[dict[str, Served]], object]
FAULTS: dict[str, tuple[str, str, Break]] = {
    "HEAD of the feed is refused": ("H1", "error", lambda f: f["/feed.xml"].faults.add("head")),
    "HEAD of the audio is refused": ("H1", "error", lambda f: f["/one.mp3"].faults.add("head")),
    "HEAD of the artwork is refused": ("H1", "error", lambda f: f["/art.png"].faults.add("head")),
    "ranges are ignored": ("H2", "error", lambda f: f["/one.mp3"].faults.add("range")),
    "conditions are ignored": ("H3", "warning", lambda f: f["/feed.xml"].faults.add("condition")),
    "no Last-Modified": ("H3", "warning", lambda f: f["/feed.xml"].plain.update({"Last-Modified": ""})),
    "no Cache-Control": ("H3", "warning", lambda f: f["/feed.xml"].plain.update({"Cache-Control": ""})),
    "no gzip": ("H3", "warning", lambda f: f["/feed.xml"].plain.clear()),
    "the transcript wants a password": ("H4", "error", lambda f: setattr(f["/one.vtt"], "status", 401)),
    "the chapters are gone": ("H4", "error", lambda f: f.pop("/one.json")),
    "no CORS": (
        "H5",
        "warning",
        lambda f: f["/one.vtt"].plain.update({"Access-Control-Allow-Origin": ""}),
    ),
    "audio as text": ("H6", "error", lambda f: setattr(f["/one.mp3"], "content_type", "text/plain")),
    "another length": ("F8", "error", lambda f: setattr(f["/one.mp3"], "body", bytes(3999))),
    "small artwork": ("F4", "error", lambda f: setattr(f["/art.png"], "body", picture(300))),
    "a page instead of VTT": ("T2", "error", lambda f: setattr(f["/one.vtt"], "body", b"<html>404")),
    "SRT with points": (
        "T3",
        "error",
        lambda f: setattr(f["/one.srt"], "body", b"1\n00:00:00.000 --> 00:00:02.000\nHello.\n"),
    ),
    "JSON of another kind": ("T4", "error", lambda f: setattr(f["/words.json"], "body", b"{}")),
    "words after the end": (
        "T7",
        "error",
        lambda f: setattr(f["/one.vtt"], "body", b"WEBVTT\n\n00:59.000 --> 02:00.000\nHello.\n"),
    ),
    "chapters without a start": (
        "F15",
        "error",
        lambda f: setattr(f["/one.json"], "body", b'{"version":"1.2.0","chapters":[{}]}'),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_found_under_its_rule(show: Host, name: str) -> None:
    """A host that does one thing wrong breaks one rule."""
    rule, severity, break_it = FAULTS[name]
    break_it(show.files)
    assert {(f.rule, f.severity) for f in findings(f"{show.url}/feed.xml")} == {(rule, severity)}


def test_a_file_that_is_not_reachable_is_named(show: Host) -> None:
    """A host that does not exist is one finding per file, at the feed's line."""
    gone = f"http://127.0.0.1:{free_port()}"
    feed = show.files["/feed.xml"]
    feed.body = feed.body.replace(f"{show.url}/one.vtt".encode(), f"{gone}/one.vtt".encode())
    (finding,) = findings(f"{show.url}/feed.xml")
    assert (finding.rule, finding.line) == ("H4", 13)
    assert "cannot be reached" in finding.message


def test_secrets_of_the_address_are_not_printed(show: Host, tmp_path: Path) -> None:
    """Neither a token in the path nor a key in the query is in any line."""
    feed = show.files["/feed.xml"]
    secret = f"/feeds/{TOKEN}/feed.xml?key=geheim-und-lang"
    body = feed.body.replace(b"/feed.xml", secret.encode()).replace(b">one<", f">{TOKEN}<".encode())
    show.files[secret] = Served(body, "text/html", plain={"ETag": ""})
    done = House(tmp_path).run("feed", "check", f"{show.url}{secret}")
    assert done.returncode == 3
    assert "/feeds/***/feed.xml?***" in done.stdout
    assert not any(word in done.stdout + done.stderr for word in (TOKEN, "geheim"))


def test_json_has_a_row_for_each_finding(show: Host, tmp_path: Path) -> None:
    """The document counts errors and warnings and gives rule, severity, line, message and fix."""
    show.files["/one.mp3"].faults.add("range")
    done = House(tmp_path).run("--json", "feed", "check", f"{show.url}/feed.xml")
    document = json.loads(done.stdout)
    assert (done.returncode, document["errors"]) == (3, len(document["findings"]))
    assert set(document["findings"][0]) == {"rule", "severity", "line", "message", "fix"}


def test_no_answer_is_one_line(tmp_path: Path) -> None:
    """A feed that is not there is a failure, not a problem of the feed."""
    done = House(tmp_path).run("feed", "check", f"http://127.0.0.1:{free_port()}/feed.xml")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    missing = House(tmp_path).run("feed", "check", "nothing.xml")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)


def test_what_podcast_serve_serves_has_no_errors(published: House, tmp_path: Path) -> None:
    """Our own feed, asked for over HTTP, keeps every rule; so do its bytes in the store."""
    house, port = copy_house(published, tmp_path / "show"), free_port()
    at_port(house, port)
    with serving(house, port) as site:
        done = house.run("feed", "check", f"{site}/public/feed.xml")
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings\n")
    assert house.run("feed", "check").stdout == "0 errors, 0 warnings\n"


def test_a_bucket_lets_web_players_read(show: Host, s3_store: S3Store) -> None:
    """A bucket says so only to who comes from a page, so the question is asked as a player asks it."""
    body = show.files["/feed.xml"].body
    s3_store.put(FEED_KEY, body, content_type=FEED_TYPE, cache_control=FEED_CACHE)
    found = findings(s3_store.url(FEED_KEY))
    assert {(f.rule, f.severity) for f in found} == {("H3", "warning")}  # a bucket has no gzip
