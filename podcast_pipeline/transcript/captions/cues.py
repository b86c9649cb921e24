"""Timed caption blocks from a transcript: lines that fit, whole sentences, whole numbers, whole names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.text.sentences import is_abbreviation
from podcast_pipeline.transcript.text.turns import TranscriptTurn, WrittenWord, join_words, transcript_turns

READABLE_S = 1.0
"""A cue stays at least this long where there is room before the next."""

READING_CHARS_PER_S = 20
"""A cue stays long enough to be read at this speed where there is room. Source: the subtitling guides."""

MAGNITUDES = frozenset(
    (
        *("hundred", "thousand", "million", "billion", "trillion", "percent"),
        *("cent", "mille", "millions", "milliard", "milliards"),
        *("mil", "milhão", "milhões", "bilhão", "bilhões", "millón", "millones"),
        *("hundert", "tausend", "millionen", "milliarde", "milliarden"),
    )
)
"""Words that belong to the number before them, also to one that is spelled out."""

PARTICLES = frozenset(
    ("van", "von", "de", "der", "den", "del", "da", "di", "du", "la", "le", "bin", "ibn", "al")
)
"""Words in lower case inside a name."""

FREE, NAME, NUMBER, WORD = range(4)
"""How strongly a piece is bound to the one before it; the weakest breaks first where a line is too short."""

_DIGIT = regex.compile(r"\d")
_NUMBER_END = regex.compile(r"\d[^\s.,:;!?…。、！？]*$")
_BEFORE_NUMBER = regex.compile(r"^[\p{Sc}№#§]$")
_CAPITALISED = regex.compile(r"^\P{L}*\p{Lu}")
_PRONOUN = regex.compile(r"^I(?:['’]\w+)?$")
_CLAUSE_END = regex.compile(r"""[.,:;!?—–、，。؛،…]["'’”»)\]」』]*$""")


