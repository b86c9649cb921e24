"""Captions: round trips of the words, lines that fit, rising times."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import srt
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.model import CaptionFormat, Correction, Segment, Transcript, Word
from podcast_pipeline.transcript.captions.cues import layout_cues
from podcast_pipeline.transcript.captions.formats import (
    CONTENT_TYPES,
    SRT_LAYOUT,
    VTT_LAYOUT,
    format_timestamp,
    render_captions,
)
from podcast_pipeline.transcript.text.turns import collapse_whitespace, written_words
from tests.support.golden import CAPTIONS, FORMATS, rendered_captions
from tests.support.transcripts import spoken, transcripts

STAMP = r"(\d{2,}):([0-5]\d):([0-5]\d)[.,](\d{3})"
LABEL = re.compile(r"\A\u2068?Ω[^:]*: ?|\ASpeaker 1: ?")
ALICE = {"a": "Ann Marie Lee", "b": "Bo"}


NOW = rendered_captions()


@pytest.mark.parametrize("path", NOW, ids=lambda path: path.name)
def test_golden(path: Path) -> None:
    """A transcript renders to exactly the bytes of its golden files."""
    assert NOW[path].decode() == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    """Every golden file belongs to a transcript."""
    assert {path for path in CAPTIONS.iterdir() if ".transcript." not in path.name} == set(NOW)


def test_every_format_has_a_type() -> None:
    """The types are those that apps compare with; HTML and text state UTF-8."""
    assert {name: kind.split(";")[0] for name, kind in CONTENT_TYPES.items()} == {
        "vtt": "text/vtt",
        "srt": "application/x-subrip",
        "json": "application/json",
        "html": "text/html",
        "txt": "text/plain",
    }


# ── strict readers of our own, one per format: each returns (start, end, text) ──


def read_vtt(data: bytes) -> list[tuple[int, int, str]]:
    """Read WebVTT by its grammar; any deviation fails."""
    header, *blocks = data.decode().removesuffix("\n").split("\n\n")
    assert header.removesuffix("\n") == "WEBVTT"
    return [read_vtt_cue(block) for block in blocks]


def read_vtt_cue(block: str) -> tuple[int, int, str]:
    timing, *lines = block.split("\n")
    times = re.fullmatch(f"{STAMP} --> {STAMP}", timing)
    assert times, timing
    assert lines
    assert all(lines)
    assert "-->" not in "".join(lines)
    text = re.sub(r"\A<v ([^>\n&]|&amp;|&lt;)+>", "", "\n".join(lines))
    assert not re.search(r"<|>|&(?!(amp|lt|gt);)", text)
    for line in text.split("\n"):
        assert len(unescape(line)) <= 65
    numbers = [int(number) for number in times.groups()]
    return to_ms(*numbers[:4]), to_ms(*numbers[4:]), unescape(text)


def to_ms(hours: int, minutes: int, seconds: int, ms: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def read_srt(data: bytes) -> list[tuple[int, int, str]]:
    """Read SubRip with the srt library, strictly; its times are cut to the millisecond below."""
    found = []
    for number, sub in enumerate(srt.parse(data.decode(), ignore_errors=False), start=1):
        lines = sub.content.split("\n")
        assert sub.index == number
        assert "-->" not in sub.content
        assert len(lines) <= 2
        assert all(0 < len(line) <= 32 for line in lines)
        found.append((ms(sub.start), ms(sub.end), LABEL.sub("", sub.content)))
    return found


def ms(delta: timedelta) -> int:
    return delta // timedelta(milliseconds=1)


def read_json(data: bytes) -> list[tuple[int, int, str]]:
    document = json.loads(data)
    assert document["version"] == "1.0.0"
    return [
        (round(s["startTime"] * 1000), round(s["endTime"] * 1000), s["body"]) for s in document["segments"]
    ]


class Paragraphs(HTMLParser):
    """Collects the text of every p, and the names in cite."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = ""
        self.texts: dict[str, list[str]] = {"p": [], "cite": [], "time": [], "li": []}

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002, D102
        self.inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_data(self, data: str) -> None:  # noqa: D102
        if self.inside in self.texts:
            self.texts[self.inside][-1] += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002, D102
        self.inside = ""


