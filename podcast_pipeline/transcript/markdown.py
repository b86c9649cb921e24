"""transcript.md: write a transcript for editing in any editor, and parse the edited file.

    ---
    base: 0123456789abcdef
    speakers:
      S0: Ann Example
      S1: Speaker 2
    ---

    # Title

    **Ann Example** [00:01:05]

    A paragraph of plain words.

A turn begins with a name in bold, a time in brackets, or both, alone on a line or before its words. All
other lines are words; an empty line ends a paragraph.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from podcast_pipeline.errors import CaptionError
from podcast_pipeline.model import Transcript, composed
from podcast_pipeline.transcript.text.clock import format_clock
from podcast_pipeline.transcript.text.paragraphs import MARKDOWN, split_paragraphs

HINT = (
    "<!-- Correct words and names, save, publish. A name under `speakers` is changed once for all;"
    " headings may have the new one or the old one. **Name** on a line of its own begins a turn. -->"
)

BASE = re.compile(r"[0-9a-f]{16}")
PLAIN = re.compile(r"\w[\w .,'’&()-]*(?<! )")  # a scalar that needs no quotes in the front matter
ENTRY = re.compile(r"""\s+("(?:\\.|[^"\\])*"|'[^']*'|[^:]+?)\s*:(?:\s+(.*))?""")
SPEAKER_LINE = re.compile(r"\s+[^\s#]|S\d+\s*:")  # a speaker's line, well-formed or not
COMMENT = re.compile(r"(?<!\\)<!--.*?-->", re.DOTALL)
CLOCK = r"\[(?P<clock>(?:\d+:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?)\]"
NAME = r"(?P<bold>\*\*|__)(?P<name>(?:\\.|[^\\*])+?)"
HEADINGS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{NAME}:?(?P=bold)\s*:?\s*{CLOCK}\s*:?(?:\s+(?P<words>.*))?",  # **Ann** [00:01:05] words
        rf"{NAME}:?(?P=bold)\s*:?",  # **Ann**
        rf"{NAME}:(?P=bold)\s+(?P<words>.*)",  # **Ann:** words
        rf"{CLOCK}(?:\s+(?P<words>.*))?",  # [00:01:05] words
    )
)
TITLE = re.compile(r"#{1,6}\s")
MERGE = re.compile(r"(<{7}|\|{7}|>{7})(\s.*)?|={7}")  # git's conflict markers
MISTAKES = (  # (pattern of a whole line, message); `escape_markdown` keeps words from matching
    (
        re.compile(rf".*\S.*(?<!\\){CLOCK}"),
        "a time follows words; begin a turn like **Ann** [00:01:05]",
    ),
    (re.compile(r"(.*[^\\])?<!--.*"), "the comment has no end; put --> after it"),
    (
        re.compile(r"#{1,6}\s.*"),
        "a section heading is no transcript text; write chapters in episode.toml",
    ),
)
MARKUP = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<stars>\*{1,3})(?=\S)(?P<strong>(?:\\.|[^\\])+?)(?<=\S)(?P=stars)"
    r"|(?<!\w)(?P<bars>_{1,3})(?=\S)(?P<slanted>(?:\\.|[^\\])+?)(?<=\S)(?P=bars)(?!\w)"
)


@dataclass(frozen=True)
class MarkdownTurn:
    """The words of one speaker up to the next heading.

    Attributes:
        name: as in the heading; None if the heading has only a time, and before the first heading.
        at_s: the time in the heading; None without a time.
        line: line number of the heading, from 1.
        paragraphs: plain words, without markup, single spaces.
    """

    name: str | None
    at_s: float | None
    line: int
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkdownTranscript:
    """A parsed transcript.md.

    Attributes:
        base: first 16 hex digits of the SHA-256 of the transcript.json that the file was made from.
        speakers: id to name, from the front matter.
        note: public note on the next publication's corrections; empty without one.
        title: of the heading above the words, which episode.toml decides; empty without one.
    """

    base: str
    speakers: dict[str, str] = field(default_factory=dict)
    turns: tuple[MarkdownTurn, ...] = ()
    note: str = ""
    title: str = ""

    @property
    def text(self) -> str:
        """All words, paragraphs joined by one space."""
        return " ".join(paragraph for turn in self.turns for paragraph in turn.paragraphs)

    @property
    def out_of_order(self) -> tuple[MarkdownTurn, ...]:
        """The turns whose time is earlier than that of the turn above."""
        timed = [turn for turn in self.turns if turn.at_s is not None]
        return tuple(turn for above, turn in pairwise(timed) if (turn.at_s or 0) < (above.at_s or 0))


def to_markdown(transcript: Transcript, *, base: str, title: str, note: str = "") -> str:
    """Return a transcript as transcript.md; equal values give equal text.

    Args:
        base: first 16 hex digits of the SHA-256 of the transcript.json with these words.
    """
    front = ["---", f"base: {base}", *([f"note: {yaml_scalar(note)}"] if note else [])]
    if transcript.speakers:
        front.append("speakers:")
    for speaker in transcript.speakers:
        name = transcript.speaker_name(speaker.id) or speaker.id
        front.append(f"  {yaml_scalar(speaker.id)}: {yaml_scalar(name)}")
    blocks = ["\n".join([*front, "---"]), f"# {escape_markdown(title)}", HINT]
    for speaker_id, segments in groupby(transcript.segments, key=lambda segment: segment.speaker):
        turn = list(segments)
        blocks.append(turn_heading(transcript.speaker_name(speaker_id), turn[0].start_s))
        paragraphs = split_paragraphs(turn, MARKDOWN, language=transcript.language)
        texts = (" ".join(part.text for part in parts) for parts in paragraphs)
        blocks.extend(filter(None, map(escape_markdown, texts)))
    return "\n\n".join(blocks) + "\n"


def turn_heading(name: str | None, start_s: float) -> str:
    """Return the heading line of a turn."""
    return f"**{escape_markdown(name)}** [{format_clock(start_s)}]" if name else f"[{format_clock(start_s)}]"


def escape_markdown(text: str) -> str:
    """Return words as Markdown that `parse_markdown` reads back unchanged."""
    line = re.sub(r"([\\*_`<])|\[(?=[\d:]+)", r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"^[#\[=|>]", r"\\\g<0>", line)


def yaml_scalar(text: str) -> str:
    """Return a value as a YAML scalar for the front matter, quoted if necessary."""
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def parse_markdown(text: str) -> MarkdownTranscript:
    """Parse an edited transcript.md.

    Raises:
        CaptionError: with the line: no front matter or base, a speaker twice, a section heading, a time after
            words, an open comment, an unresolved merge conflict.
    """
    plain = composed(text).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    plain = COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), plain)
    lines = [(number, line.strip()) for number, line in enumerate(plain.split("\n"), start=1)]
    if conflict_line := next((number for number, line in lines if MERGE.fullmatch(line)), None):
        raise _error(conflict_line, "unresolved git merge conflict; keep one side and delete git's markers")
    first = next((i for i, (_, line) in enumerate(lines) if line), 0)
    if lines[first][1] != "---":
        raise _error(lines[first][0], "the front matter is missing; restore the lines from --- to ---")
    end = next(
        (i for i, (_, line) in enumerate(lines[first + 1 :], first + 1) if line in ("---", "...")), None
    )
    if end is None:
        raise _error(lines[first][0], "the front matter has no end; add a line with --- after it")
    raw = plain.split("\n")
    base, speakers, note = _front_matter(
        [(number, raw[number - 1].rstrip()) for number, _ in lines[first + 1 : end]]
    )
    if base is None:
        raise _error(lines[first][0], "the front matter has no base; restore the line `base: …`")
    body = lines[end + 1 :]
    return MarkdownTranscript(base, speakers, tuple(_turns(body)), note, _title(body))


