"""Subscribers as CSV, safe to open in a spreadsheet and to import again."""

import csv
from datetime import datetime
from typing import TextIO

from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.model import Subscriber

CSV_COLUMNS = ("email", "plan", "period", "paid_until", "state", "created_at", "news_since", "sources")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a formula (OWASP: CSV injection); an apostrophe before one makes the cell text."""


def export_csv(repository: Subscribers, file: TextIO, *, now: datetime) -> int:
    """Write all subscribers, in order of address, and return their number.

    Plan, period and paid_until are those that were entered by hand; where there are none, those of another
    source, which the last column names and an import skips.

    Args:
        file: opened with newline="" and UTF-8.
    """
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    count = 0
    for subscriber in repository.list_all():
        writer.writerow(escape_formula(cell) for cell in _cells(subscriber, now))
        count += 1
    return count


def _cells(subscriber: Subscriber, now: datetime) -> tuple[str, ...]:
    terms, since = SubscriptionTerms.of(subscriber), subscriber.news_since
    until = terms.paid_until
    return (
        subscriber.email,
        terms.plan,
        terms.period,
        until.isoformat() if until else "",
        subscriber.state(now),
        subscriber.created_at.isoformat(),
        since.isoformat() if since else "",
        " ".join(subscriber.sources),
    )


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; `unescape_formula` restores the text."""
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`; return an unescaped cell unchanged."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell
