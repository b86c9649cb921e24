"""A feed from elsewhere is hostile until looked at: what an import stores, lists, fetches and reads."""

import gzip
import io
import json
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from podcast_pipeline import open_show
from podcast_pipeline.errors import FeedError, PodcastError
from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.model import Enclosure
from podcast_pipeline.model.catalog import CATALOG_KEY, to_json
from podcast_pipeline.pipeline.maintain import rebuild
from podcast_pipeline.remote_feeds import pages
from podcast_pipeline.remote_feeds.importer import ImportResult
from podcast_pipeline.storage.local import LocalStore
from tests.support.http_servers import FileHost, ServedFile, running_host
from tests.support.imported_show import audio_bytes, catalog, import_show
from tests.support.rule_cases.hosts import picture
from tests.support.show import ShowFolder

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Küstenfunk</title><link>https://kueste.example/</link><description>Gespräche</description>
<language>de</language><itunes:author>Küste</itunes:author><itunes:category text="Arts"/>
<itunes:explicit>false</itunes:explicit>{}</channel></rss>"""
ITEM = """<item><title>Part {0}</title><description>Notes</description><guid isPermaLink="false">g-{0}</guid>
<pubDate>{0:02} Mar 2026 06:00:00 +0000</pubDate>{1}</item>"""
LOG_IN = b"<html><body>Please log in</body></html>"
MP3 = audio_bytes("good")


@pytest.fixture
def host() -> Iterator[FileHost]:
    """An old host with one good MP3."""
    with running_host({"/good.mp3": ServedFile(MP3, "audio/mpeg")}) as running:
        yield running


def enclosure(url: str, mime: str = "audio/mpeg", length: int = len(MP3)) -> str:
    return f'<enclosure url="{url}" length="{length}" type="{mime}"/>'


def serve_items(host: FileHost, *items: str, more: str = "") -> str:
    """Serve a feed of these items, numbered from 1, and return its address."""
    text = "".join(ITEM.format(number, item) for number, item in enumerate(items, start=1))
    host.files["/feed.xml"] = ServedFile(FEED.format(more + text).encode(), "application/rss+xml")
    return f"{host.url}/feed.xml"


def remarks(result: ImportResult) -> list[tuple[str, str]]:
    return [(remark.title, remark.about) for remark in result.remarks if remark.title]


def rebuilt(show: ShowFolder, errors: frozenset[str] = frozenset()) -> list[ElementTree.Element]:
    """Rebuild the show, which must work, and return its feed's items; `errors` are the rules it may break."""
    rebuild(open_show(show.folder), allow=["placeholders"])  # these feeds have no picture
    feed = (show.bucket / "public" / "feed.xml").read_bytes()
    assert {finding.rule for finding in check_feed(feed) if finding.severity == "error"} == errors
    return ElementTree.fromstring(feed)[0].findall("item")  # noqa: S314 (our own)


def public_files(show: ShowFolder) -> set[bytes]:
    return {path.read_bytes() for path in (show.bucket / "public").rglob("*") if path.is_file()}


def zipped() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a.mp3", MP3)
    return body.getvalue()


NO_AUDIO = {
    "log-in page": LOG_IN,
    "JSON": b'{"AccessKeyId":"AKIAINTERNAL"}' * 20,
    "empty": b"",
    "gzip": gzip.compress(MP3),
    "ZIP": zipped(),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "PDF": b"%PDF-1.7\n" + bytes(2000),
    "playlist": b"#EXTM3U\nfile:///etc/passwd\n",
    "text": b"not found " * 100,
    "picture": picture(),
}


def test_what_is_no_audio_is_not_stored(host: FileHost, empty_show: ShowFolder) -> None:
    """A page, an archive, a picture named .mp3 is stored nowhere; the episode keeps its address (c05)."""
    names = {f"/{number}.mp3": body for number, body in enumerate(NO_AUDIO.values(), start=1)}
    host.files |= {path: ServedFile(body, "audio/mpeg") for path, body in names.items()}
    items = [enclosure(f"{host.url}{path}") for path in names]
    result = import_show(empty_show, serve_items(host, *items, enclosure(f"{host.url}/good.mp3")))
    found = dict(remarks(result))
    assert list(found) == [f"Part {number}" for number, _ in enumerate(names, start=1)]
    for about in found.values():
        assert about.startswith("its audio could not be taken, it ")
        assert about.endswith("; the address stays")
    assert not set(NO_AUDIO.values()) & public_files(empty_show)
    assert len(rebuilt(empty_show)) == len(names) + 1
    assert {e.enclosure.external_url for e in catalog(empty_show).episodes} == {
        None,
        *(f"{host.url}{path}" for path in names),
    }


def test_a_page_typed_as_a_page_is_left_out(host: FileHost, empty_show: ShowFolder) -> None:
    """An item whose enclosure is a page by its type and its bytes is left out, with its name (s1)."""
    host.files["/page?x"] = ServedFile(LOG_IN, "text/html")
    page = enclosure(f"{host.url}/page?x", "text/html")
    address = serve_items(host, page, enclosure(f"{host.url}/good.mp3"))
    result = import_show(empty_show, address)
    assert remarks(result) == [("Part 1", "is left out: its file is no audio, but a page or XML")]
    assert len(rebuilt(empty_show)) == 1


def test_a_file_that_is_left_out_keeps_no_address(host: FileHost, empty_show: ShowFolder) -> None:
    """A PDF that is gone, and audio that is gone and has no length, have one remark each."""
    pdf = enclosure(f"{host.url}/gone.pdf", "application/pdf")
    result = import_show(empty_show, serve_items(host, pdf, enclosure(f"{host.url}/gone.mp3", length=0)))
    gone = "its audio is gone from the old host, and neither feed nor host states the length of its audio"
    assert remarks(result) == [
        ("Part 1", "is left out: its file is no audio by its name and its type"),
        ("Part 2", f"is left out: {gone}"),
    ]


def test_types_are_ours(host: FileHost, empty_show: ShowFolder) -> None:
    """Audio that feed and host call a page is stored as what it is, and served so."""
    host.files["/listen?id=1"] = ServedFile(MP3, "text/html")
    import_show(empty_show, serve_items(host, enclosure(f"{host.url}/listen?id=1", "text/html")))
    (episode,) = catalog(empty_show).episodes
    assert (episode.enclosure.type, str(episode.enclosure.key)[-4:]) == ("audio/mpeg", ".mp3")


def test_a_packed_answer_is_stored_unpacked(host: FileHost, empty_show: ShowFolder) -> None:
    """A host that packs everything delivers the MP3 all the same (c06)."""
    host.files["/a.mp3"] = ServedFile(gzip.compress(MP3), "audio/mpeg", headers={"Content-Encoding": "gzip"})
    result = import_show(empty_show, serve_items(host, enclosure(f"{host.url}/a.mp3")))
    assert MP3 in public_files(empty_show)
    assert remarks(result) == []


ODD = {
    "/not there 2.mp3": "/not%20there%202.mp3",
    "/nicht da ü.mp3": "/nicht%20da%20%C3%BC.mp3",
    "/a.mp3?q=ä b": "/a.mp3?q=%C3%A4%20b",
    "/🎙.mp3": "/%F0%9F%8E%99.mp3",
}


@pytest.mark.parametrize("keep_audio", [True, False])
def test_odd_addresses_never_block_the_show(host: FileHost, empty_show: ShowFolder, keep_audio: bool) -> None:
    """An address with spaces or letters beyond ASCII is percent-encoded; the show can be published (c07)."""
    items = [enclosure(f"{host.url}{path}") for path in ODD]
    import_show(empty_show, serve_items(host, *items), keep_audio=keep_audio)
    addresses = [e.get("url") for item in rebuilt(empty_show) if (e := item.find("enclosure")) is not None]
    assert sorted(map(str, addresses)) == sorted(f"{host.url}{path}" for path in ODD.values())


def test_the_audio_of_several_enclosures_is_its_audio(host: FileHost, empty_show: ShowFolder) -> None:
    """A picture, a PDF and a page before the audio are not taken for it (c10)."""
    others = [("cover.jpg", "image/jpeg"), ("a.pdf", "application/pdf"), ("page", "text/html")]
    first = "".join(enclosure(f"{host.url}/{name}", mime, 9) for name, mime in others)
    result = import_show(empty_show, serve_items(host, first + enclosure(f"{host.url}/good.mp3")))
    assert remarks(result) == []
    assert catalog(empty_show).episodes[0].enclosure.size_bytes == len(MP3)


