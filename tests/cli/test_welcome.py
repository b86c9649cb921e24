"""`podcast subscribers welcome`, `podcast students codes`, and the jobs that send these mails."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from podcast_pipeline.cli.app import app
from podcast_pipeline.errors import ConfigError, MailError, SubscriberError
from tests.support.mail_server import PASSWORD, USER, FaultyMailbox, running_mail_server
from tests.support.paths import ROOT
from tests.support.show import ShowFolder

# the server listens on this machine only
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

ANN, BOB = "ann@example.org", "nobody@example.org"
TODAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"


class Newsroom:
    """A show that welcomes, and its mail server."""

    def __init__(self, folder: Path, mailbox: FaultyMailbox, port: int) -> None:
        self.folder, self.mailbox = folder, mailbox
        self.environment = {
            "PODCAST_MAIL_HOST": "127.0.0.1",
            "PODCAST_MAIL_PORT": str(port),
            "PODCAST_MAIL_SECURITY": "none",
            "PODCAST_MAIL_USERNAME": USER,
            "PODCAST_MAIL_PASSWORD": PASSWORD,
            "PODCAST_MAIL_WELCOME": TODAY,
            "PODCAST_MAIL_PER_MINUTE": "6000",
        }

    def run(self, *words: str, **environment: str) -> Result:
        """Run a command."""
        runner = CliRunner(env={**self.environment, **environment})
        return runner.invoke(app, ["--project", str(self.folder), *words])


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    """A newsroom."""
    (tmp_path / "show.toml").write_bytes((ROOT / "show.toml").read_bytes())
    ShowFolder(tmp_path).init_database()
    mailbox = FaultyMailbox()
    with running_mail_server(mailbox) as port:
        yield Newsroom(tmp_path, mailbox, port)


def test_whoever_was_added_is_welcomed_once(room: Newsroom) -> None:
    """Counted by --dry-run, sent once, a refused address named by its id with exit code 3."""
    for email in (ANN, BOB):
        assert room.run("subscribers", "add", email).exit_code == 0
    dry = room.run("subscribers", "welcome", "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, "2 mails to send (dry run, nothing was sent)\n")
    done = room.run("subscribers", "welcome")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (3, "1 sent"), done.output
    assert "1 refused by the mail server" in done.stdout
    assert "refuses the recipient" in done.stderr
    assert "@" not in done.output
    again = json.loads(room.run("--json", "subscribers", "welcome").stdout)
    assert (again["sent"], again["refused"], again["in_doubt"]) == (0, 0, [])
    assert {to: len(mails) for to, mails in room.mailbox.take_messages().items()} == {ANN: 1}


def test_without_a_day_nobody_is_welcomed(room: Newsroom) -> None:
    """It says which key is missing; without a mail server it is an error only where a mail is due."""
    room.run("subscribers", "add", ANN)
    none = room.run("subscribers", "welcome", PODCAST_MAIL_WELCOME="2999-01-01")
    assert (none.exit_code, none.stdout) == (0, "0 sent\n")
    lacking = room.run("subscribers", "welcome", PODCAST_MAIL_HOST="")
    assert isinstance(lacking.exception, ConfigError)
    wrong = room.run("subscribers", "welcome", PODCAST_MAIL_WELCOME="soon")
    assert isinstance(wrong.exception, ConfigError)


def test_a_lost_answer_is_in_doubt_and_named(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent again by itself; --in-doubt sends it."""
    monkeypatch.setattr("podcast_pipeline.audience.account_mails.queue.DOUBTFUL_AFTER", timedelta(seconds=-1))
    room.mailbox.breaks_at = {1}
    room.run("subscribers", "add", ANN)
    lost = room.run("subscribers", "welcome")
    assert isinstance(lost.exception, MailError)
    assert "0 sent, run the command again for the others" in str(lost.exception)
    again = room.run("subscribers", "welcome")
    assert again.stdout.splitlines()[0] == "0 sent"
    assert "1 in doubt: a run ended before the mail server answered; see --in-doubt" in again.stdout
    assert room.run("subscribers", "welcome", "--in-doubt").stdout == "1 sent\n"
    assert room.run("subscribers", "welcome", "--in-doubt").stdout == "0 sent\n"


def test_the_servers_send_the_mails_too(room: Newsroom) -> None:
    """By jobs: the welcome, what [mail] tells, and a student's link; each once."""
    room.run("subscribers", "add", ANN)
    room.run("subscribers", "rotate", ANN)
    students = {"PODCAST_STUDENTS_PAGE": "true"}
    tells = {"PODCAST_MAIL_TELLS": '["rotated"]'}
    done = room.run("jobs", "run", **students, **tells)
    assert done.exit_code == 0, done.output
    room.run("jobs", "run", **students, **tells)
    mails = room.mailbox.take_messages()[ANN]
    assert [mail["Subject"].partition(" ")[0] for mail in mails] == ["Your", "Your"]
    assert "was replaced" in mails[1]["Subject"]
    kinds = {job["kind"] for job in json.loads(room.run("--json", "jobs", "list", **students).stdout)["jobs"]}
    assert {"account mails", "student reminders"} <= kinds


def test_codes_are_loaded_and_counted(room: Newsroom, tmp_path: Path) -> None:
    """Each once; a file that is none, or has a wrong line, is one line that says what to do."""
    path = tmp_path / "codes.txt"
    path.write_text("HALF-1\nHALF-2\n\n", encoding="utf-8")
    loaded = room.run("students", "codes", str(path))
    assert loaded.stdout == f"{path}: 2 codes loaded\n2 codes left, 0 given\n"
    assert json.loads(room.run("--json", "students", "codes", str(path)).stdout) == {
        "loaded": 0,
        "given": 0,
        "left": 2,
    }
    path.write_text("code,used\n", encoding="utf-8")
    assert isinstance(room.run("students", "codes", str(path)).exception, SubscriberError)
    for bad in (tmp_path, tmp_path / "none"):
        assert isinstance(room.run("students", "codes", str(bad)).exception, ConfigError)
