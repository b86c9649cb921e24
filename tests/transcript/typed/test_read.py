"""Typed transcripts of every other format, and files that are none."""

import json
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.feed.untrusted.charset import decode_text
from podcast_pipeline.transcript.typed.read import read_typed
from tests.support.word_files import paragraphs, saved

TEXT = "ANN ÉXAMPLE: Здравствуйте, naïve “house”."

VTT = """\ufeffWEBVTT - an interview

NOTE a comment
in two lines

STYLE
::cue { color: red }

intro
00:00:01.000 --> 00:00:03.000 line:0
<v.loud Ann Example>Hello &amp; <i>welcome</i>
back.</v>

00:03.000 --> 00:04.000
<v Bob>Thanks.<v Ann Example>Well,

00:04.000 --> 00:05.000
<00:04.500><c>really</c> [music]
"""
SRT = """1
00:00:01,000 --> 00:00:03,000
{\\an8}ANN: Hello
- and welcome.

2
00:00:03,000 --> 00:00:04,000
<i>BOB: Thanks.</i>

3
00:00:04,000 --> 00:00:05,000
BOB: Yes. (and so on)
(door slams)

4
00:00:04,000 --> 00:00:05,000
42
"""
WRAPPED = """1
00:00:01,000 --> 00:00:03,000
welcome to the show,
Hanna Host
and

2
00:00:03,000 --> 00:00:04,000
BOB: Thanks.
ANN: Yes.
"""
ROLLING = """1
00:00:01,000 --> 00:00:03,000
so we went

2
00:00:03,000 --> 00:00:04,000
so we went
down to the

3
00:00:04,000 --> 00:00:05,000
down to the
river
"""
EMPTY_LINES = """1
00:00:01,000 --> 00:00:03,000
ANN: Hello

there, and

- welcome.

2

00:00:03,000 --> 00:00:04,000

BOB: Thanks.

3
00:00:04,000 --> 00:00:05,000

4
00:00:05,000 --> 00:00:06,000
BOB: Yes.
"""
EMPTY_LINES_VTT = """WEBVTT

intro
00:01.000 --> 00:03.000
<v Ann>Hello

there.

NOTE not this

and not that

00:03.000 --> 00:04.000
<v Bob>Thanks.
00:04.000 --> 00:05.000
<v Bob>Yes.
"""
YOUTUBE = """WEBVTT
Kind: captions

00:00:01.000 --> 00:00:03.000 align:start position:0%
 \nso<00:00:01.500><c> we went</c>

00:00:03.000 --> 00:00:03.010 align:start position:0%
so we went
 \n
00:00:03.010 --> 00:00:05.000 align:start position:0%
so we went
down<00:00:03.500><c> to the</c>

00:00:05.000 --> 00:00:05.010 align:start position:0%
down to the
 \n
00:00:05.010 --> 00:00:06.000 align:start position:0%
down to the
river
"""
HTML = """<html><head><title>No</title><style>p {}</style></head><body><h1>The Hearing</h1>
<cite>Ann Example:</cite><time>0:01</time><p>Hello &amp; <em>welcome</em>.</p>
<cite>Bob:</cite>
<time>0:05</time>
<p>Thanks.</p><p>And more.<br>Yes.</p><script>no()</script></body></html>"""
JSON = """{"version": "1.0.0", "segments": [
 {"speaker": "Ann Example", "startTime": 0.5, "endTime": 1.0, "body": "Hello & welcome."},
 {"speaker": "Bob", "startTime": 1, "body": "Thanks."}, {"startTime": 2, "body": "And more. Yes."}]}"""

