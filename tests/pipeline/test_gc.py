"""`gc` lists orphaned objects, and removes them only with --yes and after the grace time."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podcast_pipeline import Context
from podcast_pipeline.errors import EpisodeError, NotFound
from podcast_pipeline.model import Progress
from podcast_pipeline.model.catalog import CATALOG_KEY
from podcast_pipeline.pipeline import maintain
from podcast_pipeline.pipeline.maintain import remove_orphaned_objects
from podcast_pipeline.pipeline.publish import publish
from podcast_pipeline.storage import Store
from tests.support.pipeline import context_of, edit
from tests.support.show import SLUG, ShowFolder, copy_show_folder
from tests.support.unfinished_uploads import begin_upload

LATER = timedelta(days=7, minutes=1)
ORPHAN = "public/audio/left-behind.0123456789abcdef.mp3"


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A published show with an orphaned object."""
    show = copy_show_folder(published, tmp_path / "show")
    context_of(show).store.put(ORPHAN, b"x" * 10, content_type="audio/mpeg", cache_control="")
    return show


def later(show: ShowFolder, time: timedelta = LATER) -> Context:
    """Return what the command would build after the grace time."""
    return context_of(show, datetime.now(UTC) + time)


def keys(show: ShowFolder) -> set[str]:
    return {info.key for prefix in ("public/", "private/") for info in context_of(show).store.list(prefix)}


def test_what_nothing_names_is_listed_and_kept(show: ShowFolder) -> None:
    """Without --yes nothing is removed; objects with a reference are not listed."""
    before = keys(show)
    done = json.loads(show.run("--json", "gc").stdout)
    assert [(item["key"], item["verdict"]) for item in done["objects"]] == [(ORPHAN, "kept for now")]
    assert [item.verdict for item in remove_orphaned_objects(later(show), remove=False)] == [
        "would be removed"
    ]
    assert keys(show) == before


def test_it_is_removed_after_the_grace_time_only(show: ShowFolder) -> None:
    """--yes keeps an orphaned object for the grace time, and then removes that object only."""
    before = keys(show)
    assert json.loads(show.run("--json", "gc", "--yes").stdout)["objects"][0]["verdict"] == "kept for now"
    assert keys(show) == before
    assert [item.verdict for item in remove_orphaned_objects(later(show), remove=True)] == ["removed"]
    assert keys(show) == before - {ORPHAN}
    assert remove_orphaned_objects(later(show), remove=True) == []


def test_old_versions_and_unpublished_episodes_are_named(show: ShowFolder) -> None:
    """Every published version stays: of a corrected transcript, of an unpublished episode."""
    path = show.episode / "transcript.md"
    path.write_text(path.read_text(encoding="utf-8").replace("best", "finest", 1), encoding="utf-8")
    publish(context_of(show), SLUG)
    maintain.unpublish(context_of(show), SLUG)
    before = keys(show)
    remove_orphaned_objects(later(show), remove=True)
    assert keys(show) == before - {ORPHAN}


def test_without_a_catalog_nothing_is_refuse(show: ShowFolder) -> None:
    """A lost catalog would make everything look unnamed, so nothing is removed."""
    context_of(show).store.delete("private/catalog.json")
    before = keys(show)
    with pytest.raises(EpisodeError, match="Nothing was removed"):
        remove_orphaned_objects(later(show), remove=True)
    assert keys(show) == before


def test_an_old_object_that_is_being_published_is_not_removed(show: ShowFolder) -> None:
    """A publication stores an old orphaned object again, so that a `gc` before the commit keeps it."""
    before = keys(show)
    edit(show, "Good years, bad years", "Bad years, good years")
    with pytest.raises(InterruptedError):
        publish(replace(context_of(show), report=lambda event: _stop_before("catalog", event.step)), SLUG)
    left, *others = sorted(keys(show) - before)  # of one version, the page's words and the files
    age(show, left, LATER)
    swept: list[str] = []

    def sweep_before_the_flip(event: Progress) -> None:
        if (event.step, event.done) == ("catalog", 0):
            swept.extend(
                item.verdict
                for item in remove_orphaned_objects(context_of(show), remove=True)
                if item.key == left
            )

    publish(replace(context_of(show), report=sweep_before_the_flip), SLUG)
    assert swept == ["kept for now"]
    assert {left, *others} <= keys(show)


