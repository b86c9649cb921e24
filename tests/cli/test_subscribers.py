"""`podcast subscribers import`, `export`, `data-export`, and the retention thread of `serve`."""

import json
from datetime import UTC, datetime
from errno import ENOSPC, EROFS
from pathlib import Path
from typing import TextIO

import pytest
from typer.testing import CliRunner, Result

from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.membership.entitlements import apply_membership
from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.cli.app import app
from podcast_pipeline.config import load_config
from podcast_pipeline.errors import SubscriberError
from tests.support.databases import SHOW_DATABASES
from tests.support.paths import ROOT
from tests.support.show import ShowFolder

GOOD = "email,plan,paid_until\nann@example.com,student,2099-01-31\nbob@example.com,,\n"
BAD = GOOD + "not an address,,\nann@example.com,standard,\ncarl@example.com,golden,\n"


@pytest.fixture
def show(tmp_path: Path) -> Path:
    """A show's folder with the sample's show.toml, a key and an empty database."""
    (tmp_path / "show.toml").write_bytes((ROOT / "show.toml").read_bytes())
    return ShowFolder(tmp_path).init_database().folder


def run(show: Path, *words: str, **environment: str) -> Result:
    return CliRunner(
        env={"PODCAST_DATABASE_URL": "", **SHOW_DATABASES.environment(show), **environment}
    ).invoke(app, ["--project", str(show), *words])


def imported(show: Path, text: str, *words: str) -> Result:
    (show / "people.csv").write_text(text, encoding="utf-8")
    return run(show, *words, "subscribers", "import", str(show / "people.csv"))


def test_import_says_how_many_and_is_idempotent(show: Path) -> None:
    """The first import adds all subscribers; the second changes nothing."""
    assert imported(show, GOOD).stdout.endswith("people.csv: 2 added\n")
    assert imported(show, GOOD).stdout.endswith("people.csv: 2 unchanged\n")


def test_dry_run_changes_nothing(show: Path) -> None:
    """--dry-run prints the same counts and adds no subscriber."""
    (show / "people.csv").write_text(GOOD, encoding="utf-8")
    done = run(show, "subscribers", "import", str(show / "people.csv"), "--dry-run")
    assert done.stdout.endswith("2 added (dry run, nothing was changed)\n")
    assert json.loads(run(show, "--json", "subscribers", "list").stdout) == {"subscribers": []}


def test_an_end_that_is_past_is_told(show: Path) -> None:
    """The import counts the subscribers whose access it would end, as columns may be swapped."""
    past = "email,paid_until\nann@example.com,2020-01-31\ndora@example.com,2020-01-31\n"
    assert "that is past" not in imported(show, GOOD).stderr
    (show / "people.csv").write_text(past, encoding="utf-8")
    for words in (("--dry-run",), ()):
        done = run(show, "--json", "subscribers", "import", str(show / "people.csv"), *words)
        assert json.loads(done.stdout)["ended"] == 2
        assert "2 of the added and changed have a paid_until that is past" in done.stderr
    assert json.loads(imported(show, past, "--json").stdout)["ended"] == 0


def test_access_without_an_end_is_told(show: Path) -> None:
    """The import counts the subscribers who may read for ever from now on."""
    done = imported(show, GOOD)
    assert done.stderr.endswith("people.csv: 1 of the added and changed get access without an end\n")
    assert imported(show, GOOD).stderr == ""


def test_the_year_9999_is_for_ever(show: Path) -> None:
    """`--until 9999-12-31` never ends, in `add` as in `renew`, and `renew` says so."""
    assert run(show, "subscribers", "add", "a@example.org", "--until", "9999-12-31").exit_code == 0
    (ann,) = json.loads(run(show, "--json", "subscribers", "list").stdout)["subscribers"]
    assert ann["paid_until"] is None
    done = run(show, "subscribers", "renew", "a@example.org", "--until", "2099-01-31")
    assert done.stdout == "a@example.org: active, paid until 2099-01-31\n"
    done = run(show, "subscribers", "renew", "a@example.org", "--until", "9999-12-30")
    assert done.stdout == "a@example.org: active, for ever\n"


def test_bad_lines_are_reported_and_exit_3(show: Path) -> None:
    """Each bad line is reported with number and reason, the others are imported, and the exit code is 3."""
    done = imported(show, BAD)
    lines = [line.rpartition("people.csv:")[2] for line in done.stdout.splitlines()]
    assert done.exit_code == 3
    assert lines[0].startswith("4: bad: not an address: is not an e-mail address")
    assert lines[1] == "5: duplicate: ann@example.com: repeats the address of line 2"
    assert lines[2].startswith("6: bad: carl@example.com: golden: is not a plan")
    assert lines[3] == " 2 added, 2 bad, 1 duplicate"


def test_json_has_the_counts_and_the_lines(show: Path) -> None:
    """The JSON document has the counts, and the lines to correct."""
    report = json.loads(imported(show, BAD, "--json").stdout)
    assert report["counts"] == {"added": 2, "bad": 2, "duplicate": 1}
    assert [line["number"] for line in report["lines"]] == [4, 5, 6]


def test_export_is_private_and_comes_back(show: Path) -> None:
    """Only its owner may read the exported file, and importing it changes nothing."""
    imported(show, GOOD)
    done = run(show, "--json", "subscribers", "export", str(show / "out.csv"))
    assert json.loads(done.stdout)["subscribers"] == 2
    assert (show / "out.csv").stat().st_mode & 0o777 == 0o600
    assert run(show, "subscribers", "import", str(show / "out.csv")).stdout.strip().endswith("2 unchanged")


