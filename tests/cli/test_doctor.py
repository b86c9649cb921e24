"""`podcast doctor` checks everything, names each fault with its remedy, and exits with 3."""

import errno
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from podcast_pipeline.audience.database import connect
from podcast_pipeline.audience.database.lease import lease
from podcast_pipeline.cli import os_error_message
from podcast_pipeline.cli.commands.doctor import CHECKS, _print_policy, _run_check
from podcast_pipeline.cli.doctor.finding import DoctorFinding
from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import show_in_bucket
from tests.support.databases import PROCESSES
from tests.support.s3 import S3Server
from tests.support.show import SLUG, ShowFolder, build_show_folder

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def show(tmp_path: Path) -> ShowFolder:
    return build_show_folder(tmp_path / "show").init_database()


def examine(show: ShowFolder, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code and the findings by name."""
    done = show.run("--json", "doctor", **environment)
    assert done.stderr == ""
    return done.returncode, {f["name"]: f for f in json.loads(done.stdout)["findings"]}


def bad(findings: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: finding["said"] for name, finding in findings.items() if finding["ok"] is False}


def test_a_fresh_show_is_well(show: ShowFolder) -> None:
    """The sample show with the embedded parts has no finding."""
    code, findings = examine(show)
    assert (code, bad(findings)) == (0, {})
    assert {"python", "ffmpeg", "engine", "weights", "artwork", "database", "store: put"} <= set(findings)


@pytest.mark.parametrize(
    ("limit", "pinned", "found"),
    [
        ("+avx2,+fma", "auto", "f32, the fastest on AVX2"),
        ("+avx512f,+avx512vnni", "auto", "int8, the fastest on AVX-512 with VNNI"),
        ("+avx2", "f32", "f32, pinned"),
    ],
)
def test_the_precision_and_why(show: ShowFolder, limit: str, pinned: str, found: str) -> None:
    """The number type of the openvino engine on this processor, or the pinned one."""
    _, findings = examine(show, NUMBA_CPU_FEATURES=limit, PODCAST_TRANSCRIPTION_PRECISION=pinned)
    assert findings["precision"] == {"name": "precision", "ok": True, "said": found}


def test_a_new_machine_is_measured_once_and_init_knows_it(show: ShowFolder, tmp_path: Path) -> None:
    """Where nothing was transcribed yet, doctor measures and remembers; init then says it, too."""
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    _, findings = examine(show, **own)
    said = findings["speed"]["said"]
    assert said.startswith("one hour of audio takes about ")
    assert " with large-v3-turbo, " in said
    (kept,) = (tmp_path / "cache").rglob("speed/*.json")
    before = kept.stat().st_mtime_ns
    assert examine(show, **own)[1]["speed"]["said"] == said
    assert kept.stat().st_mtime_ns == before
    made = ShowFolder(tmp_path).run("init", "second", **own)
    assert said in made.stdout


def test_each_thing_that_is_wrong_is_named_with_what_to_do(show: ShowFolder) -> None:
    """A missing picture and jingle, an unknown model and engine, and http addresses are found in one run."""
    (show.folder / "artwork.jpg").unlink()
    code, findings = examine(
        show,
        PODCAST_AUDIO_INTRO="intro.wav",
        PODCAST_TRANSCRIPTION_MODEL="no-such-model",
        PODCAST_URLS_SITE="http://pod.example.org",
        PODCAST_MAIL_HOST="127.0.0.1",
        PODCAST_MAIL_PORT="1",
    )
    wrong = bad(findings)
    assert code == 3
    assert set(wrong) == {
        "artwork",
        "audio.intro",
        "weights",
        "urls.site",
        "urls.media",
        "placeholder",
        "mail",
    }
    assert "put it beside show.toml" in wrong["audio.intro"]


def test_a_key_that_made_none_of_the_links_is_named(show: ShowFolder) -> None:
    """A secret key that made none of the published links is named."""
    assert show.run("subscribers", "add", "ann@example.org").returncode == 0
    code, findings = examine(show, PODCAST_SECRET_KEY="0" * 64)
    assert code == 3
    assert "restore that key" in bad(findings)["secret key"]


def test_a_key_file_that_others_may_read_is_a_note(show: ShowFolder) -> None:
    """The note of a readable key file names the command that restricts its permissions."""
    beside = {"PODCAST_DATABASE_URL": "", "PODCAST_SECRET_KEY": ""}
    assert show.run("subscribers", "add", "ann@example.org", **beside).returncode == 0
    (show.folder / ".podcast/secret_key").chmod(0o644)
    code, findings = examine(show, **beside)
    assert (code, findings["secret key"]["ok"]) == (0, None)
    assert "chmod 600" in findings["secret key"]["said"]


def test_a_bucket_is_asked_by_doing(show: ShowFolder, s3_server: S3Server) -> None:
    """A correct bucket passes; a public bucket is named; wrong credentials are one finding."""
    place = show_in_bucket(show.folder, S3Store(s3_server.fresh_bucket(), session=s3_server.session), NOW)
    assert examine(show, **place.environment)[0] == 0
    refused = {**place.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    code, findings = examine(show, **refused)
    assert (code, "AWS_SECRET_ACCESS_KEY" in bad(findings)["store: put"]) == (3, True)
    policy = {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    bucket = place.environment["PODCAST_STORAGE_PUBLIC_BUCKET"]
    policy["Resource"] = f"arn:aws:s3:::{bucket}/*"
    s3_server.admin.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    )
    code, findings = examine(show, **place.environment)
    assert (code, "store: nobody reads private/" in bad(findings)) == (3, True)


B2 = {
    "PODCAST_STORAGE_KIND": "s3",
    "PODCAST_STORAGE_CONDITIONAL_WRITES": "false",
}


def test_without_conditions_a_lease_or_a_word_is_needed(
    show: ShowFolder, s3_server: S3Server, postgresql: str
) -> None:
    """Without conditional writes SQLite needs a single publisher; PostgreSQL has a lease."""
    place = show_in_bucket(show.folder, S3Store(s3_server.fresh_bucket(), session=s3_server.session), NOW)
    environment = {**place.environment, **B2, "PODCAST_DATABASE_URL": ""}
    assert "PODCAST_DATABASE_URL" in bad(examine(show, **environment)[1])["two publishers"]
    refused = show.run("publish", "two-winters-and-a-will", **environment)
    assert (refused.returncode, "single_publisher = true" in refused.stderr) == (1, True)
    _, alone = examine(show, **environment, PODCAST_STORAGE_SINGLE_PUBLISHER="true")
    assert alone["two publishers"]["ok"] is None
    _, leased = examine(show, **{**environment, "PODCAST_DATABASE_URL": f"{postgresql}/podcast_template"})
    assert leased["two publishers"]["said"] == "a lease in PostgreSQL decides"


def test_who_holds_the_lease_is_alone(postgresql: str, tmp_path: Path) -> None:
    """A second publisher of a show waits and then fails; a publisher of another show does not wait."""
    engine, show = connect(f"{postgresql}/podcast_template", tmp_path), uuid4()
    with lease(engine, show):
        with (
            pytest.raises(SubscriberError, match="another process has been publishing"),
            lease(engine, show, wait_s=0.2),
        ):
            pytest.fail("two publishers at once")
        with lease(engine, uuid4(), wait_s=0.2):
            pass
    with lease(engine, show, wait_s=0.2):
        pass
    engine.dispose()


def hold(url: str, folder: Path, show: str, held: Any) -> None:
    """Hold the lease until the process is killed."""
    from uuid import UUID

    with lease(connect(url, folder), UUID(show)):
        held.set()
        threading.Event().wait(60)


def test_a_publisher_that_is_killed_lets_go(postgresql: str, tmp_path: Path) -> None:
    """A kill -9 frees the lease at once, as it belongs to the connection."""
    url, show, held = f"{postgresql}/podcast_template", uuid4(), PROCESSES.Event()
    process = PROCESSES.Process(target=hold, args=(url, tmp_path, str(show), held))
    process.start()
    assert held.wait(60)
    process.kill()
    process.join()
    engine = connect(url, tmp_path)
    with lease(engine, show, wait_s=5):
        pass
    engine.dispose()


def test_a_folder_that_cannot_be_written_is_one_of_the_checks(tmp_path: Path) -> None:
    """An error of the operating system is one finding, and all other checks run."""
    error = OSError(errno.EROFS, "Read-only file system", "/show/.podcast/podcast.db")

    def look(_: CliSession) -> Iterator[DoctorFinding]:
        raise error
        yield

    (found,) = _run_check("database", look, CliSession(tmp_path, Output(quiet=True)))
    assert (found.ok, found.said) == (False, "/show/.podcast/podcast.db: Read-only file system")


def test_a_copy_that_did_not_fit_is_named_by_where_it_went() -> None:
    """A disk error names the file that is written, not the recording."""
    full = OSError(
        errno.ENOSPC, "No space left on device", "/card/a.wav", None, "/show/episodes/a/source.wav"
    )
    assert (
        os_error_message(full)
        == "/show/episodes/a/source.wav: No space left on device; make room and run again"
    )


def test_unpublishing_a_draft_says_what_it_is(show: ShowFolder) -> None:
    """An unpublished draft is not reported as an unknown episode."""
    done = show.run("unpublish", SLUG)
    assert (done.returncode, "is a draft" in done.stderr, len(done.stderr.splitlines())) == (1, True, 1)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "is not set, so no page has a Subscribe button; write the address"),
        ("http://127.0.0.1:8080/", "leads back to this site, so no page has a Subscribe button"),
        ("https://news.example/join", None),
    ],
)
def test_a_subscribe_button_that_leads_nowhere_is_a_note(
    show: ShowFolder, url: str | None, said: str | None
) -> None:
    """Without an address of its own the button would lead to the page that it is on."""
    text = (show.folder / "show.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(# )?renew_url = .*$", f"renew_url = '{url}'" if url else "", text)
    (show.folder / "show.toml").write_text(text, encoding="utf-8")
    session = CliSession(show.folder, Output(quiet=True))
    (found,) = CHECKS["access.renew_url"](session)
    assert (found.ok, found.said.startswith(said or str(url))) == (None if said else True, True)


def test_recordings_that_git_would_take_or_that_are_not_here_are_notes(tmp_path: Path) -> None:
    """An older show's .gitignore has no line for them; a clone has none of them."""
    show = build_show_folder(tmp_path / "show")
    session = CliSession(show.folder, Output())
    assert list(CHECKS["recordings"](session)) == []  # no git
    (show.folder / ".git").mkdir()
    (show.folder / ".gitignore").write_text("/.podcast/\n", encoding="utf-8")
    (finding,) = CHECKS["recordings"](session)
    assert (finding.ok, "add /episodes/*/source.*" in finding.said) == (None, True)
    (show.folder / ".gitattributes").write_text("episodes/*/source.* filter=lfs\n", encoding="utf-8")
    next(show.episode.glob("source.*")).unlink()
    (finding,) = CHECKS["recordings"](session)
    assert (finding.ok, finding.said.startswith(f"{SLUG} lacks its own")) == (None, True)


def test_each_document_of_the_policy_has_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three JSON documents, each for the command above it; --json has all in one."""
    show = build_show_folder(tmp_path / "show")
    monkeypatch.setenv("PODCAST_STORAGE_PUBLIC_BUCKET", "talks")
    monkeypatch.setenv("PODCAST_STORAGE_ENDPOINT_URL", "https://s3.example.net")
    _print_policy(CliSession(show.folder, Output()))
    parts = [part.split("\n", 1) for part in f"\n{capsys.readouterr().out}".split("\n# ")[1:]]
    calls, documents = [part[0] for part in parts], [json.loads(part[1]) for part in parts]
    assert [next(iter(document)) for document in documents] == ["Version", "CORSRules", "Rules"]
    assert calls[0] == (
        "policy.json, for: aws s3api --endpoint-url https://s3.example.net put-bucket-policy"
        " --bucket talks --policy file://policy.json"
    )
    _print_policy(CliSession(show.folder, Output(as_json=True)))
    assert set(json.loads(capsys.readouterr().out)) == {"policy", "cors", "lifecycle"}
