"""Reads the lines of a subscribers' CSV: what each says, or what is wrong with it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO
from zoneinfo import ZoneInfo

from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Subscriber
from podcast_pipeline.subscribers import addresses
from podcast_pipeline.subscribers.addresses import Address
from podcast_pipeline.subscribers.exports import COLUMNS, unguard
from podcast_pipeline.subscribers.plans import Terms, to_instant, to_period, to_plan

DELIMITERS = (",", ";", "\t")
LONGEST_LINE = 64 * 1024  # characters; a longer one is read in pieces, each of them bad
LONGEST_SHOWN = 100  # characters of a foreign cell in a report

Outcome = Literal["added", "revived", "changed", "unchanged", "duplicate", "skipped", "bad", "ignored"]
"""ignored is about columns, on line 1; skipped is a person that the file calls suspended or removed."""


@dataclass(frozen=True)
class Line:
    """What became of a line.

    Attributes:
        number: counted from 1, of the line in the file where the row ends.
        text: the address as the file has it, shortened; never secret, but personal.
    """

    number: int
    outcome: Outcome
    text: str
    message: str = ""


@dataclass(frozen=True)
class Entry:
    """What a good line says; `given` has only the terms that it does say."""

    number: int
    address: Address
    given: dict[str, Any]

    def to_terms(self, known: Subscriber | None) -> Terms:
        """Return the terms after this line, on top of what is known."""
        before = Terms(known.plan, known.period, known.paid_until) if known else Terms()
        return Terms(**{**vars(before), **self.given})

    def to_line(self, outcome: Outcome, message: str = "") -> Line:
        """Return what became of it."""
        return Line(self.number, outcome, self.address.email[:LONGEST_SHOWN], message)


def read_lines(path: Path, zone: ZoneInfo) -> Iterator[Entry | Line]:
    """Yield each line of a CSV (UTF-8; comma, semicolon or tab) as what it says, or as what is wrong.

    Raises:
        SubscriberError: no such file, or no column `email`.
    """
    try:
        # What is not UTF-8 matters only in the cells that are read, and is reported there.
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise SubscriberError(path, f"cannot be read: {error.strerror}") from error
    with file:
        first = file.readline(LONGEST_LINE)
        delimiter = max(DELIMITERS, key=first.count)
        header = [_name(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
        if "email" not in header:
            raise SubscriberError(
                path, f"has no column email; its first line must be like {','.join(COLUMNS[:4])}"
            )
        if ignored := [name for name in header if name not in COLUMNS]:
            yield Line(1, "ignored", "", f"columns not read: {', '.join(ignored)}"[:LONGEST_SHOWN])
        for number, row in _rows(file, delimiter):
            if row:
                yield _read(number, row, header, zone)


def _name(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").encode("utf-8", "replace").decode()


def _rows(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield (line number, cells or why there are none)."""
    reader = csv.reader(iter(lambda: file.readline(LONGEST_LINE), ""), delimiter=delimiter)
    while True:
        try:
            row: list[str] | csv.Error = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a cell too long, most often a quote that never ends
            row = error
        yield reader.line_num + 1, row


def _read(number: int, row: list[str] | csv.Error, header: list[str], zone: ZoneInfo) -> Entry | Line:
    if isinstance(row, csv.Error):
        return Line(number, "bad", "", f"is not CSV: {row}")
    cells = {name: unguard(cell.strip()) for name, cell in zip(header, row, strict=False)}
    email = cells.get("email", "")  # a short row may end before it
    shown = email[:LONGEST_SHOWN].encode("utf-8", "replace").decode()
    if len(row) > len(header):
        return Line(number, "bad", shown, "has more cells than the first line has columns")
    if not all(_is_text(cells.get(name, "")) for name in COLUMNS):
        return Line(number, "bad", shown, "is not UTF-8; save the file as UTF-8")
    if (state := cells.get("state", "").lower()) in ("suspended", "removed"):
        return Line(number, "skipped", shown, f"is {state} in this file; empty that cell to import them")
    try:
        return Entry(number, addresses.parse(email), _given(cells, zone))
    except SubscriberError as error:
        return Line(number, "bad", shown, str(error))


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:  # half a surrogate pair stands for a byte that was no UTF-8
        return False
    return True


def _given(cells: dict[str, str], zone: ZoneInfo) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if cells.get("plan"):
        given["plan"] = to_plan(cells["plan"])
    if cells.get("period"):
        given["period"] = to_period(cells["period"])
    if "paid_until" in cells:
        given["paid_until"] = to_instant(cells["paid_until"], zone) if cells["paid_until"] else None
    return given