def read_html(data: bytes) -> dict[str, list[str]]:
    parser = Paragraphs()
    parser.feed(data.decode())
    return parser.texts


def read_text(data: bytes) -> list[str]:
    return [LABEL.sub("", paragraph) for paragraph in data.decode().split("\n\n")]


def squash(*texts: str) -> str:
    """Return text without spaces, and with SubRip's substitutes for `-->`, `<` and `>`."""
    plain = "".join("".join(collapse_whitespace(text).split()) for text in texts).replace("-->", "→")
    return plain.translate(str.maketrans("<>⧵", "‹›\\"))


TIMED = {"vtt": read_vtt, "srt": read_srt, "json": read_json}


def texts(transcript: Transcript, format_: CaptionFormat) -> list[str]:
    """Render a transcript and read its words back, without labels."""
    data = render_captions(transcript, format_)
    if format_ == "html":
        return read_html(data)["p"]
    return [text for _, _, text in TIMED[format_](data)] if format_ in TIMED else read_text(data)


@pytest.mark.parametrize("format_", FORMATS)
@given(transcript=transcripts())
def test_every_word_is_restored_in_order(format_: CaptionFormat, transcript: Transcript) -> None:
    """Each format contains all words, once, in order, with any characters."""
    assert squash(*texts(transcript, format_)) == squash(transcript.text)


@pytest.mark.parametrize("format_", TIMED)
@given(transcript=transcripts())
def test_times_rise_inside_the_audio(format_: CaptionFormat, transcript: Transcript) -> None:
    """Cues begin before they end, in order, and end within the audio (T7); in SubRip they do not overlap."""
    times = [(start, end) for start, end, _ in TIMED[format_](render_captions(transcript, format_))]
    assert all(start < end for start, end in times)
    assert all(before[0] <= after[0] for before, after in pairwise(times))
    assert format_ != "srt" or all(before[1] <= after[0] for before, after in pairwise(times))
    assert all(end <= round(transcript.duration_s * 1000) for _, end in times)


@given(transcripts(long_s=0.0), st.integers(1, 3000))
def test_times_rise_even_if_those_of_the_words_do_not(transcript: Transcript, duration_ms: int) -> None:
    """Words with equal times, or times after the audio's end, give ordered cues within the audio."""
    short = transcript.model_copy(update={"duration_s": duration_ms / 1000})
    laid = layout_cues(short, SRT_LAYOUT)
    assert all(before.end_s <= after.start_s for before, after in pairwise(laid))
    assert all(0 <= cue.start_s < cue.end_s <= max(duration_ms, len(laid)) / 1000 for cue in laid)


@given(st.integers(0, 100 * 3600 * 1000))
def test_a_timestamp_is_exact_to_the_millisecond(moment_ms: int) -> None:
    """A time is restored from its timestamp to the millisecond, also past an hour."""
    found = re.fullmatch(STAMP, format_timestamp(moment_ms / 1000, "."))
    assert found
    assert to_ms(*(int(number) for number in found.groups())) == moment_ms


def test_cue_times_are_those_of_their_words() -> None:
    """A cue begins with its first word, to the millisecond, and ends with its last."""
    words = (Word(text=" Hello", start_s=1.001, end_s=1.5), Word(text=" there.", start_s=2.0, end_s=2.999))
    transcript = Transcript(language="en", duration_s=9, segments=(Segment(words=words),))
    assert read_vtt(render_captions(transcript, "vtt")) == [(1001, 2999, "Hello there.")]


def test_short_cues_are_long_enough_to_read() -> None:
    """A cue of a very short word lasts a second if nothing follows."""
    words = (Word(text=" Yes.", start_s=1.0, end_s=1.1),)
    transcript = Transcript(language="en", duration_s=9, segments=(Segment(words=words),))
    assert [(cue.start_s, cue.end_s) for cue in layout_cues(transcript, SRT_LAYOUT)] == [(1.0, 2.0)]


def test_short_sentences_share_a_cue() -> None:
    """One-word sentences share a cue instead of flashing by."""
    transcript = spoken(("a", "Yes. No. I do not know."), names=ALICE)
    assert [cue.lines for cue in layout_cues(transcript, VTT_LAYOUT)] == [("Yes. No. I do not know.",)]


