"""A transcript as an EPUB that e-readers and epubcheck accept."""

import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image
from starlette.testclient import TestClient

from podcast_pipeline.feed.text import xml_safe
from podcast_pipeline.model import Chapter, Correction, Person
from podcast_pipeline.storage.objects import stage_bytes
from podcast_pipeline.web.epub import pack_epub
from tests.support.parts import needs
from tests.support.site import NOW, Site, flagship, transcript_of

BOOK = "/episodes/the-water-was-always-coming/transcript.epub"
CHECK = "/usr/share/java/epubcheck.jar"
EVIL = '<b>&amp;]]> "quoted" & \u0007bell \u00a0 \U0001f30a שלום'
PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show with one episode."""
    site = Site.make(tmp_path)
    flagship(site)
    yield site
    site.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A subscriber's browser."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        client.get(f"/feeds/{site.subscribe('ann@example.org')}/")
        yield client


def publish_evil(site: Site) -> str:
    """Publish an episode full of XML special characters, and return the URL of its EPUB."""
    said = transcript_of(f"Eve: {EVIL} and more. No second chapter here.", duration_s=9, version=1)
    note = Correction(corrected_at=NOW, note=EVIL)
    site.publish(
        "evil",
        said.model_copy(update={"corrections": (note,)}),
        title=EVIL,
        notes=f"{EVIL}</b>\n\n- [a&b](https://x.example/?a=1&b=2)\n- two\u00a0words",
        topics=(EVIL,),
        persons=(Person(name=EVIL, role="guest"),),
        chapters=(Chapter(start_s=3, title=EVIL),),
    )
    return "/episodes/evil/transcript.epub"


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("he-IL", "rtl"), ("en", "ltr")])
def test_pages_turn_the_way_the_language_is_read(
    site: Site, client: TestClient, language: str, direction: str
) -> None:
    """A book in Arabic progresses from right to left, and every page says its language and direction."""
    said = transcript_of("Dana: one two three.", duration_s=9, version=1)
    site.publish("rtl", said.model_copy(update={"language": language}), title="نهر")
    book = opened(client.get("/episodes/rtl/transcript.epub").content)
    assert f'<spine page-progression-direction="{direction}">' in book.read("book/package.opf").decode()
    pages = [name for name in book.namelist() if name.endswith(".xhtml")]
    for name in pages:
        page = book.read(name).decode()
        assert f'lang="{language}" xml:lang="{language}" dir="{direction}">' in page
        assert '<h2 dir="auto">Transcript</h2>' not in page
    assert len(pages) == 3


def opened(book: bytes) -> ZipFile:
    """Return the ZIP archive of a book, after an integrity check."""
    archive = ZipFile(io.BytesIO(book))
    assert archive.testzip() is None
    return archive


def test_the_container(client: TestClient) -> None:
    """The first file is the media type, stored, where programs look for it; the package names every file."""
    answered = client.get(BOOK)
    assert answered.headers["content-type"] == "application/epub+zip"
    assert answered.content[30:58] == b"mimetypeapplication/epub+zip"
    archive = opened(answered.content)
    assert archive.infolist()[0].compress_type == ZIP_STORED
    package = etree.fromstring(archive.read("book/package.opf"), PARSER)
    named = {f"book/{item.get('href')}" for item in package.iter("{*}item")}
    assert named | {"book/package.opf"} == {n for n in archive.namelist() if n.startswith("book/")}
    ids = {item.get("id") for item in package.iter("{*}item")}
    assert {entry.get("idref") for entry in package.iter("{*}itemref")} <= ids


def test_the_whole_transcript_by_chapters(site: Site, client: TestClient) -> None:
    """Every sentence is in the book, under its chapter, and a time leads to the page."""
    archive = opened(client.get(BOOK).content)
    parts = [etree.fromstring(archive.read(f"book/part-{n}.xhtml"), PARSER) for n in (1, 2, 3)]
    titles = [part.findtext(".//{*}h2") for part in parts]
    assert titles == ["Two memos", "The gauge that moved", "Alder Street, four years on"]
    text = " ".join(str(part.xpath("string()")) for part in parts)
    assert "that one was shorter, because by then I was angry." in text
    links = [a.get("href") for part in parts for a in part.iter("{*}a")]
    assert links[0] == "http://127.0.0.1:8080/episodes/the-water-was-always-coming#t=0"
    assert "We misspelled Ines Marchetti’s name." in archive.read("book/title.xhtml").decode()


def test_hostile_text_is_well_formed(site: Site, client: TestClient) -> None:
    """Any text in a title, note or sentence leaves every file well-formed, and appears there."""
    archive = opened(client.get(publish_evil(site)).content)
    pages = [name for name in archive.namelist() if name.endswith(("html", "opf", "xml"))]
    roots = [etree.fromstring(archive.read(name), PARSER) for name in pages]
    assert len(roots) == 6  # container, package, contents, title, before the chapter, the chapter
    said = " ".join(str(root.xpath("string()")) for root in roots)
    assert said.count(xml_safe(EVIL)) >= 6


def test_the_same_words_are_the_same_book(client: TestClient) -> None:
    """A book contains no build date: its ETag is stable, and each version has its own URL."""
    book = client.get(BOOK)
    assert client.get(BOOK, headers={"If-None-Match": book.headers["etag"]}).status_code == 304
    assert client.head(BOOK).headers["content-length"] == str(len(book.content))
    page = client.get("/episodes/the-water-was-always-coming").text
    assert f"{BOOK}?v=" in page
    assert client.get(BOOK, params={"v": "0" * 16}).status_code == 404


def with_artwork(site: Site, picture: bytes) -> None:
    """Give the show a picture, which is its episodes' picture too."""
    key = site.put(stage_bytes("public/art", "", "png", picture, "image/png"))
    site.catalog = site.catalog.with_show(site.catalog.show.model_copy(update={"artwork_key": key}))
    site.write_catalog()


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    """Return a picture of one colour."""
    file = io.BytesIO()
    Image.new(mode, (width, height), "red").save(file, "PNG")
    return file.getvalue()


