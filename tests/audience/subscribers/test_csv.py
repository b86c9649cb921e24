"""Subscribers are imported from CSV and exported to CSV, on both databases; no file breaks the importer."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from podcast_pipeline.audience.database.tables import audit_log, subscribers, tokens
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.csv.exporter import escape_formula, export_csv, unescape_formula
from podcast_pipeline.audience.subscribers.csv.importer import BATCH_ROWS, import_csv
from podcast_pipeline.audience.subscribers.csv.rows import LONGEST_LINE, CsvRowResult, read_rows
from podcast_pipeline.errors import SubscriberError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")


@pytest.fixture
def people(engine: Engine) -> Subscribers:
    """A show without subscribers."""
    return Subscribers(engine, show_id=SHOW, secret_key=b"k" * 64)


def run(people: Subscribers, path: Path, text: str | bytes, *, dry_run: bool = False) -> list[CsvRowResult]:
    """Import text as a file."""
    path = path / "subscribers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(import_csv(people, path, zone=ZONE, now=NOW, dry_run=dry_run))


def outcomes(lines: list[CsvRowResult]) -> list[tuple[int, str]]:
    """Return (line number, outcome)."""
    return [(line.number, line.outcome) for line in lines]


GOOD = """email,plan,period,paid_until
ann@example.com,student,monthly,2026-12-31
Bob@Example.com,,,
"""


def test_lines_become_subscribers(people: Subscribers, tmp_path: Path) -> None:
    """Each line is a subscriber with a link; a date is the end of that day in the show's zone."""
    assert outcomes(run(people, tmp_path, GOOD)) == [(2, "added"), (3, "added")]
    ann, bob = people.get("ann@example.com"), people.get("bob@example.com")
    assert (ann.plan, ann.period, ann.paid_until) == (
        "student",
        "monthly",
        datetime(2027, 1, 1, 5, tzinfo=UTC),
    )
    assert (bob.email, bob.plan, bob.period, bob.paid_until) == (
        "Bob@example.com",
        "standard",
        "yearly",
        None,
    )
    visitor = people.visitor(people.feed_token("bob@example.com"))
    assert visitor is not None
    assert visitor.subscriber == bob


def test_second_import_changes_nothing(people: Subscribers, tmp_path: Path) -> None:
    """Importing a file again leaves every row and the audit log as they are."""
    run(people, tmp_path, GOOD)
    before = list(people.list_all())
    assert outcomes(run(people, tmp_path, GOOD)) == [(2, "unchanged"), (3, "unchanged")]
    assert list(people.list_all()) == before
    with people.engine.connect() as connection:
        log = connection.execute(select(audit_log.c.action, audit_log.c.origin)).all()
    assert [tuple(row) for row in log] == [("added", "import")] * 2


def test_dry_run_gives_the_same_results_and_writes_nothing(people: Subscribers, tmp_path: Path) -> None:
    """The report of a dry run is that of the import after it."""
    people.add("bob@example.com", plan="student", now=NOW, origin="cli")
    people.add("cy@example.com", now=NOW, origin="cli")
    people.remove("cy@example.com", now=NOW, origin="cli")
    text = f"{GOOD}cy@example.com,,,\nann@example.com,,,\nnobody,,,\ndan@example.com,gold,,\n"
    before = list(people.list_all())
    dry = run(people, tmp_path, text, dry_run=True)
    assert list(people.list_all()) == before
    assert dry == run(people, tmp_path, text)
    expected = ["added", "unchanged", "revived", "duplicate", "bad", "bad"]
    assert [line.outcome for line in dry] == expected


def test_lines_change_existing_subscribers(people: Subscribers, tmp_path: Path) -> None:
    """A line with other terms renews; an empty plan keeps the plan; the token stays."""
    _, token = people.add("ann@example.com", plan="student", paid_until=NOW, now=NOW, origin="cli")
    (line,) = run(people, tmp_path, "email,plan,paid_until\nANN@example.com,,2027-01-31\n")
    ann = people.get("ann@example.com")
    assert line.outcome == "changed"
    assert (ann.plan, ann.paid_until) == ("student", datetime(2027, 2, 1, 5, tzinfo=UTC))
    assert people.feed_token("ann@example.com") == token


