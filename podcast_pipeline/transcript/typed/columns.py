"""The lines of a table: which column has the words, which the names, and which neither."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from podcast_pipeline.transcript.names.word_lists import word_set
from podcast_pipeline.transcript.typed.labels import LONGEST_NAME, is_like_a_name, read_label
from podcast_pipeline.transcript.typed.lines import TypedLine

Cell = list[TypedLine]
_Column = Literal["name", "words", "other", ""]

HEADS: dict[_Column, frozenset[str]] = {
    "name": word_set(
        "speaker speakers name who voice person sprecher sprecherin wer locuteur qui hablante parlante"
    ),
    "words": word_set(
        "text transcript transcription words dialogue dialog speech content said audio utterance"
        " wortlaut texte texto testo tekst"
    ),
    "other": word_set(
        "time times timecode timestamp tc in out start end begin duration no nr # line id zeit beginn ende"
        " temps tiempo tempo note notes comment comments remark remarks kommentar anmerkung remarque notas"
    ),
}
"""Kind of a column -> the words that its head may begin with."""

LONGEST_HEAD = 3  # words
TIMES_AS_WIDE = 2  # so much wider is the column of the words than the last one, where it is not the last


def table_lines(rows: Sequence[Sequence[Cell]]) -> Iterator[TypedLine]:
    """Yield the words of a table row by row, after the name; cell by cell where its columns are no such.

    What stands in other columns of a table with heads, or beside the words, is marked as a note.
    """
    columns = _columns_by_heads(rows[0]) if rows else []
    body = rows[1:] if columns else rows
    columns = columns or _columns_by_width(rows)
    for row in body:
        if "words" not in columns[: len(row)]:
            yield from (line for cell in row for line in cell)
        else:
            yield from _row(row, columns)


def _columns_by_heads(row: Sequence[Cell]) -> list[_Column]:
    """Return the columns of a table whose first row has at least two known heads; else none."""
    heads = [_joined(cell).casefold().split() for cell in row]
    columns = [_column(head[0].strip(".:")) if head else "" for head in heads]
    known = sum(map(bool, columns))
    if known < 2 or "words" not in columns or any(len(head) > LONGEST_HEAD for head in heads):
        return []
    return columns


def _column(head: str) -> _Column:
    return next((column for column, words in HEADS.items() if head in words), "")


def _columns_by_width(rows: Sequence[Sequence[Cell]]) -> list[_Column]:
    """Return the columns of a table without heads; none of words where two columns have long texts."""
    count = max(map(len, rows), default=0)
    if count < 2:
        return []
    texts = [[_joined(row[at]) for row in rows if at < len(row)] for at in range(count)]
    widths = [sum(map(len, column)) for column in texts]
    words = count - 1
    widest = widths.index(max(widths))
    if widths[widest] > TIMES_AS_WIDE * widths[words] and not all(map(_may_be_a_name, texts[widest])):
        words = widest
    others = texts[:words] + texts[words + 1 :]
    if any(len(text) > LONGEST_NAME for column in others for text in column):
        return []
    before = words > 0 and any(map(_name, (text for column in texts[:words] for text in column)))
    return ["words" if at == words else "name" if (at < words) == before else "other" for at in range(count)]


def _row(row: Sequence[Cell], columns: Sequence[_Column]) -> Iterator[TypedLine]:
    """Yield the words of a row, after the last name in a column of names, and its notes."""
    cells = list(zip(row, columns, strict=False))
    names = [name for cell, column in cells if column == "name" and (name := _name(_joined(cell)))]
    if names:
        yield TypedLine("", name=names[-1])
    for cell, column in cells:
        if column == "words":
            yield from cell
        elif column != "name":
            yield from (replace(line, is_note=True) for line in cell if _name(line.text))


def _name(text: str) -> str:
    """Return the name in a cell, without a time beside it; empty where there are only times and numbers."""
    return read_label(TypedLine(text)).name or (text if any(map(str.isalpha, text)) else "")


def _may_be_a_name(text: str) -> bool:
    return not _name(text) or is_like_a_name(text)


def _joined(cell: Cell) -> str:
    return " ".join(line.text for line in cell if line.text)
