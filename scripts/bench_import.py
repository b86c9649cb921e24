"""Measure the CSV import: lines per second and peak memory.

    scripts/bench_import.py [--lines 1000000] [--url postgresql://…] [--dry-run]

Writes a file with that many lines (one in fifty is bad, one in fifty a duplicate), imports it into an
empty database, and prints what became of the lines, the rate, and the memory before and at the peak.
"""

import argparse
import resource
import secrets
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from uuid import uuid4
from zoneinfo import ZoneInfo

from podcast_pipeline.database import connect, open_database, upgrade
from podcast_pipeline.subscribers import Subscribers
from podcast_pipeline.subscribers.importers import import_csv

ZONE = ZoneInfo("Europe/Berlin")


def main() -> None:
    """Write, import, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument(
        "--url", help="a scratch PostgreSQL database; without it SQLite in a temporary folder"
    )
    parser.add_argument("--dry-run", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "people.csv", wanted.lines)
        if wanted.url:
            upgrade(connect(wanted.url, folder))
        into = Subscribers(
            open_database(wanted.url, folder), show_id=uuid4(), secret_key=secrets.token_bytes(32)
        )
        before_mb, start, cpu_start = peak_mb(), perf_counter(), process_time()
        lines = import_csv(
            into, folder / "people.csv", zone=ZONE, now=datetime.now(UTC), dry_run=wanted.dry_run
        )
        became = Counter(line.outcome for line in lines)
        took_s, cpu_s = perf_counter() - start, process_time() - cpu_start
        into.engine.dispose()
    print(dict(became))
    print(f"{wanted.lines} lines in {took_s:.1f} s, {wanted.lines / took_s:.0f} lines/s")
    print(f"of which on the CPU {cpu_s:.1f} s, {wanted.lines / cpu_s:.0f} lines/s")
    print(f"peak memory {before_mb:.0f} MB before, {peak_mb():.0f} MB after")


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
