"""Parses the lines of a subscribers' CSV into rows and errors."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TextIO
from zoneinfo import ZoneInfo

from podcast_pipeline.audience.subscribers import email as subscribers_email
from podcast_pipeline.audience.subscribers.csv.exporter import CSV_COLUMNS, unescape_formula
from podcast_pipeline.audience.subscribers.csv.site_exports import NotPaying, SiteExport, recognise
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.plans import (
    PLANS,
    SubscriptionTerms,
    parse_paid_until,
    parse_period,
    parse_plan,
)
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import MANUAL, Plan, Subscriber, composed

DELIMITERS = (",", ";", "\t")
CSV_ERRORS = {
    "expected after": "has a quotation mark inside a cell; write it twice",
    "unexpected end": "has a quotation mark that is not closed",
    "field larger": "has a quotation mark that is not closed, or a cell too long",
}
"""Messages of Python's csv, and their meaning for a person with the file open in a spreadsheet."""

EMAIL_NAMES = ("e-mail", "email_address", "e-mail_address", "e-mail-adresse")
"""Names of the column `email` in the exports of membership sites and spreadsheets."""

NO_CSV = {
    b"PK\x03\x04": "is a workbook of Excel, Numbers or OpenOffice; open it there and save it as CSV, UTF-8",
    b"\xd0\xcf\x11\xe0": "is a workbook of Excel; open it there and save it as CSV, UTF-8",
    b"<": "is a web page; sign in to the membership site and download the list again",
}
"""First bytes of files that are no CSV, and their messages."""

UTF_16: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda start: start[:2] in (b"\xff\xfe", b"\xfe\xff"), "utf-16"),
    (lambda start: start[1:2] == b"\0", "utf-16-le"),  # no byte order mark; a letter comes first
    (lambda start: start[:1] == b"\0", "utf-16-be"),
)
"""Encodings of Excel's "Unicode text", by the first bytes."""

LINE_ENDS = ("\n", "\r")
LONGEST_LINE = 64 * 1024  # characters; a longer one is bad
LONGEST_NAMES = 1000  # characters of the names of columns in a message
LONGEST_SHOWN = 100  # characters of a foreign cell in a report

SHORT_ADVICE = "write every cell, an empty one too"
"""A missing end must not become access without an end: the file may have broken off."""

CUT_MESSAGE = (
    "is the end of the file, without a line end; if it did not break off, write 9999-12-31 for no end"
)
"""Of a last line whose empty end may be one that is missing."""

ImportOutcome = Literal["added", "revived", "changed", "unchanged", "duplicate", "skipped", "bad", "ignored"]
"""`ignored` is about columns, on line 1; `skipped` is a subscriber with state suspended or removed, or one
whom another source keeps."""


@dataclass(frozen=True)
class CsvRowResult:
    """The result of importing a line.

    Attributes:
        number: of the line in the file where the row begins, from 1.
        text: the address as written in the file, shortened; personal, but not secret.
        has_ended: whether the new paid time ended before the import.
        never_ends: whether the line gave access without an end to somebody who did not have it.
    """

    number: int
    outcome: ImportOutcome
    text: str
    message: str = ""
    has_ended: bool = False
    never_ends: bool = False


@dataclass(frozen=True)
class CsvRow:
    """A valid line; `given` contains only the terms that the line sets."""

    number: int
    address: EmailAddress
    given: dict[str, Any]

    def to_terms(self, known: Subscriber | None) -> SubscriptionTerms:
        """Return the terms after this line: its own values over the known ones."""
        before = SubscriptionTerms.of(known) if known else SubscriptionTerms()
        return SubscriptionTerms(**{**vars(before), **self.given})

    def to_result(self, outcome: ImportOutcome, message: str = "") -> CsvRowResult:
        """Return the line's result."""
        return CsvRowResult(self.number, outcome, self.address.email[:LONGEST_SHOWN], message)


def read_rows(path: Path, zone: ZoneInfo, plans: tuple[Plan, ...] = PLANS) -> Iterator[CsvRow | CsvRowResult]:
    """Yield each line of a CSV (comma, semicolon or tab) as a row, or as a result with an error.

    Args:
        zone: as in `import_csv`.
        plans: as in `import_csv`.

    Raises:
        SubscriberError: no such file, no CSV, or no column `email`.
    """
    with _open(path) as file:
        lines = _LineReader(file)
        first, delimiter = _first_line(lines)
        reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        header = _header(path, reader)
        site = recognise(header)
        if site:
            yield CsvRowResult(1, "ignored", "", site.line)
        elif ignored := [name for name in header if name and name not in CSV_COLUMNS]:
            yield CsvRowResult(1, "ignored", "", _ignored_message(ignored, header))
        for number, row in _rows(reader, lines):
            if isinstance(row, CsvRowResult):
                yield row
            elif any(map(str.strip, row)):
                parsed = _parse_row(number, row, header, zone, plans, site)
                may_be_cut = lines.ends_open and _ends_at_paid_until(row, header)
                if isinstance(parsed, CsvRow) and may_be_cut:
                    yield parsed.to_result("bad", CUT_MESSAGE)
                else:
                    yield parsed


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
    # Bytes that are not UTF-8 matter only in the columns that are read; `_parse_row` reports them.
    return TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")


