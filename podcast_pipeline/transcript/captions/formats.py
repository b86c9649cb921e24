"""Write a transcript as WebVTT, SubRip, Podcasting 2.0 JSON, HTML or plain text.

Source: docs/reference/feed-rules.md T1-T8; podcast-namespace transcripts.md; W3C WebVTT.
"""

import json
import re
from collections.abc import Callable
from html import escape

from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model import CaptionFormat, Correction, Transcript
from podcast_pipeline.transcript.captions.cues import CueLayout, layout_cues
from podcast_pipeline.transcript.captions.timing import Cue
from podcast_pipeline.transcript.documents.title_page import TitlePage
from podcast_pipeline.transcript.text.clock import format_short_clock
from podcast_pipeline.transcript.text.direction import is_right_to_left, isolated
from podcast_pipeline.transcript.text.turns import (
    Sentence,
    TranscriptTurn,
    collapse_whitespace,
    transcript_turns,
)
from podcast_pipeline.transcript.text.width import columns

CONTENT_TYPES: dict[CaptionFormat, str] = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
"""Content-Type of each format. WebVTT and JSON are UTF-8 by definition, and apps compare the first three
by equality (T6), so only HTML and text state their charset."""

SRT_LINE_CHARS = 32  # T3, the name included
VTT_WIDE_COLUMNS = 3  # of the 65: 21 wide characters, of 23 at most
VTT_LANGUAGE_COLUMNS = len("<lang yue></lang>")

UNTITLED = '<meta charset="utf-8"><title>Transcript</title>'

TAG = re.compile(r"<([A-Za-z/!?][^<>]*)>")
OPEN_TAG = re.compile(r"<(?=[A-Za-z/!?])")
"""What SubRip players take for markup and do not show, whole and without an end."""


def render_captions(
    transcript: Transcript, format_: CaptionFormat, /, *, title_page: TitlePage | None = None
) -> bytes:
    """Return a transcript file: UTF-8, LF, no byte order mark; equal values give equal bytes.

    Args:
        title_page: what HTML and plain text begin with; captions and JSON have no place for it.

    Raises:
        ConfigError: there is no such format.
    """
    if format_ not in WRITERS:
        raise ConfigError(f"format {format_!r}", f"is not a format; known are {', '.join(WRITERS)}")
    return WRITERS[format_](transcript, title_page).encode()


def to_vtt(transcript: Transcript) -> str:
    """Return WebVTT. Every cue has a voice span, because a voice span ends with its cue.

    Words in another language than the transcript's are in a language span.
    """
    blocks = [
        "WEBVTT\n",
        *(_vtt_cue(cue, transcript.language) for cue in layout_cues(transcript, VTT_LAYOUT)),
    ]
    return "\n".join(blocks)


def to_srt(transcript: Transcript) -> str:
    """Return SubRip. `Name: ` begins a turn. SubRip has no escapes: `-->` becomes `→`, and `<b>` `‹b›`."""
    cues = enumerate(layout_cues(transcript, SRT_LAYOUT), start=1)
    return "\n".join(_srt_cue(number, cue, transcript.language) for number, cue in cues)


def to_podcast_json(transcript: Transcript) -> str:
    """Return Podcasting 2.0 JSON 1.0.0, one segment per sentence.

    Word segments are allowed, but apps show one row per segment (Podverse) or join bodies with a space
    (AntennaPod), which puts spaces inside scripts that have none.
    """
    segments = [_json_segment(cue) for cue in layout_cues(transcript, JSON_LAYOUT)]
    return json.dumps({"version": "1.0.0", "segments": segments}, ensure_ascii=False, indent=1) + "\n"


def to_html(transcript: Transcript, title_page: TitlePage | None = None) -> str:
    """Return an HTML page: cite, time and p for every paragraph.

    The dated corrections are on the title page; without one they are at the end.
    """
    blocks = [line for turn in transcript_turns(transcript) for line in _html_turn(turn)]
    direction = ' dir="rtl"' if is_right_to_left(transcript.language) else ""
    head = title_page.to_html_head() if title_page else UNTITLED
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{escape(transcript.language)}"{direction}>',
            f"<head>{head}</head>",
            "<body>",
            *(title_page.to_html(transcript.language) if title_page else []),
            *blocks,
            *([] if title_page else _html_corrections(transcript.corrections)),
            "</body>",
            "</html>\n",
        ]
    )


def to_text(transcript: Transcript, title_page: TitlePage | None = None) -> str:
    """Return plain text: `Name: ` begins a turn, an empty line separates paragraphs."""
    paragraphs = []
    for turn in transcript_turns(transcript):
        label = f"{isolated(turn.speaker, within=turn.language)}: " if turn.speaker else ""
        for paragraph in turn.paragraphs():
            paragraphs.append(label + _joined(paragraph) + "\n")
            label = ""
    return (title_page.to_text() if title_page else "") + "\n".join(paragraphs)


def format_timestamp(seconds: float, decimal_mark: str) -> str:
    """Return seconds as `HH:MM:SS` + mark + milliseconds."""
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{decimal_mark}{ms % 1000:03}"


def _escaped(text: str) -> str:
    return escape(text, quote=False)


def _vtt_label(name: str, _begins_turn: bool, _language: str) -> str:
    return f"<v {_escaped(collapse_whitespace(name.replace('>', ' ')))}>"


def _srt_label(name: str, begins_turn: bool, language: str) -> str:
    if not begins_turn:
        return ""
    name = _without_tags(name)
    marks = len(isolated(name, within=language)) - len(name)
    return f"{isolated(_shortened(name, SRT_LINE_CHARS - 1 - marks), within=language)}: "  # 1: the colon


def _shortened(name: str, room: int) -> str:
    if columns(name) <= room:
        return name
    kept = name
    while columns(kept) > room - 1:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def _without_tags(text: str) -> str:
    """Return a text in which SubRip players find neither an arrow, nor a tag, nor an override in braces."""
    plain = text.replace("-->", "→").replace("{\\", "{⧵")
    return OPEN_TAG.sub("‹", TAG.sub(r"‹\1›", plain))


VTT_LAYOUT = CueLayout(
    line_chars=65,
    line_count=2,
    label=_vtt_label,
    measure=lambda text: columns(_escaped(text), wide=VTT_WIDE_COLUMNS),
    language_columns=VTT_LANGUAGE_COLUMNS,
)
SRT_LAYOUT = CueLayout(line_chars=SRT_LINE_CHARS, line_count=2, label=_srt_label, side_by_side=False)
JSON_LAYOUT = CueLayout(line_chars=240, line_count=1, label=lambda _name, _begins_turn, _language: "")


def _vtt_cue(cue: Cue, language: str) -> str:
    label = _vtt_label(cue.speaker, cue.begins_turn, language) if cue.speaker else ""
    said = "\n".join(_escaped(line) for line in cue.lines if line)
    text = label + (f"<lang {cue.language}>{said}</lang>" if cue.language else said)
    return f"{format_timestamp(cue.start_s, '.')} --> {format_timestamp(cue.end_s, '.')}\n{text}\n"


def _srt_cue(number: int, cue: Cue, language: str) -> str:
    label = _srt_label(cue.speaker, cue.begins_turn, language) if cue.speaker else ""
    first, *others = cue.lines
    said = _without_tags("\n".join([first, *others]))
    text = "\n".join(filter(None, map(str.rstrip, f"{label}{said}".split("\n"))))
    return f"{number}\n{format_timestamp(cue.start_s, ',')} --> {format_timestamp(cue.end_s, ',')}\n{text}\n"


def _json_segment(cue: Cue) -> dict[str, str | float]:
    speaker = {"speaker": cue.speaker} if cue.speaker else {}
    return {**speaker, "startTime": cue.start_s, "endTime": cue.end_s, "body": cue.text}


def _html_turn(turn: TranscriptTurn) -> list[str]:
    lines = [f"<cite>{escape(turn.speaker)}:</cite>"] if turn.speaker else []
    for paragraph in turn.paragraphs():
        start_s = paragraph[0].start_s
        lines.append(f'<time datetime="PT{start_s:.3f}S">{format_short_clock(start_s)}</time>')
        language = f' lang="{escape(paragraph[0].language)}"' if paragraph[0].language else ""
        lines.append(f'<p dir="auto"{language}>{_escaped(_joined(paragraph))}</p>')
    return lines


def _html_corrections(corrections: tuple[Correction, ...]) -> list[str]:
    if not corrections:
        return []
    items = [
        f'<li><time datetime="{c.corrected_at:%Y-%m-%dT%H:%M:%SZ}">{c.corrected_at:%Y-%m-%d}</time> '
        f"{_escaped(c.note)}</li>"
        for c in corrections
    ]
    return ["<footer><h2>Corrections</h2><ul>", *items, "</ul></footer>"]


def _joined(paragraph: tuple[Sentence, ...]) -> str:
    return "".join(
        f" {sentence.text}" if sentence.words[0].space_before else sentence.text for sentence in paragraph
    ).strip()


WRITERS: dict[CaptionFormat, Callable[[Transcript, TitlePage | None], str]] = {
    "vtt": lambda transcript, _: to_vtt(transcript),
    "srt": lambda transcript, _: to_srt(transcript),
    "json": lambda transcript, _: to_podcast_json(transcript),
    "html": to_html,
    "txt": to_text,
}
