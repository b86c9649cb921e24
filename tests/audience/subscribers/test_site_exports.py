"""CSV exports of membership sites, as they come."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from podcast_pipeline.audience.subscribers.csv.exporter import CSV_COLUMNS
from podcast_pipeline.audience.subscribers.csv.rows import CsvRow, CsvRowResult, read_rows
from podcast_pipeline.audience.subscribers.csv.site_exports import EXPORTS, recognise

END = datetime(2027, 5, 1, 7, tzinfo=UTC)
PATREON = (
    "Name,Email,Discord,Patron Status,Follows You,Free Member,Free Trial,Lifetime Amount,Pledge Amount,"
    "Charge Frequency,Tier,Addressee,Street,City,State,Zip,Country,Phone,Patronage Since Date,"
    "Last Charge Date,Last Charge Status,Additional Details,User ID,Last Updated,Currency,Max Posts,"
    "Access Expiration,Next Charge Date,Full country name,Subscription Source\r\n"
    "Ada,ada@example.org,,Active patron,No,No,No,20.00,5.00,monthly,Readers,,,,Suspended,,,,"
    "2026-01-08 17:45:28.731953,2026-11-30 07:46:37,Paid,,1,2026-11-30 08:01:37.517184,EUR,,,"
    "2027-05-01 07:00:00,,web\r\n"
    "Bob,bob@example.org,,Declined patron,No,No,No,0.00,50.00,annual,Readers,,,,,,,,"
    "2026-01-08 17:45:28.731953,2026-11-30 07:46:37,Declined,,2,,EUR,,2027-05-01 07:00:00,,,web\r\n"
    "Cy,cy@example.org,,Former patron,No,No,No,5.00,0.00,monthly,,,,,,,,,,,,,3,,EUR,,,,,web\r\n"
    "Dan,dan@example.org,,,Yes,Yes,No,0.00,0.00,,Free,,,,,,,,,,,,4,,EUR,,,,,web\r\n"
)
SUBSTACK = (
    "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
    "ada@example.org,true,2027-05-01T07:00:00.000Z,monthly,false,2025-01-01T00:00:00.000Z,\n"
    "bob@example.org,true,2027-05-01T07:00:00.000Z,annually,false,2025-01-01T00:00:00.000Z,\n"
    "cy@example.org,false,,other,false,2025-01-01T00:00:00.000Z,\n"
    "dan@example.org,false,2026-01-01T00:00:00.000Z,,false,2025-01-01T00:00:00.000Z,\n"
)
GHOST = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,"
    "labels,tiers\r\n"
    "6,ada@example.org,Ada,,true,true,,2025-01-01T00:00:00.000Z,,,Readers\r\n"
    '7,bob@example.org,Bob,"early, paid",true,,cus_1,2025-01-01T00:00:00.000Z,,,Readers\r\n'
    "8,cy@example.org,Cy,,true,,,2025-01-01T00:00:00.000Z,,,\r\n"
)
MEMBERFUL = (
    "Full Name,Email,Stripe Customer ID,Plan,Active,Created at,Expiration date\n"
    "Ada,ada@example.org,cus_1,Readers – Monthly,Yes,2025-01-01,2027-05-01 07:00:00\n"
    "Bob,bob@example.org,cus_2,Readers (yearly),yes,2025-01-01,2027-05-01 07:00:00\n"
    "Cy,cy@example.org,cus_3,Readers (yearly),No,2025-01-01,2026-05-01\n"
)
SKIPPED = {
    "Patreon": [
        ("cy@example.org", "is former patron in this file"),
        ("dan@example.org", "is no patron in this file"),
    ],
    "Substack": [
        ("cy@example.org", "has no active subscription in this file"),
        ("dan@example.org", "has no active subscription in this file"),
    ],
    "Memberful": [("cy@example.org", "is not active in this file")],
}
STRIPE_HAS_THE_DATES = (
    "pays through Stripe, and this file has no dates; the hook of Stripe and `podcast subscribers"
    " reconcile` bring them"
)
FILES = {"Patreon": PATREON, "Substack": SUBSTACK, "Memberful": MEMBERFUL}


def read(folder: Path, text: str) -> tuple[str, list[tuple[str, Any]]]:
    """Return the line about the columns, and (address, what is given or why it is skipped) of each line."""
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8", newline="")
    first, *lines = read_rows(path, ZoneInfo("America/New_York"))
    assert isinstance(first, CsvRowResult)
    return first.message, [
        (line.address.email, line.given) if isinstance(line, CsvRow) else (line.text, line.message)
        for line in lines
    ]


@pytest.mark.parametrize("site", FILES)
def test_who_pays_is_read_with_period_and_end(tmp_path: Path, site: str) -> None:
    """Ada pays by the month, Bob by the year; the others are skipped with the reason."""
    about, lines = read(tmp_path, FILES[site])
    assert about.startswith(f"read as {site}'s export: period from ")
    assert lines[:2] == [
        ("ada@example.org", {"period": "monthly", "paid_until": END}),
        ("bob@example.org", {"period": "yearly", "paid_until": END}),
    ]
    assert lines[2:] == SKIPPED[site]


def test_ghost_says_who_is_complimentary(tmp_path: Path) -> None:
    """Its file has no dates of who pays: they are in Stripe."""
    about, lines = read(tmp_path, GHOST)
    assert about.startswith("read as Ghost's export: paid_until from complimentary_plan (without an end)")
    assert lines[0] == ("ada@example.org", {"paid_until": None})
    assert [text for _, text in lines[1:]] == [
        STRIPE_HAS_THE_DATES,
        "has no tier in this file",
    ]


def test_a_line_that_is_cut_before_the_end_is_bad(tmp_path: Path) -> None:
    """An end that is missing is no subscription without an end."""
    header, first, *_ = MEMBERFUL.splitlines()
    _, lines = read(tmp_path, f"{header}\n{first.rpartition(',')[0]}\n")
    assert lines[0][1].startswith("ends before expiration_date; ")


def test_a_date_that_is_none_is_told(tmp_path: Path) -> None:
    """As in our own columns."""
    _, lines = read(tmp_path, MEMBERFUL.replace("2027-05-01 07:00:00", "05/01/2027"))
    assert lines[0][1].startswith("05/01/2027: is not a date like 2027-01-31")


def test_our_own_file_is_nobodys_export() -> None:
    """Neither ours, nor a bare list of addresses; and no export is taken for another one."""
    assert recognise(list(CSV_COLUMNS)) is None
    assert recognise(["email"]) is None
    for text, site in (
        (PATREON, "Patreon"),
        (SUBSTACK, "Substack"),
        (GHOST, "Ghost"),
        (MEMBERFUL, "Memberful"),
    ):
        header = [name.lower().replace(" ", "_") for name in text.splitlines()[0].split(",")]
        assert [each.site for each in EXPORTS if each.marks <= set(header)] == [site]