def test_two_items_may_have_one_file(host: FileHost, empty_show: ShowFolder) -> None:
    """A rerun that stays at the old host is the same address twice, which blocks nothing (F9)."""
    again = enclosure(f"{host.url}/good.mp3")
    import_show(empty_show, serve_items(host, again, again), keep_audio=True)
    assert len(rebuilt(empty_show, errors=frozenset({"F9"}))) == 2


@pytest.mark.parametrize("base", ["", ' xml:base="{0}/shows/"'])
def test_relative_addresses_are_resolved(host: FileHost, empty_show: ShowFolder, base: str) -> None:
    """Enclosures without a host are resolved against xml:base and the feed's own address (c22)."""
    port = host.url.rpartition(":")[2]
    host.files |= {path: ServedFile(MP3, "audio/mpeg") for path in ("/a.mp3?n=1", "/a.mp3", "/a.mp3?n=3")}
    kinds = ("/a.mp3?n=1", "../a.mp3", f"//127.0.0.1:{port}/a.mp3?n=3")
    address = serve_items(host, *(enclosure(kind) for kind in kinds))
    feed = host.files["/feed.xml"]
    feed.body = feed.body.replace(
        b'<rss version="2.0"', f'<rss version="2.0"{base.format(host.url)}'.encode()
    )
    result = import_show(empty_show, address)
    assert (len(result.added_slugs), remarks(result)) == (3, [])


def test_an_import_of_nothing_says_so(host: FileHost, empty_show: ShowFolder) -> None:
    """Items of which none can be taken are an exit code of 3; nothing is written."""
    address = serve_items(host, enclosure("javascript:alert(1)"), enclosure("/cover.jpg", "image/jpeg"))
    done = empty_show.run("feed", "import", address)
    assert done.returncode == 3
    assert "its audio has no http(s) address, so it is not imported (Part 1)" in done.stdout
    assert "has no audio, so it is not imported (Part 2)" in done.stdout
    assert not empty_show.bucket.exists()


def test_files_of_this_machine_are_not_asked_for(
    host: FileHost, empty_show: ShowFolder, tmp_path: Path
) -> None:
    """A feed that is not on this machine gets nothing from it: audio, chapters, artwork, transcripts (s3)."""
    parts = (
        f'<itunes:image href="{host.url}/a.png"/><podcast:transcript url="{host.url}/a" type="text/vtt"/>'
        f'<podcast:chapters url="{host.url}/ch.json" type="application/json+chapters"/>'
    )
    (tmp_path / "feed.xml").write_text(FEED.format(ITEM.format(1, enclosure(f"{host.url}/good.mp3") + parts)))
    result = import_show(empty_show, str(tmp_path / "feed.xml"))
    assert host.requests == []
    ((title, about),) = remarks(result)
    assert title == "Part 1"
    assert about.startswith("is left out: its audio leads to 127.0.0.1, a loopback address")
    import_show(empty_show, str(tmp_path / "feed.xml"), keep_audio=True)
    assert host.requests == []


@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/ep.mp3"])
def test_a_redirect_leads_nowhere_else(host: FileHost, empty_show: ShowFolder, place: str) -> None:
    """An item that is redirected into another network is left out with its name, and the others come."""
    host.files["/ep.mp3"] = ServedFile(b"", "audio/mpeg", 302, {"Location": place})
    address = serve_items(host, enclosure(f"{host.url}/ep.mp3"), enclosure(f"{host.url}/good.mp3"))
    result = import_show(empty_show, address)
    ((title, about),) = remarks(result)
    assert (title, about.partition(" leads to ")[0]) == ("Part 1", "is left out: its audio")
    assert len(rebuilt(empty_show)) == 1


@pytest.mark.parametrize("href", ["file:///etc/passwd", "javascript:x", "ftp://h.example/x"])
def test_a_next_page_is_of_the_web(host: FileHost, empty_show: ShowFolder, href: str) -> None:
    """A page is never a file: one line, and nothing is imported (s4)."""
    link = f'<atom:link rel="next" href="{href}"/>'
    with pytest.raises(FeedError, match=r"next page .* has no http"):
        import_show(empty_show, serve_items(host, enclosure(f"{host.url}/good.mp3"), more=link))
    assert not empty_show.bucket.exists()


