"""Byte ranges, conditional requests and compression, as RFC 9110 defines them."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import BytesParser

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from podcast_pipeline.web.byte_ranges import (
    RangeNotSatisfiable,
    content_from_bytes,
    content_response,
    parse_range,
)
from podcast_pipeline.web.content_coding import CompressedOnce, compress_quickly

AUDIO = bytes(range(256)) * 4
TEXT = ("a line that repeats itself\n" * 200).encode()
CHANGED = datetime(2026, 3, 10, 12, tzinfo=UTC)
CHANGED_TEXT = "Tue, 10 Mar 2026 12:00:00 GMT"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A client of a server with one binary and one text."""

    def audio(request: Request) -> Response:
        content = content_from_bytes(AUDIO, content_type="audio/mpeg", modified_at=CHANGED)
        return content_response(request, content, headers={"cache-control": "private"})

    def text(request: Request) -> Response:
        content = content_from_bytes(TEXT, content_type="text/vtt", modified_at=CHANGED)
        return content_response(request, content, headers={})

    with TestClient(Starlette(routes=[Route("/audio", audio), Route("/text", text)])) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1024),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, 1024),
        ("bytes=1000-9999", 1000, 1024),
        (f"bytes=1000-{'9' * 5000}", 1000, 1024),
        (f"bytes=-{'9' * 20}", 0, 1024),
        (f"bytes={'0' * 30}9-{'0' * 30}19", 9, 20),
        ("bytes=-24", 1000, 1024),
        ("bytes=-99999", 0, 1024),
        ("Bytes = 10-19", 10, 20),
        ("bytes=0-9,5-19", 0, 20),
        ("bytes=5-19,0-9", 0, 20),
        ("bytes=0-9, 2000-3000", 0, 10),
    ],
)
def test_a_range_is_206_and_exact(client: TestClient, header: str, start: int, end: int) -> None:
    """One satisfiable range, or several that merge into one, gives 206 with exactly those bytes."""
    answered = client.get("/audio", headers={"Range": header})
    assert answered.status_code == 206
    assert answered.headers["content-range"] == f"bytes {start}-{end - 1}/1024"
    assert answered.headers["content-length"] == str(end - start)
    assert answered.content == AUDIO[start:end]


@pytest.mark.parametrize(
    "header",
    [
        *("bytes=1024-", "bytes=5000-6000", "bytes=-0", "bytes=2000-,3000-"),
        *(f"bytes={'9' * 20}-", f"bytes={'9' * 5000}-{'9' * 5001}"),
    ],
)
def test_a_range_outside_is_416(client: TestClient, header: str) -> None:
    """A range outside the content gives 416 with the content's size."""
    answered = client.get("/audio", headers={"Range": header})
    assert answered.status_code == 416
    assert answered.headers["content-range"] == "bytes */1024"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=9-1",
        "lines=0-1",
        "bytes=+1-2",
        "bytes=0-1;2-3",
        "bytes=" + "0-1," * 40 + "5-6",
    ],
)
def test_an_invalid_range_is_ignored(client: TestClient, header: str) -> None:
    """An invalid Range header, or too many ranges, gets the whole content."""
    answered = client.get("/audio", headers={"Range": header})
    assert answered.status_code == 200
    assert answered.content == AUDIO


def test_several_ranges_are_multipart(client: TestClient) -> None:
    """Ranges that do not touch come as multipart/byteranges of the announced length."""
    answered = client.get("/audio", headers={"Range": "bytes=0-3,100-103,-4"})
    head = b"Content-Type: " + answered.headers["content-type"].encode() + b"\r\n\r\n"
    parts = BytesParser().parsebytes(head + answered.content).get_payload()
    assert answered.status_code == 206
    assert answered.headers["content-length"] == str(len(answered.content))
    assert [part["Content-Range"] for part in parts] == [  # type: ignore[index]
        "bytes 0-3/1024",
        "bytes 100-103/1024",
        "bytes 1020-1023/1024",
    ]
    for start in (0, 100, 1020):
        assert b"\r\n\r\n" + AUDIO[start : start + 4] + b"\r\n" in answered.content


@given(st.text("bytes=0123456789-, ", max_size=60), st.integers(0, 5000))
def test_any_range_header_stays_inside(header: str, size_bytes: int) -> None:
    """For any header the ranges are sorted, disjoint and inside the content."""
    try:
        spans = parse_range(f"bytes={header}", size_bytes)
    except RangeNotSatisfiable:
        return
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= size_bytes for edge in edges)