def test_a_missing_column_keeps_known_values(people: Subscribers, tmp_path: Path) -> None:
    """Without a column paid_until no subscriber's paid time changes."""
    people.add("ann@example.com", paid_until=NOW, now=NOW, origin="cli")
    assert outcomes(run(people, tmp_path, "email\nann@example.com\n")) == [(2, "unchanged")]
    assert people.get("ann@example.com").paid_until == NOW


def test_suspended_stay_suspended(people: Subscribers, tmp_path: Path) -> None:
    """An import renews somebody who is suspended, and does not end the suspension."""
    people.add("ann@example.com", now=NOW, origin="cli")
    people.suspend("ann@example.com", None, now=NOW, origin="cli")
    run(people, tmp_path, "email,paid_until\nann@example.com,2027-01-31\n")
    assert people.get("ann@example.com").state(NOW) == "suspended"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nobody,,,", "is not an e-mail address"),
        (",student,,", "is not an e-mail address"),
        ("a@example.com,gold,,", "gold: is not a plan; known are standard, student"),
        ("a@example.com,,weekly,", "weekly: is not a period; known are monthly, yearly"),
        ("a@example.com,,,31.12.2026", "31.12.2026: is not a date like 2027-01-31"),
        ("a@example.com,,,01/02/2027", "01/02/2027: is not a date like 2027-01-31"),
        ("=cmd|' /C calc'!A0,,,", "is not an e-mail address"),
        ("mailto:a@example.com,,,", "is not an e-mail address"),
        ("Ann <a@example.com>,,,", "is not an e-mail address: A display name"),
        ('"Big" Ann,,,', "has a quotation mark inside a cell; write it twice"),
        ("a@example.com,,,2026-02-30", "is not a date"),
        ("a@example.com,,,1969-12-31", "1969-12-31: lies before 1970"),
        ("a@example.com,,,99999-12-31", "is not a date"),
        ("a@example.com,,,2026-12-31T10:00:00", "is not a date"),
        ("a@example.com,,,0001-01-01T00:00:00+14:00", "lies before 1970"),
        ("a@example.com,,,,b,", "has more cells than the first line has columns"),
        ("a\x00@example.com,,,", "is not an e-mail address"),
    ],
)
def test_bad_line_is_reported_and_the_rest_goes_on(
    people: Subscribers, tmp_path: Path, row: str, message: str
) -> None:
    """What is wrong with a line is one line with its number; the others are imported."""
    bad, good = run(people, tmp_path, f"email,plan,period,paid_until\n{row}\nb@example.com,,,\n")
    assert (bad.number, bad.outcome) == (2, "bad")
    assert message in bad.message
    assert "\n" not in bad.message
    assert good.outcome == "added"


def test_a_row_that_ends_before_its_address_is_bad(people: Subscribers, tmp_path: Path) -> None:
    """With email as a later column a short row has none; found by guided fuzzing."""
    short = "plan,email\nstudent\nstudent,ann@example.com\n"
    assert outcomes(run(people, tmp_path, short)) == [(2, "bad"), (3, "added")]


@pytest.mark.parametrize("text", ["9999-12-31", "9999-01-01", "9999-12-31T23:59:59-12:00"])
def test_the_year_9999_never_ends(people: Subscribers, tmp_path: Path, text: str) -> None:
    """Membership exports write it for no end; the line says so of whoever had an end or was not there."""
    people.add("ann@example.com", paid_until=NOW, now=NOW, origin="cli")
    lines = run(people, tmp_path, f"email,paid_until\nann@example.com,{text}\nbob@example.com,{text}\n")
    assert [(line.outcome, line.never_ends) for line in lines] == [("changed", True), ("added", True)]
    assert people.get("ann@example.com").paid_until is None
    again = run(people, tmp_path, f"email,paid_until\nann@example.com,{text}\n")
    assert [(line.outcome, line.never_ends) for line in again] == [("unchanged", False)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("header", "row", "missing"),
    [
        ("email,plan,period,paid_until", "bob@example.com,standard,monthly", "paid_until"),
        ("email,plan,period,paid_until", "bob@example.com", "plan"),
        ("email,paid_until,state", "bob@example.com,2027-01-31", "state"),
        ("paid_until,email,plan,note", "2027-01-31,bob@example.com", "plan"),
    ],
)
def test_a_row_that_ends_early_is_bad(
    people: Subscribers, tmp_path: Path, delimiter: str, header: str, row: str, missing: str
) -> None:
    """Where a file broke off nobody gets access without an end, and a known end stays."""
    people.add("bob@example.com", paid_until=NOW, now=NOW, origin="cli")
    (line,) = run(people, tmp_path, f"{header}\n{row}".replace(",", delimiter))[-1:]
    assert (line.outcome, line.text) == ("bad", "bob@example.com")
    assert line.message == f"ends before {missing}; write every cell, an empty one too"
    assert people.get("bob@example.com").paid_until == NOW


