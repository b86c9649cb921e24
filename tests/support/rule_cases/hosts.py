"""Faults of a host, one at a time, each with the rule that it breaks."""

import io
import json
from collections.abc import Callable
from functools import cache

from PIL import Image

from podcast_pipeline.feed.conformance import FeedFinding
from podcast_pipeline.remote_feeds.check import check_url
from podcast_pipeline.remote_feeds.client import HttpClient
from tests.support.http_servers import ServedFile

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


def right_files(url: str) -> dict[str, ServedFile]:
    """Return a feed and its files, served without a fault."""
    return {
        "/feed.xml": ServedFile(
            FEED.format(url).encode(), "application/rss+xml", headers={"Content-Encoding": "identity"}
        ),
        "/one.mp3": ServedFile(bytes(4000), "audio/mpeg"),
        "/art.png": ServedFile(picture(), "image/png"),
        "/one.json": ServedFile(
            b'{"version":"1.2.0","chapters":[{"startTime":0,"title":"A"}]}', "application/json+chapters"
        ),
        "/one.vtt": ServedFile(b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n", "text/vtt"),
        "/one.srt": ServedFile(b"1\n00:00:00,000 --> 00:00:02,000\nHello.\n", "application/x-subrip"),
        "/words.json": ServedFile(
            json.dumps({"version": "1.0.0", "segments": [SEGMENT]}).encode(), "application/json"
        ),
    }


def findings(address: str) -> tuple[FeedFinding, ...]:
    with HttpClient() as web:
        return check_url(address, web, newest=5)


Break = Callable[[dict[str, ServedFile]], object]
FAULTS: dict[str, tuple[str, str, Break]] = {
    "HEAD of the feed is refused": ("H1", "error", lambda f: f["/feed.xml"].faults.add("head")),
    "HEAD of the audio is refused": ("H1", "error", lambda f: f["/one.mp3"].faults.add("head")),
    "HEAD of the artwork is refused": ("H1", "error", lambda f: f["/art.png"].faults.add("head")),
    "ranges are ignored": ("H2", "error", lambda f: f["/one.mp3"].faults.add("range")),
    "conditions are ignored": ("H3", "warning", lambda f: f["/feed.xml"].faults.add("condition")),
    "no Last-Modified": ("H3", "warning", lambda f: f["/feed.xml"].headers.update({"Last-Modified": ""})),
    "no Cache-Control": ("H3", "warning", lambda f: f["/feed.xml"].headers.update({"Cache-Control": ""})),
    "no gzip": ("H3", "warning", lambda f: f["/feed.xml"].headers.clear()),
    "the transcript wants a password": ("H4", "error", lambda f: setattr(f["/one.vtt"], "status", 401)),
    "the chapters are gone": ("H4", "error", lambda f: f.pop("/one.json")),
    "no CORS": (
        "H5",
        "warning",
        lambda f: f["/one.vtt"].headers.update({"Access-Control-Allow-Origin": ""}),
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
