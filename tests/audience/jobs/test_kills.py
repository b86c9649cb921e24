"""kill -9 of servers that send sign-in mails: nobody gets a mail twice, and none is lost without a line."""

import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import select

from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.database.tables import jobs
from podcast_pipeline.audience.jobs.queue import JobQueue
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.mail import SmtpMailer
from podcast_pipeline.audience.signin_mail import signin_mail_kind
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.signin import LONGEST_PAUSE_S, SignIn
from podcast_pipeline.config import MailTable
from tests.support.bucket_show import soak_amounts
from tests.support.databases import PROCESSES
from tests.support.golden import ordinary_catalog
from tests.support.mail_server import PASSWORD, USER, FaultyMailbox, running_mail_server

pytestmark = [
    # the server listens on this machine only
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]

SHOW = UUID(int=7)
KEY = b"k" * 64
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AFTER_A_LEASE = timedelta(minutes=3)
MAILS_A_ROUND = 3


def at(now: datetime) -> datetime:
    """Return the time of a stopped clock."""
    return now


def build_worker(folder: Path, url: str | None, port: int, now: datetime) -> Worker:
    """Return a worker of a server whose clock has stopped."""
    engine, clock = open_database(url, folder), partial(at, now)
    mail = MailTable(host="127.0.0.1", port=port, security="none", username=USER)
    smtp = SmtpMailer(mail, sender="news@late.example", name="Late Proofs", password=PASSWORD)
    show = ordinary_catalog().show
    kind = signin_mail_kind(SignIn(engine, show_id=SHOW, secret_key=KEY), smtp, show, clock=clock)
    return Worker(JobQueue(engine, show_id=SHOW), (kind,), clock)


def run_server(folder: Path, url: str | None, port: int, now: datetime) -> None:
    """Do jobs in threads until killed."""
    with build_worker(folder, url, port, now).running():
        Event().wait()


def kill_once(server: BaseProcess, mailbox: FaultyMailbox, chance: random.Random) -> None:
    """Kill a server at a command of SMTP, or at any time."""
    moment = chance.choice(("rcpt", "data", "any"))
    number = mailbox.counts[moment] + chance.randint(1, MAILS_A_ROUND)
    mailbox.kills = {(moment, number)}
    server.start()
    mailbox.pid = server.pid or 0
    if moment == "any":
        server.join(chance.uniform(0, 1.5))
        server.kill()
    server.join()
    assert server.exitcode == -signal.SIGKILL


@soak_amounts(share=2, full=100)
def test_servers_killed_while_they_send(database_url: str | None, tmp_path: Path, amount: int) -> None:
    """Each address gets one mail at most; a job that is not done says so, and none is left over."""
    chance, mailbox, now = random.Random(15), FaultyMailbox(), NOW
    engine = open_database(database_url, tmp_path)
    people, signin = (
        Subscribers(engine, show_id=SHOW, secret_key=KEY),
        SignIn(engine, show_id=SHOW, secret_key=KEY),
    )
    asked: dict[str, str] = {}
    with running_mail_server(mailbox) as port:
        for turn in range(amount):
            for number in range(MAILS_A_ROUND):
                email = f"{number}@{turn}.example.org"
                people.add(email, now=now, origin="cli")
                asked[str(signin.request(email, browser="b", now=now))] = email
            now += timedelta(seconds=LONGEST_PAUSE_S)
            arguments = (tmp_path, database_url, port, now)
            kill_once(PROCESSES.Process(target=run_server, args=arguments), mailbox, chance)
            now += AFTER_A_LEASE
        mailbox.kills = set()
        worker = build_worker(tmp_path, database_url, port, now)
        worker.run_due()
        worker.queue.engine.dispose()
    received = Counter(to for to, _ in mailbox.received.queue)
    with engine.connect() as connection:
        outcomes = {
            asked[payload["nonce"]]: outcome
            for payload, outcome in connection.execute(select(jobs.c.payload, jobs.c.outcome))
        }
    engine.dispose()
    assert set(outcomes) == set(asked.values())
    assert set(received.values()) <= {1}
    assert {outcomes[email] for email in set(outcomes) - set(received)} <= {"in doubt", "expired"}
    assert {email for email, outcome in outcomes.items() if outcome == "done"} <= set(received)
    assert set(outcomes.values()) <= {"done", "in doubt", "expired"}
