"""Measure the CSV import: lines per second and peak memory.

    scripts/bench_import.py [--lines 1000000] [--database postgresql] [--dry-run]

Writes a file with that many lines (one in fifty is bad, one in fifty a duplicate), imports it into an empty
database and then once more, and prints for each time what became of the lines, the rate, the processor time
of this process and the memory at the peak. Ends with 1 if the second time changed anything.
"""

import argparse
import os
import resource
import secrets
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from podcast_pipeline.audience.database.tables import audit_log, subscribers, tokens
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.csv.importer import import_csv

sys.path.append(str(Path(__file__).parent.parent))

from scripts.scratch import Meter, add_option, open_or_create, scratch

ZONE = ZoneInfo("Europe/Berlin")


def main() -> None:
    """Write, import twice, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--dry-run", action="store_true")
    add_option(parser)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, scratch(wanted.database) as url:
        folder = Path(name)
        write(folder / "people.csv", wanted.lines)
        into = Subscribers(open_or_create(url, folder), show_id=uuid4(), secret_key=secrets.token_bytes(32))
        print(f"{into.engine.dialect.name}, load {os.getloadavg()[0]:.1f}, {peak_mb():.0f} MB before")
        run = partial(measure, into, folder / "people.csv", dry_run=wanted.dry_run)
        print("first:")
        run()
        before = contents(into)
        print("once more:")
        run()
        is_same = contents(into) == before
        into.engine.dispose()
    print(f"the second time changed {'nothing' if is_same else 'something'}: {before}")
    sys.exit(0 if is_same else 1)


def measure(into: Subscribers, path: Path, *, dry_run: bool) -> None:
    """Import and print what it took."""
    meter = Meter(os.getpid(), into.engine)
    start, before = perf_counter(), meter.read()
    lines = import_csv(into, path, zone=ZONE, now=datetime.now(UTC), dry_run=dry_run)
    became = Counter(line.outcome for line in lines)
    took_s, count = perf_counter() - start, became.total()
    ours_s, database_s = ((after - first) / 1000 for first, after in zip(before, meter.read(), strict=True))
    print(f"  {dict(became)}")
    print(f"  {count} lines in {took_s:.1f} s, {count / took_s:.0f} lines/s; peak {peak_mb():.0f} MB")
    print(f"  CPU: {ours_s:.1f} s here, {count / ours_s:.0f} lines/s; {database_s:.1f} s in PostgreSQL")


def contents(into: Subscribers) -> str:
    """Return how many rows each table has, and when one was last changed."""
    tables = (subscribers, tokens, audit_log)
    with into.engine.connect() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in tables]
        changed_at = connection.scalar(select(func.max(subscribers.c.updated_at)))
    people, links, changes = counts
    return f"{people} subscribers, {links} tokens, {changes} changes, the last at {changed_at}"


def write(path: Path, lines: int) -> None:
    """Write a file of subscribers."""
    with path.open("w") as file:
        file.write("email,plan,period,paid_until\n")
        for number in range(lines):
            who = {7: f"no address {number}", 9: "p1@example.com"}.get(number % 50, f"p{number}@example.com")
            file.write(f"{who},standard,yearly,2027-12-31\n")


def peak_mb() -> float:
    """Return the most memory this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux


if __name__ == "__main__":
    main()
