"""Reads the lines of a subscribers' CSV: what each says, or what is wrong with it."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TextIO
from zoneinfo import ZoneInfo

from podcast_pipeline.audience.subscribers import email as subscribers_email
from podcast_pipeline.audience.subscribers.csv.exporter import CSV_COLUMNS, unescape_formula
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.plans import (
    SubscriptionTerms,
    parse_paid_until,
    parse_period,
    parse_plan,
)
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Subscriber

DELIMITERS = (",", ";", "\t")
CSV_ERRORS = {
    "expected after": "has a quotation mark inside a cell; write it twice",
    "unexpected end": "has a quotation mark that is not closed",
    "field larger": "has a quotation mark that is not closed, or a cell too long",
}
"""What Python's csv says, and what it means to who has the file open in a spreadsheet."""

EMAIL_NAMES = ("e-mail", "email_address", "e-mail_address", "e-mail-adresse")
"""What membership sites and spreadsheets call the column, where none is called email."""

NO_CSV = {
    b"PK\x03\x04": "is a workbook of Excel, Numbers or OpenOffice; open it there and save it as CSV, UTF-8",
    b"\xd0\xcf\x11\xe0": "is a workbook of Excel; open it there and save it as CSV, UTF-8",
    b"<": "is a web page; sign in to the membership site and download the list again",
}
"""How a file begins that is something else."""

UTF_16: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda start: start[:2] in (b"\xff\xfe", b"\xfe\xff"), "utf-16"),
    (lambda start: start[1:2] == b"\0", "utf-16-le"),  # without its mark, and with a letter first
    (lambda start: start[:1] == b"\0", "utf-16-be"),
)
"""Excel's "Unicode text" and its relations."""

LINE_ENDS = ("\n", "\r")
LONGEST_LINE = 64 * 1024  # characters; a longer one is bad
LONGEST_NAMES = 1000  # characters of the names of columns in a message
LONGEST_SHOWN = 100  # characters of a foreign cell in a report

ImportOutcome = Literal["added", "revived", "changed", "unchanged", "duplicate", "skipped", "bad", "ignored"]
"""ignored is about columns, on line 1; skipped is a person that the file calls suspended or removed."""


@dataclass(frozen=True)
class CsvRowResult:
    """What became of a line.

    Attributes:
        number: counted from 1, of the line in the file where the row begins.
        text: the address as the file has it, shortened; never secret, but personal.
        has_ended: what it sets ended before the import.
    """

    number: int
    outcome: ImportOutcome
    text: str
    message: str = ""
    has_ended: bool = False


@dataclass(frozen=True)
class CsvRow:
    """What a good line says; `given` has only the terms that it does say."""

    number: int
    address: EmailAddress
    given: dict[str, Any]

    def to_terms(self, known: Subscriber | None) -> SubscriptionTerms:
        """Return the terms after this line, on top of what is known."""
        before = (
            SubscriptionTerms(known.plan, known.period, known.paid_until) if known else SubscriptionTerms()
        )
        return SubscriptionTerms(**{**vars(before), **self.given})

    def to_result(self, outcome: ImportOutcome, message: str = "") -> CsvRowResult:
        """Return what became of it."""
        return CsvRowResult(self.number, outcome, self.address.email[:LONGEST_SHOWN], message)


def read_rows(path: Path, zone: ZoneInfo) -> Iterator[CsvRow | CsvRowResult]:
    """Yield each line of a CSV (comma, semicolon or tab) as what it says, or as what is wrong.

    Raises:
        SubscriberError: no such file, no CSV, or no column `email`.
    """
    with _open(path) as file:
        lines = _Lines(file)
        first, delimiter = _first(lines)
        reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        header = _header(path, reader)
        if ignored := [name for name in header if name and name not in CSV_COLUMNS]:
            yield CsvRowResult(1, "ignored", "", _not_read(ignored, header))
        for number, row in _rows(reader, lines):
            if isinstance(row, CsvRowResult):
                yield row
            elif any(map(str.strip, row)):
                yield _read(number, row, header, zone)


def _open(path: Path) -> TextIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SubscriberError(path, f"cannot be read: {error.strerror}") from error
    start = file.peek(4)[:4]
    for begin, line in NO_CSV.items():
        if start.startswith(begin):
            file.close()
            raise SubscriberError(path, line)
    if encoding := next((name for is_this, name in UTF_16 if is_this(start)), None):
        return TextIOWrapper(file, encoding, errors="replace", newline="")
    # What is not UTF-8 matters only in the cells that are read, and is reported there.
    return TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")


