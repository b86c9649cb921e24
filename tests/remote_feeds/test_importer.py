"""Moving in, from real servers: an old show with audio, art, chapters and transcripts."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer

from podcast_pipeline.cli.app import app
from podcast_pipeline.cli.commands.show import init
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import FetchError
from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.model.catalog import Catalog, catalog_from_json
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.importer import ImportResult, import_feed
from tests.remote_feeds.test_check import picture
from tests.support.http_servers import Host, Served, host
from tests.support.ports import free_port
from tests.support.real_feeds import FEEDS, REAL, serve_copy
from tests.support.show import PODCAST, House, clean_environment

pytestmark = pytest.mark.xdist_group("house")

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
MOVES = [
    "3 episodes: other host for the audio, same guid",
    "1 episode: other host for the artwork, same guid",
    "1 episode: other host for the chapters, same guid",
    "1 episode: the transcript is for subscribers now",
]
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n"


def audio(name: str, size_bytes: int = 50_000) -> bytes:
    """Return bytes of our own under every name."""
    return hashlib.shake_256(name.encode()).digest(size_bytes)


def served(url: str) -> dict[str, Served]:
    """Return an old show of three episodes; two have the same title."""
    items = FULL.format(url, len(audio("two"))) + "".join(
        SMALL.format(url, "The first ford", guid, date, len(audio(guid)))
        for guid, date in (
            ("three", "Wed, 11 Mar 2020 07:00:00 +0100"),
            ("one", "Tue, 03 Mar 2020 06:00:00 GMT"),
        )
    )
    return {
        "/feed.xml": Served((HEAD.format(url, items) + "</channel></rss>").encode(), "application/rss+xml"),
        "/two.mp3": Served(audio("two"), "audio/mpeg"),
        "/one.mp3": Served(audio("one"), "audio/mpeg"),
        "/three.mp3": Served(audio("three"), "audio/mpeg"),
        "/show.png": Served(picture(), "image/png"),
        "/two.png": Served(picture(1500), "image/png"),
        "/two.json": Served(CHAPTERS, "application/json+chapters"),
        "/two.vtt": Served(VTT, "text/vtt"),
    }


@pytest.fixture
def old() -> Iterator[Host]:
    """The old host."""
    with host() as running:
        running.files.update(served(running.url))
        yield running


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A new show in which nothing was published."""
    context = typer.Context(typer.main.get_command(app))
    context.obj = CliSession(None, Output(quiet=True))
    init(context, tmp_path / "show")
    return House(tmp_path / "show")


def catalog(house: House) -> Catalog:
    return catalog_from_json((house.bucket / "private" / "catalog.json").read_bytes())


def import_(house: House, address: str, *, keep_audio: bool = False) -> ImportResult:
    with HttpClient() as web:
        parts = CliSession(house.folder, Output(quiet=True)).parts()
        return import_feed(address, parts, web, keep_audio=keep_audio)


def told(moved: ImportResult) -> set[str]:
    return {remark.about for remark in moved.remarks}


def everything(house: House) -> dict[str, bytes]:
    """Return what an import leaves behind, without its own notes."""
    roots = [house.bucket / "public", house.bucket / "private", house.folder / "episodes"]
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(house.folder)): path.read_bytes() for path in files}


def test_items_come_exactly_as_they_are(old: Host, house: House) -> None:
    """Guid, date, notes, link, numbers, persons, art, chapters and audio are those of the old feed."""
    import_(house, f"{old.url}/feed.xml")
    one, two, three = catalog(house).episodes
    assert [e.slug for e in (one, two, three)] == ["the-first-ford", "the-second-ford", "the-first-ford-2"]
    assert (two.guid, two.guid_is_permalink, one.guid_is_permalink) == (f"{old.url}/ford", True, False)
    assert two.publish_at == datetime(2020, 3, 10, 6, tzinfo=UTC)
    assert (two.season, two.number, two.type, two.explicit) == (2, 7, "bonus", True)
    assert (two.enclosure.type, two.enclosure.duration_s) == ("audio/mpeg", 60)
    assert (house.bucket / str(two.enclosure.key)).read_bytes() == audio("two")
    assert (house.bucket / str(two.chapters_key)).read_bytes() == CHAPTERS
    assert (house.bucket / str(two.artwork_key)).read_bytes() == picture(1500)
    assert [chapter.title for chapter in two.chapters] == ["Water"]
    assert not (house.bucket / "public" / "feed.xml").exists()


def test_folders_have_notes_and_transcripts(old: Host, house: House) -> None:
    """Each episode has its folder, to keep in git; the old transcript is in it, byte for byte."""
    import_(house, f"{old.url}/feed.xml")
    folder = house.folder / "episodes" / "the-second-ford"
    assert sorted(path.name for path in folder.iterdir()) == ["episode.toml", "imported.vtt", "notes.md"]
    assert (folder / "imported.vtt").read_bytes() == VTT
    assert "<h2>The ford</h2>" in (folder / "notes.md").read_text(encoding="utf-8")


