"""No command but `podcast init` and `podcast db init` ever makes a database or a secret key."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import inspect
from typer.main import get_command
from typer.testing import CliRunner, Result

from podcast_pipeline.audience.database import connect
from podcast_pipeline.cli.app import app
from podcast_pipeline.errors import PodcastError
from tests.support import databases
from tests.support.bucket_show import soak_amounts
from tests.support.paths import ROOT
from tests.support.show import MODEL, PODCAST, SLUG, ShowFolder, build_show_folder

ANN = "ann@example.org"

ARGUMENTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("audit",): (),
    ("db", "copy"): (),
    ("db", "upgrade"): (),
    ("doctor",): (),
    ("feed", "check"): (),
    ("feed", "diff"): (),
    ("feed", "import"): ("--keep-audio", "feed.xml"),
    ("gc",): ("--yes",),
    ("ingest",): ("missing.wav",),
    ("jobs", "list"): (),
    ("jobs", "run"): (),
    ("list",): (),
    ("preview",): ("missing",),
    ("publish",): ("--yes", SLUG),
    ("pull",): (SLUG,),
    ("rebuild",): (),
    ("reindex",): (),
    ("release",): (),
    ("review",): (SLUG,),
    ("serve",): (),
    ("status",): (SLUG,),
    ("subscribers", "add"): (ANN,),
    ("subscribers", "data-export"): (ANN,),
    ("subscribers", "dossier"): (ANN,),
    ("subscribers", "events"): (),
    ("subscribers", "export"): ("people.csv",),
    ("subscribers", "import"): ("people.csv",),
    ("subscribers", "link"): (ANN,),
    ("subscribers", "list"): (),
    ("subscribers", "notify"): (SLUG,),
    ("subscribers", "reconcile"): (),
    ("subscribers", "remove"): (ANN,),
    ("subscribers", "renew"): (ANN,),
    ("subscribers", "resume"): (ANN,),
    ("subscribers", "rotate"): (ANN,),
    ("students", "codes"): ("codes.txt",),
    ("api-keys", "add"): ("crm", "--scope", "subscribers:read"),
    ("api-keys", "list"): (),
    ("api-keys", "revoke"): ("aaaaaaaaaaaaaaaa",),
    ("subscribers", "suspend"): (ANN,),
    ("subscribers", "welcome"): (),
    ("transcribe",): ("missing.wav",),
    ("transcript", "diff"): (SLUG,),
    ("transcript", "import"): ("--replace", SLUG, "typed.txt"),
    ("unpublish",): ("--yes", SLUG),
    ("unschedule",): (SLUG,),
    ("voices", "add"): ("Ann", "missing.wav"),
    ("voices", "list"): (),
    ("voices", "remove"): ("Ann",),
    ("withdraw",): ("--all", "--yes", SLUG),
}
"""A command -> arguments with which it goes as far as it can; a command that is not here is an error."""

MAKERS = {("init",), ("db", "init")}
NEED_NEITHER = {
    ("feed", "check"), ("feed", "diff"), ("feed", "import"), ("gc",), ("list",), ("publish",), ("rebuild",),
    ("release",), ("review",), ("status",), ("transcript", "import"), ("unpublish",), ("voices", "list"),
}  # fmt: skip
NEED_A_DATABASE = {
    words for words in ARGUMENTS if words[0] in ("audit", "jobs", "reindex", "serve", "subscribers")
} | {("db", "upgrade")}


def commands(words: tuple[str, ...] = (), command: object = None) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that does something, as Typer knows them."""
    inner = getattr(command or get_command(app), "commands", {})
    for name, one in inner.items():
        yield from commands((*words, name), one)
    if not inner:
        yield words