@pytest.mark.parametrize(
    ("end", "outcome"), [("", "bad"), ("\n", "added"), ("\r\n", "added"), ("\r", "added")]
)
def test_a_file_that_ends_at_an_empty_end_may_have_broken_off(
    people: Subscribers, tmp_path: Path, end: str, outcome: str
) -> None:
    """Only with a line end is an empty paid_until meant; a last line with an end needs none."""
    header = "email,plan,paid_until"
    assert outcomes(run(people, tmp_path, f"{header}\nbob@example.com,student,{end}")) == [(2, outcome)]
    assert outcomes(run(people, tmp_path, f"{header}\nann@example.com,,9999-12-31")) == [(2, "added")]
    assert outcomes(run(people, tmp_path, f"{header}\ncy@example.com,,2027-01-31")) == [(2, "added")]
    assert outcomes(run(people, tmp_path, "paid_until,email\n,dan@example.com")) == [(2, "added")]


def test_cells_of_columns_that_are_not_read_may_be_missing(people: Subscribers, tmp_path: Path) -> None:
    """A spreadsheet leaves out the last empty cells, here those of a note, and of a nameless column."""
    text = "email,paid_until,note,\nann@example.com,2027-01-31\nbob@example.com,\n"
    assert outcomes(run(people, tmp_path, text))[1:] == [(2, "added"), (3, "added")]


def test_duplicates_name_the_first_line(people: Subscribers, tmp_path: Path) -> None:
    """The first line with an address counts, however the others spell it."""
    lines = run(people, tmp_path, "email,plan\na@example.com,student\n\nA@EXAMPLE.com,standard\n")
    assert outcomes(lines) == [(2, "added"), (4, "duplicate")]
    assert lines[1].message == "repeats the address of line 2"
    assert people.get("a@example.com").plan == "student"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffE-Mail;Email;Plan\nx;ann@example.com;Student\n".encode(),
        b'"email"\t"plan"\r\n"ann@example.com"\t"STUDENT"\r\n',
        "email,plan,name\nann@example.com,student,Jürgen".encode("latin-1"),
        b'name,email,plan\r"two\nlines",ann@example.com,student',
    ],
    ids=["semicolons-bom", "tabs-crlf", "latin-1-elsewhere", "quoted-line-end"],
)
def test_dialects_of_spreadsheets_are_read(people: Subscribers, tmp_path: Path, text: bytes) -> None:
    """Semicolons, tabs, a byte order mark, any line ends, and other columns in another encoding."""
    assert [line.outcome for line in run(people, tmp_path, text) if line.outcome != "ignored"] == ["added"]
    assert people.get("ann@example.com").plan == "student"


def test_ignored_columns_are_named(people: Subscribers, tmp_path: Path) -> None:
    """A mistyped column is reported."""
    first, _ = run(people, tmp_path, "email,plann\nann@example.com,student\n")
    lasting = "; no column is named paid_until, so new subscribers get access without an end"
    assert first == CsvRowResult(1, "ignored", "", f"columns not read: plann{lasting}")
    first, _ = run(people, tmp_path, "email,paid_until,plann,\nann@example.com,,student,\n")
    assert first == CsvRowResult(1, "ignored", "", "columns not read: plann")


@pytest.mark.parametrize("text", [b"", b"mail,plan\na@example.com,\n", "mail".encode("utf-16")])
def test_file_without_email_column_is_refused(people: Subscribers, tmp_path: Path, text: bytes) -> None:
    """The line says what the first line must be."""
    with pytest.raises(
        SubscriberError, match="has no column email; its first line must be like email,plan,period"
    ):
        run(people, tmp_path, text)