def test_after_it_a_listener_notices_nothing(old: Host, house: House) -> None:
    """The diff against the old feed is clean before and after the feed is written, and no rule is broken."""
    import_(house, f"{old.url}/feed.xml")
    for _ in range(2):
        done = house.run("feed", "diff", f"{old.url}/feed.xml")
        assert (done.returncode, done.stdout.splitlines()) == (0, MOVES)
        assert house.run("rebuild").returncode == 0
    feed = (house.bucket / "public" / "feed.xml").read_bytes()
    assert not [finding for finding in check_feed(feed) if finding.severity == "error"]
    channel = ElementTree.parse(house.bucket / "public" / "feed.xml").getroot()[0]  # noqa: S314 (our own)
    item = channel.findall("item")[1]
    names = {"podcast": "https://podcastindex.org/namespace/1.0"}
    season = item.find("podcast:season", names)
    assert season is not None
    assert season.attrib == {"name": "Rivers"}
    people = [(p.text, p.get("role"), p.get("group")) for p in item.findall("podcast:person", names)]
    assert people == [("Ann Ferrer", "Narrator", "Cast"), ("Bo Lind", "guest", None)]
    assert channel.findtext("podcast:guid", namespaces=names) == GUID
    assert channel.findtext("title") == "Old Ground"


def test_the_report_says_what_did_not_come(old: Host, house: House) -> None:
    """What breaks a rule, what a feed of ours does not repeat, and where the transcript is."""
    done = house.run("--json", "feed", "import", f"{old.url}/feed.xml")
    document = json.loads(done.stdout)
    assert (len(document["entered"]), document["known"]) == (3, 0)
    assert {remark["about"] for remark in document["remarks"]} == {
        "its podcast:soundbite is left out: F16, a soundbite without numeric times",
        "its transcript (vtt) is in its folder, not in the feed",
        "copyright of the show is not repeated",
    }


def test_show_toml_keeps_what_the_producer_wrote(old: Host, house: House) -> None:
    """Placeholders and the guid are replaced, comments and the producer's own title stay."""
    path = house.folder / "show.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"My show"', '"My own title"'), encoding="utf-8")
    done = import_(house, f"{old.url}/feed.xml")
    text = path.read_text(encoding="utf-8")
    assert f'guid = "{GUID}" # podcast:guid, minted once, never changed' in text
    assert 'title = "My own title"' in text
    assert 'author = "The Old Newsroom"' in text
    assert "the old feed says title = 'Old Ground'; show.toml says 'My own title' and stays" in told(done)


def test_again_it_does_nothing(old: Host, house: House) -> None:
    """A second import enters nothing and asks for no audio; a new old item is added."""
    import_(house, f"{old.url}/feed.xml")
    before = everything(house)
    old.asked.clear()
    assert (
        house.run("feed", "import", f"{old.url}/feed.xml").stdout == "0 episodes entered, 3 known already\n"
    )
    assert everything(house) == before
    assert [path for _, path, _ in old.asked] == ["/feed.xml"]


def test_broken_audio_goes_on_from_there(old: Host, house: House) -> None:
    """A download that breaks off is continued with Range and If-Range, and is whole in the end."""
    old.files["/one.mp3"].faults.add("breaks")
    import_(house, f"{old.url}/feed.xml")
    assert ("GET", "/one.mp3", "bytes=25000-") in old.asked
    one = catalog(house).episodes[0]
    assert (house.bucket / str(one.enclosure.key)).read_bytes() == audio("one")


def test_missing_audio_enters_nothing(old: Host, house: House) -> None:
    """Where a file cannot be had, one line says how many, nothing is entered, and the next run goes on."""
    old.files["/one.mp3"].status = 503
    with pytest.raises(FetchError, match="1 of 3 audio files are missing"):
        import_(house, f"{old.url}/feed.xml")
    assert not (house.bucket / "private" / "catalog.json").exists()
    old.files["/one.mp3"].status = 200
    old.asked.clear()
    import_(house, f"{old.url}/feed.xml")
    assert [path for _, path, _ in old.asked if path.endswith(".mp3")] == ["/one.mp3"]


def test_audio_that_is_gone_keeps_its_address(old: Host, house: House) -> None:
    """A 404 on the old host stops nobody: the item comes, and the report names it."""
    del old.files["/one.mp3"]
    done = import_(house, f"{old.url}/feed.xml")
    assert "its audio is gone from the old host; the address stays" in told(done)
    assert catalog(house).episodes[0].enclosure.external_url == f"{old.url}/one.mp3"


def test_audio_may_stay_where_it_is(old: Host, house: House) -> None:
    """With --keep-audio no audio is asked for."""
    import_(house, f"{old.url}/feed.xml", keep_audio=True)
    assert not [path for _, path, _ in old.asked if path.endswith(".mp3")]
    assert {e.enclosure.external_url for e in catalog(house).episodes} == {
        f"{old.url}/{name}.mp3" for name in ("one", "two", "three")
    }


