"""One correction put into a transcript.md, everything else of it as a person left it."""

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
        words: what the document says, aligned.
        at_s: start of the first of those words; None: wherever they stand.

    Raises:
        CaptionError: they are not found as often as they are said, so which is which is not sure.
    """
    for start, end in reversed(_places(markdown, transcript, old, at_s)):
        markdown = f"{markdown[:start]}{escape_markdown(new)}{markdown[end:]}"
    return markdown


def rename_speaker(markdown: str, speaker_id: str, name: str) -> str:
    """Return a transcript.md in which a speaker has a name, once for all.

    Raises:
        CaptionError: the front matter has no such speaker.
    """
    front = FRONT_MATTER.match(markdown)
    line = re.compile(rf"^([ \t]+[\"']?{re.escape(speaker_id)}[\"']?[ \t]*:).*$", re.MULTILINE)
    named, count = line.subn(lambda found: f"{found[1]} {yaml_scalar(name)}", front[0] if front else "")
    if count != 1:
        raise CaptionError(
            "transcript.md", f"has no line for {speaker_id} under `speakers`; name them by hand"
        )
    return named + markdown[front.end() if front else 0 :]


def reassign_sentence(
    markdown: str, transcript: Transcript, sentence: str, speaker_name: str, *, at_s: float
) -> str:
    """Return a transcript.md in which one sentence is said by somebody else.

    Raises:
        CaptionError: see `touched_up`; or nobody says it now, so nobody could go on after it.
    """
    ((start, end),) = _places(markdown, transcript, sentence, at_s)
    segment = next(segment for segment in transcript.segments if segment.start_s == at_s)
    rest = markdown[end:].lstrip()
    turns = not rest or any(pattern.fullmatch(rest.split("\n", 1)[0].strip()) for pattern in HEADINGS)
    goes_on = [] if turns else [turn_heading(transcript.speaker_name(segment.speaker), segment.end_s)]
    parts = [markdown[:start].rstrip(), turn_heading(speaker_name, at_s), markdown[start:end], *goes_on, rest]
    return "\n\n".join(filter(None, parts))


def _places(markdown: str, words: Transcript, old: str, at_s: float | None) -> list[Span]:
    spots = _spots(markdown, old)
    said = _starts(words, old)
    if not spots or len(spots) != len(said) or (at_s is not None and at_s not in said):
        where = format_clock(at_s if at_s is not None else said[0] if said else 0.0)
        raise CaptionError(
            "transcript.md", f"“{old}” cannot be found surely; correct it there by hand, near [{where}]"
        )
    return [span for span, start_s in zip(spots, said, strict=True) if at_s in (None, start_s)]


def _spots(markdown: str, text: str) -> list[Span]:
    closed = list(_not_spoken(markdown))
    found = (match.span() for match in _pattern(escape_markdown(text)).finditer(markdown))
    return [(a, b) for a, b in found if not any(a < end and start < b for start, end in closed)]


def _starts(words: Transcript, text: str) -> list[float]:
    starts: dict[int, float] = {}
    said = ""
    for unit in units_of(words):
        starts[len(said) + len(unit.text) - len(unit.text.lstrip())] = unit.start_s
        said += unit.text
    begins = sorted(starts)
    found = (match.start() for match in _pattern(text).finditer(said))
    return [starts[max(begin for begin in begins if begin <= at)] for at in found]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(?<!\\w)" + r"\s+".join(map(re.escape, text.split())) + r"(?!\w)")


def _not_spoken(markdown: str) -> Iterator[Span]:
    """Yield where the front matter, comments, titles and the headings of turns stand."""
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
