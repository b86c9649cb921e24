"""Every parser that eats foreign bytes, on damaged and made-up input: it reads, or refuses in one line, soon.

`pytest --soak -m soak tests/end_to_end/test_fuzz.py --fuzz-s 150` goes on for 150 seconds of processor time
with each parser and each of two engines: hypothesis, which damages a sample, and libFuzzer, which looks for
new paths.
"""

import hashlib
import io
import re
import subprocess
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.requests import Request

from podcast_pipeline import config
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.audience.subscribers.csv.rows import read_rows
from podcast_pipeline.audience.subscribers.email import parse_email as parse_address
from podcast_pipeline.audience.subscribers.plans import parse_paid_until
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import client_network
from podcast_pipeline.audience.subscribers.tokens import parse_token as parse_token
from podcast_pipeline.audit import RestrictedText
from podcast_pipeline.audit.logs_and_mail import check_log_file, check_mail_folder
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.errors import PodcastError
from podcast_pipeline.feed import app_impact, conformance, parse
from podcast_pipeline.feed.conformance.artwork import check_artwork
from podcast_pipeline.feed.conformance.chapters import check_chapters
from podcast_pipeline.feed.conformance.transcripts import check_transcript
from podcast_pipeline.feed.show_notes import to_plain
from podcast_pipeline.model import CaptionFormat
from podcast_pipeline.model.catalog import catalog_from_json, to_json, transcript_from_json
from podcast_pipeline.remote_feeds.item import read_chapters
from podcast_pipeline.search.query import parse_query as parse_query
from podcast_pipeline.transcript.captions.formats import render_captions
from podcast_pipeline.transcript.leaks.shingles import Shingles
from podcast_pipeline.transcript.markdown import parse_markdown as parse_document
from podcast_pipeline.transcript.markdown import to_markdown
from podcast_pipeline.web.byte_ranges import (
    RangeNotSatisfiable,
    content_from_bytes,
    content_response,
    parse_range,
)
from podcast_pipeline.web.middleware.access_log import redact
from tests.support.paths import ROOT
from tests.support.show import SLUG
from tests.support.site import INTERVIEW, transcript_of

EXAMPLES = 40
SOAK_EXAMPLES = 1000  # at a time
LONGEST_S = 2.0  # of processor time, for a few kilobytes
FOLDER = Path(mkdtemp(prefix="podcast-fuzz-"))

WORDS = transcript_of(
    "ANN: One two three four. Five six seven eight nine.\nBOB: Ten eleven. Twelve!", duration_s=9
)
SHINGLES = Shingles.of(WORDS, public_text=())
FEED = (ROOT / "tests/data/feeds/ordinary.private.xml").read_bytes()
EPISODE = re.sub(
    rb'(?<=source_sha256 = ")[0-9a-f]{64}',
    hashlib.sha256(b"").hexdigest().encode(),
    (ROOT / f"episodes/{SLUG}/episode.toml").read_bytes(),
)
CONTENT = content_from_bytes(
    b"x" * 5000, content_type="text/plain", modified_at=datetime(2026, 3, 10, tzinfo=UTC)
)
CONDITIONS = b'W/"abc", "def"\nTue, 10 Mar 2026 12:00:00 GMT\n"abc"\nbytes=0-1, 5-, -7\ngzip;q=0, br'
CAPTIONS: dict[CaptionFormat, str] = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "html": "text/html",
}
MAIL = b'From: a@example.org\r\nTo: "B" <b@example.org>\r\nSubject: =?utf-8?q?Hi=21?=\r\n\r\none two three'


def drain(lines: Iterable[object]) -> None:
    """Read to the end and keep nothing."""
    deque(lines, maxlen=0)


