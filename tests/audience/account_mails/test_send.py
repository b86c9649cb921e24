"""Mails about subscriptions against a real SMTP server: what arrives, and none twice, also after kill -9."""

import random
import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from podcast_pipeline.audience.account_mails.queue import DOUBTFUL_AFTER, AccountMailQueue, MailChoice
from podcast_pipeline.audience.account_mails.send import AccountMailer, MailResult
from podcast_pipeline.audience.account_mails.templates import MailTemplates
from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.database.tables import subscribers, welcome_mails
from podcast_pipeline.audience.mail import SmtpMailer
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.config import MailTable
from podcast_pipeline.errors import ConfigError, MailError, MailRejected
from tests.support.bucket_show import soak_amounts
from tests.support.databases import PROCESSES
from tests.support.golden import ordinary_catalog
from tests.support.mail_server import PASSWORD, USER, FaultyMailbox, running_mail_server

# the server listens on this machine only
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

SHOW, KEY = UUID(int=7), b"k" * 64
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
WELCOME = MailChoice(NOW)
ANN, NOBODY, CARL = "ann@example.org", "nobody@example.org", "carl@example.org"
MAILS_A_ROUND = 4


def at(now: datetime) -> datetime:
    """Return the time of a stopped clock."""
    return now


class Desk:
    """What sends the mails of a show."""

    def __init__(self, engine: Engine, folder: Path, port: int, *, now: datetime = NOW) -> None:
        self.people = Subscribers(engine, show_id=SHOW, secret_key=KEY)
        self.queue = AccountMailQueue(self.people, WELCOME)
        self.pauses = 0
        self.mailer = AccountMailer(
            self.queue, MailTemplates(folder), ordinary_catalog().show, partial(at, now), self.pause
        )
        mail = MailTable(host="127.0.0.1", port=port, security="none", username=USER)
        self.smtp = SmtpMailer(mail, sender="news@late.example", name="Late Proofs", password=PASSWORD)
        self.now = now

    def pause(self) -> None:
        """Count a pause."""
        self.pauses += 1

    def send(self, *, again: bool = False) -> list[MailResult]:
        """Send what is due, or what is in doubt."""
        due = self.queue.in_doubt(self.now) if again else self.queue.due(self.now)
        with self.smtp.open_connection() as connection:
            return list(self.mailer.send(due, connection, again=again))


def test_a_welcome_has_the_private_link_in_text_and_html(
    opened: Callable[[], Engine], tmp_path: Path
) -> None:
    """To its owner alone; the headers have no secret, and there is nothing to unsubscribe from."""
    mailbox = FaultyMailbox()
    with running_mail_server(mailbox) as port:
        desk = Desk(opened(), tmp_path, port)
        token = desk.people.add(ANN, now=NOW, origin="cli")[1]
        assert [result.error for result in desk.send()] == [None]
        assert desk.send() == []
    (mail,) = mailbox.take_messages()[ANN]
    site = ordinary_catalog().show.site_url
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for part in (text, html):
        assert f"{site}/feeds/{token}/add" in part.get_content()
        assert f"{site}/feeds/{token}/" in part.get_content()
    assert (mail["To"], mail["List-Unsubscribe"], mail["Auto-Submitted"]) == (ANN, None, "auto-generated")
    assert mail.get_content_type() == "multipart/alternative"
    assert not any(token.partition(".")[2] in str(value) for value in mail.values())


def test_a_refused_address_stops_nobody(opened: Callable[[], Engine], tmp_path: Path) -> None:
    """The others get their mails, at the newsroom's pace."""
    mailbox = FaultyMailbox()
    with running_mail_server(mailbox) as port:
        desk = Desk(opened(), tmp_path, port)
        for email in (ANN, NOBODY, CARL):
            desk.people.add(email, now=NOW, origin="cli")
        errors = [type(result.error) for result in desk.send()]
    assert errors == [type(None), MailRejected, type(None)]
    assert set(mailbox.take_messages()) == {ANN, CARL}
    assert (desk.pauses, desk.queue.count_refused()) == (2, 1)


def test_a_lost_answer_leaves_a_mail_in_doubt(opened: Callable[[], Engine], tmp_path: Path) -> None:
    """The connection broke before the answer: nobody knows, and only a person has it sent again."""
    mailbox = FaultyMailbox(breaks_at={1})
    with running_mail_server(mailbox) as port:
        engine = opened()
        desk = Desk(engine, tmp_path, port)
        desk.people.add(ANN, now=NOW, origin="cli")
        with pytest.raises(MailError):
            desk.send()
        assert desk.send() == []
        later = Desk(engine, tmp_path, port, now=NOW + DOUBTFUL_AFTER)
        assert later.send() == []
        assert [result.error for result in later.send(again=True)] == [None]
        assert later.send(again=True) == []
    assert len(mailbox.take_messages()[ANN]) == 1


def test_a_server_that_is_away_loses_no_mail(
    opened: Callable[[], Engine], tmp_path: Path, closed_port: int
) -> None:
    """The claim is given back, and the next run sends it."""
    engine, mailbox = opened(), FaultyMailbox()
    desk = Desk(engine, tmp_path, closed_port)
    desk.people.add(ANN, now=NOW, origin="cli")
    with pytest.raises(MailError):
        desk.send()
    with running_mail_server(mailbox) as port:
        assert len(Desk(engine, tmp_path, port).send()) == 1


def test_a_wrong_template_stops_before_any_claim(
    opened: Callable[[], Engine], tmp_path: Path, closed_port: int
) -> None:
    """Corrected, everybody gets the mail."""
    desk = Desk(opened(), tmp_path, closed_port)
    desk.people.add(ANN, now=NOW, origin="cli")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "welcome.txt").write_text("Subject: x\n{{ nothing }}", encoding="utf-8")
    with pytest.raises(ConfigError, match="'nothing' is undefined"):
        desk.send()
    assert len(list(desk.queue.due(NOW))) == 1


def run_sender(folder: Path, url: str | None, port: int) -> None:
    """Send what is due, until killed."""
    desk = Desk(open_database(url, folder), folder, port)
    desk.send()


def kill_once(sender: BaseProcess, mailbox: FaultyMailbox, chance: random.Random) -> None:
    """Kill a sender at a command of SMTP."""
    moment = chance.choice(("rcpt", "data"))
    mailbox.kills = {(moment, mailbox.counts[moment] + chance.randint(1, MAILS_A_ROUND))}
    sender.start()
    mailbox.pid = sender.pid or 0
    sender.join()
    assert sender.exitcode == -signal.SIGKILL


@soak_amounts(share=2, full=100)
def test_senders_killed_in_the_middle(database_url: str | None, tmp_path: Path, amount: int) -> None:
    """Nobody is welcomed twice, and whoever got no mail is in doubt, at most one for each kill."""
    chance, mailbox, engine = random.Random(19), FaultyMailbox(), open_database(database_url, tmp_path)
    people = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    with running_mail_server(mailbox) as port:
        for turn in range(amount):
            for number in range(MAILS_A_ROUND):
                people.add(f"{number}@{turn}.example.org", now=NOW, origin="cli")
            arguments = (tmp_path, database_url, port)
            kill_once(PROCESSES.Process(target=run_sender, args=arguments), mailbox, chance)
        mailbox.kills = set()
        assert all(result.error is None for result in Desk(engine, tmp_path, port).send())
    received = Counter(to for to, _ in mailbox.received.queue)
    joined = subscribers.join(welcome_mails)
    with engine.connect() as connection:
        rows = connection.execute(
            select(subscribers.c.email, welcome_mails.c.sent_at).select_from(joined)
        ).all()
    engine.dispose()
    in_doubt = {email for email, sent_at in rows if sent_at is None}
    assert len(rows) == amount * MAILS_A_ROUND
    assert set(received.values()) == {1}
    assert {email for email, sent_at in rows if sent_at} <= set(received)
    assert {email for email, _ in rows} - set(received) <= in_doubt
    assert len(in_doubt) <= amount
