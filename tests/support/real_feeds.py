"""The real feeds of PODCAST_FEEDS_DIR, served as copies with valid files at every address."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from lxml import etree
from mutagen.id3 import ID3, TIT2
from PIL import Image

from tests.support.http_servers import FileHost, ServedFile
from tests.support.show import run_ffmpeg

REAL = os.environ.get("PODCAST_FEEDS_DIR", "")
FEEDS = {"1865": 61, "changing-the-tide": 15, "dk-podcast": 59, "homegrown-hits": 4, "namespace-example": 3}
"""Name and number of episodes of each show that can be imported."""

ITUNES, PODCAST = "{http://www.itunes.com/dtds/podcast-1.0.dtd}", "{https://podcastindex.org/namespace/1.0}"
CHAPTERS = b'{"version": "1.2.0", "chapters": [{"startTime": 0, "title": "Start"}]}'
WORDS = {
    "text/vtt": b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n",
    "text/plain": b"Hello.\n",
}


def serve_copy(name: str, host: FileHost, folder: Path) -> str:
    """Serve a copy of a real feed with all its files, and return the feed's address.

    Addresses keep their path; lengths are those of the served files.
    """
    tree = etree.fromstring((Path(REAL) / f"{name}.xml").read_bytes().strip())
    audio = _tone(folder)
    for element, attribute, make in _files(tree, audio):
        served = make(element)
        path = _path(str(element.get(attribute)), served.content_type)
        host.files[path] = served
        element.set(attribute, f"{host.url}{path}")
        if element.tag == "enclosure":
            element.set("length", str(len(served.body)))
    feed = etree.tostring(tree, encoding="UTF-8", xml_declaration=True)
    host.files["/feed.xml"] = ServedFile(feed, "application/rss+xml")
    return f"{host.url}/feed.xml"


Make = Callable[[etree._Element], ServedFile]


def _files(tree: etree._Element, audio: bytes) -> Iterable[tuple[etree._Element, str, Make]]:
    kinds: tuple[tuple[str, str, Make], ...] = (
        ("item/enclosure", "url", lambda e: ServedFile(_named(audio, str(e.get("url"))), "audio/mpeg")),
        (
            f"{ITUNES}image",
            "href",
            lambda e: _picture(str(e.get("href"))),
        ),
        (f"{PODCAST}chapters", "url", lambda _: ServedFile(CHAPTERS, "application/json+chapters")),
        (f"{PODCAST}transcript", "url", lambda e: ServedFile(WORDS[e.get("type", "")], e.get("type", ""))),
    )
    for tag, attribute, make in kinds:
        yield from (
            (element, attribute, make) for element in tree.iterfind(f".//{tag}") if element.get(attribute)
        )


def _path(address: str, content_type: str) -> str:
    """Return a path of an address's own that ends as its type does."""
    ending = {"audio/mpeg": ".mp3", "image/jpeg": ".jpg", "image/png": ".png"}.get(content_type, "")
    return f"/{hashlib.sha256(address.encode()).hexdigest()[:16]}{ending}"


def _tone(folder: Path) -> bytes:
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=2", "-b:a", "64k", folder / "tone.mp3")
    return (folder / "tone.mp3").read_bytes()


def _named(audio: bytes, title: str) -> bytes:
    """Return a whole MP3 with a tag of its own, so that no two are the same."""
    tags = ID3()
    tags.add(TIT2(text=[title]))
    file = io.BytesIO(audio)
    tags.save(file)
    return file.getvalue()


def _picture(address: str) -> ServedFile:
    ending = PurePosixPath(urlsplit(address).path).suffix.lower()
    return _black("PNG" if ending == ".png" else "JPEG")


@cache
def _black(form: str) -> ServedFile:
    body = io.BytesIO()
    Image.new("RGB", (1400, 1400)).save(body, form)
    return ServedFile(body.getvalue(), f"image/{form.lower()}")
