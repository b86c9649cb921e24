"""Measure whether a token guess tells if its selector exists.

    scripts/bench_token_guess.py [--guesses 20000] [--subscribers 10000] [--database postgresql]

Prints the quartiles (µs of processor time) of a wrong secret for a selector that exists and for one that
does not, taken in turns, and the chance that a single guess of the one kind is slower than one of the other
(50 % = nothing to be seen).
"""

import argparse
import math
import os
import random
import secrets
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import thread_time_ns
from uuid import uuid4
from zoneinfo import ZoneInfo

from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.csv.importer import import_csv
from podcast_pipeline.audience.subscribers.tokens import new_selector, to_token

sys.path.append(str(Path(__file__).parent.parent))

from scripts.scratch import add_option, open_or_create, scratch


def main() -> None:
    """Fill a database, guess, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--guesses", type=int, default=20_000, help="of each kind")
    parser.add_argument("--subscribers", type=int, default=10_000)
    add_option(parser)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scratch(wanted.database) as url:
        subscribers, selectors = fill(Path(folder), url, wanted.subscribers)
        print(f"{subscribers.engine.dialect.name}, load {os.getloadavg()[0]:.1f}")
        known, unknown = measure(subscribers, selectors, wanted.guesses)
        subscribers.engine.dispose()
    for name, taken in (("known", known), ("unknown", unknown)):
        quarters = ", ".join(f"{quarter:.1f}" for quarter in statistics.quantiles(taken, n=4))
        print(f"{name:>8} selector: quartiles {quarters} µs of {len(taken)} guesses")
    share, error = slower(known, unknown), 1.96 * 0.5 / math.sqrt(len(known))
    print(f"a known one is the slower of two in {share:.2%} of pairs; 95 % interval ± {error:.2%}")


def fill(folder: Path, url: str | None, number: int) -> tuple[Subscribers, list[str]]:
    """Return a show with subscribers, and the selector of each."""
    made = Subscribers(open_or_create(url, folder), show_id=uuid4(), secret_key=secrets.token_bytes(32))
    file = folder / "people.csv"
    file.write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(number)))
    for _ in import_csv(made, file, zone=ZoneInfo("UTC"), now=datetime.now(UTC)):
        pass
    return made, [made.feed_token(f"p{n}@example.com").partition(".")[0] for n in range(number)]


def measure(subscribers: Subscribers, selectors: list[str], guesses: int) -> tuple[list[float], list[float]]:
    """Return microseconds of guesses at known and unknown selectors, in random turns.

    All tokens are made before the first guess, so that nothing but the guess differs between the two.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for selector in selectors:  # warm what a running server has warm
        subscribers.visitor(wrong(selector))
    known = [(0, wrong(secrets.choice(selectors))) for _ in range(guesses)]
    turns = [*known, *((1, wrong(new_selector())) for _ in range(guesses))]
    random.shuffle(turns)
    for kind, token in turns:
        start = thread_time_ns()
        subscribers.visitor(token)
        taken[kind].append((thread_time_ns() - start) / 1000)
    return taken


def wrong(selector: str) -> str:
    """Return a well-formed token with a secret that fits nothing."""
    return to_token(selector, secrets.token_bytes(32))


def slower(known: list[float], unknown: list[float]) -> float:
    """Return the share of pairs (one of each, by chance) in which the known one took longer."""
    pairs = zip(random.sample(known, len(known)), unknown, strict=True)
    return statistics.fmean((a > b) + (a == b) / 2 for a, b in pairs)


if __name__ == "__main__":
    main()