def test_a_first_line_without_email_is_shown_but_for_addresses(people: Subscribers, tmp_path: Path) -> None:
    """The message distinguishes a missing header from a column of another name."""
    with pytest.raises(SubscriberError, match=r"paid_until; it has: mail, plan$"):
        run(people, tmp_path, "Mail;Plan\na@example.com;\n")
    with pytest.raises(SubscriberError, match=r"paid_until$"):
        run(people, tmp_path, "ann@example.com,student\n")


@pytest.mark.parametrize("header", ["email,Email", "email,plan,Plan", "E-Mail,email address"])
def test_a_duplicate_column_is_refused(people: Subscribers, tmp_path: Path, header: str) -> None:
    """The importer does not guess which of two address columns is meant."""
    with pytest.raises(SubscriberError, match=r"has the column \w+ twice|has no column email"):
        run(people, tmp_path, f"{header}\na@example.com,b@example.com\n")
    assert not list(people.list_all())


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"PK\x03\x04\x14\x00", "is a workbook of Excel, Numbers or OpenOffice"),
        (b"\xd0\xcf\x11\xe0\xa1", "is a workbook of Excel; open it there"),
        (b"<!DOCTYPE html>", "is a web page; sign in"),
        (b'"email', "its first line has a quotation mark that is not closed"),
    ],
)
def test_a_file_that_is_no_csv_is_named(people: Subscribers, tmp_path: Path, data: bytes, line: str) -> None:
    """A workbook with another extension, or a sign-in page."""
    with pytest.raises(SubscriberError, match=line):
        run(people, tmp_path, data)


@pytest.mark.parametrize(
    "text",
    [
        "email,plan\n'+ann@example.com,student",
        "sep=;\r\nemail;plan\r\n'+ann@example.com;student\r\n;\r\n",
        "\n , \nPLAN , E-Mail Address,\nstudent,  '+ANN@EXAMPLE.com\u00a0,,\n,,\n",
        '"E-Mail-Adresse"\tPlan\r"\'+ann@example.com"\tstudent\r',
    ],
    ids=["plain", "excel-sep", "blank-lines", "german"],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16-be-mark"])
def test_exports_of_membership_sites_and_spreadsheets(
    people: Subscribers, tmp_path: Path, text: str, encoding: str
) -> None:
    """Byte orders, marks, names of the column, blank lines and cells, and our own guard of a formula."""
    marked = f"\ufeff{text}" if encoding.endswith("-mark") else text
    data = marked.encode(encoding.removesuffix("-mark"))
    assert [line.outcome for line in run(people, tmp_path, data)] == ["added"]
    assert people.get("+ann@example.com").plan == "student"


def test_a_quotation_mark_that_is_not_closed_loses_nobody_silently(
    people: Subscribers, tmp_path: Path
) -> None:
    """All lines in the cell that it opens are named, and nobody is added from half a row."""
    text = 'email,name\nann@example.com,Ann\nbob@example.com,"Bob\ncy@example.com,Cy\ndi@example.com,Di\n'
    lines = [line for line in run(people, tmp_path, text) if line.outcome != "ignored"]
    assert outcomes(lines) == [(2, "added"), (3, "bad")]
    message = "has a quotation mark that is not closed"
    assert lines[1].message == f"{message}; the lines from here to 5 are one cell and were skipped"


def test_missing_file_is_one_line(people: Subscribers, tmp_path: Path) -> None:
    """A missing path is named."""
    with pytest.raises(SubscriberError, match=r"none\.csv: cannot be read"):
        list(import_csv(people, tmp_path / "none.csv", zone=ZONE, now=NOW))


def test_endless_line_is_one_bad_line(people: Subscribers, tmp_path: Path) -> None:
    """Its content is not read, wherever it begins, and the lines after it have their numbers."""
    endless = f"bob@example.com,{'x@example.com,' * LONGEST_LINE}\r\n"
    lines = run(people, tmp_path, f"email,paid_until\r\n{endless}ann@example.com,\r\nnobody,\r\n")
    assert outcomes(lines) == [(2, "bad"), (3, "added"), (4, "bad")]
    assert lines[0].message == f"is longer than {LONGEST_LINE} characters"
    assert [person.email for person in people.list_all()] == ["ann@example.com"]


def test_endless_quote_is_bounded_and_names_its_lines(people: Subscribers, tmp_path: Path) -> None:
    """An unclosed quote costs at most one cell of Python's csv limit, and the message names its lines."""
    noise = "".join(f"p{i}@example.com,\n" for i in range(20_000))
    lines = run(people, tmp_path, f'email,paid_until\n"{noise}')
    assert lines[0].outcome == "bad"
    (last,) = map(int, re.findall(r"the lines from here to (\d+) are one cell", lines[0].message))
    assert [line.number for line in lines[1:]] == list(range(last + 1, 20_002))


def test_more_lines_than_a_batch(people: Subscribers, tmp_path: Path) -> None:
    """Across batches every line has its outcome once and in order, and everybody has one token."""
    number = BATCH_ROWS * 2 + 7
    rows = "".join(f"p{i % (number - 5)}@example.com\n" for i in range(number))
    lines = run(people, tmp_path, f"email\n{rows}")
    assert [line.number for line in lines] == list(range(2, number + 2))
    assert Counter(line.outcome for line in lines) == {"added": number - 5, "duplicate": 5}
    with people.engine.connect() as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(t)) for t in (subscribers, tokens, audit_log)
        ]
    assert counts == [number - 5] * 3