@pytest.fixture(scope="module")
def clone(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show as git clones it, and its store: neither database nor key."""
    folder = tmp_path_factory.mktemp("clone") / "show"
    shutil.copytree(published.folder, folder, symlinks=True)
    (folder / "feed.xml").write_bytes((folder / ".podcast/store/public/feed.xml").read_bytes())
    for name in ("podcast.db", "secret_key"):
        (folder / ".podcast" / name).unlink(missing_ok=True)
    shutil.copy(ROOT / "tests/data/sample/reference.txt", folder / "typed.txt")
    (folder / "people.csv").write_text(f"email\n{ANN}\n", encoding="utf-8")
    return folder


def run(folder: Path, words: tuple[str, ...], **environment: str) -> Result:
    """Run a command in this process."""
    settings = {
        "PODCAST_DATABASE_URL": "",
        "PODCAST_SECRET_KEY": "",
        "PODCAST_TRANSCRIPTION_MODEL": MODEL,
        "PODCAST_SPEAKERS_ENGINE": "off",
        **environment,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner(env=settings).invoke(app, [*words, *ARGUMENTS.get(words, ())])


def test_the_table_has_every_command() -> None:
    """A new command stands here too, or in MAKERS."""
    assert set(ARGUMENTS) | MAKERS == set(commands())


@pytest.mark.parametrize("words", ARGUMENTS, ids=" ".join)
def test_a_command_makes_neither_database_nor_key(
    words: tuple[str, ...], clone: Path, tmp_path: Path
) -> None:
    """What needs none goes on; what needs one is a line that names the file and both ways out."""
    folder = tmp_path / "show"
    shutil.copytree(clone, folder, symlinks=True)
    done = run(folder, words)
    assert not {"podcast.db", "secret_key"} & {path.name for path in (folder / ".podcast").rglob("*")}
    if words in NEED_NEITHER:
        assert done.exit_code in (0, 3), done.output
    if words in NEED_A_DATABASE:
        line = str(done.exception)
        assert isinstance(done.exception, PodcastError)
        for part in ("podcast.db", "PODCAST_DATABASE_URL", "PODCAST_SECRET_KEY", "podcast db init"):
            assert part in line
    if words == ("doctor",):
        assert (done.exit_code, done.stdout.count("podcast db init")) == (3, 2)


def test_no_command_makes_a_table_in_postgresql(clone: Path, tmp_path: Path, postgresql: str) -> None:
    """An empty PostgreSQL database stays empty, and the line names `podcast db init`."""
    folder, url = tmp_path / "show", databases.create_database(postgresql, template="template1")
    shutil.copytree(clone, folder, symlinks=True)
    for words in (*sorted(NEED_A_DATABASE), ("publish",), ("doctor",)):
        done = run(folder, words, PODCAST_DATABASE_URL=url, PODCAST_SECRET_KEY="k" * 32)
        said = f"{done.output}{done.exception}"
        assert "podcast db init" in said or (words, done.exit_code) == (("publish",), 0), said
    engine = connect(url, folder)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    databases.drop_database(url)


def test_db_init_makes_what_is_missing_and_nothing_twice(clone: Path, tmp_path: Path) -> None:
    """Database and key; a second time it is refused; a key whose links are out is not made anew."""
    folder = tmp_path / "show"
    shutil.copytree(clone, folder, symlinks=True)
    assert run(folder, ("db", "init")).stdout == "a new sqlite database, without subscribers\n"
    database, key = (folder / ".podcast" / name for name in ("podcast.db", "secret_key"))
    assert {path.stat().st_mode & 0o777 for path in (database, key)} == {0o600}
    before = key.read_bytes()
    assert "podcast.db: is there already; nothing was changed" in str(run(folder, ("db", "init")).exception)
    key.unlink()  # a run that was killed between the two leaves one of them
    assert run(folder, ("db", "init")).exit_code == 0
    assert key.read_bytes() != before
    assert run(folder, ("subscribers", "add")).exit_code == 0
    key.unlink()
    assert "secret_key: is missing" in str(run(folder, ("db", "init")).exception)
    assert not key.exists()


def test_db_init_in_postgresql(clone: Path, tmp_path: Path, postgresql: str) -> None:
    """Tables and a key; a second time it is refused, and an existing key is kept."""
    folder, url = tmp_path / "show", databases.create_database(postgresql, template="template1")
    shutil.copytree(clone, folder, symlinks=True)
    server = {"PODCAST_DATABASE_URL": url}
    done = run(folder, ("db", "init"), **server)
    assert done.stdout == "a new postgresql database, without subscribers\n"
    assert not (folder / ".podcast" / "podcast.db").exists()
    key = (folder / ".podcast" / "secret_key").read_bytes()
    assert "is there already" in str(run(folder, ("db", "init"), **server).exception)
    assert run(folder, ("subscribers", "add"), **server).exit_code == 0
    assert (folder / ".podcast" / "secret_key").read_bytes() == key
    databases.drop_database(url)


def test_after_init_everything_works(tmp_path: Path) -> None:
    """The README's first steps: `init` makes database and key, and `init` again after a loss keeps them."""
    mine = tmp_path / "mine"
    assert run(tmp_path, ("init", "mine")).exit_code == 0
    assert run(mine, ("subscribers", "add")).exit_code == 0
    kept = {name: (mine / ".podcast" / name).read_bytes() for name in ("podcast.db", "secret_key")}
    (mine / "show.toml").unlink()
    assert run(tmp_path, ("init", "mine")).exit_code == 0
    assert kept == {name: (mine / ".podcast" / name).read_bytes() for name in kept}


def test_init_with_a_server_makes_no_second_database(tmp_path: Path) -> None:
    """Where PODCAST_DATABASE_URL is set, `init` makes the key only."""
    url = f"postgresql://nobody@127.0.0.1:1/{uuid4().hex}"
    assert run(tmp_path, ("init", "mine"), PODCAST_DATABASE_URL=url).exit_code == 0
    assert {path.name for path in (tmp_path / "mine" / ".podcast").iterdir()} == {"secret_key"}


@soak_amounts(share=2, full=60)
def test_db_init_killed_at_any_time_is_finished_by_the_same_command(tmp_path: Path, amount: int) -> None:
    """A kill leaves nothing, or a part that the same command completes; then subscribers can be added."""
    chance, show = random.Random(9), build_show_folder(tmp_path / "show")
    sqlite = {"PODCAST_DATABASE_URL": "", "PODCAST_SECRET_KEY": ""}
    for _ in range(amount):
        shutil.rmtree(show.folder / ".podcast", ignore_errors=True)
        process = subprocess.Popen(
            [PODCAST, "db", "init"], cwd=show.folder, env={**show.environment, **sqlite}
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 3))
        process.kill()
        process.wait()
        done = show.run("db", "init", **sqlite)
        assert (done.returncode, done.stderr) == (0, "") or "is there already" in done.stderr
        assert run(show.folder, ("subscribers", "add")).exit_code == 0