def age(show: ShowFolder, key: str, time: timedelta) -> None:
    """Move the modification time of an object in the local store back."""
    (note,) = (show.bucket / ".objects" / key).parent.glob(f"{Path(key).name}@*/info.json")
    info = json.loads(note.read_bytes())
    info["modified_at"] = (datetime.now(UTC) - time).isoformat()
    note.write_text(json.dumps(info), encoding="utf-8")


def test_what_an_app_may_still_ask_for_is_kept(show: ShowFolder) -> None:
    """A file that a change has just replaced stays for the grace time, even if it was stored long ago."""
    before = keys(show)
    edit(show, "Good years, bad years", "Bad years, good years")
    publish(context_of(show), SLUG)
    (replaced,) = (key for key in before if key.startswith("public/chapters/"))
    age(show, replaced, LATER)
    assert {i.key: i.verdict for i in remove_orphaned_objects(context_of(show), remove=True)}[
        replaced
    ] == "kept for now"
    assert {i.key: i.verdict for i in remove_orphaned_objects(later(show), remove=True)}[
        replaced
    ] == "removed"


def test_pages_of_the_archive_are_no_refuse(show: ShowFolder) -> None:
    """The archive pages of a long feed have a reference in the feed, not in the catalog."""
    page = "public/feed-archive-1.xml"
    context_of(show).store.put(page, b"<rss/>", content_type="application/rss+xml", cache_control="")
    remove_orphaned_objects(later(show), remove=True)
    assert page in keys(show)


def _stop_before(step: str, now: str) -> None:
    if step == now:
        raise InterruptedError


def test_what_is_gone_already_is_no_error(show: ShowFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two simultaneous runs of `gc` do not fail on objects that the other one has removed."""
    tidying = later(show)
    listed = list(tidying.store.list("public/"))
    remove_orphaned_objects(tidying, remove=True)
    monkeypatch.setattr(tidying.store, "list", lambda prefix: listed if prefix == "public/" else [])
    assert [item.verdict for item in remove_orphaned_objects(tidying, remove=True)] == ["removed"]
    with pytest.raises(NotFound):
        tidying.store.head(ORPHAN)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_uploads_that_nobody_finished_go_after_the_grace_time(
    kind: str, show: ShowFolder, request: pytest.FixtureRequest
) -> None:
    """They are listed first, kept while somebody may go on with them, and given up with --yes."""
    soon, late = context_of(show), later(show)
    if kind == "s3":
        store: Store = request.getfixturevalue("s3_store")
        written = soon.store.get(CATALOG_KEY)[1]
        store.put(CATALOG_KEY, written, content_type="application/json", cache_control="")
        soon.store = late.store = store
    key = "private/audio/left-behind.0123456789abcdef.mp3"
    begin_upload(soon.store, key)

    def verdicts(tidying: Context, *, remove: bool) -> list[str]:
        return [item.verdict for item in remove_orphaned_objects(tidying, remove=remove) if item.unfinished]

    assert verdicts(soon, remove=True) == ["kept for now"]
    assert verdicts(late, remove=False) == ["would be removed"]
    assert [put.key for put in soon.store.unfinished_uploads("private/")] == [key]
    assert verdicts(late, remove=True) == ["removed"]
    assert list(soon.store.unfinished_uploads("private/")) == []


def test_an_unfinished_upload_is_called_so(show: ShowFolder) -> None:
    """A line says that it is no object."""
    begin_upload(context_of(show).store, "public/audio/half.0123456789abcdef.mp3")
    assert "5242880 bytes of an unfinished upload)" in show.run("gc").stdout