def test_export_and_import_round_trip(people: Subscribers, tmp_path: Path) -> None:
    """Importing an export elsewhere gives the same people; suspended and removed ones are skipped."""
    for name in ("ann", "=cmd|' /c calc'!a0", "'bob", "+1", "sue", "rob"):
        email = f"{name.split('|')[0]}@example.com"
        people.add(email, plan="student", paid_until=NOW + timedelta(days=9), now=NOW, origin="cli")
    people.suspend("sue@example.com", None, now=NOW, origin="cli")
    people.remove("rob@example.com", now=NOW, origin="cli")
    file = io.StringIO(newline="")
    assert export_csv(people, file, now=NOW) == 6
    rows = csv.reader(file.getvalue().splitlines())
    assert not any(cell.startswith(("=", "+")) for row in rows for cell in row)
    other = Subscribers(people.engine, show_id=UUID(int=7), secret_key=b"k" * 64)
    lines = run(other, tmp_path, file.getvalue())
    assert Counter(line.outcome for line in lines) == {"added": 4, "skipped": 2}
    facts = [(s.email, s.plan, s.period, s.paid_until) for s in other.list_all()]
    active = [s for s in people.list_all() if s.state(NOW) == "active"]
    assert facts == [(s.email, s.plan, s.period, s.paid_until) for s in active]


@given(st.text(alphabet="'=+-@\t\ra,\n\"", max_size=6))
def test_an_escaped_cell_is_text_and_round_trips(cell: str) -> None:
    """No escaped cell begins like a formula, and unescaping restores the cell."""
    assert not escape_formula(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unescape_formula(escape_formula(cell)) == cell


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
CELL = st.text(max_size=20) | st.sampled_from(
    [
        "a@example.com",
        "A@example.com",
        "b@example.com",
        '"',
        "'=x@example.com",
        "student",
        "2026-12-31",
        "removed",
    ]
)
CSV = st.lists(st.lists(CELL, max_size=5).map(",".join), max_size=8).map("\n".join)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(body=CSV.map(lambda t: t.encode("utf-8", "replace")) | st.binary(max_size=200))
def test_any_file_is_read_to_its_end(tmp_path: Path, body: bytes) -> None:
    """Each row under the first line, of any content, is parsed or reported; nothing crashes."""
    path = tmp_path / "fuzz.csv"
    path.write_bytes(b"email,plan,period,paid_until,state\n" + body)
    lines = list(read_rows(path, ZONE))
    assert [line.number for line in lines] == sorted({line.number for line in lines})
    assert all(
        line.outcome in ("bad", "skipped") and line.message
        for line in lines
        if isinstance(line, CsvRowResult)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(body=CSV)
def test_any_file_is_imported_twice_alike(people: Subscribers, tmp_path: Path, body: str) -> None:
    """After any import, the same file again adds and changes nobody."""
    text = f"email,plan,period,paid_until,state\n{body}".encode("utf-8", "replace")
    run(people, tmp_path, text)
    again = Counter(line.outcome for line in run(people, tmp_path, text))
    assert not {"added", "changed", "revived"} & set(again)