@pytest.mark.parametrize("path", ["/audio", "/text"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_has_the_headers_of_get(client: TestClient, path: str, encoding: str) -> None:
    """HEAD has the status and the headers of GET, and no body."""
    headers = {"accept-encoding": encoding}
    head, get = client.head(path, headers=headers), client.get(path, headers=headers)
    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(get.headers)


def test_head_has_no_ranges(client: TestClient) -> None:
    """A Range on HEAD is ignored: the length is that of the whole (RFC 9110, 14.2)."""
    answered = client.head("/audio", headers={"Range": "bytes=0-1"})
    assert (answered.status_code, answered.headers["content-length"]) == (200, "1024")
    assert answered.headers["accept-ranges"] == "bytes"


def etag(client: TestClient, path: str = "/audio") -> str:
    return str(client.head(path).headers["etag"])


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_known_etag_is_304(client: TestClient, form: str) -> None:
    """An ETag that is known, in any form, gives 304 without a body and with the ETag again."""
    answered = client.get("/audio", headers={"If-None-Match": form.format(etag(client))})
    assert (answered.status_code, answered.content) == (304, b"")
    assert answered.headers["etag"] == etag(client)
    assert answered.headers["cache-control"] == "private"


def test_tags_in_several_lines_are_one_list(client: TestClient) -> None:
    """Several If-None-Match lines are one list (RFC 9110, 5.3); a proxy may split them."""
    lines = [("If-None-Match", '"other"'), ("If-None-Match", etag(client))]
    assert client.get("/audio", headers=lines).status_code == 304


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (CHANGED_TEXT, 304),
        ("Wed, 11 Mar 2026 00:00:00 GMT", 304),
        ("Tue, 10 Mar 2026 11:59:59 GMT", 200),
        ("Tue, 10 Mar 2026 12:00:00 -0000", 304),
        ("yesterday", 200),
        ("Tue, 10 Mar 99999999 12:00:00 GMT", 200),
        ("", 200),
    ],
)
def test_if_modified_since(client: TestClient, since: str, status: int) -> None:
    """304 for dates from the last change on; an invalid date is ignored."""
    assert client.get("/audio", headers={"If-Modified-Since": since}).status_code == status


def test_the_etag_counts_before_the_date(client: TestClient) -> None:
    """Another ETag gives 200 regardless of If-Modified-Since (RFC 9110, 13.2.2)."""
    headers = {"If-None-Match": '"other"', "If-Modified-Since": CHANGED_TEXT}
    assert client.get("/audio", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 206),
        (CHANGED_TEXT, 206),
        ('"other"', 200),
        ("W/{etag}", 200),
        ("Mon, 09 Mar 2026 12:00:00 GMT", 200),
    ],
)
def test_if_range(client: TestClient, condition: str, status: int) -> None:
    """A range is served only if its If-Range matches the content."""
    headers = {"Range": "bytes=0-9", "If-Range": condition.format(etag=etag(client))}
    assert client.get("/audio", headers=headers).status_code == status


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_hostile_conditions_break_nothing(client: TestClient, text: str) -> None:
    """Any text in a conditional header gets a valid response."""
    names = ("If-None-Match", "If-Modified-Since", "If-Range", "Range", "Accept-Encoding")
    answered = client.get("/text", headers=dict.fromkeys(names, text))
    assert answered.status_code in (200, 206, 304, 416)


@pytest.mark.parametrize(
    ("accepted", "coding", "packed"),
    [
        ("gzip, deflate", "gzip", gzip.compress(TEXT, 6, mtime=0)),
        ("br;q=0, GZIP", "gzip", gzip.compress(TEXT, 6, mtime=0)),
        ("gzip, deflate, br, zstd", "br", brotli.compress(TEXT, quality=5)),
    ],
)
def test_text_is_compressed_under_its_own_etag(
    client: TestClient, accepted: str, coding: str, packed: bytes
) -> None:
    """Compressed bytes have another ETag; either of the two is known when it comes back."""
    answered = client.get("/text", headers={"Accept-Encoding": accepted})
    assert answered.headers["content-encoding"] == coding
    assert int(answered.headers["content-length"]) == len(packed) < len(TEXT)
    assert answered.content == TEXT
    assert answered.headers["etag"] != etag(client, "/text")
    for known in (answered.headers["etag"], etag(client, "/text")):
        assert client.get("/text", headers={"If-None-Match": known}).status_code == 304


@pytest.mark.parametrize("accepted", ["", "identity", "zstd", "gzip;q=0", "brotli, br ; q = 0, gzip; q=0.0"])
def test_compressed_only_if_accepted(client: TestClient, accepted: str) -> None:
    """With neither brotli nor gzip in Accept-Encoding the bytes are plain, and Vary names that header."""
    answered = client.get("/text", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answered.headers
    assert answered.headers["vary"] == "Accept-Encoding"


def test_a_body_is_compressed_once() -> None:
    """What many ask for is compressed better than in haste, once for each coding, and is the same bytes."""
    compress = CompressedOnce(max_entries=2)
    first = compress("br", TEXT)
    assert brotli.decompress(first) == TEXT
    assert compress("br", bytes(bytearray(TEXT))) is first
    assert len(first) <= len(compress_quickly("br", TEXT))
    assert gzip.decompress(compress("gzip", TEXT)) == TEXT


def test_neither_audio_nor_a_range_is_compressed(client: TestClient) -> None:
    """Audio is compressed already, and byte ranges refer to uncompressed bytes."""
    assert "content-encoding" not in client.get("/audio", headers={"Accept-Encoding": "gzip"}).headers
    answered = client.get("/text", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    assert (answered.status_code, answered.content) == (206, TEXT[:10])