def test_the_package_says_what_the_book_is(client: TestClient) -> None:
    """Who spoke in which part, who publishes it, when, where it comes from, and which version it is."""
    archive = opened(client.get(BOOK).content)
    package = etree.fromstring(archive.read("book/package.opf"), PARSER)
    dc = "{http://purl.org/dc/elements/1.1/}"
    assert [package.findtext(f".//{dc}{name}") for name in ("title", "language", "publisher")] == [
        "The water was always coming",
        "en",
        "The Harrow Street Courier",
    ]
    assert [one.text for one in package.iter(f"{dc}creator")] == ["Robin Ashdown"]
    assert [one.text for one in package.iter(f"{dc}contributor")] == ["Ines Marchetti"]
    roles = [meta.text for meta in package.iter("{*}meta") if meta.get("property") == "role"]
    assert roles == ["hst", "ive"]
    assert (
        package.findtext(f".//{dc}source") == f"http://127.0.0.1:8080{BOOK.removesuffix('/transcript.epub')}"
    )
    title = archive.read("book/title.xhtml").decode()
    (link,) = re.findall(rf"{BOOK}\?v=(\w+)", client.get(BOOK.removesuffix("/transcript.epub")).text)
    assert re.findall(r"version 2 of \d+ March 2026 \((\w+)\)", title) == [link]
    assert '<span class="aside" lang="en" xml:lang="en">Host</span> <bdi>Robin Ashdown</bdi>' in title


def test_the_cover_is_the_artwork(site: Site, client: TestClient) -> None:
    """It is a JPEG of at most 1,200 px without metadata, named by the package; the book stays the same."""
    with_artwork(site, png(1500, 3000, "RGBA"))
    book = client.get(BOOK).content
    archive = opened(book)
    cover = Image.open(io.BytesIO(archive.read("book/cover.jpg")))
    assert (cover.format, cover.size, cover.mode) == ("JPEG", (600, 1200), "RGB")
    package = etree.fromstring(archive.read("book/package.opf"), PARSER)
    (item,) = [item for item in package.iter("{*}item") if item.get("properties") == "cover-image"]
    assert (item.get("href"), item.get("media-type")) == ("cover.jpg", "image/jpeg")
    assert client.get(BOOK).content == book


UNUSABLE = {"text": b"no picture", "cut": png(20, 20)[:-40], "large": png(3001, 3000)}


@pytest.mark.parametrize("picture", UNUSABLE.values(), ids=UNUSABLE)
def test_a_picture_that_cannot_be_used_is_no_cover(site: Site, client: TestClient, picture: bytes) -> None:
    """Without artwork, or with a damaged or a huge one, there is a book without a cover."""
    assert "book/cover.jpg" not in opened(client.get(BOOK).content).namelist()
    with_artwork(site, picture)
    answered = client.get(BOOK)
    assert answered.status_code == 200
    assert b"cover" not in opened(answered.content).read("book/package.opf")


def test_who_may_have_the_book(site: Site, client: TestClient) -> None:
    """The book needs the access of a transcript file: 404 for strangers, 403 after a lapse."""
    tag = client.get(BOOK).headers["etag"]
    site.subscribers.renew("ann@example.org", NOW, now=NOW, origin="cli")
    assert client.get(BOOK, headers={"If-None-Match": tag}).status_code == 403
    client.cookies.clear()
    assert client.get(BOOK, headers={"If-None-Match": tag}).status_code == 404


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60))
def test_a_file_comes_back(text: str) -> None:
    """What is packed comes back as UTF-8, without what XML forbids."""
    assert opened(pack_epub({"a.txt": text})).read("a.txt").decode() == xml_safe(text)


@needs("epubcheck")
def test_epubcheck_finds_nothing(site: Site, client: TestClient, tmp_path: Path) -> None:
    """W3C's epubcheck has no complaint, about hostile text and a cover neither."""
    with_artwork(site, png(30, 30))
    for address in (BOOK, publish_evil(site)):
        (tmp_path / "book.epub").write_bytes(client.get(address).content)
        done = subprocess.run(
            ["java", "-jar", CHECK, "--failonwarnings", tmp_path / "book.epub"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