def file_of(name: str, data: bytes) -> Path:
    """Write data where the parser wants a file."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read_show(data: bytes) -> None:
    """Read show.toml."""
    config.load_config(file_of("show/show.toml", data).parent, {})


def read_episode(data: bytes) -> None:
    """Read episode.toml."""
    file_of(f"episodes/{SLUG}/episode.toml", data)
    file_of(f"episodes/{SLUG}/source.flac", b"")
    Library(FOLDER / "episodes", language="en").load_draft(SLUG)


def read_foreign_feed(data: bytes) -> None:
    """Read a feed for import."""
    document = app_impact.parse_feed(data)
    drain(parse.parse_items(document))
    parse.show_values(document)
    parse.next_page_url(document)


def read_range(data: bytes) -> None:
    """Read a Range header."""
    with suppress(RangeNotSatisfiable):
        spans = parse_range(data.decode("latin-1"), 1000)
        assert all(0 <= start < end <= 1000 for start, end in spans)


def read_conditions(data: bytes) -> None:
    """Answer a request whose conditional headers are the lines of the data."""
    names = (b"if-none-match", b"if-modified-since", b"if-range", b"range", b"accept-encoding")
    lines = data.replace(b"\r", b"").split(b"\n")
    for method in ("GET", "HEAD"):
        scope = {"type": "http", "method": method, "headers": list(zip(names, lines, strict=False))}
        said = content_response(Request(scope), CONTENT, headers={"cache-control": "private"})
        assert said.status_code in (200, 206, 304, 416)


def captions(mime: str) -> Callable[[bytes], object]:
    """Return what reads a foreign caption file of a type."""
    return lambda data: check_transcript(data, mime, duration_s=9)


def read_mail(data: bytes) -> None:
    """Read a spool of one mail."""
    drain(
        check_mail_folder(
            file_of("mail/1.eml", data).parent, RestrictedText(SHINGLES, SHINGLES), lambda _: False
        )
    )


def read_access_log(data: bytes) -> None:
    """Read a log; secrets of its own, for they remember what they have read."""
    drain(check_log_file(file_of("a.log", data), RestrictedText(SHINGLES, SHINGLES)))


def png() -> bytes:
    """Return a small picture that says everything a picture can."""
    file, info = io.BytesIO(), PngInfo()
    info.add_text("Title", "One", zip=True)
    Image.new("P", (9, 9)).save(file, "PNG", pnginfo=info, dpi=(72, 72), transparency=0)
    return file.getvalue()


def text(parser: Callable[[str], object]) -> Callable[[bytes], object]:
    """Return a parser of bytes that stand for any text, NUL and half surrogates included."""
    return lambda data: parser(data.decode("utf-8", "surrogateescape"))


@dataclass(frozen=True)
class Parser:
    """A parser and something that it reads."""

    read: Callable[[bytes], object]
    sample: bytes


ZONE = ZoneInfo("America/New_York")
CHAPTERS = (
    b'{"version":"1.2.0","chapters":[{"startTime":0,"title":"One"},{"startTime":4.5,"url":"https://a.b"}]}'
)
NOTES = b"# One\n\n- *two* <b>three</b> [four](https://xn--a.example/?a=b)\n\n<pre>five\n</pre> &amp; &#8212;"
QUERY = b'flood* "two memos" speaker:Robin guest:"Ines M" after:2026-03 -to:2026-02-31'
CSV = b'email,plan,period,paid_until\nann@example.org,standard,yearly,2027-01-31\n"b@example.org",student,,\n'
PARSERS = {
    "CSV": Parser(lambda data: drain(read_rows(file_of("a.csv", data), ZONE)), CSV),
    "e-mail address": Parser(text(parse_address), b"ann@example.org"),
    "paid_until": Parser(text(lambda t: parse_paid_until(t, ZONE)), b"2027-01-31T23:00:00+01:00"),
    "token": Parser(text(parse_token), b"abcdefghijklmnop." + b"q" * 32),
    "link that stops mail": Parser(
        text(lambda t: unsubscribe_token.parse_unsubscribe_token(t, b"k" * 32)), b"A" * 48
    ),
    "network address": Parser(text(client_network), b"2001:db8::1%eth0"),
    "logged path": Parser(text(redact), b"/feeds/abcdefghijklmnop." + b"q" * 32),
    "Range": Parser(read_range, b"bytes=0-1, 5-, -7"),
    "If-* headers": Parser(read_conditions, CONDITIONS),
    **{
        f"{form} captions": Parser(captions(mime), render_captions(WORDS, form))
        for form, mime in CAPTIONS.items()
    },
    "transcript JSON": Parser(lambda data: transcript_from_json(data, "transcript.json"), to_json(WORDS)),
    "catalog": Parser(catalog_from_json, (ROOT / "tests/data/feeds/ordinary.json").read_bytes()),
    "transcript.md": Parser(
        lambda data: parse_document(data.decode("utf-8", "replace")),
        to_markdown(WORDS, base="0" * 16, title="A talk").encode(),
    ),
    "show.toml": Parser(read_show, (ROOT / "show.toml").read_bytes()),
    "episode.toml": Parser(read_episode, EPISODE),
    "published feed": Parser(lambda data: app_impact.diff_feeds(FEED, data), FEED),
    "checked feed": Parser(conformance.check_feed, FEED),
    "imported feed": Parser(read_foreign_feed, FEED),
    "checked chapters": Parser(lambda data: check_chapters(data, duration_s=9), CHAPTERS),
    "imported chapters": Parser(read_chapters, CHAPTERS),
    "checked artwork": Parser(lambda data: check_artwork(data, "image/png"), png()),
    "show notes": Parser(text(to_plain), NOTES),
    "search query": Parser(text(lambda t: parse_query(t, ZONE)), QUERY),
    "leaks": Parser(SHINGLES.find_in, INTERVIEW.read_bytes()[:2000]),
    "log": Parser(read_access_log, b"GET / 200\n" * 5),
    "mail": Parser(read_mail, MAIL),
}


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw a sample with pieces replaced, doubled and cut off; or bytes of no sample at all."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=400))
    data = bytearray(sample)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 30))
        piece = draw(st.one_of(st.binary(max_size=12), st.sampled_from(PIECES), st.just(data[at : at + 60])))
        data[at : at + length] = piece
    return bytes(data)


PIECES = (
    *(b"\0", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"'", b"\\", b"\r", b"\n\n", b"-->", b"&#0;", b"&amp;"),
    *(b"<![CDATA[", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"[" * 3000, b"{" * 3000, b"9" * 5000),
    *(
        b"=?\x80utf-8?q?a?=",
        b"1e999",
        b"NaN",
        b"-0",
        b"99999-99-99",
        b"=?utf-8?b?/w==?=",
        b"bytes=",
        b"00:00",
        b"# ",
        b"---\n",
    ),
)


def reads_or_refuses(parser: Parser, data: bytes) -> None:
    """Read, or raise one of our errors and no other; in bounded time either way."""
    began = time.process_time()
    with suppress(PodcastError):
        parser.read(data)
    assert time.process_time() - began < LONGEST_S


def fuzz(name: str, examples: int) -> int:
    """Feed a parser, and return how many inputs it had."""
    parser, count = PARSERS[name], 0

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(parser.sample))
    def feed(data: bytes) -> None:
        nonlocal count
        count += 1
        reads_or_refuses(parser, data)

    feed()
    return count


@pytest.mark.parametrize("name", PARSERS)
def test_a_sample_is_read(name: str) -> None:
    """What the damage starts from is sound, so that the fuzzing reaches the inside of the parser."""
    PARSERS[name].read(PARSERS[name].sample)


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_input_is_read_or_refused(name: str) -> None:
    """No input makes a parser fail in another way, or take long."""
    assert fuzz(name, EXAMPLES) >= EXAMPLES


@pytest.fixture
def fuzz_s(request: pytest.FixtureRequest) -> float:
    """Seconds of processor time for a parser and an engine."""
    return float(request.config.getoption("--fuzz-s"))


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_much_damaged_input_is_read_or_refused(
    name: str, fuzz_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """As long as was asked for; the figure is printed."""
    until_s, count = time.process_time() + fuzz_s, 0
    while time.process_time() < until_s:
        count += fuzz(name, SOAK_EXAMPLES)
    with capsys.disabled():
        print(f"\n{name}: {count} inputs in {fuzz_s:.0f} s")  # noqa: T201


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_input_that_seeks_new_paths_is_read_or_refused(
    name: str, fuzz_s: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """libFuzzer, led by what it reaches, finds no input that a parser fails on; the figure is printed."""
    pytest.importorskip("atheris", reason="atheris is not installed; pip install atheris")
    command = [sys.executable, "-m", "tests.support.guided_fuzz", name, str(tmp_path), str(fuzz_s)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with capsys.disabled():
        print(f"\n{done.stdout.strip()}")  # noqa: T201


BOMBS = (
    ("CSV", b"email\n" + b'"' + b"a,\n" * 300_000),
    ("transcript JSON", b"[" * 900_000),
    ("catalog", b'{"a":' * 200_000),
    ("checked chapters", b"[" * 900_000),
    ("imported chapters", b'{"chapters":' * 80_000),
    ("search query", b'"a" ' * 200_000),
    ("show.toml", b"[" * 900_000),
    ("show.toml", b"a = " + b"9" * 900_000),
    ("episode.toml", b"title = " + b"[" * 900_000),
    ("transcript.md", b"**" * 400_000),
    ("checked feed", b"<!DOCTYPE r [<!ENTITY a '" + b"x" * 5000 + b"'>]><rss>" + b"&a;" * 20_000 + b"</rss>"),
    ("Range", b"bytes=" + b"0-1," * 200_000),
    ("If-* headers", b'W/"' * 100_000 + b"\n" + b"1 " * 100_000 + b"\n\nbytes=" + b"0-," * 100_000),
    ("vtt captions", b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<" * 900_000),
    ("srt captions", b"1\n00:00:01,000 --> 00:00:02,000\n" + b"a\n" * 400_000),
    ("json captions", b'{"version":"1.0.0","segments":' + b"[" * 900_000),
    ("html captions", b"<cite>" * 150_000),
    ("token", b"a" * 900_000),
    ("log", b"/feeds/" * 130_000),
    ("mail", b"To: " + b"<(" * 20_000),
    ("leaks", b"%25" * 300_000),
)


@pytest.mark.parametrize(("name", "bomb"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_bomb_takes_bounded_time_and_memory(name: str, bomb: bytes) -> None:
    """A megabyte made to hurt costs less than ten seconds and 200 MB."""
    began = time.process_time()
    with suppress(PodcastError):
        PARSERS[name].read(bomb)
    assert time.process_time() - began < 10
    tracemalloc.start()  # apart: it makes everything four times slower
    with suppress(PodcastError):
        PARSERS[name].read(bomb)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 200e6
