"""Imports subscribers from CSV, a million lines in bounded memory.

A line states what a subscriber has by hand (`manual`): the import adds new subscribers, changes the manual
entitlement of existing ones and reactivates removed ones. It is idempotent. A missing column, or an empty
plan or period, keeps the known value; an empty paid_until, or the year 9999, never ends. A line with fewer
cells than the first one is bad.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, update

from podcast_pipeline.audience.database import retry_on_integrity_error
from podcast_pipeline.audience.database.tables import entitlements, subscribers, tokens
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.csv.rows import CsvRow, CsvRowResult, ImportOutcome, read_rows
from podcast_pipeline.audience.subscribers.plans import PLANS, SubscriptionTerms
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.row_mapping import (
    read_subscribers,
    real_subscribers,
    select_subscriber,
)
from podcast_pipeline.audience.subscribers.transactions import SubscriberTransaction
from podcast_pipeline.model import MANUAL, Plan, Subscriber

BATCH_ROWS = 5000  # lines per transaction; a server's writes wait meanwhile


def import_csv(
    repository: Subscribers,
    path: Path,
    *,
    zone: ZoneInfo,
    now: datetime,
    plans: tuple[Plan, ...] = PLANS,
    dry_run: bool = False,
) -> Iterator[CsvRowResult]:
    """Import a file and yield the result of each line, in the order of the file.

    Each batch of lines is one transaction: after an interruption, import the file again.

    Args:
        zone: the show's; a paid_until without a time is the end of that day there.
        plans: the ids that the column `plan` may have.
        dry_run: yield the results without changing the database.

    Raises:
        SubscriberError: no such file, no column `email`, or the secret key did not make the current tokens.
    """
    repository.verify_secret_key()
    with closing(_DuplicateFilter()) as duplicates:
        lines = (duplicates.check(line) for line in read_rows(path, zone, plans))
        while batch := list(islice(lines, BATCH_ROWS)):
            rows = sorted((r for r in batch if isinstance(r, CsvRow)), key=lambda r: r.address.normalized)
            results = _plan(repository, rows, now) if dry_run else _import_batch(repository, rows, now)
            yield from (line if isinstance(line, CsvRowResult) else results[line.number] for line in batch)


def _import_batch(repository: Subscribers, rows: list[CsvRow], now: datetime) -> dict[int, CsvRowResult]:
    def write() -> dict[int, CsvRowResult]:
        with repository.transaction(now, "import") as change:
            existing = _existing(change.connection, repository, rows)
            pairs = [(row, existing.get(row.address.normalized)) for row in rows]
            _add(change, [row for row, before in pairs if before is None])
            _reactivate(change, [(row, before) for row, before in pairs if before and before.removed_at])
            _update(change, [(row, b) for row, b in pairs if b and _outcome(row, b) == "changed"])
            return _results(pairs, now)

    return retry_on_integrity_error(write)


def _plan(repository: Subscribers, rows: list[CsvRow], now: datetime) -> dict[int, CsvRowResult]:
    with repository.engine.connect() as connection:
        existing = _existing(connection, repository, rows)
    return _results([(row, existing.get(row.address.normalized)) for row in rows], now)


def _results(pairs: Iterable[tuple[CsvRow, Subscriber | None]], now: datetime) -> dict[int, CsvRowResult]:
    return {row.number: _result(row, before, now) for row, before in pairs}


def _result(row: CsvRow, before: Subscriber | None, now: datetime) -> CsvRowResult:
    outcome, until = _outcome(row, before), row.to_terms(before).paid_until
    is_new = outcome in ("added", "revived") or (
        outcome == "changed" and before is not None and SubscriptionTerms.of(before).paid_until != until
    )
    has_ended = outcome != "unchanged" and until is not None and until <= now
    return replace(row.to_result(outcome), has_ended=has_ended, never_ends=is_new and until is None)


def _outcome(row: CsvRow, before: Subscriber | None) -> ImportOutcome:
    if before is None:
        return "added"
    if before.removed_at is not None:
        return "revived"
    return "unchanged" if row.to_terms(before) == SubscriptionTerms.of(before) else "changed"


def _existing(connection: Connection, repository: Subscribers, rows: list[CsvRow]) -> dict[str, Subscriber]:
    """Return the existing subscribers by normalized address; locked in order, against deadlocks."""
    addresses = [row.address.normalized for row in rows]
    query = (
        select_subscriber()
        .where(real_subscribers(repository.show_id), subscribers.c.email_normalized.in_(addresses))
        .order_by(subscribers.c.email_normalized)
        .with_for_update()
    )
    return {subscriber.email_normalized: subscriber for subscriber in read_subscribers(connection, query)}


def _add(change: SubscriberTransaction, rows: list[CsvRow]) -> None:
    if not rows:
        return
    subscriber_rows = [change.new_subscriber_row(row.address) for row in rows]
    added = [(new["id"], row.to_terms(None)) for new, row in zip(subscriber_rows, rows, strict=True)]
    token_rows = [change.new_token_and_row(subscriber["id"])[1] for subscriber in subscriber_rows]
    change.connection.execute(insert(subscribers), subscriber_rows)
    change.connection.execute(insert(entitlements), [change.new_manual_row(*each) for each in added])
    change.connection.execute(insert(tokens), token_rows)
    change.write_audit_entries("added", added)


def _reactivate(change: SubscriberTransaction, pairs: list[tuple[CsvRow, Subscriber]]) -> None:
    for row, before in pairs:
        change.set(before.id, **transactions.reactivation_values(row.address))
        change.set_terms(before.id, row.to_terms(before))
        change.issue_token(before.id)
    change.write_audit_entries("revived", [(before.id, row.to_terms(before)) for row, before in pairs])


def _update(change: SubscriberTransaction, pairs: list[tuple[CsvRow, Subscriber]]) -> None:
    if not pairs:
        return
    changed = [(before.id, row.to_terms(before)) for row, before in pairs]
    new = {before.id for _, before in pairs if before.manual is None}
    if new:
        rows = [change.new_manual_row(*each) for each in changed if each[0] in new]
        change.connection.execute(insert(entitlements), rows)
    known = [{**vars(terms), "of": of, "now": change.now} for of, terms in changed if of not in new]
    if known:
        change.connection.execute(SET_TERMS, known)
    change.connection.execute(SET_UPDATED, [{"of": of, "now": change.now} for of, _ in changed])
    change.write_audit_entries("changed", changed)


SET_TERMS = (
    update(entitlements)
    .where(entitlements.c.subscriber_id == bindparam("of"), entitlements.c.source == MANUAL)
    .values(
        plan=bindparam("plan"),
        period=bindparam("period"),
        ends_at=bindparam("paid_until"),
        observed_at=bindparam("now"),
    )
)
SET_UPDATED = (
    update(subscribers).where(subscribers.c.id == bindparam("of")).values(updated_at=bindparam("now"))
)


class _DuplicateFilter:
    """The addresses of a file so far, on disk and not in memory: SQLite's private temporary database."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (hash BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def check(self, line: CsvRow | CsvRowResult) -> CsvRow | CsvRowResult:
        """Return the line, or the result `duplicate` if an earlier line has its address."""
        if isinstance(line, CsvRowResult):
            return line
        key = hashlib.blake2b(line.address.normalized.encode(), digest_size=16).digest()
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line.number)).rowcount:
            return line
        (first,) = self._database.execute("SELECT line FROM seen WHERE hash = ?", (key,)).fetchone()
        return line.to_result("duplicate", f"repeats the address of line {first}")

    def close(self) -> None:
        """Delete the temporary database."""
        self._database.close()
