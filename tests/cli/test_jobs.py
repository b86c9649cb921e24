"""`podcast jobs` on both databases, and what `podcast doctor` says of jobs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from podcast_pipeline.audience.database import write_transaction
from podcast_pipeline.audience.database.tables import jobs, signin_requests
from podcast_pipeline.audience.jobs.queue import JobQueue, JobRow
from podcast_pipeline.cli.app import app
from podcast_pipeline.cli.jobs import find_job_problems
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, catalog_from_json
from tests.support.databases import SHOW_DATABASES
from tests.support.mail_server import PASSWORD, USER, Mailbox, running_mail_server
from tests.support.site import INTERVIEW, SHOW_ID, SHOW_TOML, Site, transcript_of

# the server listens on this machine only
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

ANN, NOBODY = "ann@example.org", "nobody@example.org"
DUE = timedelta(minutes=1)


@dataclass(frozen=True)
class Office:
    """A show with a folder for commands, which run in this process."""

    site: Site

    def run(self, *words: str, **environment: str) -> Result:
        """Run a command."""
        settings = {
            "PODCAST_DATABASE_URL": "",
            **SHOW_DATABASES.environment(self.site.config.folder),
            "PODCAST_SECRET_KEY": "k" * 32,
            **environment,
        }
        return CliRunner(env=settings).invoke(app, ["--project", str(self.site.config.folder), *words])

    def run_with_mail(self, port: int, *words: str) -> Result:
        """Run a command with a mail server."""
        mail = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "SECURITY": "none",
            "USERNAME": USER,
            "PASSWORD": PASSWORD,
        }
        return self.run(*words, **{f"PODCAST_MAIL_{name}": value for name, value in mail.items()})

    def request_mail(self, email: str, *, ago: timedelta = DUE) -> None:
        """Ask for a sign-in mail as the web site does."""
        self.site.signin.request(email, browser="b", now=datetime.now(UTC) - ago)

    @property
    def rows(self) -> Sequence[JobRow]:
        """All jobs."""
        return JobQueue(self.site.subscribers.engine, show_id=SHOW_ID).rows()

    def jobs(self, kind: str) -> list[JobRow]:
        """Return the jobs of a kind."""
        return [row for row in self.rows if row.kind == kind]


@pytest.fixture
def office(tmp_path: Path, each_database: None) -> Iterator[Office]:
    """A show with two subscribers, one of whom the mail server does not know."""
    site = Site.make(tmp_path, site_url="https://late.example")
    (tmp_path / "show.toml").write_text(
        SHOW_TOML.format(show=site.config.show, site=site.config.urls.site), encoding="utf-8"
    )
    site.subscribe(ANN)
    site.subscribe(NOBODY)
    yield Office(site)
    site.close()


def test_jobs_run_sends_the_mails_that_are_due(office: Office) -> None:
    """Known addresses get one mail; no output has an address, and a second run does nothing."""
    for email in (ANN, "stranger@example.org"):
        office.request_mail(email)
    office.request_mail(ANN, ago=-DUE)
    mailbox = Mailbox()
    with running_mail_server(mailbox) as port:
        first, second = (office.run_with_mail(port, "jobs", "run") for _ in range(2))
        listed = office.run_with_mail(port, "jobs", "list")
    assert (first.exit_code, first.stdout) == (0, "3 jobs done\n"), first.output
    assert (second.exit_code, second.stdout) == (0, "0 jobs done\n")
    assert [to for to, _ in mailbox.received.queue] == [ANN]
    lines = listed.stdout.splitlines()
    assert [line.split()[2] for line in lines if "sign-in mail" in line] == ["waiting"]
    assert lines[-1] == "2 more jobs done in the last seven days"
    assert "@" not in first.output + listed.output


def test_a_refused_mail_is_listed_and_tried_again(office: Office) -> None:
    """Exit code 3, the server's answer without the address, and the next attempt later."""
    office.request_mail(NOBODY)
    with running_mail_server(Mailbox()) as port:
        done = office.run_with_mail(port, "jobs", "run")
        listed = json.loads(office.run_with_mail(port, "--json", "jobs", "list").stdout)["jobs"]
    assert (done.exit_code, done.stdout) == (3, "1 job done\n1 job not done; see `podcast jobs list`\n")
    (row,) = (row for row in listed if row["kind"] == "sign-in mail")
    assert (row["attempts"], row["outcome"]) == (1, None)
    assert row["last_error"] == f"mail server 127.0.0.1:{port}: refuses the recipient"
    assert NOBODY not in done.output


def test_a_mail_older_than_its_link_is_not_sent(office: Office) -> None:
    """It has expired, and so is not done; doctor says so, and the address stands nowhere."""
    office.request_mail(ANN, ago=timedelta(minutes=15))
    mailbox = Mailbox()
    with running_mail_server(mailbox) as port:
        done = office.run_with_mail(port, "jobs", "run")
    assert (done.exit_code, mailbox.received.empty()) == (3, True)
    assert [row.outcome for row in office.jobs("sign-in mail")] == ["expired"]
    said = office.run("doctor").stdout
    assert "sign-in mail: 1 expired in the last seven days; see `podcast jobs list`" in said


