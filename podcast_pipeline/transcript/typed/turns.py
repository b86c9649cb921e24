"""The turns of a typed transcript: who says what, without what was not said."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from podcast_pipeline.model import composed
from podcast_pipeline.transcript.markdown import MarkdownTurn
from podcast_pipeline.transcript.text.scripts import is_spaceless
from podcast_pipeline.transcript.typed.labels import (
    LabelledLine,
    name_key,
    read_label,
    speakers_of,
    split_before_names,
)
from podcast_pipeline.transcript.typed.line_begins import with_marked_times, without_line_numbers
from podcast_pipeline.transcript.typed.lines import TypedLine, readable_line
from podcast_pipeline.transcript.typed.not_words import is_line_of_a_service, is_rule, without_directions

TITLE_WORDS = 12  # a longer line above the first speaker is speech
SENTENCE_ENDS = ".?!…。？！؟।:："


@dataclass(frozen=True)
class TypedTranscript:
    """The words of a file, turn by turn.

    Attributes:
        turns: names as the file has them; None where it has none.
        left_out: what is no speech -> how many: headings, stage directions, times, page headers,
            notes beside the words, lines of a service.
    """

    turns: tuple[MarkdownTurn, ...]
    left_out: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the speakers, in order of their first turn."""
        return tuple(dict.fromkeys(turn.name for turn in self.turns if turn.name))

    @property
    def has_words(self) -> bool:
        """Whether anything is left."""
        return any(turn.paragraphs for turn in self.turns)


def turns_of(lines: Iterable[TypedLine], people: Collection[str] = ()) -> TypedTranscript:
    """Return the turns of a file.

    Args:
        people: names of the hosts, the guests and the tracks: a line with one of them alone begins a turn.
    """
    left_out: Counter[str] = Counter()
    all_lines = list(map(readable_line, lines))
    left_out["page headers"] = sum(line.is_page_header for line in all_lines)
    left_out["notes beside the words"] = sum(line.is_note for line in all_lines)
    left_out["lines of a service"] = sum(map(_is_of_a_service, all_lines))
    said = [line for line in all_lines if not (line.is_page_header or line.is_note or _is_of_a_service(line))]
    bare = split_before_names(with_marked_times(without_line_numbers(said)), people)
    labelled = [read_label(line) for line in bare]
    names = speakers_of(labelled, people)
    turns = _Turns(left_out)
    for one in _without_title_block(labelled, names, left_out):
        turns.add(one, names)
    return TypedTranscript(tuple(turns.finished()), dict(+left_out))


class _Turns:
    """Collects the turns of a file line by line."""

    def __init__(self, left_out: Counter[str]) -> None:
        self._left_out = left_out
        self._turns: list[tuple[str | None, list[list[str]]]] = [(None, [[]])]

    def add(self, one: LabelledLine, names: Collection[str]) -> None:
        """Add a line to the turn of its speaker."""
        is_label = one.name is not None and name_key(one.name) in names
        if not is_label and (one.line.is_heading or _is_bold_heading(one)):
            self._left_out["headings"] += 1
            self._end_paragraph()
            return
        if is_label and one.name != self._turns[-1][0]:
            self._turns.append((one.name, [[]]))
        elif not is_label and one.begins_turn:
            self._turns.append((None, [[]]))
        elif is_label and one.form != "stated":
            self._end_paragraph()
        text, not_said = without_directions(
            one.words if is_label else one.all_words, is_caption=one.line.is_caption
        )
        self._left_out.update(not_said)
        if text and not is_rule(text):
            self._turns[-1][1][-1].append(text)
        elif not one.line.text:
            self._end_paragraph()

    def finished(self) -> Iterator[MarkdownTurn]:
        """Yield the turns that have words."""
        for name, paragraphs in self._turns:
            if texts := tuple(joined_lines(lines) for lines in paragraphs if lines):
                yield MarkdownTurn(name, None, 0, texts)

    def _end_paragraph(self) -> None:
        if self._turns[-1][1][-1]:
            self._turns[-1][1].append([])


def joined_lines(lines: Sequence[str]) -> str:
    """Return lines as one text; no space comes between two characters of a script without spaces."""
    text = ""
    for line in lines:
        tight = text and is_spaceless(text[-1]) and is_spaceless(line)
        text += line if tight or not text else f" {line}"
    return composed(text)


def _is_of_a_service(line: TypedLine) -> bool:
    return not (line.name or line.is_page_header or line.is_note) and is_line_of_a_service(line.text)


def _is_bold_heading(one: LabelledLine) -> bool:
    text = one.line.text.strip()
    return bool(text) and one.line.bold.strip() == text and _is_title(text)


def _is_title(text: str) -> bool:
    return len(text.split()) <= TITLE_WORDS and text[-1:] not in SENTENCE_ENDS


def _without_title_block(
    lines: Sequence[LabelledLine], names: Collection[str], left_out: Counter[str]
) -> Iterator[LabelledLine]:
    """Yield the lines without the short ones above the first speaker."""
    above = bool(names)
    for one in lines:
        above = above and not (one.name is not None and name_key(one.name) in names)
        if above and one.line.text and not one.line.is_caption and _is_title(one.line.text.strip()):
            left_out["headings"] += 1
        else:
            yield one