@pytest.mark.parametrize("href", ["/etc/passwd", "/dev/zero", "/dev/stdin"])
@pytest.mark.parametrize("from_file", [True, False])
def test_a_path_as_next_page_is_a_path_of_the_host(
    host: FileHost, empty_show: ShowFolder, tmp_path: Path, href: str, from_file: bool
) -> None:
    """It is asked of the old host; the copy of a feed in a file has no host to ask."""
    address = serve_items(
        host, enclosure(f"{host.url}/good.mp3"), more=f'<atom:link rel="next" href="{href}"/>'
    )
    if from_file:
        (tmp_path / "feed.xml").write_bytes(host.files["/feed.xml"].body)
        address = str(tmp_path / "feed.xml")
    with pytest.raises(PodcastError):
        import_show(empty_show, address)
    assert [path for _, path, _ in host.requests] == ([] if from_file else ["/feed.xml", href])


def test_a_relative_next_page_is_read(host: FileHost, empty_show: ShowFolder) -> None:
    """`?page=2` is resolved against its page (RFC 3986)."""
    serve_items(host, "", enclosure(f"{host.url}/good.mp3"))
    host.files["/feed.xml?page=2"] = host.files["/feed.xml"]
    host.files["/b.mp3"] = ServedFile(audio_bytes("b"), "audio/mpeg")
    address = serve_items(host, enclosure(f"{host.url}/b.mp3"), more='<atom:link rel="next" href="?page=2"/>')
    assert len(import_show(empty_show, address).added_slugs) == 2


