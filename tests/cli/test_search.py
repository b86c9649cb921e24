"""The search index from the command line: `reindex`, and the indexing after a publication."""

import json
from pathlib import Path

from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME
from tests.support.show import SLUG, ShowFolder, copy_show_folder


def test_reindex_and_what_follows_a_publication(published: ShowFolder, tmp_path: Path) -> None:
    """`reindex` indexes published episodes once; unpublishing an episode removes it from the index."""
    show = copy_show_folder(published, tmp_path / "show")
    assert not (show.folder / ".podcast" / DATABASE_FILE_NAME).exists()
    show.init_database()
    assert json.loads(show.run("--json", "reindex").stdout) == {"indexed": [SLUG], "removed": 0}
    assert json.loads(show.run("--json", "reindex").stdout) == {"indexed": [], "removed": 0}
    assert show.run("unpublish", "--yes", SLUG).returncode == 0
    assert json.loads(show.run("--json", "reindex").stdout) == {"indexed": [], "removed": 0}


def test_a_database_that_is_down_does_not_undo_a_publication(
    published: ShowFolder, tmp_path: Path, closed_port: int
) -> None:
    """The publication succeeds with exit code 0, and one line names `podcast reindex`."""
    show = copy_show_folder(published, tmp_path / "show")
    done = show.run(
        "unpublish", "--yes", SLUG, PODCAST_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{closed_port}/none"
    )
    assert done.returncode == 0
    assert "unpublished" in done.stdout
    assert "podcast reindex" in done.stderr


def test_reindex_reports_progress(published: ShowFolder, tmp_path: Path) -> None:
    """With `--progress json` every episode is a step of the bar, from none to all."""
    show = copy_show_folder(published, tmp_path / "show").init_database()
    events = [json.loads(line) for line in show.run("--progress", "json", "reindex").stderr.splitlines()]
    assert [(event["step"], event["done"], event["total"], event["unit"]) for event in events] == [
        ("index", 0, 1, "episodes"),
        ("index", 1, 1, "episodes"),
    ]