def test_killed_and_run_again_it_ends_in_the_same_bytes(old: Host, tmp_path: Path) -> None:
    """Killed at five moments and run again, the store and the folders are those of one quiet run."""
    assert House(tmp_path).run("init", "quiet").returncode == 0
    quiet = House(tmp_path / "quiet")
    restless = tmp_path / "restless"
    subprocess.run(["cp", "-r", quiet.folder, restless], check=True)
    import_(quiet, f"{old.url}/feed.xml")
    command: list[str | Path] = [PODCAST, "feed", "import", f"{old.url}/feed.xml"]
    for moment in range(5):
        process = subprocess.Popen(
            command,
            cwd=restless,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.9 + 0.2 * moment)
        process.kill()
        process.wait()
    import_(House(restless), f"{old.url}/feed.xml")
    assert {k: v for k, v in everything(House(restless)).items() if ".part" not in k} == everything(quiet)


def test_interrupted_it_says_so(old: Host, house: House) -> None:
    """Ctrl-C leaves with 130 and one line."""
    old.files["/two.mp3"].body = audio("two", 30_000_000)
    process = subprocess.Popen(
        [PODCAST, "feed", "import", f"{old.url}/feed.xml"],
        cwd=house.folder,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 20
    while not any(path == "/two.mp3" for _, path, _ in old.asked) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, line = process.communicate(timeout=30)
    assert (process.returncode, line) == (130, "podcast: interrupted; run the same command again\n")


def test_a_feed_in_pages_comes_whole(old: Host, house: House) -> None:
    """The items of the pages that rel=next names come too."""
    later = SMALL.format(old.url, "Newest", "three", "Wed, 11 Mar 2020 07:00:00 +0100", 50_000)
    first = HEAD.format(old.url, f'<atom:link rel="next" href="{old.url}/feed.xml"/>{later}')
    old.files["/new.xml"] = Served((first + "</channel></rss>").encode(), "application/rss+xml")
    import_(house, f"{old.url}/new.xml")
    assert [e.title for e in catalog(house).episodes] == ["The first ford", "The second ford", "Newest"]


def test_a_broken_feed_writes_nothing(house: House, tmp_path: Path) -> None:
    """One line names the place; neither the store nor show.toml nor a folder is touched."""
    before = (house.folder / "show.toml").read_bytes()
    (tmp_path / "broken.xml").write_text("\n<?xml version='1.0'?><rss><channel>", encoding="utf-8")
    done = house.run("feed", "import", str(tmp_path / "broken.xml"))
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert "not well-formed" in done.stderr
    assert (house.folder / "show.toml").read_bytes() == before
    assert not list(house.bucket.rglob("*.json"))
    assert not list((house.folder / "episodes").iterdir())


def test_an_unreachable_feed_is_one_line(house: House) -> None:
    """A host that does not answer is a failure with one line."""
    done = house.run("feed", "import", f"http://127.0.0.1:{free_port()}/feed.xml")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.skipif(not REAL, reason="PODCAST_FEEDS_DIR names no folder of real feeds")
@pytest.mark.parametrize("name", FEEDS)
def test_a_real_feed_comes_whole_and_right(name: str, house: House) -> None:
    """A real show, audio left where it is: all items, nothing that a listener notices, no error."""
    feed = Path(REAL) / f"{name}.xml"
    import_(house, str(feed), keep_audio=True)
    assert len(catalog(house).episodes) == FEEDS[name]
    _nothing_noticed(house, str(feed))


@pytest.mark.skipif(not REAL, reason="PODCAST_FEEDS_DIR names no folder of real feeds")
@pytest.mark.parametrize("name", FEEDS)
def test_a_real_feed_comes_with_its_audio(name: str, house: House, tmp_path: Path) -> None:
    """A real show with its files: every byte is here, the feed names ours, and nobody notices."""
    with host() as running:
        address = serve_copy(name, running, tmp_path)
        import_(house, address)
        _nothing_noticed(house, address)
        assert _bodies(house) == {f.body for f in running.files.values() if f.content_type == "audio/mpeg"}
    episodes = catalog(house).episodes
    assert (len(episodes), {e.enclosure.external_url for e in episodes}) == (FEEDS[name], {None})


def _nothing_noticed(house: House, feed: str) -> None:
    changed = json.loads(house.run("--json", "feed", "diff", feed).stdout)
    assert (changed["new"], changed["removed"], changed["changed"]) == ([], [], [])
    done = house.run("rebuild")
    assert done.returncode == 0, done.stderr
    again = json.loads(house.run("--json", "feed", "diff", feed).stdout)
    assert (again["new"], again["removed"], again["changed"]) == ([], [], [])
    assert json.loads(house.run("--json", "feed", "check").stdout)["errors"] == 0


def _bodies(house: House) -> set[bytes]:
    keys = {e.enclosure.key for e in catalog(house).episodes}
    return {(house.bucket / str(key)).read_bytes() for key in keys}