def test_an_export_that_fails_names_its_file_and_leaves_nothing(
    show: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing folder or a full disk is one error that names the file, and no file is left."""
    imported(show, GOOD)
    gone = run(show, "subscribers", "export", str(show / "gone/out.csv"))
    assert isinstance(gone.exception, FileNotFoundError)
    assert gone.exception.filename == str(show / "gone/out.csv")

    def fill(_: object, file: TextIO, *, now: object) -> int:
        file.write("ann@example.com")
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("podcast_pipeline.audience.subscribers.csv.exporter.export_csv", fill)
    full = run(show, "subscribers", "export", str(show / "out.csv"))
    assert isinstance(full.exception, OSError)
    assert full.exception.filename == str(show / "out.csv")
    assert list(show.glob("out.csv*")) == []


def test_another_key_is_found_before_it_makes_links(show: Path) -> None:
    """A secret key that made none of the published links is one error line, with --dry-run too."""
    imported(show, GOOD)
    for words in ((), ("--dry-run",)):
        people = str(show / "people.csv")
        done = run(show, "subscribers", "import", people, *words, PODCAST_SECRET_KEY="0" * 64)
        assert isinstance(done.exception, SubscriberError)
        assert done.exception.subject == "secret key"


def test_a_database_that_fails_is_not_blamed_on_the_export(
    show: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database in a read-only folder is named, not the file that could well be written (c24)."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(EROFS, "Read-only file system", str(show / "podcast.db"))

    monkeypatch.setattr("podcast_pipeline.cli.audience.open_subscribers", refuse)
    failed = run(show, "subscribers", "export", str(show / "out.csv"))
    assert isinstance(failed.exception, OSError)
    assert failed.exception.filename == str(show / "podcast.db")
    assert not (show / "out.csv").exists()


@pytest.mark.parametrize("command", ["data-export", "dossier"])
def test_a_data_export_is_json_without_secrets(show: Path, command: str) -> None:
    """A person gets all data stored about them, and no secret, under both names of the command."""
    imported(show, GOOD)
    done = run(show, "subscribers", command, "ann@example.com")
    held = json.loads(done.stdout)
    assert held["subscriber"]["email"] == "ann@example.com"
    assert held["audit_log"][0]["origin"] == "import"
    assert "sha256" not in done.stdout


PLANS = '\n[[plans]]\nid = "monthly"\ntitle = "Every month"\nperiod = "monthly"\n'


def test_plans_of_show_toml_are_taken_and_others_named(show: Path) -> None:
    """`add --plan` and the column `plan` take the ids of [[plans]]; another one is a line that lists them."""
    refused = run(show, "subscribers", "add", "ann@example.org", "--plan", "monthly")
    assert isinstance(refused.exception, SubscriberError)
    assert str(refused.exception) == "monthly: is not a plan; known are standard, student"
    (show / "show.toml").write_text((show / "show.toml").read_text(encoding="utf-8") + PLANS)
    assert run(show, "subscribers", "add", "ann@example.org", "--plan", "monthly").exit_code == 0
    assert imported(show, "email,plan\nbob@example.org,Monthly\n").exit_code == 0
    listed = json.loads(run(show, "--json", "subscribers", "list").stdout)["subscribers"]
    assert [(one["plan"], one["sources"]) for one in listed] == [("monthly", ["manual"])] * 2
    assert run(show, "subscribers", "list").stdout.splitlines()[-1].split() == [
        *("bob@example.org", "active", "monthly", "yearly", "manual"),
    ]
    bad = imported(show, "email,plan\ncy@example.org,golden\n")
    assert "golden: is not a plan; known are standard, student, monthly" in bad.stdout


def test_an_import_leaves_to_a_membership_site_what_is_its(show: Path) -> None:
    """An exported subscriber of a site alone is skipped, so that the file gives no access of its own."""
    done = imported(
        show, "email,paid_until,sources\nann@example.org,,stripe\nbob@example.org,,stripe manual\n"
    )
    assert "skipped: ann@example.org: is kept by stripe; empty that cell" in done.stdout
    assert done.stdout.endswith("people.csv: 1 skipped, 1 added\n")


@pytest.mark.parametrize("words", [(), ("--erase",)])
def test_a_subscription_that_goes_on_is_told(show: Path, words: tuple[str, ...]) -> None:
    """Who is removed or erased here, and still pays at a membership site, is named with the site."""
    run(show, "subscribers", "add", "bob@example.org")
    engine = open_database(SHOW_DATABASES.url(show), show / ".podcast")
    people = Subscribers(engine, show_id=load_config(show, {}).show.id, secret_key=b"k" * 32)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    joined = Membership(
        source="stripe", foreign_id="1", email="bob@example.org", starts_at=now, observed_at=now
    )
    apply_membership(people, joined, grace_days=7, now=now, origin="hook")
    engine.dispose()
    done = run(show, "subscribers", "remove", "bob@example.org", *words)
    assert done.exit_code == 0
    assert "bob@example.org: the subscription at stripe goes on, and is paid; end it there too" in done.stderr
    run(show, "subscribers", "add", "cy@example.org")
    assert run(show, "subscribers", "remove", "cy@example.org", *words).stderr == ""
