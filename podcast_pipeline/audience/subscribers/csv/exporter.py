"""Subscribers as CSV, safe to open in a spreadsheet and to import again."""

import csv
from datetime import datetime
from typing import TextIO

from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.model import Subscriber

CSV_COLUMNS = ("email", "plan", "period", "paid_until", "state", "created_at", "news_since")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins so (OWASP: CSV injection); an apostrophe before it makes it text."""


def export_csv(repository: Subscribers, file: TextIO, *, now: datetime) -> int:
    """Write everybody, in order of address, and return how many.

    Args:
        file: opened with newline="" and UTF-8.
    """
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    written = 0
    for subscriber in repository.list_all():
        writer.writerow(escape_formula(cell) for cell in _cells(subscriber, now))
        written += 1
    return written


def _cells(subscriber: Subscriber, now: datetime) -> tuple[str, ...]:
    until, since = subscriber.paid_until, subscriber.news_since
    return (
        subscriber.email,
        subscriber.plan,
        subscriber.period,
        until.isoformat() if until else "",
        subscriber.state(now),
        subscriber.created_at.isoformat(),
        since.isoformat() if since else "",
    )


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet runs; `unguard` gives the same text back."""
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell


def unescape_formula(cell: str) -> str:
    """Undo `guard`; a cell that needed none is left alone."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell
