"""Faults planted in fetched files and in responses, each with the rule that it breaks."""

import io
import json

from PIL import Image

from podcast_pipeline.feed.conformance import (
    RecordedResponse,
)

VTT = """WEBVTT - a show

NOTE made by hand

1
00:00.000 --> 00:02.000 align:start
<v Ann>Hello &amp; welcome.</v>

01:00:02.000 --> 01:00:04.500
<v Bea>Thank you.
Nice to be here.
"""
SRT = """1
00:00:00,000 --> 00:00:02,000
Ann: Hello.

2
01:00:02,000 --> 01:00:04,500
Bea: Thanks.
""".replace("\n", "\r\n")
SEGMENTS = [
    {"speaker": "Ann", "startTime": 0, "endTime": 2.0, "body": "Hello."},
    {"speaker": "Bea", "startTime": 3602.0, "endTime": 3604.5, "body": "Thanks."},
]
DURATION_S = 3605
JSON = json.dumps({"version": "1.0.0", "segments": SEGMENTS})
HTML = "<cite>Ann:</cite><time>0:00</time><p>Hello.</p>"
TYPES = {
    "text/vtt": VTT,
    "application/x-subrip": SRT,
    "application/json": JSON,
    "text/html": HTML,
    "text/plain": "Hi",
}

TRANSCRIPT_FAULTS = [
    ("text/vtt", "WEBVTT", "webvtt", "T2", "error", 1),
    ("text/vtt", VTT, "<!DOCTYPE html><p>404", "T2", "error", 1),
    ("text/vtt", "Hello", "a --> b", "T2", "error", 7),
    ("text/vtt", "Hello", "x" * 66, "T2", "warning", 7),
    ("text/vtt", "Thank you.\n", "Thank you.\n\n", "T2", "error", 12),
    ("text/vtt", "00:02.000", "00:02,000", "T2", "error", 6),
    ("text/vtt", "01:00:02.000", "02:00:02.000", "T7", "error", None),
    ("text/vtt", "00:00.000", "59:59:59.000", "T7", "error", None),
    ("application/x-subrip", "00:00:02,000", "00:00:02.000", "T3", "error", 2),
    ("application/x-subrip", "Ann: Hello.", "A" * 33, "T3", "warning", 3),
    ("application/x-subrip", "Hello.", "1\r\n2\r\n3", "T3", "warning", 3),
    ("application/x-subrip", "Thanks.", "Thanks.\r\n\r\nMore", "T3", "error", 9),
    ("application/x-subrip", "04,500", "09,500", "T7", "error", None),
    ("application/x-subrip", SRT, "", "T7", "error", None),
    ("application/json", JSON, "{", "T4", "error", 1),
    ("application/json", JSON, "[]", "T4", "error", 1),
    ("application/json", '"1.0.0"', '"2.0.0"', "T4", "error", 1),
    ("application/json", '"body"', '"text"', "T4", "error", None),
    ("application/json", "3604.5", "NaN", "T4", "error", None),
    ("application/json", "3604.5", "true", "T4", "error", None),
    ("application/json", "3604.5", "4000", "T7", "error", None),
    ("text/html", "<p>", "<b>", "T5", "error", 1),
    ("text/plain", "Hi", " ", "T1", "error", 1),
]  # fmt: skip

CHAPTERS = {"version": "1.2.0", "chapters": [{"startTime": 0, "title": "A"}, {"startTime": 60.5}]}

CHAPTERS_FAULTS = [
    (CHAPTERS, 0),
    ({**CHAPTERS, "version": "3"}, 1),
    ({"version": "1.2.0"}, 1),
    ([], 1),
    ({**CHAPTERS, "chapters": [{"title": "A"}]}, 1),
    ({**CHAPTERS, "chapters": [{"startTime": 9}, {"startTime": 8}]}, 1),
    ({**CHAPTERS, "chapters": [{"startTime": 9}, {"startTime": 101}]}, 1),
]


def picture(
    size: tuple[int, int] = (1400, 1400), mode: str = "RGB", form: str = "JPEG", dpi: int = 72
) -> bytes:
    body = io.BytesIO()
    Image.new(mode, size).save(body, form, dpi=(dpi, dpi))
    return body.getvalue()


