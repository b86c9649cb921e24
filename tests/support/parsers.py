"""Every parser of foreign bytes, with a valid sample of its input."""

import gzip
import hashlib
import io
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.requests import Request

from podcast_pipeline import config
from podcast_pipeline.audience.membership.facts import entitlement_end
from podcast_pipeline.audience.membership.sources.events import MembershipSource, NotAnEvent
from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.audience.membership.sources.memberful import Memberful
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.audience.subscribers.csv.rows import read_rows
from podcast_pipeline.audience.subscribers.email import parse_email as parse_address
from podcast_pipeline.audience.subscribers.plans import parse_paid_until
from podcast_pipeline.audience.subscribers.privacy.addresses_seen import client_network
from podcast_pipeline.audience.subscribers.tokens import parse_token as parse_token
from podcast_pipeline.audio.artwork import identify_picture
from podcast_pipeline.audio.foreign import identify_audio
from podcast_pipeline.audit import RestrictedText
from podcast_pipeline.audit.logs_and_mail import check_log_file, check_mail_folder
from podcast_pipeline.episodes.library import Library
from podcast_pipeline.errors import PodcastError
from podcast_pipeline.feed import app_impact, conformance, parse
from podcast_pipeline.feed.conformance.artwork import check_artwork
from podcast_pipeline.feed.conformance.chapters import check_chapters
from podcast_pipeline.feed.conformance.transcripts import check_transcript
from podcast_pipeline.feed.show_notes import to_plain
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.feed.untrusted.harmless import harmless_notes
from podcast_pipeline.feed.untrusted.mending import readable_feed
from podcast_pipeline.model import CaptionFormat
from podcast_pipeline.model.catalog import catalog_from_json, to_json, transcript_from_json
from podcast_pipeline.remote_feeds.chapters import harmless_chapters, read_chapters
from podcast_pipeline.remote_feeds.unpack import UnreadableEncoding, unpack
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
from tests.support.fake_stripe import KEY, FakeStripe
from tests.support.imported_show import audio_bytes
from tests.support.paths import ROOT
from tests.support.show import SLUG
from tests.support.site import INTERVIEW, transcript_of

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
    """Exhaust an iterable."""
    deque(lines, maxlen=0)