MARKDOWN = """---
base: 0123456789abcdef
speakers:
  S0: Ann Example
---

# The Hearing

<!-- Correct words and names.
Save. -->

**Ann Example** [00:00:01]

Hello *really* \\[there\\], see [the page](https://example.org/a) and\\
welcome.

**Bob** [00:00:05]

> Thanks. *sighs*
> _Yes_, snake_case_name.
"""
FILES: dict[str, tuple[str, list[tuple[str | None, str]]]] = {
    "voices.vtt": (VTT, [
        ("Ann Example", "Hello & welcome back."), ("Bob", "Thanks."), ("Ann Example", "Well, really"),
    ]),
    "names.srt": (SRT, [("ANN", "Hello"), (None, "and welcome."), ("BOB", "Thanks. Yes. (and so on) 42")]),
    "wrapped.srt": (WRAPPED, [
        (None, "welcome to the show, Hanna Host and"), ("BOB", "Thanks."), ("ANN", "Yes."),
    ]),
    "rolling.srt": (ROLLING, [(None, "so we went down to the river")]),
    "empty lines.srt": (EMPTY_LINES, [
        ("ANN", "Hello there, and"), (None, "welcome."), ("BOB", "Thanks. Yes."),
    ]),
    "empty lines.vtt": (EMPTY_LINES_VTT, [("Ann", "Hello there."), ("Bob", "Thanks. Yes.")]),
    "youtube.vtt": (YOUTUBE, [(None, "so we went down to the river")]),
    "transcript.md": (MARKDOWN, [
        ("Ann Example", "Hello really, see the page and welcome."), ("Bob", "Thanks. Yes, snake_case_name."),
    ]),
    "page.html": (HTML, [("Ann Example", "Hello & welcome."), ("Bob", "Thanks. And more. Yes.")]),
    "podcast.json": (JSON, [("Ann Example", "Hello & welcome."), ("Bob", "Thanks. And more. Yes.")]),
}  # fmt: skip
"""Name -> content, and the turns."""


def turns(data: bytes, name: str, language: str = "en") -> list[tuple[str | None, str]]:
    decode = partial(decode_text, language=language)
    typed = read_typed(data, name, decode=decode, people=("Hanna Host",))
    return [(turn.name, " ".join(turn.paragraphs)) for turn in typed.turns]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_every_format(name: str, line_end: str) -> None:
    """Speakers and words are those of the file; markup, notes, numbers and times are none."""
    content, expected = FILES[name]
    assert turns(content.replace("\n", line_end).encode(), name) == expected


@pytest.mark.parametrize(
    ("encoding", "language"),
    [
        *(("utf-8", "en"), ("utf-8-sig", "en"), ("utf-16", "en")),
        *(("utf-16-le", "ru"), ("utf-16-be", "ru"), ("cp1251", "ru")),
    ],
)
def test_every_encoding(encoding: str, language: str) -> None:
    """A byte order mark, zeros, UTF-8, or what the language's programs wrote before."""
    text = TEXT if encoding != "cp1251" else TEXT.replace("É", "E").replace("ï", "i")
    (turn,) = turns(text.encode(encoding), "a.txt", language)
    assert turn == (text.partition(":")[0], text.partition(": ")[2])


def test_windows_1252_is_what_all_other_languages_wrote() -> None:
    """Typographic quotes and accents of an old Windows program."""
    assert turns("“Naïve” – he said.".encode("cp1252"), "a.txt", "en-GB") == [(None, "“Naïve” – he said.")]


def test_a_text_of_a_mac_is_in_its_encoding() -> None:
    """Carriage returns alone end the lines of a text that Word on a Mac has saved."""
    data = "ANN: “Naïve” – don’t.\rBOB: Zoë López.".encode("mac-roman")
    assert turns(data, "a.txt") == [("ANN", "“Naïve” – don’t."), ("BOB", "Zoë López.")]
    russian = "АНН: Чёрный.\rБОБ: Ещё.".encode("mac-cyrillic")
    assert turns(russian, "a.txt", "ru") == [("АНН", "Чёрный."), ("БОБ", "Ещё.")]


def test_one_wrong_byte_spoils_no_other() -> None:
    """A text in UTF-8 with a byte of Windows-1252 in it stays UTF-8."""
    data = "ANN: Zoë Müller – and naïve ".encode() + b"\xe9t\xe9."
    assert turns(data, "a.txt") == [("ANN", "Zoë Müller – and naïve été.")]


def test_an_old_text_that_resembles_utf_8_in_a_place_is_none() -> None:
    """Two letters of Windows-1251 are a character of UTF-8, too."""
    assert turns("Чёрный кот. Ещё.".encode("cp1251"), "a.txt", "ru") == [(None, "Чёрный кот. Ещё.")]