def _ends_at_paid_until(row: list[str], header: list[str]) -> bool:
    return "paid_until" in header and not any(map(str.strip, row[header.index("paid_until") :]))


class _LineReader:
    """The lines of a file. Raises csv.Error for a line that is too long.

    Attributes:
        number: that of the last line.
        ends_open: whether the last line has no line end, being the last of the file.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0
        self.ends_open = False

    def __iter__(self) -> "_LineReader":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.ends_open = not line.endswith(LINE_ENDS)
        if len(line) == LONGEST_LINE and not line.endswith(LINE_ENDS):
            while line and not line.endswith(LINE_ENDS):
                line = self._file.readline(LONGEST_LINE)
            raise csv.Error(f"is longer than {LONGEST_LINE} characters")
        return line


def _first_line(lines: _LineReader) -> tuple[str, str]:
    """Return the line of column names, and the delimiter, which Excel writes as `sep=;`."""
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
        header = [_column_name(cell) for cell in next(reader, [])]
    except csv.Error as error:
        raise SubscriberError(path, f"cannot be read: its first line {_row_error(error, 1, 1)}") from error
    aliases = [name for name in header if name in EMAIL_NAMES]
    if "email" not in header and len(aliases) == 1:
        header[header.index(aliases[0])] = "email"
    if "email" not in header:
        message = f"has no column email; its first line must be like {','.join(CSV_COLUMNS[:4])}"
        names = ", ".join(header)[:LONGEST_SHOWN]
        raise SubscriberError(path, f"{message}; it has: {names}" if names and "@" not in names else message)
    if duplicates := [name for name in CSV_COLUMNS if header.count(name) > 1]:
        raise SubscriberError(path, f"has the column {duplicates[0]} twice; leave one of them")
    return header


def _column_name(cell: str) -> str:
    return "_".join(composed(cell).lower().split()).encode("utf-8", "replace").decode()


def _ignored_message(names: list[str], header: list[str]) -> str:
    message = f"columns not read: {', '.join(names)}"[:LONGEST_NAMES]
    if "paid_until" in header:
        return message
    return f"{message}; no column is named paid_until, so new subscribers get access without an end"


def _rows(reader: Iterator[list[str]], lines: _LineReader) -> Iterator[tuple[int, list[str] | CsvRowResult]]:
    """Yield (number of the row's first line, cells or the result of a malformed row)."""
    while True:
        number = lines.number + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, CsvRowResult(number, "bad", "", _row_error(error, number, lines.number))


def _row_error(error: csv.Error, first: int, last: int) -> str:
    message = next((ours for theirs, ours in CSV_ERRORS.items() if theirs in str(error)), str(error))
    if last > first:
        return f"{message}; the lines from here to {last} are one cell and were skipped"
    return message


def _parse_row(
    number: int,
    row: list[str],
    header: list[str],
    zone: ZoneInfo,
    plans: tuple[Plan, ...],
    site: SiteExport | None,
) -> CsvRow | CsvRowResult:
    cells = {name: unescape_formula(composed(cell.strip())) for name, cell in zip(header, row, strict=False)}
    email = cells.get("email", "")  # a short row may end before it, and is bad below
    shown = email[:LONGEST_SHOWN].encode("utf-8", "replace").decode()
    read = site.marks if site else CSV_COLUMNS
    if any(map(str.strip, row[len(header) :])):
        return CsvRowResult(number, "bad", shown, "has more cells than the first line has columns")
    if missing := next((name for name in header[len(row) :] if name in read), None):
        return CsvRowResult(number, "bad", shown, f"ends before {missing}; {SHORT_ADVICE}")
    if site:
        try:
            cells = {"email": email, **site.translate(defaultdict(str, cells))}
        except NotPaying as reason:
            return CsvRowResult(number, "skipped", shown, str(reason))
    if not all(_is_text(cells.get(name, "")) for name in CSV_COLUMNS):
        return CsvRowResult(number, "bad", shown, "is not UTF-8; save the file as UTF-8")
    if (state := cells.get("state", "").lower()) in ("suspended", "removed"):
        return CsvRowResult(
            number, "skipped", shown, f"is {state} in this file; empty that cell to import them"
        )
    if (sources := cells.get("sources", "").lower().split()) and MANUAL not in sources:
        return CsvRowResult(
            number, "skipped", shown, f"is kept by {sources[0]}; empty that cell to import them by hand too"
        )
    try:
        return CsvRow(number, subscribers_email.parse_email(email), _given_terms(cells, zone, plans))
    except SubscriberError as error:
        return CsvRowResult(number, "bad", shown, str(error))


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:  # half a surrogate pair replaces a byte that is not UTF-8
        return False
    return True


def _given_terms(cells: dict[str, str], zone: ZoneInfo, plans: tuple[Plan, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if cells.get("plan"):
        given["plan"] = parse_plan(cells["plan"], plans)
    if cells.get("period"):
        given["period"] = parse_period(cells["period"])
    if "paid_until" in cells:
        given["paid_until"] = parse_paid_until(cells["paid_until"], zone) if cells["paid_until"] else None
    return given
