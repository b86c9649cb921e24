"""Measure the mail of a new transcript: mails per second and peak memory.

    scripts/bench_notify.py [--subscribers 100000] [--database postgresql]

Tells that many subscribers of an episode over one connection to an SMTP server (aiosmtpd, in a process
of its own on this machine, which throws the mails away), and prints the rate and the memory.
"""

import argparse
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import Event, Process
from multiprocessing.synchronize import Event as EventType
from pathlib import Path
from time import perf_counter, process_time
from uuid import uuid4

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from sqlalchemy import update

from podcast_pipeline.access import AccessPolicy
from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import subscribers
from podcast_pipeline.audience.mail import SmtpMailer
from podcast_pipeline.audience.notify import send_notifications
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.csv.importer import import_csv
from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
from podcast_pipeline.config import MailTable

sys.path.append(str(Path(__file__).parent.parent))

from scripts.bench_import import ZONE, peak_mb
from scripts.scratch import add_option, open_or_create, scratch
from tests.support.ports import free_port
from tests.support.site import Site, transcript_of


def main() -> None:
    """Make them, tell them, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subscribers", type=int, default=100_000)
    add_option(parser)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, scratch(wanted.database) as url, mail_server() as port:
        folder = Path(name)
        people = Subscribers(open_or_create(url, folder), show_id=uuid4(), secret_key=secrets.token_bytes(32))
        subscribe(people, wanted.subscribers, folder)
        tell(people, folder, port)
        people.engine.dispose()


def tell(people: Subscribers, folder: Path, port: int) -> None:
    """Tell everybody and print what it took."""
    site = Site.make(folder / "show", site_url="https://late.example")
    episode = site.publish("out", transcript_of("Ann: Words.", duration_s=5))
    now = episode.publish_at + timedelta(hours=1)
    smtp = SmtpMailer(
        MailTable(host="127.0.0.1", port=port, security="none"), sender="p@example.org", name="Late Proofs"
    )
    before_mb, start, cpu_start = peak_mb(), perf_counter(), process_time()
    with smtp.open_connection() as connection:
        told = send_notifications(
            episode,
            show=site.catalog.show,
            notifications=NotificationQueue(people, AccessPolicy(renew_url="https://late.example")),
            connection=connection,
            secret_key=people.secret_key,
            clock=lambda: now,
        )
        count = sum(each.error is None for each in told)
    took_s, cpu_s = perf_counter() - start, process_time() - cpu_start
    site.close()
    print(f"{count} told in {took_s:.1f} s, {count / took_s:.0f} mails/s")
    print(f"of which on the CPU {cpu_s:.1f} s, {count / cpu_s:.0f} mails/s")
    print(f"peak memory {before_mb:.0f} MB before, {peak_mb():.0f} MB after")


def subscribe(people: Subscribers, count: int, folder: Path) -> None:
    """Add subscribers who all want to be told."""
    path, long_ago = folder / "people.csv", datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("w") as file:
        file.write("email\n")
        file.writelines(f"p{number}@example.com\n" for number in range(count))
    for _ in import_csv(people, path, zone=ZONE, now=long_ago):
        pass
    with write_transaction(people.engine) as connection:
        connection.execute(update(subscribers).values(news_since=long_ago))


@contextmanager
def mail_server() -> Iterator[int]:
    """Run a server in a process of its own and yield its port."""
    port, is_up = free_port(), Event()
    process = Process(target=serve, args=(port, is_up), daemon=True)
    process.start()
    if not is_up.wait(timeout=30):
        raise SystemExit("the mail server did not start")
    yield port
    process.terminate()
    process.join()


def serve(port: int, is_up: "EventType") -> None:
    """Take every mail, until the process is ended."""
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    is_up.set()
    signal.pause()


if __name__ == "__main__":
    main()