ARTWORK_FAULTS = [
    (picture((1399, 1399)), "image/jpeg", "error"),
    (picture((1500, 1400)), "image/jpeg", "error"),
    (picture(mode="CMYK"), "image/jpeg", "error"),
    (picture(mode="RGBA", form="PNG"), "image/png", "error"),
    (picture(), "image/png", "error"),
    (picture(form="GIF"), "image/gif", "error"),
    (b"<html>404</html>", "image/jpeg", "error"),
    (picture(dpi=300), "image/jpeg", "warning"),
    (picture() + bytes(600_000), "image/jpeg", "warning"),
]

FEED = {
    "content-type": "application/rss+xml",
    "etag": '"a"',
    "last-modified": "…",
    "cache-control": "max-age=300",
    "access-control-allow-origin": "*",
}
AUDIO = {"content-type": "audio/mpeg", "accept-ranges": "bytes", "content-length": "100"}
RIGHT = [
    RecordedResponse("feed", "u", 200, headers=FEED),
    RecordedResponse("feed", "u", 200, "HEAD", headers=FEED),
    RecordedResponse("feed", "u", 304, request_headers={"if-none-match": '"a"'}),
    RecordedResponse("artwork", "u", 200, headers={"content-type": "image/png"}),
    RecordedResponse(
        "audio", "u", 200, "HEAD", headers=AUDIO, expected_type="audio/mpeg", expected_size_bytes=100
    ),
    RecordedResponse(
        "audio",
        "u",
        206,
        request_headers={"range": "bytes=0-1"},
        headers=AUDIO | {"content-range": "bytes 0-1/9"},
    ),
    RecordedResponse("transcript", "u", 200, headers=FEED | {"content-type": "text/vtt; charset=utf-8"}),
]

RESPONSE_FAULTS = [
    (RecordedResponse("feed", "u", 405, "HEAD"), "H1", "error"),
    (RecordedResponse("audio", "u", 403, "HEAD"), "H1", "error"),
    (
        RecordedResponse("audio", "u", 200, request_headers={"range": "bytes=0-1"}, headers=AUDIO),
        "H2",
        "error",
    ),
    (RecordedResponse("audio", "u", 200, headers={"content-type": "audio/mpeg"}), "H2", "error"),
    (
        RecordedResponse("feed", "u", 200, headers=FEED, request_headers={"if-none-match": "a"}),
        "H3",
        "warning",
    ),
    (
        RecordedResponse("feed", "u", 200, headers={k: v for k, v in FEED.items() if k != "etag"}),
        "H3",
        "warning",
    ),
    (
        RecordedResponse("feed", "u", 200, headers={k: v for k, v in FEED.items() if k != "cache-control"}),
        "H3",
        "warning",
    ),
    (
        RecordedResponse("feed", "u", 200, headers=FEED, request_headers={"accept-encoding": "gzip"}),
        "H3",
        "warning",
    ),
    (
        RecordedResponse(
            "audio", "u", 503, request_headers={"range": "bytes=0-1"}, headers={"retry-after": "9"}
        ),
        "H2",
        "error",
    ),
    (RecordedResponse("feed", "u", 401), "H4", "error"),
    (RecordedResponse("artwork", "u", 404), "H4", "error"),
    (RecordedResponse("transcript", "u", 200, headers={"content-type": "text/vtt"}), "H5", "warning"),
    (
        RecordedResponse("feed", "u", 200, headers={**FEED, "access-control-allow-credentials": "true"}),
        "H5",
        "error",
    ),
    (RecordedResponse("artwork", "u", 200, headers={"content-type": "text/html"}), "H6", "error"),
    (RecordedResponse("audio", "u", 200, headers=AUDIO, expected_type="audio/m4a"), "H6", "error"),
    (RecordedResponse("audio", "u", 200, headers=AUDIO, expected_size_bytes=99), "F8", "error"),
    (
        RecordedResponse("audio", "u", 200, headers=AUDIO, size_bytes=98, expected_size_bytes=100),
        "F8",
        "error",
    ),
]
