"""The store of another show is refused before anything is read or written, by every command that opens it."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from podcast_pipeline import publish
from podcast_pipeline.cli.app import app
from podcast_pipeline.errors import OtherShow
from podcast_pipeline.storage.published import update_catalog
from tests.support.pipeline import catalog, context_of, objects
from tests.support.show import MODEL, SLUG, ShowFolder, build_show_folder, copy_show_folder

ANN = "ann@example.org"
TITLE = "The Other Show"
COMMANDS = (
    ("audit",),
    ("feed", "check"),
    ("feed", "diff"),
    ("feed", "import", "--keep-audio", "feed.xml"),
    ("gc", "--yes"),
    ("list",),
    ("publish", "--yes", SLUG),
    ("publish", "--dry-run", SLUG),
    ("rebuild",),
    ("reindex",),
    ("release",),
    ("serve",),
    ("status", SLUG),
    ("subscribers", "add", ANN),
    ("subscribers", "list"),
    ("subscribers", "notify", SLUG),
    ("unpublish", "--yes", SLUG),
    ("unschedule", SLUG),
)


@pytest.fixture(scope="module")
def other(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """A show of another id and title over the store of the published one."""
    show = copy_show_folder(published, tmp_path_factory.mktemp("other") / "show").init_database()
    shutil.copy(show.bucket / "public/feed.xml", show.folder / "feed.xml")
    rename(show)
    return show


def rename(show: ShowFolder) -> None:
    """Make another show of it: id, guid and title."""
    toml = show.folder / "show.toml"
    text = toml.read_text(encoding="utf-8").replace("Late Proofs", TITLE, 1)
    toml.write_text(text.replace("e70a5795", "11111111").replace("8597589a", "22222222"), encoding="utf-8")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_refuses_it(
    other: ShowFolder, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names both shows; no object, no folder and no database is changed."""
    before = {path: path.read_bytes() for path in other.folder.rglob("*") if path.is_file()}
    monkeypatch.chdir(other.folder)
    environment = {**other.environment, "PODCAST_TRANSCRIPTION_MODEL": MODEL}
    done = CliRunner(env=environment).invoke(app, list(words))
    assert isinstance(done.exception, OtherShow), f"{done.output}{done.exception}"
    line = str(done.exception)
    assert "“Late Proofs” (id e70a5795" in line
    assert f"“{TITLE}” (id 11111111" in line
    after = {path: path.read_bytes() for path in other.folder.rglob("*") if path.is_file()}
    assert {path.name for path in before.keys() ^ after.keys()} <= {"podcast.db-wal", "podcast.db-shm"}
    assert {path for path in before if after.get(path, before[path]) != before[path]} == set()


def test_doctor_says_so(other: ShowFolder) -> None:
    """The store is a finding."""
    done = other.run("doctor")
    assert (done.returncode, "BAD  store: private/catalog.json: is of the show" in done.stdout) == (3, True)


def test_a_catalog_that_appears_between_the_look_and_the_swap(published: ShowFolder, tmp_path: Path) -> None:
    """Two shows that publish first into one empty store: the second is refused at the compare-and-swap."""
    first, second = (build_show_folder(tmp_path / name) for name in ("first", "second"))
    rename(second)
    second.bucket.parent.mkdir(exist_ok=True)
    first.bucket.mkdir(parents=True)
    second.bucket.symlink_to(first.bucket)
    late = context_of(second)
    assert late.catalog() is None  # it has looked
    for show in (first, second):
        shutil.copy(published.episode / "transcript.json", show.episode)
        shutil.copytree(published.episode / "build", show.episode / "build")
    publish(context_of(first), SLUG)
    before = objects(first)
    theirs = catalog(first)
    with pytest.raises(OtherShow, match=TITLE):
        update_catalog(late.store, lambda current: (current or theirs).with_show(late.show))
    assert objects(first) == before