LONG = 100_000
HARMLESS: dict[str, tuple[str, str]] = {
    "voices.vtt": (f"00:01.000 --> 00:02.000\n{'<v ' * LONG}Well, yes.\n", "Well, yes."),
    "voice.vtt": (f"00:01.000 --> 00:02.000\nWell, yes.<v{' ' * LONG}x\n", "x"),
    "spaces.txt": (f"Well,{' ' * LONG}yes.", "Well, yes."),
    "tags.html": (f"<p>Well, yes.{'<a ' * LONG}", "Well, yes."),
    "ends.html": (f"<p>Well, yes.{'</ ' * LONG}", "Well, yes."),
    "paragraphs.html": ("<p>yes." * 10_000, "yes."),
    "marks.txt": ("a" + "\u0301\u0327" * 3 * LONG + " yes.", "yes."),
}
"""Content on which a careless pattern or parser takes hours, and its last words."""


@pytest.mark.parametrize("name", HARMLESS)
def test_no_content_takes_hours(name: str) -> None:
    """A file of another host may be made to keep a computer busy; the test ends only where it cannot."""
    content, last = HARMLESS[name]
    assert turns(content.encode(), name)[-1][1].endswith(last)


STEERING = "\x1b[31mred\x1b[0m \x07 \u202eevil\u202c \u2067way\u2069 \ufffe \x9b31m"
PLAIN = "[31mred [0m evil way 31m"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", f"Well, {STEERING} yes."),
        ("a.srt", f"00:01.000 --> 00:02.000\nWell, {STEERING} yes."),
        ("a.html", f"<p>Well, {STEERING} yes."),
        ("a.json", json.dumps({"segments": [{"body": f"Well, {STEERING} \0 \ud800 yes."}]})),
    ],
)
def test_no_word_steers_a_terminal(name: str, content: str) -> None:
    """transcript.md is shown by `cat` too: control characters, turned directions and lone surrogates go."""
    ((_, words),) = turns(content.encode(), name)
    assert words.replace("\ufffd", "").split() == ["Well,", *PLAIN.split(), "yes."]


def test_no_name_steers_a_terminal() -> None:
    """The names of a format that states them have no pattern of their own."""
    segments = [{"speaker": "\x1b[31mAnn\0\ud800\nBee", "body": "Yes."}]
    assert turns(json.dumps({"segments": segments}).encode(), "a.json") == [("[31mAnn Bee", "Yes.")]


BAD = {
    "dos.txt": (
        "Frau Müller: Für die Bücher.".encode("cp850"),
        "has 3 characters in an unknown encoding; save it as UTF-8",
    ),
    "empty.txt": (b"", "is empty"),
    "blank.txt": (b"\n \r\n", "is empty"),
    "notes.txt": (b"[music]\n\n[laughs]\n", "has no words that were said"),
    "image.txt": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", "is no text, though its name ends in .txt"),
    "old.doc": (b"x", "is an old Word file; save it as .docx"),
    "macros.docm": (b"x", "may have macros; save it as .docx, which has none"),
    "a.pdf": (b"%PDF", "is a PDF, which has no paragraphs; save it as .docx or .txt where it was made"),
    "a.xyz": (b"x", "is none of the files that are read; save it as .docx, .txt, .md, .srt or .vtt"),
    "no-ending": (b"x", "is none of the files that are read; save it as .docx, .txt, .md, .srt or .vtt"),
    "a.srt": (b"only words", "has no caption with a time; is it the right file?"),
    "a.vtt": (b"WEBVTT\n", "has no caption with a time; is it the right file?"),
    "a.json": (b'{"segments": 3}', "is no podcast transcript in JSON"),
    "empty.docx": (saved(paragraphs("")), "has no words that were said"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line(name: str) -> None:
    """The line names the file, says what to do, and has no byte of the file."""
    data, line = BAD[name]
    with pytest.raises(CaptionError) as caught:
        turns(data, name)
    assert str(caught.value) == f"{name}: {line}"


@given(st.binary(max_size=400), st.sampled_from([".txt", ".srt", ".vtt", ".html", ".json", ".docx"]))
def test_no_bytes_make_it_fail(data: bytes, ending: str) -> None:
    """Any bytes are turns, or a CaptionError."""
    with suppress(CaptionError):
        turns(data, f"a{ending}")
