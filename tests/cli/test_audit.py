"""`podcast audit` against a running `podcast serve`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_servers import rebuild_for_port, running_site
from tests.support.ports import free_port
from tests.support.show import ShowFolder, copy_show_folder


@pytest.fixture(scope="module")
def served_show(
    published: ShowFolder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ShowFolder, str]]:
    """A published show that is served, and its address."""
    made, port = copy_show_folder(published, tmp_path_factory.mktemp("audit") / "show"), free_port()
    rebuild_for_port(made, port)
    with running_site(made, port) as site:
        yield made, site


def test_a_clean_show_is_exit_0_and_an_open_object_exit_3(
    served_show: tuple[ShowFolder, str], tmp_path: Path
) -> None:
    """A clean site, bucket and log have no finding; a transcript in a mail is one, with exit 3."""
    show, site = served_show
    log = ("--log", str(show.folder / "serve.log"), "--mail", str(tmp_path))
    clean = show.run("audit", *log, PODCAST_URLS_SITE=site)
    assert (clean.returncode, clean.stdout) == (
        0,
        "no leak, no broken link\n",
    ), clean.stdout + clean.stderr
    assert b"/feeds/***/" in (show.folder / "serve.log").read_bytes()
    words, *_ = (show.bucket / "private" / "transcripts").glob("*.txt")  # the rebuild made it anew
    (tmp_path / "mail.eml").write_bytes(b"To: somebody@example.org\n\n" + words.read_bytes())
    found = show.run("--json", "audit", *log, PODCAST_URLS_SITE=site)
    assert found.returncode == 3
    assert [(f["rule"], f["who"]) for f in json.loads(found.stdout)["findings"]] == [("P5", "mail")]
    assert json.loads(show.run("--json", "subscribers", "list").stdout) == {"subscribers": []}


def test_a_site_that_does_not_answer_is_one_line(
    published: ShowFolder, tmp_path: Path, closed_port: int
) -> None:
    """The error line names the address and the command to start."""
    show = copy_show_folder(published, tmp_path / "show").init_database()
    rebuild_for_port(show, closed_port)  # the audit asks the site that the catalog names
    done = show.run("audit", PODCAST_URLS_SITE=f"http://127.0.0.1:{closed_port}")
    assert done.returncode == 1
    assert f"http://127.0.0.1:{closed_port}" in done.stderr
    assert "does not answer (ConnectError); start `podcast serve`, or correct [urls]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