@dataclass(frozen=True)
class Cue:
    """A caption block.

    Attributes:
        speaker: the name that a reader is shown, None when nobody is known.
        opens: whether it is the first of a turn: another speaker spoke before it.
        lines: the words; the first is empty when its label takes a line of its own.
    """

    start_s: float
    end_s: float
    speaker: str | None
    begins_turn: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The words on one line."""
        return " ".join(filter(None, self.lines))


@dataclass(frozen=True)
class CueLayout:
    """How a format's cues are laid out.

    Attributes:
        label: what stands before the first line of (name, opens): it takes its part of the line.
        measure: how many characters a text takes once written, escapes included.
    """

    line_chars: int
    line_count: int
    label: Callable[[str, bool], str]
    measure: Callable[[str], int] = len


def layout_cues(transcript: Transcript, layout: CueLayout) -> tuple[Cue, ...]:
    """Return the cues of a transcript: in order, apart, inside its duration, with every word once."""
    loose = [cue for turn in transcript_turns(transcript) for cue in _turn(turn, layout)]
    return tuple(_timed(loose, transcript.duration_s))


def _turn(turn: TranscriptTurn, layout: CueLayout) -> Iterator[Cue]:
    opens = True
    for pieces in _readable(turn, layout):
        blocks = list(_bound(pieces, layout, FREE))
        while blocks:
            label = _label(turn, layout, opens=opens)
            count = _take(blocks, label, layout)
            lines = _lines(blocks[:count], label, layout)
            yield Cue(blocks[0].start_s, blocks[count - 1].end_s, turn.speaker, opens, tuple(lines))
            blocks, opens = blocks[count:], False


def _readable(turn: TranscriptTurn, layout: CueLayout) -> list[tuple[WrittenWord, ...]]:
    """Return the sentences, those too short to be read ("Yes.") with a neighbour where both fit in a cue."""
    together: list[tuple[WrittenWord, ...]] = []
    for sentence in turn.sentences:
        if together and _joins(together[-1], sentence.words, _label(turn, layout, opens=True), layout):
            together[-1] += sentence.words
        else:
            together.append(sentence.words)
    return together


def _joins(
    before: Sequence[WrittenWord], after: Sequence[WrittenWord], label: str, layout: CueLayout
) -> bool:
    lasting_s = min(side[-1].end_s - side[0].start_s for side in (before, after))
    if lasting_s >= READABLE_S or after[0].start_s - before[-1].end_s >= READABLE_S:
        return False
    return len(_lines([*before, *after], label, layout)) <= layout.line_count


def _label(turn: TranscriptTurn, layout: CueLayout, *, opens: bool) -> str:
    return layout.label(turn.speaker, opens) if turn.speaker else ""


def _take(blocks: list[WrittenWord], label: str, layout: CueLayout) -> int:
    """Return how many blocks make the next cue: all that fit, or up to the end of a clause."""
    fit = 1
    while fit < len(blocks) and len(_lines(blocks[: fit + 1], label, layout)) <= layout.line_count:
        fit += 1
    rest = len(blocks) - fit
    if not rest:
        return fit
    clauses = [n for n in range(fit // 2 + 1, fit + 1) if _CLAUSE_END.search(blocks[n - 1].text)]
    if clauses:
        return clauses[-1]
    return fit - 2 if rest <= 2 and fit > 6 else fit  # nobody wants a card with "of it" alone


def _lines(blocks: Sequence[WrittenWord], label: str, layout: CueLayout) -> list[str]:
    """Fill lines greedily. The label's line is left empty when not even one block fits beside it."""
    lines, room = [""], layout.line_chars - len(label)
    for block in blocks:
        longer = join_words([WrittenWord(lines[-1], 0, 0, space_before=False), block])
        if layout.measure(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(block.text)
            room = layout.line_chars
    return lines if lines[0] or label else lines[1:]


def _bound(pieces: Sequence[WrittenWord], layout: CueLayout, bond: int) -> Iterator[WrittenWord]:
    """Yield unbreakable blocks that fit on a line; what is too wide breaks at its weakest bonds first."""
    for run in _runs(pieces, bond):
        text = join_words(run)
        if layout.measure(text) <= layout.line_chars:
            yield WrittenWord(text, run[0].start_s, run[-1].end_s, space_before=run[0].space_before)
        elif bond < WORD:
            yield from _bound(run, layout, bond + 1)
        else:
            yield from _graphemes(run[0], layout)


def _runs(pieces: Sequence[WrittenWord], bond: int) -> Iterator[Sequence[WrittenWord]]:
    begin = 0
    for number, (before, after) in enumerate(pairwise(pieces), start=1):
        if _bond(before, after) <= bond:
            yield pieces[begin:number]
            begin = number
    yield pieces[begin:]


def _bond(before: WrittenWord, after: WrittenWord) -> int:
    if _number_goes_on(before.text, after.text):
        return NUMBER
    return NAME if _name_goes_on(before.text, after.text) else FREE


def _number_goes_on(before: str, after: str) -> bool:
    """Whether `after` is a unit or the next thousands ("3.5 million", "5 000", "$ 5", "2024 年")."""
    if after.lower().strip(".,;:!?") in MAGNITUDES:
        return True
    if _NUMBER_END.search(before):
        return not _DIGIT.match(after) or bool(regex.match(r"\d{3}(?!\d)", after))
    return bool(_BEFORE_NUMBER.match(before) and _DIGIT.match(after))


def _name_goes_on(before: str, after: str) -> bool:
    if _CLAUSE_END.search(before) and not is_abbreviation(before):
        return False
    return all(
        text in PARTICLES or (_CAPITALISED.match(text) and not _PRONOUN.match(text))
        for text in (before, after)
    )


def _graphemes(piece: WrittenWord, layout: CueLayout) -> Iterator[WrittenWord]:
    """Yield a word that is wider than a line in parts, never inside what a reader sees as one character."""
    parts = [""]
    for grapheme in regex.findall(r"\X", piece.text):
        if parts[-1] and layout.measure(parts[-1] + grapheme) > layout.line_chars:
            parts.append("")
        parts[-1] += grapheme
    step = (piece.end_s - piece.start_s) / len(parts)
    for number, part in enumerate(parts):
        start = piece.start_s + number * step
        yield WrittenWord(part, start, start + step, space_before=piece.space_before and number == 0)


def _timed(loose: list[Cue], duration_s: float) -> Iterator[Cue]:
    """Yield cues that begin after one another, end before the next, and are long enough where they can be."""
    end_ms = max(round(duration_s * 1000), len(loose))
    starts = [round(cue.start_s * 1000) for cue in loose]
    for n in range(1, len(starts)):
        starts[n] = max(starts[n], starts[n - 1] + 1)
    for n in range(len(starts)):
        starts[n] = min(starts[n], end_ms - (len(starts) - n))
    for cue, start, following in zip(loose, starts, [*starts, end_ms][1:], strict=True):
        readable = max(READABLE_S, len(cue.text) / READING_CHARS_PER_S)
        end = min(max(round(cue.end_s * 1000), start + round(readable * 1000)), following)
        yield replace(cue, start_s=start / 1000, end_s=end / 1000)