class _Lines:
    """The lines of a file; `number` is that of the last one. One that is too long is passed over."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST_LINE and not line.endswith(LINE_ENDS):
            while line and not line.endswith(LINE_ENDS):
                line = self._file.readline(LONGEST_LINE)
            raise csv.Error(f"is longer than {LONGEST_LINE} characters")
        return line


def _first(lines: _Lines) -> tuple[str, str]:
    """Return the line that names the columns, and what stands between them; `sep=;` is Excel's own."""
    delimiter = ""
    for line in lines:
        text = line.strip()
        if text.lower().startswith("sep=") and text[4:] in DELIMITERS:
            delimiter = text[4:]
        elif text.strip("".join(DELIMITERS)):
            return line, delimiter or max(DELIMITERS, key=line.count)
    return "", ","


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        header = [_name(cell) for cell in next(reader, [])]
    except csv.Error as error:
        raise SubscriberError(path, f"cannot be read: its first line {_no_row(error, 1, 1)}") from error
    subscribers_email = [name for name in header if name in EMAIL_NAMES]
    if "email" not in header and len(subscribers_email) == 1:
        header[header.index(subscribers_email[0])] = "email"
    if "email" not in header:
        wanted = f"has no column email; its first line must be like {','.join(CSV_COLUMNS[:4])}"
        found = ", ".join(header)[:LONGEST_SHOWN]
        raise SubscriberError(path, f"{wanted}; it has: {found}" if found and "@" not in found else wanted)
    if twice := [name for name in CSV_COLUMNS if header.count(name) > 1]:
        raise SubscriberError(path, f"has the column {twice[0]} twice; leave one of them")
    return header


def _name(cell: str) -> str:
    return "_".join(cell.lower().split()).encode("utf-8", "replace").decode()


def _not_read(names: list[str], header: list[str]) -> str:
    said = f"columns not read: {', '.join(names)}"[:LONGEST_NAMES]
    if "paid_until" in header:
        return said
    return f"{said}; no column is named paid_until, so whoever is new may read for ever"


def _rows(reader: Iterator[list[str]], lines: _Lines) -> Iterator[tuple[int, list[str] | CsvRowResult]]:
    """Yield (number of its first line, cells or what is wrong with them)."""
    while True:
        number = lines.number + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, CsvRowResult(number, "bad", "", _no_row(error, number, lines.number))


def _no_row(error: csv.Error, first: int, last: int) -> str:
    what = next((ours for theirs, ours in CSV_ERRORS.items() if theirs in str(error)), str(error))
    return f"{what}; the lines from here to {last} are one cell and left out" if last > first else what


def _read(number: int, row: list[str], header: list[str], zone: ZoneInfo) -> CsvRow | CsvRowResult:
    cells = {name: unescape_formula(cell.strip()) for name, cell in zip(header, row, strict=False)}
    email = cells.get("email", "")  # a short row may end before it
    shown = email[:LONGEST_SHOWN].encode("utf-8", "replace").decode()
    if any(map(str.strip, row[len(header) :])):
        return CsvRowResult(number, "bad", shown, "has more cells than the first line has columns")
    if not all(_is_text(cells.get(name, "")) for name in CSV_COLUMNS):
        return CsvRowResult(number, "bad", shown, "is not UTF-8; save the file as UTF-8")
    if (state := cells.get("state", "").lower()) in ("suspended", "removed"):
        return CsvRowResult(
            number, "skipped", shown, f"is {state} in this file; empty that cell to import them"
        )
    try:
        return CsvRow(number, subscribers_email.parse_email(email), _given(cells, zone))
    except SubscriberError as error:
        return CsvRowResult(number, "bad", shown, str(error))


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:  # half a surrogate pair stands for a byte that was no UTF-8
        return False
    return True


def _given(cells: dict[str, str], zone: ZoneInfo) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if cells.get("plan"):
        given["plan"] = parse_plan(cells["plan"])
    if cells.get("period"):
        given["period"] = parse_period(cells["period"])
    if "paid_until" in cells:
        given["paid_until"] = parse_paid_until(cells["paid_until"], zone) if cells["paid_until"] else None
    return given
