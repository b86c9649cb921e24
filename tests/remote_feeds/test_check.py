"""`podcast feed check` against real servers: `podcast serve`, and a host that breaks one rule at a time."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from podcast_pipeline.storage.objects import FEED_CACHE, FEED_KEY, FEED_TYPE
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.http_servers import FileHost, ServedFile, rebuild_for_port, running_host, running_site
from tests.support.ports import free_port
from tests.support.rule_cases.hosts import FAULTS, findings, right_files
from tests.support.show import ShowFolder, copy_show_folder

TOKEN = "a" * 16 + "." + "2" * 32


@pytest.fixture
def right_host() -> Iterator[FileHost]:
    """A host without a fault."""
    with running_host() as running:
        running.files.update(right_files(running.url))
        yield running


def test_right_host_has_no_findings(right_host: FileHost) -> None:
    """A correct feed with correct files has no finding; audio is never fetched whole."""
    assert findings(f"{right_host.url}/feed.xml") == ()
    assert all(
        range_ for method, path, range_ in right_host.requests if path == "/one.mp3" and method == "GET"
    )


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_found_under_its_rule(right_host: FileHost, name: str) -> None:
    """A host with one fault breaks one rule."""
    rule, severity, break_it = FAULTS[name]
    break_it(right_host.files)
    assert {(f.rule, f.severity) for f in findings(f"{right_host.url}/feed.xml")} == {(rule, severity)}


def test_a_file_that_is_not_reachable_is_named(right_host: FileHost, closed_port: int) -> None:
    """A file on a host that does not exist is one finding, with the line in the feed."""
    gone = f"http://127.0.0.1:{closed_port}"
    feed = right_host.files["/feed.xml"]
    feed.body = feed.body.replace(f"{right_host.url}/one.vtt".encode(), f"{gone}/one.vtt".encode())
    (finding,) = findings(f"{right_host.url}/feed.xml")
    assert (finding.rule, finding.line) == ("H4", 13)
    assert "cannot be reached" in finding.message


def test_secrets_of_the_address_are_not_printed(right_host: FileHost, tmp_path: Path) -> None:
    """No output line contains the token of a path or the key of a query."""
    feed = right_host.files["/feed.xml"]
    secret = f"/feeds/{TOKEN}/feed.xml?key=geheim-und-lang"
    body = feed.body.replace(b"/feed.xml", secret.encode()).replace(b">one<", f">{TOKEN}<".encode())
    right_host.files[secret] = ServedFile(body, "text/html", headers={"ETag": ""})
    done = ShowFolder(tmp_path).run("feed", "check", f"{right_host.url}{secret}")
    assert done.returncode == 3
    assert "/feeds/***/feed.xml?***" in done.stdout
    assert not any(word in done.stdout + done.stderr for word in (TOKEN, "geheim"))


def test_json_has_a_row_for_each_finding(right_host: FileHost, tmp_path: Path) -> None:
    """The JSON document has the counts, and rule, severity, line, message and fix of each finding."""
    right_host.files["/one.mp3"].faults.add("range")
    done = ShowFolder(tmp_path).run("--json", "feed", "check", f"{right_host.url}/feed.xml")
    document = json.loads(done.stdout)
    assert (done.returncode, document["errors"]) == (3, len(document["findings"]))
    assert set(document["findings"][0]) == {"rule", "severity", "line", "message", "fix"}


def test_no_answer_is_one_line(tmp_path: Path, closed_port: int) -> None:
    """A feed that cannot be fetched or read is an error with exit 1, not a finding."""
    done = ShowFolder(tmp_path).run("feed", "check", f"http://127.0.0.1:{closed_port}/feed.xml")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    missing = ShowFolder(tmp_path).run("feed", "check", "nothing.xml")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)


def test_what_podcast_serve_serves_has_no_errors(published: ShowFolder, tmp_path: Path) -> None:
    """Our own feed breaks no rule, fetched over HTTP or read from the store."""
    show, port = copy_show_folder(published, tmp_path / "show"), free_port()
    rebuild_for_port(show, port)
    with running_site(show, port) as site:
        done = show.run("feed", "check", f"{site}/public/feed.xml")
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings\n")
    assert show.run("feed", "check").stdout == "0 errors, 0 warnings\n"


def test_a_bucket_lets_web_players_read(right_host: FileHost, s3_store: S3Store) -> None:
    """The CORS request has an Origin header, as a bucket sends its CORS headers only then."""
    body = right_host.files["/feed.xml"].body
    s3_store.put(FEED_KEY, body, content_type=FEED_TYPE, cache_control=FEED_CACHE)
    found = findings(s3_store.url(FEED_KEY))
    assert {(f.rule, f.severity) for f in found} == {("H3", "warning")}  # a bucket has no gzip