def test_a_sentence_that_fits_is_one_cue() -> None:
    """A cue has whole sentences; the next sentence begins a new cue."""
    transcript = spoken(
        ("b", "The harbour froze in January. Nobody had seen that before in town."), names=ALICE
    )
    assert [cue.text for cue in layout_cues(transcript, VTT_LAYOUT)] == [
        "The harbour froze in January.",
        "Nobody had seen that before in town.",
    ]


def test_a_long_sentence_breaks_after_a_clause() -> None:
    """A sentence that does not fit breaks at a comma rather than at the last word that fits."""
    transcript = spoken(("b", "When the ice came over the harbour, the ships stood still for eleven weeks."))
    assert layout_cues(transcript, SRT_LAYOUT)[0].text == "When the ice came over the harbour,"


def test_srt_names_the_speaker_in_the_first_cue_only() -> None:
    """A turn's first cue begins with the name, within the 32 characters; later cues have none."""
    transcript = spoken(("b", "Good morning. " * 6), ("a", "And to you, Bo."), names=ALICE)
    firsts = [sub.content.split("\n")[0] for sub in srt.parse(render_captions(transcript, "srt").decode())]
    assert firsts == [
        "Bo: Good morning. Good morning.",
        "Good morning. Good morning.",
        "Ann Marie Lee: And to you, Bo.",
    ]


def test_a_name_that_fills_a_line_has_a_line_of_its_own() -> None:
    """A long name has its own line; a name longer than a line is truncated."""
    long = "Wolfeschlegelsteinhausenbergerdorff the Elder"
    transcript = spoken(("c", "Alexander Hamilton's here."), names={"c": long})
    lines = next(srt.parse(render_captions(transcript, "srt").decode())).content.split("\n")
    assert lines == ["Wolfeschlegelsteinhausenbergerd…"[:30] + "…:", "Alexander Hamilton's here."]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Write <b>bold</b> now.", "Write ‹b›bold‹/b› now."),
        ("Write <i now.", "Write ‹i now."),
        ("So x < y and 3<4.", "So x < y and 3<4."),
        (r"Type {\an8} here.", "Type {⧵an8} here."),
    ],
)
def test_srt_shows_what_a_player_would_take_for_markup(said: str, shown: str) -> None:
    """SubRip has no escapes, so a tag in the words, or in a name, has other brackets."""
    (cue,) = srt.parse(render_captions(spoken(("a", said), names={"a": "<i>An"}), "srt").decode())
    assert cue.content.replace("\n", " ") == f"‹i›An: {shown}"


@pytest.mark.parametrize(
    ("name", "language", "label"),
    [
        ("דנה", "en", "\u2068דנה\u2069: "),
        ("Ann", "he", "\u2068Ann\u2069: "),
        ("דנה", "he", "דנה: "),
        ("Ann", "az-Arab", "\u2068Ann\u2069: "),
        ("Ann", "en", "Ann: "),
    ],
)
def test_a_name_does_not_turn_the_line(name: str, language: str, label: str) -> None:
    """A name of the other direction is isolated, in SubRip and text, so that the words keep theirs."""
    transcript = spoken(("a", "42"), names={"a": name}, language=language)
    assert render_captions(transcript, "txt").decode() == f"{label}42\n"
    assert f"\n{label}42\n" in render_captions(transcript, "srt").decode()


def test_an_html_transcript_has_its_direction() -> None:
    """A page in Hebrew runs from right to left."""
    page = render_captions(spoken(("a", "שלום"), language="he"), "html").decode()
    assert '<html lang="he" dir="rtl">' in page


@pytest.mark.parametrize(("format_", "widest"), [("srt", 16), ("vtt", 23)])
def test_chinese_lines_are_as_wide_as_latin_ones(format_: CaptionFormat, widest: int) -> None:
    """A wide character counts as two in SubRip; in WebVTT a line has at most 23."""
    text = "你要说印度那可真是个奇葩的国家近二十年以来以平均百分之六点二五的增速迅速崛起" * 3
    said = spoken((None, text), language="zh", spaces=False)
    lines = [line for _, _, cue in TIMED[format_](render_captions(said, format_)) for line in cue.split("\n")]
    assert "".join(lines) == text
    assert all(len(line) <= widest for line in lines)
    assert sum("百分之六点二五" in line for line in lines) == 3


