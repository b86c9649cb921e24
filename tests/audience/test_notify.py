"""`podcast subscribers notify` against a real SMTP server: recipients, text, and no mail twice."""

import json
import os
import random
import re
import signal
import smtplib
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from podcast_pipeline.access import AccessPolicy
from podcast_pipeline.audience.mail import SmtpMailer
from podcast_pipeline.audience.notify import send_notifications
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
from podcast_pipeline.audience.subscribers.tokens import to_episode_token
from podcast_pipeline.audit import AuditFinding, RestrictedText
from podcast_pipeline.audit.logs_and_mail import check_mail_folder
from podcast_pipeline.config import MailTable
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog
from tests.support.databases import SHOW_DATABASES
from tests.support.mail_server import PASSWORD, USER, FaultyMailbox, running_mail_server
from tests.support.show import PODCAST, clean_environment
from tests.support.site import INTERVIEW, NOW, SHOW_TOML, Site, transcript_of

pytestmark = [
    pytest.mark.usefixtures("each_database"),
    # the server listens on this machine only
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]

SLUG = "the-water-was-always-coming"
ANN, BOB, CARL, DORA = "ann@example.org", "bob@example.org", "carl@example.org", "dora@example.org"
KEY = "k" * 32
TODAY = (NOW - datetime.now(UTC)).days + 1  # in days before the site's clock: less than a day ago


@dataclass(frozen=True)
class Newsroom:
    """A show with a published episode, its subscribers, and the command in a process of its own."""

    site: Site
    episode: Episode
    post: FaultyMailbox
    port: int

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """Return a command and its environment."""
        environment = {
            **clean_environment(),
            **SHOW_DATABASES.environment(self.site.config.folder),
            "PODCAST_SECRET_KEY": KEY,
            "PODCAST_MAIL_HOST": "127.0.0.1",
            "PODCAST_MAIL_PORT": str(self.port),
            "PODCAST_MAIL_SECURITY": "none",
            "PODCAST_MAIL_USERNAME": USER,
            "PODCAST_MAIL_PASSWORD": PASSWORD,
        }
        return [str(PODCAST), "--project", str(self.site.config.folder), *words], environment

    def run(self, *words: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        command, environment = self.command(*words)
        return subprocess.run(
            command, env={**environment, **changes}, capture_output=True, text=True, check=False
        )

    def notify(self, *words: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run `podcast subscribers notify` for the episode."""
        return self.run(*words, "subscribers", "notify", SLUG, **changes)

    def notify_in_this_process(self) -> None:
        """Send the notifications from this process, which a test can interrupt at an exact place."""
        mail = MailTable(host="127.0.0.1", port=self.port, security="none", username=USER)
        smtp = SmtpMailer(mail, sender="news@late.example", name="Late Proofs", password=PASSWORD)
        queue = NotificationQueue(self.site.subscribers, AccessPolicy(renew_url=""))
        with smtp.open_connection() as connection:
            for _ in send_notifications(
                self.episode,
                show=self.site.catalog.show,
                notifications=queue,
                connection=connection,
                secret_key=KEY.encode(),
                clock=lambda: datetime.now(UTC),
            ):
                pass

    def start(self) -> "subprocess.Popen[str]":
        """Start `podcast subscribers notify`, and give its process id to the mail server."""
        command, environment = self.command("--json", "subscribers", "notify", SLUG)
        process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.post.pid = process.pid
        return process

    def opt_in(self, *emails: str) -> list[UUID]:
        """Add subscribers who opted in before the episode was published."""
        assert self.episode.published_at
        before = self.episode.published_at - timedelta(days=1)
        people = self.site.subscribers
        found = []
        for email in emails:
            people.add(email, now=before, origin="cli")
            found.append(people.enable_notifications(email, now=before, origin="web").id)
        return found


def newsroom(folder: Path, post: FaultyMailbox, stack: ExitStack, *, takes_utf8: bool = True) -> Newsroom:
    site = Site.make(folder, site_url="https://late.example")
    stack.callback(site.close)
    text = INTERVIEW.read_text(encoding="utf-8")
    episode = site.publish(
        SLUG,
        transcript_of(text, duration_s=240),
        days_ago=TODAY,
        title="The water was always coming",
        notes="Four years ago the river took **Alder Street**.\n\nMore of it.",
    )
    toml = SHOW_TOML.format(show=site.config.show, site=site.config.urls.site)
    (folder / "show.toml").write_text(toml, encoding="utf-8")
    return Newsroom(
        site, episode, post, stack.enter_context(running_mail_server(post, takes_utf8=takes_utf8))
    )


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    """A newsroom."""
    with ExitStack() as stack:
        yield newsroom(tmp_path, FaultyMailbox(), stack)


def test_subscribers_who_opted_in_get_a_mail(room: Newsroom) -> None:
    """Active subscribers who opted in get a mail; without or with a late opt-in, or lapsed, they do not."""
    room.opt_in(ANN, BOB, CARL)
    people, now = room.site.subscribers, datetime.now(UTC)
    people.renew(CARL, now - timedelta(seconds=5), now=now, origin="cli")
    people.add(DORA, now=now, origin="cli")
    people.enable_notifications(DORA, now=now, origin="web")
    dry = room.notify("--json", PODCAST_MAIL_HOST="")
    assert (dry.returncode, "has no host" in dry.stderr) == (1, True)
    dry = room.run("subscribers", "notify", SLUG, "--dry-run", PODCAST_MAIL_HOST="")
    assert (dry.returncode, dry.stdout) == (0, f"{SLUG}: 2 to notify (dry run, nothing was sent)\n")
    assert room.post.take_messages() == {}
    done = room.notify()
    assert (done.returncode, done.stdout) == (0, f"{SLUG}: 2 notified\n"), done.stderr
    assert {to: len(mails) for to, mails in room.post.take_messages().items()} == {ANN: 1, BOB: 1}
    again = json.loads(room.notify("--json").stdout)
    assert (again["told"], again["refused"], again["in_doubt"], room.post.take_messages()) == (0, 0, 0, {})
    assert "@" not in dry.stdout + done.stdout + done.stderr


def test_the_text_of_the_mail(room: Newsroom, tmp_path: Path) -> None:
    """Title, summary, one-episode link, unsubscribe link; no feed token, no transcript, one recipient."""
    (ann,) = room.opt_in(ANN)
    room.notify()
    (mail,) = room.post.take_messages()[ANN]
    stop_url = f"https://late.example/mail/stop/{unsubscribe_token.to_unsubscribe_token(ann, KEY.encode())}"
    selector = room.site.subscribers.feed_token(ANN).partition(".")[0]
    read = to_episode_token(selector, room.episode.id, KEY.encode())
    assert mail["Subject"] == "Late Proofs: The water was always coming"
    assert mail["List-Unsubscribe"] == f"<{stop_url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (mail["To"], mail["Auto-Submitted"]) == (ANN, "auto-generated")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == (
        "The water was always coming\n\n"
        "Four years ago the river took Alder Street.\n\n"
        f"Listen and read: https://late.example/r/{read}/{room.episode.id}\n"
        "The link is your own, and opens this one episode.\n\n"
        "-- \n"
        "Late Proofs is made by The Harrow Street Courier.\n"
        "You get this mail because you asked, on your account page, to be told of new transcripts.\n"
        f"To stop these mails: {stop_url}\n"
    )
    transcript = transcript_of(INTERVIEW.read_text(encoding="utf-8"), duration_s=240)
    document_key = room.episode.transcripts[0].document_key
    secrets = RestrictedText.from_catalog(room.site.catalog, {document_key: transcript})
    spool = tmp_path / "spool"
    spool.mkdir()

    def found(changed: bytes) -> list[AuditFinding]:
        (spool / "1.eml").write_bytes(changed)
        return list(check_mail_folder(spool, secrets, lambda _: False))  # Ann may have lapsed since

    sent = mail.as_bytes()
    value = stop_url.rpartition("/")[2].encode()
    assert found(sent) == []
    assert found(sent.replace(b"Subject: Late", b"Subject: /mail/stop/" + value)) != []
    assert found(sent.replace(b"Subject: Late", f"Subject: /r/{read}/".encode())) != []
    assert found(sent.replace(b"/r/", b"/feeds/")) != []
    two = sent.replace(b"To: ann@example.org", b"To: ann@example.org, eve@example.org")
    assert [each.message.partition(" link")[0] for each in found(two)] == [
        "contains one person's unsubscribe",
        "contains one person's one-episode",
    ]
    teaser = " ".join(transcript.text.split()[200:220]).encode()
    assert [each.rule for each in found(sent.replace(b"Listen and read", teaser))] == ["P5"]


def test_a_refused_address_stops_nobody(room: Newsroom) -> None:
    """The error names the subscriber's id, the exit code is 3, and the next run tries the address again."""
    _, nobody, _ = room.opt_in(ANN, "nobody@example.org", BOB)
    done = room.notify()
    assert done.returncode == 3
    assert done.stdout.splitlines()[0] == f"{SLUG}: 2 notified"
    assert done.stderr.strip() == (
        f"podcast: subscriber {nobody}: mail server 127.0.0.1:{room.port}: refuses the recipient"
    )
    assert set(room.post.take_messages()) == {ANN, BOB}
    again = room.notify("--json")
    said = json.loads(again.stdout)
    assert (again.returncode, said["told"], said["refused"], said["in_doubt"]) == (3, 0, 1, 0)
    assert [each["id"] for each in said["refusals"]] == [str(nobody)]
    listed = json.loads(room.run("--json", "subscribers", "list").stdout)["subscribers"]
    assert [each["email"] for each in listed if each["id"] == str(nobody)] == ["nobody@example.org"]


def test_an_address_beyond_ascii_stops_nobody(tmp_path: Path) -> None:
    """If the server accepts only ASCII, a non-ASCII address is rejected and the others get a mail."""
    with ExitStack() as stack:
        room = newsroom(tmp_path, FaultyMailbox(), stack, takes_utf8=False)
        room.opt_in("jörg@example.org", BOB)
        done = room.notify()
        assert (done.returncode, "takes ASCII addresses only" in done.stderr) == (3, True)
        assert set(room.post.take_messages()) == {BOB}


def test_one_connection_for_many(room: Newsroom) -> None:
    """All mails use one connection; after a 421 a new connection continues, and no mail is lost."""
    emails = [f"{number}@example.org" for number in range(7)]
    room.opt_in(*emails)
    room.notify()
    assert (set(room.post.take_messages()), len(room.post.carried)) == (set(emails), 1)
    more = [f"{number}@example.com" for number in range(7)]
    room.opt_in(*more)
    room.post.closes_after = 3
    room.post.carried.clear()
    done = room.notify("--json")
    assert (json.loads(done.stdout)["told"], done.returncode) == (7, 0)
    assert {to: len(mails) for to, mails in room.post.take_messages().items()} == dict.fromkeys(more, 1)
    assert len(room.post.carried) == 3


def test_a_server_that_is_down_costs_nothing(room: Newsroom) -> None:
    """One line, exit 1, and the next run sends all mails."""
    room.opt_in(ANN, BOB)
    done = room.notify(PODCAST_MAIL_PORT="1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "0 notified, run the command again for the others" in done.stderr
    wrong = room.notify(PODCAST_MAIL_PASSWORD="mistyped")
    assert (wrong.returncode, "PODCAST_MAIL_PASSWORD" in wrong.stderr) == (1, True)
    said = json.loads(room.notify("--json").stdout)
    assert (said["told"], said["in_doubt"], set(room.post.take_messages())) == (2, 0, {ANN, BOB})


def test_a_connection_that_breaks_leaves_a_doubt(room: Newsroom) -> None:
    """The server may have kept that mail: it is never sent again, and the next run prints a count."""
    room.opt_in(ANN, BOB, CARL)
    room.post.breaks_at = {2}
    done = room.notify()
    assert (done.returncode, "1 notified" in done.stderr) == (1, True)
    again = room.notify()
    assert again.returncode == 0
    assert again.stdout.splitlines() == [
        f"{SLUG}: 1 notified",
        "1 in doubt: a run ended before the mail server answered; not sent again",
    ]
    assert {len(mails) for mails in room.post.take_messages().values()} == {1}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"state": "scheduled", "published_at": None},
            "is scheduled; send notifications once it is published",
        ),
        ({"state": "unpublished"}, "is unpublished; notifications are for published episodes only"),
        ({"transcripts": ()}, "has no transcript to announce"),
        ({"slug": "another"}, "is not published; see `podcast list`"),
        ({"long_ago": True}, "was published more than 365 days ago; too old to announce"),
    ],
)
def test_episodes_that_cannot_be_announced(room: Newsroom, change: dict[str, object], line: str) -> None:
    """Only a published, recent transcript can be announced; others give an error of one line."""
    room.opt_in(ANN)
    if "long_ago" in change:
        then = datetime.now(UTC) - timedelta(days=366)
        version = room.episode.transcripts[0].model_copy(update={"published_at": then})
        change = {"published_at": then, "transcripts": (version,)}
    episode = room.episode.model_copy(update=change)
    room.site.catalog = Catalog(show=room.site.catalog.show, episodes=(episode,))
    room.site.write_catalog()
    done = room.notify()
    assert (done.returncode, done.stderr) == (1, f"podcast: {SLUG}: {line}\n")
    assert room.post.take_messages() == {}


def test_two_runs_at_once(room: Newsroom) -> None:
    """Both runs succeed, and each subscriber gets one mail."""
    emails = [f"{number}@example.org" for number in range(20)]
    room.opt_in(*emails)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: room.notify("--json"), range(2)))
    assert [run.returncode for run in runs] == [0, 0], [run.stderr for run in runs]
    assert sum(json.loads(run.stdout)["told"] for run in runs) == 20
    assert {to: len(mails) for to, mails in room.post.take_messages().items()} == dict.fromkeys(emails, 1)


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_killed_at_a_mail(room: Newsroom, where: str) -> None:
    """Killed with -9 before, or just after, the server has a mail: nobody gets two, everybody else gets one.

    Killed when the server has the mail and before its answer, nobody is left out either; killed before,
    that one person is not told, and counted as in doubt.
    """
    emails = [f"{number}@example.org" for number in range(9)]
    room.opt_in(*emails)
    room.post.kills = {(where, 1), (where, 4), (where, 9)}
    for _ in range(3):
        process = room.start()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    said = json.loads(room.notify("--json").stdout)
    got = {to: len(mails) for to, mails in room.post.take_messages().items()}
    assert set(got.values()) == {1}
    assert said["in_doubt"] == 3
    assert len(got) == (9 if where == "data" else 6)


@pytest.mark.parametrize("amount", [3, pytest.param(60, marks=pytest.mark.soak)])
def test_killed_at_any_time(room: Newsroom, amount: int) -> None:
    """Killed with -9 at any moment: nobody gets two mails; a missing one is counted as in doubt."""
    dice = random.Random(7)
    emails = [f"{number}@example.org" for number in range(12 * amount)]
    room.opt_in(*emails)
    for _ in range(amount):
        process = room.start()
        first = room.post.counts["rcpt"]
        while room.post.counts["rcpt"] == first and process.poll() is None:
            time.sleep(0.001)
        time.sleep(dice.random() * 0.05)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    said = json.loads(room.notify("--json").stdout)
    got = {to: len(mails) for to, mails in room.post.take_messages().items()}
    assert set(got.values()) == {1}
    assert len(emails) - len(got) <= said["in_doubt"] <= amount


def test_interrupted_by_a_person(room: Newsroom) -> None:
    """Ctrl-C exits with 130, and the next run sends the remaining mails."""
    emails = [f"{number}@example.org" for number in range(200)]
    room.opt_in(*emails)
    process = room.start()
    while room.post.counts["data"] < 3 and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert "run the same command again" in process.communicate()[1]
    assert process.returncode == 130
    said = json.loads(room.notify("--json").stdout)
    got = {to: len(mails) for to, mails in room.post.take_messages().items()}
    assert set(got.values()) == {1}
    assert said["in_doubt"] <= 1
    assert 200 - len(got) <= said["in_doubt"]


def test_interrupted_between_the_answer_and_the_record(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C right after the server accepted a mail: the claim stays, and nobody gets that mail again."""
    room.opt_in(ANN, BOB)
    send_message = smtplib.SMTP.send_message

    def send_and_interrupt(server: smtplib.SMTP, *arguments: Any) -> None:
        send_message(server, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(smtplib.SMTP, "send_message", send_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            room.notify_in_this_process()
    said = json.loads(room.notify("--json").stdout)
    assert (said["told"], said["in_doubt"]) == (1, 1)
    assert {to: len(mails) for to, mails in room.post.take_messages().items()} == {ANN: 1, BOB: 1}


def test_interrupted_before_the_message_is_sent(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the server has a second message: its claim is deleted, and the next run sends it."""
    room.opt_in(ANN, BOB)
    send_message = smtplib.SMTP.send_message
    calls: list[None] = []

    def interrupt_the_second(server: smtplib.SMTP, *arguments: Any) -> None:
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        send_message(server, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(smtplib.SMTP, "send_message", interrupt_the_second)
        with pytest.raises(KeyboardInterrupt):
            room.notify_in_this_process()
    said = json.loads(room.notify("--json").stdout)
    assert (said["told"], said["in_doubt"]) == (1, 0)
    assert {to: len(mails) for to, mails in room.post.take_messages().items()} == {ANN: 1, BOB: 1}


def test_no_secret_in_the_log_or_the_tables(room: Newsroom) -> None:
    """The audit log contains no address; the table of mails contains subscriber ids only."""
    room.opt_in(ANN)
    room.notify()
    held = json.loads(room.run("subscribers", "dossier", ANN).stdout)
    assert held["news_mails"][0]["sent_at"] is not None
    assert not re.search("@", json.dumps([held["news_mails"], held["audit_log"]]))
