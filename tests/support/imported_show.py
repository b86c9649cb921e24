"""An old show on another host, and a new show that imports it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import typer

from podcast_pipeline import open_show
from podcast_pipeline.cli.app import app
from podcast_pipeline.cli.commands.show import init
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.model.catalog import Catalog, catalog_from_json
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.importer import ImportResult, import_feed
from tests.support.http_servers import FileHost, ServedFile, running_host
from tests.support.rule_cases.hosts import picture
from tests.support.show import ShowFolder

GUID = "917393e3-1b1e-5cef-ace4-edaa54e1f810"
HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0">
<channel><title>Old Ground</title><description>What was here before.</description><link>{{0}}</link>
<language>en-us</language><itunes:author>The Old Newsroom</itunes:author><itunes:explicit>no</itunes:explicit>
<itunes:owner><itunes:name>N</itunes:name><itunes:email>old@ground.example</itunes:email></itunes:owner>
<itunes:category text="Society &amp; Culture"><itunes:category text="Documentary"/></itunes:category>
<itunes:image href="{{0}}/show.png"/><podcast:guid>{GUID}</podcast:guid><copyright>N</copyright>{{1}}"""
FULL = """<item><title>The second ford</title><link>{0}/ford</link><guid isPermaLink="true">{0}/ford</guid>
<pubDate>Tue, 10 Mar 2020 07:00:00 +0100</pubDate><description>Plain words.</description>
<content:encoded>
<![CDATA[<h2>The ford</h2><p>With <a href="https://n.example/x">a link</a> &amp; more</p>]]></content:encoded>
<enclosure url="{0}/two.mp3" length="{1}" type="audio/mp3"/><itunes:duration>00:01:00</itunes:duration>
<itunes:season>2</itunes:season><itunes:episode>7</itunes:episode><itunes:episodeType>bonus</itunes:episodeType>
<itunes:explicit>yes</itunes:explicit><itunes:author>Ann Ferrer</itunes:author>
<itunes:image href="{0}/two.png"/>
<podcast:season name="Rivers">2</podcast:season>
<podcast:person role="Narrator" group="Cast" href="https://n.example/ann">Ann Ferrer</podcast:person>
<podcast:person role="guest">Bo Lind</podcast:person>
<podcast:soundbite startTime="x" duration="30">Wrong</podcast:soundbite>
<podcast:chapters url="{0}/two.json" type="application/json+chapters"/>
<podcast:transcript url="{0}/two.vtt" type="text/vtt"/></item>"""
SMALL = """<item><title>{1}</title><guid isPermaLink="false">{2}</guid><pubDate>{3}</pubDate>
<enclosure url="{0}/{2}.mp3" length="{4}" type="audio/mpeg"/></item>"""
CHAPTERS = b'{"version": "1.2.0", "chapters": [{"startTime": 0, "title": "Water", "img": "https://n.example/i.png"}]}'

VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n"


def audio_bytes(name: str, size_bytes: int = 50_000) -> bytes:
    """Return a whole MP3 of silence, different for each name: a tag with the name, then equal frames."""
    count = (size_bytes - len(_id3(name, 0))) // len(SILENT_FRAME)
    return _id3(name, size_bytes - count * len(SILENT_FRAME)) + SILENT_FRAME * count


SILENT_FRAME = bytes.fromhex("fffb9064").ljust(417, b"\0")
"""MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, without any data: 1152 samples of silence."""


def _id3(name: str, size_bytes: int) -> bytes:
    """Return an ID3v2.3 tag of this size, or as small as it can be."""
    text = b"\0" + name.encode("latin-1")
    frame = b"TIT2" + len(text).to_bytes(4) + b"\0\0" + text
    length = max(len(frame), size_bytes - 10)
    size = bytes((length >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame.ljust(length, b"\0")


def old_files(url: str) -> dict[str, ServedFile]:
    """Return the files of an old show of three episodes, two with the same title."""
    items = FULL.format(url, len(audio_bytes("two"))) + "".join(
        SMALL.format(url, "The first ford", guid, date, len(audio_bytes(guid)))
        for guid, date in (
            ("three", "Wed, 11 Mar 2020 07:00:00 +0100"),
            ("one", "Tue, 03 Mar 2020 06:00:00 GMT"),
        )
    )
    return {
        "/feed.xml": ServedFile(
            (HEAD.format(url, items) + "</channel></rss>").encode(), "application/rss+xml"
        ),
        "/two.mp3": ServedFile(audio_bytes("two"), "audio/mpeg"),
        "/one.mp3": ServedFile(audio_bytes("one"), "audio/mpeg"),
        "/three.mp3": ServedFile(audio_bytes("three"), "audio/mpeg"),
        "/show.png": ServedFile(picture(), "image/png"),
        "/two.png": ServedFile(picture(1500), "image/png"),
        "/two.json": ServedFile(CHAPTERS, "application/json+chapters"),
        "/two.vtt": ServedFile(VTT, "text/vtt"),
    }


@pytest.fixture
def old_host() -> Iterator[FileHost]:
    """The host of the old show."""
    with running_host() as running:
        running.files.update(old_files(running.url))
        yield running


@pytest.fixture
def empty_show(tmp_path: Path) -> ShowFolder:
    """A new show without a publication."""
    context = typer.Context(typer.main.get_command(app))
    context.obj = CliSession(None, Output(quiet=True))
    init(context, tmp_path / "show")
    return ShowFolder(tmp_path / "show")


def catalog(show: ShowFolder) -> Catalog:
    return catalog_from_json((show.bucket / "private" / "catalog.json").read_bytes())


def import_show(
    show: ShowFolder, address: str, *, keep_audio: bool = False, undated_at: datetime | None = None
) -> ImportResult:
    with HttpClient() as web:
        return import_feed(open_show(show.folder), address, web, keep_audio=keep_audio, undated_at=undated_at)