def test_japanese_breaks_after_punctuation_and_not_in_katakana() -> None:
    """A line ends at a comma in its second half, and a foreign word stays whole."""
    text = "今日はみんなでとても、楽しい東京タワーのレストランへ行きました"
    transcript = spoken((None, text), language="ja", spaces=False)
    lines = [line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines]
    assert lines[0] == "今日はみんなでとても、"
    assert any("レストラン" in line for line in lines)


def test_vtt_names_the_voice_of_every_cue() -> None:
    """Every cue has a voice span, because a span ends with its cue; the name is escaped and has no >."""
    transcript = spoken(("a", "Good morning to you all. And a good evening."), names={"a": "Q&A <1> Ann"})
    assert render_captions(transcript, "vtt").decode().count("<v Q&amp;A &lt;1 Ann>") == 2


def test_an_unconfirmed_speaker_is_a_number() -> None:
    """An unconfirmed speaker gets a number, not a guessed name."""
    transcript = spoken(("x", "Good morning."), names={"x": None})
    assert b"<v Speaker 1>Good morning." in render_captions(transcript, "vtt")


def test_a_segment_without_a_speaker_has_no_name() -> None:
    """Without a speaker there is no label, in any format."""
    transcript = spoken((None, "Good morning."))
    assert render_captions(transcript, "txt") == b"Good morning.\n"
    assert b"<cite>" not in render_captions(transcript, "html")
    assert b"<v" not in render_captions(transcript, "vtt")