def _front_matter(lines: Sequence[tuple[int, str]]) -> tuple[str | None, dict[str, str], str]:
    base, speakers, note, table = None, dict[str, str](), "", ""
    for number, line in lines:
        entry = ENTRY.fullmatch(line) if table == "speakers" else None
        if entry:
            speaker = _unquote(entry[1])
            if speaker in speakers:
                raise _error(number, f"speaker {speaker} is listed twice; keep one line")
            speakers[speaker] = " ".join(_unquote(entry[2] or "").split())
        elif table == "speakers" and SPEAKER_LINE.match(line):
            raise _error(number, "write each speaker on a line of its own, like `  S0: Ann Example`")
        elif line.strip() and not line[0].isspace():
            table, _, value = (part.strip() for part in line.partition(":"))
            if table == "speakers" and value:
                raise _error(number, "write each speaker on a line of its own, like `  S0: Ann Example`")
            if table == "base" and base:
                raise _error(number, "base is listed twice; keep the original line")
            base = _base(number, value) if table == "base" else base
            note = " ".join(_unquote(value).split()) if table == "note" else note
    return base, speakers, note


def _base(number: int, value: str) -> str:
    if not BASE.fullmatch(_unquote(value)):
        raise _error(number, "base must be the original 16 hex digits; undo the change")
    return _unquote(value)


def _unquote(text: str) -> str:
    text = text.strip()
    if len(text) < 2 or (text[0], text[-1]) not in (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’")):
        return text
    try:
        return str(json.loads(text))
    except json.JSONDecodeError:
        return text[1:-1]


def _title(lines: Sequence[tuple[int, str]]) -> str:
    first = next((text for _, text in lines if text), "")
    return _plain(first.lstrip("#")) if TITLE.match(first) else ""


def _turns(lines: Sequence[tuple[int, str]]) -> Iterator[MarkdownTurn]:
    name, at_s, line = None, None, lines[0][0] if lines else 1
    titled = started = False
    words: list[str] = []
    for number, text in lines:
        found = _heading(text)
        if found:
            _check_clock(number, text)
            if started or any(words):
                yield MarkdownTurn(name, at_s, line, _join(words))
            started, (name, at_s, rest), line = True, found, number
            words = [rest]
        elif TITLE.match(text) and not (titled or started or any(words)):
            titled = True
        elif mistake := next((message for pattern, message in MISTAKES if pattern.fullmatch(text)), ""):
            raise _error(number, mistake)
        else:
            words.append(text)
    if started or any(words):
        yield MarkdownTurn(name, at_s, line, _join(words))


def _heading(line: str) -> tuple[str | None, float | None, str] | None:
    for pattern in HEADINGS:
        if match := pattern.fullmatch(line):
            parts = match.groupdict()
            name = _plain(parts["name"]) if parts.get("name") else None
            at_s = _seconds(parts["clock"]) if parts.get("clock") else None
            return name, at_s, parts.get("words") or ""
    return None


def _check_clock(number: int, line: str) -> None:
    """Refuse a time that no clock shows, like [00:09:99], whose turn would be looked for elsewhere."""
    clock = re.search(CLOCK, line)
    parts = [float(part) for part in clock["clock"].replace(",", ".").split(":")] if clock else []
    if clock and (parts[-1] >= 60 or (len(parts) > 2 and parts[1] >= 60)):
        raise _error(number, f"{clock[0]} is no time: minutes and seconds go to 59; write it like [00:01:05]")


def _seconds(text: str) -> float:
    total = 0.0
    for part in text.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def _join(lines: Sequence[str]) -> tuple[str, ...]:
    blocks = (list(block) for filled, block in groupby(lines, key=bool) if filled)
    paragraphs = (
        _plain(" ".join(line.removesuffix("\\") if _hard_break(line) else line for line in block))
        for block in blocks
    )
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _hard_break(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _plain(markdown: str) -> str:
    return " ".join(_unmark(markdown).split())


def _unmark(markdown: str) -> str:
    return MARKUP.sub(lambda m: m["escaped"] or _unmark(m["strong"] or m["slanted"]), markdown)


def _error(line: int, message: str) -> CaptionError:
    return CaptionError(f"transcript.md line {line}", message)
