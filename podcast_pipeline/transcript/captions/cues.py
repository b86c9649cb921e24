"""Lay out a transcript as timed cues that keep sentences, numbers and names together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from podcast_pipeline.model import Transcript
from podcast_pipeline.transcript.captions.timing import (
    READABLE_MS,
    Cue,
    time_in_sequence,
    time_side_by_side,
)
from podcast_pipeline.transcript.text.abbreviations import is_abbreviation
from podcast_pipeline.transcript.text.turns import TranscriptTurn, WrittenWord, join_words, transcript_turns
from podcast_pipeline.transcript.text.width import columns

READABLE_S = READABLE_MS / 1000

MAGNITUDES = frozenset(
    (
        *("hundred", "thousand", "million", "billion", "trillion", "percent"),
        *("cent", "mille", "millions", "milliard", "milliards"),
        *("mil", "milhão", "milhões", "bilhão", "bilhões", "millón", "millones"),
        *("hundert", "tausend", "millionen", "milliarde", "milliarden"),
    )
)
"""Words that stay with the number before them, also with a spelled-out number."""

PARTICLES = frozenset(
    ("van", "von", "de", "der", "den", "del", "da", "di", "du", "la", "le", "bin", "ibn", "al")
)
"""Lower-case words inside a name."""

FREE, NAME, NUMBER, WORD = range(4)
"""Strength of the bond between a word and the word before it; the weakest bond breaks first."""

_DIGIT = regex.compile(r"\d")
_NUMBER_END = regex.compile(r"\d[^\s.,:;!?…。、！？]*$")
_HAN_NUMERAL = regex.compile(r"[〇零一二三四五六七八九十百千万萬亿億兆分之点點两兩]")
_KATAKANA = regex.compile(r"[\p{Katakana}ー]")
_BEFORE_NUMBER = regex.compile(r"^[\p{Sc}№#§]$")
_SHORT = regex.compile(r"\P{L}*\p{L}{1,6}\.")
"""Inside a sentence an abbreviation of any language: lower case follows."""
_CAPITALISED = regex.compile(r"^\P{L}*\p{Lu}")
_PRONOUN = regex.compile(r"^I(?:['’]\w+)?$")
_CLAUSE_END = regex.compile(r"""[.,:;!?—–、，。؛،…]["'’”»)\]」』]*$""")


@dataclass(frozen=True)
class CueLayout:
    """Cue layout of one format.

    Attributes:
        label: (name, begins_turn, language) -> text before the first line, part of its length.
        measure: columns of a text when written, escapes included.
        side_by_side: whether cues of people who talk at once may be shown at once.
        language_columns: columns of a line that the mark of another language than the transcript's takes.
    """

    line_chars: int
    line_count: int
    label: Callable[[str, bool, str], str]
    measure: Callable[[str], int] = columns
    side_by_side: bool = True
    language_columns: int = 0

    def beside_mark(self, language: str | None) -> "CueLayout":
        """Return the layout of words in a language, None for the transcript's own."""
        columns = self.language_columns if language else 0
        return replace(self, line_chars=self.line_chars - columns)


def layout_cues(transcript: Transcript, layout: CueLayout) -> tuple[Cue, ...]:
    """Return the cues of a transcript: in order of their starts, inside its duration, every word once."""
    turns = transcript_turns(transcript)
    crossed = _crossed(turns)
    untimed = [
        cue for n, turn in enumerate(turns) for cue in _turn_cues(turn, layout, may_be_parted=n in crossed)
    ]
    time = time_side_by_side if layout.side_by_side else time_in_sequence
    return tuple(time(untimed, transcript.duration_s))


def _crossed(turns: Sequence[TranscriptTurn]) -> set[int]:
    """Return the places of turns during which somebody else talks, too."""
    crossed: set[int] = set()
    running: list[tuple[float, int]] = []  # (end, place)
    for place, turn in enumerate(turns):
        start_s = turn.sentences[0].start_s
        running = [(end_s, other) for end_s, other in running if end_s > start_s]
        if running:
            crossed |= {place, *(other for _, other in running)}
        running.append((max(sentence.end_s for sentence in turn.sentences), place))
    return crossed


def _turn_cues(turn: TranscriptTurn, layout: CueLayout, *, may_be_parted: bool) -> Iterator[Cue]:
    """Yield the cues of a turn, untimed.

    Args:
        may_be_parted: a cue of another speaker may come between any two: each has room for the label.
    """
    begins_turn, whole = True, layout
    for words in _readable(turn, layout):
        layout = whole.beside_mark(words[0].language)
        blocks = list(_blocks(words, layout, FREE, words[0].language or turn.language))
        while blocks:
            label = _label(turn, layout, begins_turn=begins_turn or may_be_parted)
            count = _cue_size(blocks, label, layout)
            lines = _lines(blocks[:count], label, layout)
            first, last = blocks[0], blocks[count - 1]
            yield Cue(
                first.start_s, last.end_s, turn.speaker, begins_turn, tuple(lines), language=first.language
            )
            blocks, begins_turn = blocks[count:], False


def _readable(turn: TranscriptTurn, layout: CueLayout) -> list[tuple[WrittenWord, ...]]:
    """Return the sentences, too short ones ("Yes.") together with a neighbour if both fit in a cue."""
    merged: list[tuple[WrittenWord, ...]] = []
    for sentence in turn.sentences:
        if merged and _share_a_cue(
            merged[-1], sentence.words, _label(turn, layout, begins_turn=True), layout
        ):
            merged[-1] += sentence.words
        else:
            merged.append(sentence.words)
    return merged


def _share_a_cue(
    before: Sequence[WrittenWord], after: Sequence[WrittenWord], label: str, layout: CueLayout
) -> bool:
    duration_s = min(side[-1].end_s - side[0].start_s for side in (before, after))
    if duration_s >= READABLE_S or after[0].start_s - before[-1].end_s >= READABLE_S:
        return False
    if before[0].language != after[0].language:
        return False
    narrow = layout.beside_mark(after[0].language)
    return len(_lines([*before, *after], label, narrow)) <= layout.line_count


def _label(turn: TranscriptTurn, layout: CueLayout, *, begins_turn: bool) -> str:
    return layout.label(turn.speaker, begins_turn, turn.language) if turn.speaker else ""


def _cue_size(blocks: list[WrittenWord], label: str, layout: CueLayout) -> int:
    """Return the number of blocks in the next cue: all that fit, or up to the end of a clause."""
    fit = 1
    while fit < len(blocks) and len(_lines(blocks[: fit + 1], label, layout)) <= layout.line_count:
        fit += 1
    rest = len(blocks) - fit
    if not rest:
        return fit
    clauses = [n for n in range(fit // 2 + 1, fit + 1) if _CLAUSE_END.search(blocks[n - 1].text)]
    if clauses:
        return clauses[-1]
    return fit - 2 if rest <= 2 and fit > 6 else fit  # no cue with only "of it"


def _lines(blocks: Sequence[WrittenWord], label: str, layout: CueLayout) -> list[str]:
    """Fill lines greedily; the label's line stays empty if not even one block fits beside the label.

    Where a script has no spaces, a line ends after punctuation rather than inside a word.
    """
    lines: list[list[WrittenWord]] = [[]]
    room = layout.line_chars - columns(label)
    for block in blocks:
        if layout.measure(join_words([*lines[-1], block])) <= room:
            lines[-1].append(block)
        else:
            kept = len(lines[-1]) if block.space_before else _after_punctuation(lines[-1])
            moved = lines[-1][kept:]
            del lines[-1][kept:]
            lines.append([*moved, block])
            room = layout.line_chars
    texts = [join_words(line) for line in lines]
    return texts if texts[0] or label else texts[1:]


def _after_punctuation(line: Sequence[WrittenWord]) -> int:
    """Return how many words of a line to keep: up to punctuation in its second half, else all."""
    ends = [n for n in range(len(line) // 2 + 1, len(line) + 1) if _CLAUSE_END.search(line[n - 1].text)]
    return ends[-1] if ends else len(line)


def _blocks(
    words: Sequence[WrittenWord], layout: CueLayout, bond: int, language: str
) -> Iterator[WrittenWord]:
    """Yield unbreakable blocks that fit on a line; too wide ones are broken at their weakest bonds first."""
    for run in _runs(words, bond, language):
        text = join_words(run)
        if layout.measure(text) <= layout.line_chars:
            yield replace(run[0], text=text, end_s=run[-1].end_s)
        elif bond < WORD:
            yield from _blocks(run, layout, bond + 1, language)
        else:
            yield from _graphemes(run[0], layout)


def _runs(words: Sequence[WrittenWord], bond: int, language: str) -> Iterator[Sequence[WrittenWord]]:
    begin = 0
    for number, (before, after) in enumerate(pairwise(words), start=1):
        if _bond(before.text, after.text, language) <= bond:
            yield words[begin:number]
            begin = number
    yield words[begin:]


def _bond(before: str, after: str, language: str) -> int:
    if _continues_number(before, after):
        return NUMBER
    if _HAN_NUMERAL.fullmatch(before[-1]) and _HAN_NUMERAL.match(after):
        return NUMBER
    if _KATAKANA.fullmatch(before[-1]) and _KATAKANA.match(after):
        return NAME
    shortened = is_abbreviation(before, after, language=language) or (
        _SHORT.fullmatch(before) is not None and after[:1].islower()
    )
    return NAME if shortened or _continues_name(before, after) else FREE


def _continues_number(before: str, after: str) -> bool:
    """Return whether `after` is a unit or the next thousands ("3.5 million", "5 000", "$ 5", "2024 年")."""
    if after.lower().strip(".,;:!?") in MAGNITUDES:
        return True
    if _NUMBER_END.search(before):
        return not _DIGIT.match(after) or bool(regex.match(r"\d{3}(?!\d)", after))
    return bool(_BEFORE_NUMBER.match(before) and _DIGIT.match(after))


def _continues_name(before: str, after: str) -> bool:
    if _CLAUSE_END.search(before):
        return False
    return all(
        text in PARTICLES or (_CAPITALISED.match(text) and not _PRONOUN.match(text))
        for text in (before, after)
    )


def _graphemes(word: WrittenWord, layout: CueLayout) -> Iterator[WrittenWord]:
    """Yield a word that is wider than a line in parts, without breaking a grapheme cluster."""
    parts = [""]
    for grapheme in regex.findall(r"\X", word.text):
        if parts[-1] and layout.measure(parts[-1] + grapheme) > layout.line_chars:
            parts.append("")
        parts[-1] += grapheme
    step = (word.end_s - word.start_s) / len(parts)
    for number, part in enumerate(parts):
        start = word.start_s + number * step
        space_before = word.space_before and number == 0
        yield replace(word, text=part, start_s=start, end_s=start + step, space_before=space_before)