@pytest.mark.parametrize(
    "whole",
    [
        *("1,000", "3.5 million", "2 thousand", "12 %", "5 000 000 euros", "$ 5", "three million", "40 km"),
        *("Ann Marie Lee", "Ludwig van Beethoven", "Dr. Ann Lee", "J. S. Bach", "the U.S. Senate"[4:]),
    ],
)
@pytest.mark.parametrize("before", range(10, 34))
def test_a_line_never_breaks_inside(whole: str, before: int) -> None:
    """A number with its unit, and a name, stay on one line at any position (T3)."""
    transcript = spoken(
        (None, "x" * (before // 2) + " " + "y" * (before - before // 2) + f" {whole} again it is")
    )
    assert any(whole in line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines)


@pytest.mark.parametrize(
    ("language", "whole"),
    [
        *(("de", whole) for whole in ("gem. § 5", "2,5 Mio. Euro", "bzw. 3 Mrd. Kronen", "a. wg. der Lage")),
        *(("de", whole) for whole in ("40 Tsd. Euro", "insb. Wien", "lt. Satzung", "Hptst. der Region")),
        *(
            ("en", whole)
            for whole in ("3. Oktober", "15. März", "gem. § 5", "2,5 Mio. Euro", "3 Mrd. Kronen")
        ),
    ],
)
def test_a_line_never_breaks_after_an_abbreviation(language: str, whole: str) -> None:
    """A shortened word stays with the word after it, also where an English episode quotes German."""
    for before in range(10, 34):
        said = "x" * (before // 2) + " " + "y" * (before - before // 2) + f" {whole} und so weiter"
        transcript = spoken((None, said)).model_copy(update={"language": language})
        assert any(whole in line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines)


def test_a_name_wider_than_a_line_breaks_at_a_space() -> None:
    """A run of capitals that is too wide breaks between words, and numbers stay whole."""
    transcript = spoken((None, "WE ALL EARNED ABOUT SOME 3.5 MILLION DOLLARS LAST YEAR IN NEW YORK"))
    lines = [line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines]
    assert any("3.5 MILLION" in line for line in lines)
    assert " ".join(lines) == transcript.text


def test_japanese_breaks_between_words_and_keeps_punctuation() -> None:
    """In Japanese a line may end after any word, but no line begins with a full stop."""
    transcript = spoken((None, "今日はとてもいい天気ですね。" * 6), language="ja", spaces=False)
    lines = [line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines]
    assert "".join(lines) == transcript.text
    assert all(len(line) <= 32 and not line.startswith("。") for line in lines)


def test_thai_vowels_stay_with_their_letter() -> None:
    """A vowel written before its letter ends no line, a vowel written after it begins none."""
    transcript = spoken(
        (None, "วันนี้เราจะพูดถึงเรื่องสำคัญมากในปีนี้และจะไม่พูดถึงเรื่องอื่น" * 3), language="th", spaces=False
    )
    lines = [line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines]
    assert "".join(lines) == transcript.text
    assert len(lines) > 3
    assert not [line for line in lines if line[-1] in "เแโใไ" or line[0] in "ะาำๆฯ"]


def test_emoji_are_never_broken() -> None:
    """A grapheme cluster of several code points is not broken, also in a run wider than a line."""
    family = "👩‍👩‍👧‍👦"
    transcript = spoken((None, family * 12))
    lines = [line for cue in layout_cues(transcript, SRT_LAYOUT) for line in cue.lines]
    assert len(lines) > 1
    assert all(line.replace(family, "") == "" for line in lines)


def test_words_that_belong_together_are_one_written_word() -> None:
    """An engine's words without a space between them are one written word."""
    words = [(" 1",), (",000",), (" Ann",), ("'s",), (" well",), ("-known",), (".",)]
    parts = tuple(Word(text=text, start_s=n, end_s=n + 1) for n, (text,) in enumerate(words))
    found = written_words(Segment(words=parts))
    assert [(piece.text, piece.start_s, piece.end_s) for piece in found] == [
        ("1,000", 0, 2),
        ("Ann's", 2, 4),
        ("well-known.", 4, 7),
    ]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_transcript_without_words_renders(format_: CaptionFormat) -> None:
    """A transcript without words is a valid, empty file."""
    transcript = Transcript(language="en", duration_s=9)
    assert texts(transcript, format_) in ([], [""])


def test_html_has_names_times_and_paragraphs() -> None:
    """The Podcasting 2.0 elements are in order, and the page states its charset."""
    transcript = spoken(("a", "Good <b>morning</b>."), ("b", "Hello & welcome."), names=ALICE)
    page = render_captions(transcript, "html")
    found = read_html(page)
    assert found["cite"] == ["Ann Marie Lee:", "Bo:"]
    assert found["time"] == ["0:00", "0:01"]
    assert found["p"] == ["Good <b>morning</b>.", "Hello & welcome."]
    assert b'<meta charset="utf-8">' in page


def test_html_shows_dated_corrections() -> None:
    """A correction is on the page with its date, escaped, and outside the paragraphs."""
    note = Correction(corrected_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC), note="Lee & Son, not <Leigh>")
    transcript = spoken((None, "Good morning.")).model_copy(update={"corrections": (note,)})
    found = read_html(render_captions(transcript, "html"))
    assert found["time"][-1] == "2026-03-01"
    assert "Lee & Son, not <Leigh>" in render_captions(transcript, "html").decode().replace(
        "&amp;", "&"
    ).replace("&lt;", "<").replace("&gt;", ">")
    assert found["p"] == ["Good morning."]


def test_text_has_names_and_paragraphs() -> None:
    """A turn begins with its name; a long pause ends a paragraph."""
    transcript = spoken(("a", "Good morning."), ("b", "Hello."), ("b", "Well."), names=ALICE)
    late = transcript.segments[2].words[0].model_copy(update={"start_s": 9.0, "end_s": 9.5})
    paused = transcript.model_copy(
        update={"segments": (*transcript.segments[:2], Segment(speaker="b", words=(late,)))}
    )
    assert render_captions(paused, "txt").decode() == "Ann Marie Lee: Good morning.\n\nBo: Hello.\n\nWell.\n"


def test_json_has_a_segment_per_sentence() -> None:
    """Segments are sentences with their speaker: apps show a row per segment."""
    transcript = spoken(("a", "The harbour froze in January."), ("b", "Nobody saw it."), names=ALICE)
    segments = json.loads(render_captions(transcript, "json"))["segments"]
    assert segments[0] == {
        "speaker": "Ann Marie Lee",
        "startTime": 0.5,
        "endTime": 1.95,
        "body": "The harbour froze in January.",
    }
    assert [s["body"] for s in segments] == ["The harbour froze in January.", "Nobody saw it."]
