"""Imports subscribers from CSV, a million lines in bounded memory.

A line says what somebody has now: who is new is added, who is there is changed to it, who was removed
comes back. Importing a file twice changes nothing the second time. A column that is missing, or an
empty plan or period, leaves what is known; an empty paid_until never ends.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, update

from podcast_pipeline.audience.database import retry_on_integrity_error
from podcast_pipeline.audience.database.tables import subscribers, tokens
from podcast_pipeline.audience.subscribers import transactions
from podcast_pipeline.audience.subscribers.csv.rows import CsvRow, CsvRowResult, ImportOutcome, read_rows
from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms
from podcast_pipeline.audience.subscribers.repository import Subscribers
from podcast_pipeline.audience.subscribers.row_mapping import (
    real_subscribers,
    select_subscriber,
    to_subscriber,
)
from podcast_pipeline.audience.subscribers.transactions import SubscriberTransaction
from podcast_pipeline.model import Subscriber

BATCH_ROWS = 5000  # lines in a transaction, while which a server waits to write


def import_csv(
    repository: Subscribers, path: Path, *, zone: ZoneInfo, now: datetime, dry_run: bool = False
) -> Iterator[CsvRowResult]:
    """Import a file and yield what became of each line, in order, as it is done.

    A batch of lines is done as a whole or not at all: after an interruption, import the file again.

    Args:
        zone: the show's; a paid_until without a time is the end of that day there.
        dry_run: only say what would become of each line.

    Raises:
        SubscriberError: no such file, no column `email`, or not the key of the links that are out.
    """
    repository.verify_secret_key()
    with closing(_Seen()) as seen:
        lines = (seen.check(line) for line in read_rows(path, zone))
        while batch := list(islice(lines, BATCH_ROWS)):
            entries = sorted((e for e in batch if isinstance(e, CsvRow)), key=lambda e: e.address.normalized)
            done = _plan(repository, entries, now) if dry_run else _settle(repository, entries, now)
            yield from (line if isinstance(line, CsvRowResult) else done[line.number] for line in batch)


def _settle(into: Subscribers, entries: list[CsvRow], now: datetime) -> dict[int, CsvRowResult]:
    def settle() -> dict[int, CsvRowResult]:
        with into.transaction(now, "import") as change:
            known = _known(change.connection, into, entries)
            steps = [(entry, known.get(entry.address.normalized)) for entry in entries]
            _add(change, [entry for entry, before in steps if before is None])
            _revive(change, [(entry, b) for entry, b in steps if b and b.removed_at])
            _update(change, [(entry, b) for entry, b in steps if b and _outcome(entry, b) == "changed"])
            return _report(steps, now)

    return retry_on_integrity_error(settle)


def _plan(into: Subscribers, entries: list[CsvRow], now: datetime) -> dict[int, CsvRowResult]:
    with into.engine.connect() as connection:
        known = _known(connection, into, entries)
    return _report([(entry, known.get(entry.address.normalized)) for entry in entries], now)


def _report(steps: Iterable[tuple[CsvRow, Subscriber | None]], now: datetime) -> dict[int, CsvRowResult]:
    return {entry.number: _line(entry, before, now) for entry, before in steps}


def _line(entry: CsvRow, before: Subscriber | None, now: datetime) -> CsvRowResult:
    outcome, until = _outcome(entry, before), entry.to_terms(before).paid_until
    has_ended = outcome != "unchanged" and until is not None and until <= now
    return replace(entry.to_result(outcome), has_ended=has_ended)


def _outcome(entry: CsvRow, before: Subscriber | None) -> ImportOutcome:
    if before is None:
        return "added"
    if before.removed_at is not None:
        return "revived"
    is_same = entry.to_terms(before) == SubscriptionTerms(before.plan, before.period, before.paid_until)
    return "unchanged" if is_same else "changed"


def _known(connection: Connection, into: Subscribers, entries: list[CsvRow]) -> dict[str, Subscriber]:
    """Return who is there already, by normalized address; locked in order, against deadlocks."""
    wanted = [entry.address.normalized for entry in entries]
    query = (
        select_subscriber()
        .where(real_subscribers(into.show_id), subscribers.c.email_normalized.in_(wanted))
        .order_by(subscribers.c.email_normalized)
        .with_for_update()
    )
    found = (to_subscriber(row) for row in connection.execute(query).mappings())
    return {subscriber.email_normalized: subscriber for subscriber in found}


def _add(change: SubscriberTransaction, entries: list[CsvRow]) -> None:
    if not entries:
        return
    people = [change.new_subscriber_row(e.address, e.to_terms(None)) for e in entries]
    made = (change.new_token_and_row(person["id"]) for person in people)
    change.connection.execute(insert(subscribers), people)
    change.connection.execute(insert(tokens), [row for _, row in made])
    change.write_audit_entries(
        "added", [(p["id"], e.to_terms(None)) for p, e in zip(people, entries, strict=True)]
    )


def _revive(change: SubscriberTransaction, pairs: list[tuple[CsvRow, Subscriber]]) -> None:
    for entry, before in pairs:
        change.set(before.id, **transactions.reactivation_values(entry.address, entry.to_terms(before)))
        change.issue_token(before.id)
    change.write_audit_entries("revived", [(before.id, entry.to_terms(before)) for entry, before in pairs])


def _update(change: SubscriberTransaction, pairs: list[tuple[CsvRow, Subscriber]]) -> None:
    if not pairs:
        return
    query = update(subscribers).where(subscribers.c.id == bindparam("known_id"))
    rows: list[dict[str, Any]] = [
        {"known_id": before.id, **vars(entry.to_terms(before)), "updated_at": change.now}
        for entry, before in pairs
    ]
    columns: dict[str, Any] = {
        name: bindparam(name) for name in ("plan", "period", "paid_until", "updated_at")
    }
    change.connection.execute(query.values(columns), rows)
    change.write_audit_entries("changed", [(before.id, entry.to_terms(before)) for entry, before in pairs])


class _Seen:
    """Remembers the addresses of a file on disk, not in memory: SQLite's private temporary database."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (hash BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def check(self, line: CsvRow | CsvRowResult) -> CsvRow | CsvRowResult:
        """Return the line, or that its address was on an earlier one."""
        if isinstance(line, CsvRowResult):
            return line
        key = hashlib.blake2b(line.address.normalized.encode(), digest_size=16).digest()
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line.number)).rowcount:
            return line
        (first,) = self._database.execute("SELECT line FROM seen WHERE hash = ?", (key,)).fetchone()
        return line.to_result("duplicate", f"has the address of line {first}")

    def close(self) -> None:
        """Forget them."""
        self._database.close()
