"""Apply one correction to a transcript.md and leave the rest of the file as it is."""

import re
from collections.abc import Iterator

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.edits.units import units_of
from podcast_pipeline.transcript.markdown import (
    COMMENT,
    HEADINGS,
    escape_markdown,
    turn_heading,
    yaml_scalar,
)
from podcast_pipeline.transcript.text.clock import format_clock

FRONT_MATTER = re.compile(r"\s*---\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)

Span = tuple[int, int]


def replace_words(
    markdown: str, transcript: Transcript, old: str, new: str, *, at_s: float | None = None
) -> str:
    """Return a transcript.md with `new` in place of the words `old`.

    Args:
        transcript: the words of the document, aligned.
        at_s: start of the first of the old words; None replaces every occurrence.

    Raises:
        CaptionError: document and transcript have the words a different number of times, or none at `at_s`.
    """
    for start, end in reversed(_places(markdown, transcript, old, at_s)):
        markdown = f"{markdown[:start]}{escape_markdown(new)}{markdown[end:]}"
    return markdown


def rename_speaker(markdown: str, speaker_id: str, name: str, *, was: str | None = None) -> str:
    """Return a transcript.md with a new name for a speaker, in the front matter and in the headings.

    Args:
        was: the name in the headings; None leaves them as they are.

    Raises:
        CaptionError: the front matter has no such speaker, and no heading has the name.
    """
    headings = 0
    if was is not None:
        old = re.compile(rf"^([ \t]*(\*\*|__)){re.escape(escape_markdown(was))}(?=:?\2)", re.MULTILINE)
        markdown, headings = old.subn(lambda found: f"{found[1]}{escape_markdown(name)}", markdown)
    front = FRONT_MATTER.match(markdown)
    line = _speaker_line(speaker_id)
    renamed, count = line.subn(lambda found: f"{found[1]} {yaml_scalar(name)}", front[0] if front else "")
    if count != 1 and not headings:
        raise CaptionError(
            "transcript.md", f"no line for {speaker_id} under `speakers`; name the speaker by hand"
        )
    return renamed + markdown[front.end() if front else 0 :]


def _speaker_line(speaker_id: str) -> re.Pattern[str]:
    return re.compile(rf"^([ \t]+[\"']?{re.escape(speaker_id)}[\"']?[ \t]*:).*$", re.MULTILINE)


def reassign_sentence(
    markdown: str, transcript: Transcript, sentence: str, speaker_name: str, *, at_s: float
) -> str:
    """Return a transcript.md in which another speaker says one sentence.

    Raises:
        CaptionError: see `replace_words`.
    """
    ((start, end),) = _places(markdown, transcript, sentence, at_s)
    segment = next(segment for segment in transcript.segments if segment.start_s == at_s)
    rest = markdown[end:].lstrip()
    turns = not rest or any(pattern.fullmatch(rest.split("\n", 1)[0].strip()) for pattern in HEADINGS)
    next_heading = [] if turns else [turn_heading(transcript.speaker_name(segment.speaker), segment.end_s)]
    parts = [
        markdown[:start].rstrip(),
        turn_heading(speaker_name, at_s),
        markdown[start:end],
        *next_heading,
        rest,
    ]
    return "\n\n".join(filter(None, parts))


def _places(markdown: str, transcript: Transcript, old: str, at_s: float | None) -> list[Span]:
    spans = _spans_in_document(markdown, old)
    starts = _starts_in_transcript(transcript, old)
    if not spans or len(spans) != len(starts) or (at_s is not None and at_s not in starts):
        where = format_clock(at_s if at_s is not None else starts[0] if starts else 0.0)
        raise CaptionError("transcript.md", f"no unique match for “{old}”; correct it by hand near [{where}]")
    return [span for span, start_s in zip(spans, starts, strict=True) if at_s in (None, start_s)]


def _spans_in_document(markdown: str, text: str) -> list[Span]:
    excluded = list(_unspoken_spans(markdown))
    found = (match.span() for match in _pattern(escape_markdown(text)).finditer(markdown))
    return [(a, b) for a, b in found if not any(a < end and start < b for start, end in excluded)]


def _starts_in_transcript(transcript: Transcript, text: str) -> list[float]:
    start_at: dict[int, float] = {}
    spoken = ""
    for unit in units_of(transcript):
        start_at[len(spoken) + len(unit.text) - len(unit.text.lstrip())] = unit.start_s
        spoken += unit.text
    begins = sorted(start_at)
    found = (match.start() for match in _pattern(text).finditer(spoken))
    return [start_at[max(begin for begin in begins if begin <= at)] for at in found]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(?<!\\w)" + r"\s+".join(map(re.escape, text.split())) + r"(?!\w)")


def _unspoken_spans(markdown: str) -> Iterator[Span]:
    """Yield the spans of the front matter, comments, titles and headings of turns."""
    front = FRONT_MATTER.match(markdown)
    if front:
        yield front.span()
    yield from (match.span() for match in COMMENT.finditer(markdown))
    for line in re.finditer(r"^[ \t]*(\S.*?)[ \t]*$", markdown, re.MULTILINE):
        turn = next((m for m in (pattern.fullmatch(line[1]) for pattern in HEADINGS) if m), None)
        if line[1].startswith("# "):
            yield line.span()
        elif turn:
            words = turn.groupdict().get("words") or ""
            yield line.start(), line.end(1) - len(words)