def file_of(name: str, data: bytes) -> Path:
    """Write data to a file for a parser of files, and return its path."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read_packed(data: bytes) -> None:
    with suppress(UnreadableEncoding):
        drain(unpack(iter([data]), "gzip"))


def read_show(data: bytes) -> None:
    """Read show.toml."""
    config.load_config(file_of("show/show.toml", data).parent, {})


def read_episode(data: bytes) -> None:
    """Read episode.toml."""
    file_of(f"episodes/{SLUG}/episode.toml", data)
    file_of(f"episodes/{SLUG}/source.flac", b"")
    Library(FOLDER / "episodes", language="en").folder(SLUG).load_draft()


def read_foreign_feed(data: bytes) -> None:
    """Read a feed for import."""
    document = app_impact.parse_feed(readable_feed(data).body)
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
        response = content_response(Request(scope), CONTENT, headers={"cache-control": "private"})
        assert response.status_code in (200, 206, 304, 416)


def captions(mime: str) -> Callable[[bytes], object]:
    """Return a parser of foreign caption files of a type."""
    return lambda data: check_transcript(data, mime, duration_s=9)


def read_mail(data: bytes) -> None:
    """Read a spool of one mail."""
    drain(
        check_mail_folder(
            file_of("mail/1.eml", data).parent, RestrictedText(SHINGLES, SHINGLES), lambda _: False
        )
    )


def read_access_log(data: bytes) -> None:
    """Check a log file, with secrets of its own because `RestrictedText` keeps state."""
    drain(check_log_file(file_of("a.log", data), RestrictedText(SHINGLES, SHINGLES)))


def png() -> bytes:
    """Return a small PNG with every kind of metadata."""
    file, info = io.BytesIO(), PngInfo()
    info.add_text("Title", "One", zip=True)
    Image.new("P", (9, 9)).save(file, "PNG", pnginfo=info, dpi=(72, 72), transparency=0)
    return file.getvalue()


def of_text(parser: Callable[[str], object]) -> Callable[[bytes], object]:
    """Return a parser of bytes from a parser of text; NUL and lone surrogates are possible."""
    return lambda data: parser(data.decode("utf-8", "surrogateescape"))


@dataclass(frozen=True)
class Parser:
    """A parser and a valid sample of its input."""

    read: Callable[[bytes], object]
    sample: bytes


def events_of(source: MembershipSource) -> Callable[[bytes], object]:
    """Return what reads a signed body of a source and looks at what it tells."""

    def read(data: bytes) -> object:
        now = datetime(2026, 3, 10, 12, tzinfo=UTC)
        try:
            event = source.parse({"webhook-id": "msg_1"}, data, now=now)
        except NotAnEvent:
            return None
        return [entitlement_end(each, grace_days=7) for each in source.look(event, now=now)]

    return read


ZONE = ZoneInfo("America/New_York")
CHAPTERS = (
    b'{"version":"1.2.0","chapters":[{"startTime":0,"title":"One"},{"startTime":4.5,"url":"https://a.b"}]}'
)
NOTES = b"# One\n\n- *two* <b>three</b> [four](https://xn--a.example/?a=b)\n\n<pre>five\n</pre> &amp; &#8212;"
QUERY = b'flood* "two memos" speaker:Robin guest:"Ines M" after:2026-03 -to:2026-02-31'
CSV = b'email,plan,period,paid_until\nann@example.org,standard,yearly,2027-01-31\n"b@example.org",student,,\n'
EVENTS: dict[str, tuple[MembershipSource, bytes]] = {
    "Stripe": (
        Stripe(StripeApi(KEY, transport=FakeStripe().transport), "s", {}),
        (
            b'{"id":"evt_1","type":"invoice.paid","created":1773144000,"data":{"object":{"id":"in_1",'
            b'"parent":{"subscription_details":{"subscription":"sub_1"}},"amount":500,"currency":"eur"}}}'
        ),
    ),
    "a generic hook": (
        GenericHook("whsec_" + "a" * 32, ("standard",)),
        (
            b'{"type":"subscriber.ended","timestamp":"2026-03-10T12:00:00Z","data":{"id":"m-1","email":"a@b.c",'
            b'"period_ends_at":"9999-12-31T00:00:00Z","ended_because":"refund"}}'
        ),
    ),
    "Memberful": (
        Memberful("s", {}),
        (
            b'{"event":"order.refunded","order":{"member":{"email":"a@b.c"},"subscriptions":[{"id":7,"expires":true,'
            b'"created_at":1773144000,"expires_at":1773144000,"subscription":{"interval_unit":"month"}}]}}'
        ),
    ),
}
PARSERS = {
    "CSV": Parser(lambda data: drain(read_rows(file_of("a.csv", data), ZONE)), CSV),
    "CSV of Patreon": Parser(
        lambda data: drain(read_rows(file_of("a.csv", data), ZONE)),
        b"Name,Email,Patron Status,Charge Frequency,Access Expiration,Next Charge Date\n"
        b"Ann,ann@example.org,Active patron,annual,2027-05-01 07:00:00,\n",
    ),
    **{f"event of {name}": Parser(events_of(source), sample) for name, (source, sample) in EVENTS.items()},
    "e-mail address": Parser(of_text(parse_address), b"ann@example.org"),
    "paid_until": Parser(of_text(lambda t: parse_paid_until(t, ZONE)), b"2027-01-31T23:00:00+01:00"),
    "token": Parser(of_text(parse_token), b"abcdefghijklmnop." + b"q" * 32),
    "link that stops mail": Parser(
        of_text(lambda t: unsubscribe_token.parse_unsubscribe_token(t, b"k" * 32)), b"A" * 48
    ),
    "network address": Parser(of_text(client_network), b"2001:db8::1%eth0"),
    "logged path": Parser(of_text(redact), b"/feeds/abcdefghijklmnop." + b"q" * 32),
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
    "stored chapters": Parser(harmless_chapters, CHAPTERS),
    "imported audio": Parser(lambda data: identify_audio(file_of("a.mp3", data)), audio_bytes("a", 4000)),
    "imported picture": Parser(identify_picture, png()),
    "imported address": Parser(of_text(web_address), "https://müller.example/a b.mp3?q=ü#é".encode()),
    "imported notes": Parser(of_text(harmless_notes), b'<p>x</p><a href="javascript:x">y</a><svg onload=z>'),
    "packed answer": Parser(read_packed, gzip.compress(NOTES, mtime=0)),
    "checked artwork": Parser(lambda data: check_artwork(data, "image/png"), png()),
    "show notes": Parser(of_text(to_plain), NOTES),
    "search query": Parser(of_text(lambda t: parse_query(t, ZONE)), QUERY),
    "leaks": Parser(SHINGLES.find_in, INTERVIEW.read_bytes()[:2000]),
    "log": Parser(read_access_log, b"GET / 200\n" * 5),
    "mail": Parser(read_mail, MAIL),
}


def reads_or_refuses(parser: Parser, data: bytes) -> None:
    """Assert that a parser succeeds or raises a `PodcastError`, in bounded time."""
    began = time.process_time()
    with suppress(PodcastError):
        parser.read(data)
    assert time.process_time() - began < LONGEST_S