def test_pages_without_end_are_one_line(
    host: FileHost, empty_show: ShowFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are bounded in number and in bytes; nothing is imported (s18)."""
    for number in range(20):
        link = f'<atom:link rel="next" href="{host.url}/p{number + 1}"/>'
        serve_items(host, enclosure(f"{host.url}/good.mp3"), more=link)
        host.files[f"/p{number}"] = host.files["/feed.xml"]
    monkeypatch.setattr(pages, "MOST_PAGES", 5)
    with pytest.raises(FeedError, match="has no end: 5 pages"):
        import_show(empty_show, f"{host.url}/p0")
    monkeypatch.setattr(pages, "MOST_PAGES", 100)
    monkeypatch.setattr(pages, "MOST_BYTES", 3000)
    with pytest.raises(FeedError, match="has no end"):
        import_show(empty_show, f"{host.url}/p0")
    assert len(host.requests) < 15
    assert not empty_show.bucket.exists()


def test_a_device_is_no_feed(empty_show: ShowFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device is one line, at once; a pipe that nobody writes into is one after a while."""
    os.mkfifo(tmp_path / "pipe")
    done = empty_show.run("feed", "import", "/dev/zero")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert "/dev/zero: is no file and no pipe; name the feed's file" in done.stderr
    for name in (str(tmp_path), "/dev/zero"):
        with pytest.raises(FeedError, match="is no file and no pipe"):
            pages.read_feed_file(name)
    monkeypatch.setattr(pages, "LONGEST_SILENCE_S", 0.01)
    with pytest.raises(FeedError, match=r"pipe: sent nothing for 0\.01 s; save the feed as a file"):
        pages.read_feed_file(str(tmp_path / "pipe"))


def test_a_feed_comes_through_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`feed check <(curl …)` and `curl … | podcast feed check -` read what comes, and no more."""
    body = FEED.format(ITEM.format(1, "")).encode() * 300  # more than a pipe holds
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(_write_all, writer, body)
        assert pages.read_feed_file(f"/dev/fd/{reader}") == body
        written.result()
    os.close(reader)
    (tmp_path / "stdin").write_bytes(body)
    with (tmp_path / "stdin").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert pages.read_feed_file("-") == body
    monkeypatch.setattr(pages, "LONGEST_SILENCE_S", 0.01)
    reader, writer = os.pipe()
    with pytest.raises(FeedError, match="sent nothing for"):
        pages.read_feed_file(f"/dev/fd/{reader}")
    os.close(reader)
    os.close(writer)


def _write_all(handle: int, body: bytes) -> None:
    with os.fdopen(handle, "wb") as pipe:
        pipe.write(body)


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("feed://old.example/rss", "https://old.example/rss"),
        ("feed:http://old.example/rss", "http://old.example/rss"),
        ("PCAST://old.example/rss?x=1", "https://old.example/rss?x=1"),
        ("podcast://old.example/rss", "https://old.example/rss"),
        ("http://old.example/rss", "http://old.example/rss"),
        ("old/feed.xml", "old/feed.xml"),
        ("-", "-"),
    ],
)
def test_the_address_of_an_app_is_one_of_the_web(typed: str, source: str) -> None:
    """feed:, podcast:// and pcast:// stand for https://, or before a whole address."""
    assert pages.typed_source(typed) == source


def test_a_web_page_is_no_feed(host: FileHost, empty_show: ShowFolder) -> None:
    """A page in place of the feed is one line that says what it is."""
    host.files["/feed.xml"] = ServedFile(b"<!DOCTYPE html><html><body><p>Log in</body></html>", "text/html")
    with pytest.raises(FeedError, match=r"feed\.xml: is a web page, no feed; look there"):
        import_show(empty_show, f"{host.url}/feed.xml")


def test_chapters_are_read_before_they_are_stored(host: FileHost, empty_show: ShowFolder) -> None:
    """A page named as chapters is left out by name; addresses that run are taken out of real ones."""
    page = f'<podcast:chapters url="{host.url}/page" type="application/json+chapters"/>'
    real = f'<podcast:chapters url="{host.url}/ch.json" type="application/json+chapters"/>'
    host.files["/page"] = ServedFile(LOG_IN, "application/json+chapters")
    marks = [
        {
            "startTime": 0,
            "title": "JavaScript: a word",
            "url": "javascript:alert(1)",
            "img": "data:text/html,x",
        },
        {"startTime": 5, "title": "Two", "url": "https://n.example/two"},
    ]
    body = json.dumps({"version": "1.2.0", "chapters": marks}).encode()
    host.files["/ch.json"] = ServedFile(body, "text/html")
    host.files["/b.mp3"] = ServedFile(audio_bytes("b"), "audio/mpeg")
    items = (enclosure(f"{host.url}/good.mp3") + page, enclosure(f"{host.url}/b.mp3") + real)
    result = import_show(empty_show, serve_items(host, *items))
    about = "its chapters are left out: the file is not JSON, so it holds no chapters"
    assert remarks(result) == [("Part 1", about)]
    one, two = catalog(empty_show).episodes
    assert (one.chapters_key, one.original and one.original.chapters_url) == (None, None)
    stored = json.loads((empty_show.bucket / str(two.chapters_key)).read_bytes())
    assert stored["chapters"] == [
        {"startTime": 0, "title": "JavaScript: a word"},
        {"startTime": 5, "title": "Two", "url": "https://n.example/two"},
    ]
    assert [chapter.url for chapter in two.chapters] == [None, "https://n.example/two"]


def bomb() -> bytes:
    body = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(body, "PNG")
    return body.getvalue()


PICTURES = {
    "page": LOG_IN,
    "SVG": b'<svg onload="alert(1)"/>',
    "PNG begin": b"\x89PNG\r\n\x1a\n" + LOG_IN,
    "JPEG begin": b"\xff\xd8\xff\xe0" + LOG_IN,
    "GIF": b"GIF89a",
    "half": picture()[:-200],
    "bomb": bomb(),
}


def test_a_picture_is_opened_before_it_is_stored(host: FileHost, empty_show: ShowFolder) -> None:
    """A page, an SVG, a half or a huge picture is left out by name."""
    items = []
    for number, body in enumerate(PICTURES.values()):
        host.files[f"/{number}.png"] = ServedFile(body, "image/png")
        host.files[f"/{number}.mp3"] = ServedFile(audio_bytes(str(number), 4000), "audio/mpeg")
        image = f'<itunes:image href="{host.url}/{number}.png"/>'
        items.append(enclosure(f"{host.url}/{number}.mp3", length=4000) + image)
    result = import_show(empty_show, serve_items(host, *items))
    about = "its artwork is left out: it is no whole JPEG or PNG"
    assert remarks(result) == [(f"Part {number}", about) for number, _ in enumerate(PICTURES, start=1)]
    assert not set(PICTURES.values()) & public_files(empty_show)


def test_a_bad_day_can_be_left_out(host: FileHost, empty_show: ShowFolder) -> None:
    """A file that fails this time holds up no other, and is named; --keep-missing leaves it there."""
    host.files["/down.mp3"] = ServedFile(b"", "text/plain", 503)
    address = serve_items(host, enclosure(f"{host.url}/good.mp3"), enclosure(f"{host.url}/down.mp3"))
    first = empty_show.run("feed", "import", address)
    assert first.returncode == 3
    missing, imported, next_line = first.stdout.splitlines()
    assert missing == "1 episode: its audio answers 503; run again later (Part 2)"
    assert imported == "1 episode imported, 0 already known"
    assert next_line.startswith("1 episode left for the next run: run the same command again, or leave the")
    done = empty_show.run("feed", "import", "--keep-missing", address)
    assert done.returncode == 0
    assert "its audio answers 503; the address stays (Part 2)" in done.stdout
    assert len(rebuilt(empty_show)) == 2


def spoil(show: ShowFolder, **changes: object) -> None:
    """Write the catalog as an earlier release left it: the oldest episode's enclosure with these changes."""
    before = catalog(show)
    episode = before.episodes[0]
    bad = Enclosure.model_validate({**dict(episode.enclosure), **changes})
    after = before.with_episode(episode.model_copy(update={"enclosure": bad}))
    LocalStore(show.bucket, base_url="").put(
        CATALOG_KEY, to_json(after), content_type="application/json", cache_control="no-store"
    )


def test_a_show_with_such_an_item_can_be_published_again(host: FileHost, empty_show: ShowFolder) -> None:
    """What an earlier release took over is named and in no feed; importing again fetches its audio (s5)."""
    host.files["/b.mp3"] = ServedFile(audio_bytes("b"), "audio/mpeg")
    address = serve_items(host, enclosure(f"{host.url}/good.mp3"), enclosure(f"{host.url}/b.mp3"))
    import_show(empty_show, address)
    spoil(empty_show, type="text/html")
    done = empty_show.run("rebuild", "--allow", "placeholders")
    assert done.returncode == 0, done.stderr
    assert "podcast: part-1: is left out of the feeds, its audio is of the type “text/html”;" in done.stderr
    assert len(rebuilt(empty_show)) == 1
    result = import_show(empty_show, address)
    assert (result.added_slugs, result.known_count) == (("part-1",), 1)
    assert [e.slug for e in catalog(empty_show).episodes] == ["part-1", "part-2"]
    assert catalog(empty_show).episodes[0].enclosure.type == "audio/mpeg"
    assert len(rebuilt(empty_show)) == 2


def test_a_show_with_an_odd_address_can_be_published_again(host: FileHost, empty_show: ShowFolder) -> None:
    """An address that an earlier release wrote as it came is encoded in the feed (c07)."""
    import_show(empty_show, serve_items(host, enclosure(f"{host.url}/good.mp3")), keep_audio=True)
    spoil(empty_show, external_url=f"{host.url}/nicht da ü.mp3")
    (item,) = rebuilt(empty_show)
    found = item.find("enclosure")
    assert found is not None
    assert found.get("url") == f"{host.url}/nicht%20da%20%C3%BC.mp3"


def test_no_feed_steers_the_terminal(host: FileHost, empty_show: ShowFolder) -> None:
    """Control characters, and those that turn text around, are in no output of these commands (s17)."""
    evil = "A\x9b2J \u202eevil".encode()
    address = serve_items(host, enclosure(f"{host.url}/good.mp3", "audio/&#x9b;31mmpeg"))
    feed = host.files["/feed.xml"]
    feed.body = feed.body.replace(b"Part 1", evil).replace(b"K\xc3\xbcstenfunk", b"Old" + evil)
    feed.headers["Content-Type"] = "text/xml"
    for arguments in (["feed", "import"], ["feed", "diff"]):
        done = empty_show.run(*arguments, address)
        assert not {"\x9b", "\u202e", "\x1b"} & set(done.stdout + done.stderr), arguments