def test_without_a_mail_server_mails_are_left_to_a_machine_that_has_one(office: Office) -> None:
    """`jobs run` does the other kinds; doctor says what waits too long."""
    office.request_mail(ANN, ago=timedelta(minutes=12))
    assert office.run("jobs", "run").stdout == "1 job done\n"
    assert [row.attempts for row in office.jobs("sign-in mail")] == [0]
    assert find_job_problems(office.rows, now=datetime.now(UTC)) == [
        "sign-in mail: 1 overdue; is `podcast serve` or `podcast jobs run` running?"
    ]


def test_jobs_run_deletes_expired_data_once_a_day(office: Office) -> None:
    """The first run does, the second leaves it to tomorrow."""
    office.request_mail(ANN, ago=timedelta(hours=25))
    with office.site.subscribers.engine.connect() as connection:
        for expected in (1, 0):
            assert len(connection.execute(signin_requests.select()).all()) == expected
            connection.rollback()
            assert office.run("jobs", "run").exit_code == 0
    (row,) = office.jobs("retention")
    assert row.run_after - (row.finished_at or row.run_after) == timedelta(days=1)


def test_jobs_run_releases_what_is_due_where_it_shall(office: Office) -> None:
    """With --release a due episode is published; without it, and before its time, it is not."""
    office.site.catalog = Catalog(show=office.site.config.to_show(artwork_key="public/art.jpg"))
    past, future = (datetime.now(UTC).replace(microsecond=0) + days for days in (-DUE, DUE * 60))
    transcript = transcript_of(INTERVIEW.read_text(encoding="utf-8"), duration_s=240)
    for slug, publish_at in (("due", past), ("not-yet", future)):
        office.site.publish(slug, transcript, state="scheduled", published_at=None, publish_at=publish_at)

    def states() -> dict[str, str]:
        catalog = catalog_from_json(office.site.store.get(CATALOG_KEY)[1])
        return {episode.slug: episode.state for episode in catalog.episodes}

    assert office.run("jobs", "run").exit_code == 0
    assert states() == {"due": "scheduled", "not-yet": "scheduled"}
    done = office.run("jobs", "run", "--release")
    assert (done.exit_code, states()) == (0, {"due": "published", "not-yet": "scheduled"}), done.output
    assert [row.is_periodic for row in office.jobs("release")] == [True]


def test_a_show_that_has_published_nothing_has_nothing_to_release(office: Office) -> None:
    """No failure every minute before the first publication."""
    assert office.run("jobs", "run", "--release").stdout == "2 jobs done\n"
    assert [row.last_error for row in office.jobs("release")] == [None]


def test_jobs_of_a_later_release_are_left_alone(office: Office) -> None:
    """A kind that this program does not know is listed and not touched."""
    row = {"kind": "fax", "key": "1", "payload": {}, "created_at": datetime.now(UTC), "attempts": 0}
    with write_transaction(office.site.subscribers.engine) as connection:
        connection.execute(jobs.insert().values(show_id=SHOW_ID, run_after=datetime.now(UTC), **row))
    assert office.run("jobs", "run").exit_code == 0
    assert [job.attempts for job in office.jobs("fax")] == [0]
    assert "fax" in office.run("jobs", "list").stdout


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
WAITING = JobRow("letter", False, NOON, NOON, 0, None, None, None, None)
DONE = replace(WAITING, attempts=1, outcome="done", finished_at=NOON)
FAILED = replace(DONE, outcome="failed", last_error="mail server x:25: is away")
PERIODIC = replace(WAITING, kind="daily", is_periodic=True, run_after=NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ((), []),
        ((WAITING, DONE, PERIODIC), []),
        (
            (FAILED, replace(FAILED, last_error="the last")),
            ["letter: 2 failed in the last seven days; the last one: the last; see `podcast jobs list`"],
        ),
        (
            (replace(DONE, outcome="in doubt"),),
            ["letter: 1 in doubt in the last seven days; see `podcast jobs list`"],
        ),
        ((replace(PERIODIC, attempts=2, last_error="x"),), []),
        ((replace(PERIODIC, attempts=3, last_error="x"),), ["daily: failed 3 times in a row: x"]),
        ((replace(PERIODIC, attempts=9),), ["daily: failed 9 times in a row: see the log of the server"]),
        (
            (replace(WAITING, run_after=NOON - timedelta(hours=1)),) * 2,
            ["letter: 2 overdue; is `podcast serve` or `podcast jobs run` running?"],
        ),
        ((replace(WAITING, run_after=NOON - timedelta(hours=1), claimed_until=NOON),), []),
    ],
    ids=["none", "well", "failed", "in doubt", "twice", "thrice", "bug", "overdue", "running"],
)
def test_what_doctor_says_of_jobs(rows: tuple[JobRow, ...], lines: list[str]) -> None:
    """A line for each kind that was given up, fails again and again, or that nothing does."""
    assert find_job_problems(rows, now=NOON) == lines
