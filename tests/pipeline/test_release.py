"""`podcast release` from cron: without episode folders, on two machines at once, any number of times."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.model.catalog import CATALOG_KEY
from podcast_pipeline.pipeline.publish import publish, release
from podcast_pipeline.storage.objects import FEED_KEY
from tests.support.databases import PROCESSES
from tests.support.pipeline import catalog, context_of, store
from tests.support.show import SLUG, ShowFolder, build_show_folder, copy_show_folder

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUE = NOW + timedelta(hours=1)
LONG_AGO = datetime(2020, 2, 3, 5, 30, tzinfo=UTC)


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode is scheduled."""
    show = build_show_folder(tmp_path / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    publish(context_of(show, NOW), SLUG, publish_at=DUE)
    return show


@pytest.fixture
def server_room(show: ShowFolder, tmp_path: Path) -> ShowFolder:
    """Another machine with show.toml and the store only."""
    there = ShowFolder(tmp_path / "server")
    (there.folder / ".podcast").mkdir(parents=True)
    shutil.copy(show.folder / "show.toml", there.folder)
    (there.folder / ".podcast" / "store").symlink_to(show.bucket)
    return there


def guids(show: ShowFolder) -> list[str | None]:
    items = parse_rss(store(show).get(FEED_KEY)[1]).channel.findall("item")
    return [item.findtext("guid") for item in items]


def release_here(show: ShowFolder, now: datetime) -> tuple[str, ...]:
    """Release in this process."""
    return release(context_of(show, now))


def test_it_needs_show_toml_only(server_room: ShowFolder) -> None:
    """A due episode is released without episode folders and artwork."""
    assert release_here(server_room, DUE) == (SLUG,)
    assert guids(server_room) == [catalog(server_room).episodes[0].guid]
    assert {path.name for path in server_room.folder.iterdir()} == {"show.toml", ".podcast"}


def test_every_minute_is_harmless(server_room: ShowFolder) -> None:
    """Before the due time nothing changes; the first run after it releases, and later runs change no byte."""
    before = store(server_room).get("private/catalog.json")
    assert release_here(server_room, DUE - timedelta(minutes=1)) == ()
    assert store(server_room).get("private/catalog.json") == before
    release_here(server_room, DUE)
    after = store(server_room).head("private/catalog.json"), store(server_room).head(FEED_KEY)
    for minutes in range(1, 4):
        assert release_here(server_room, DUE + timedelta(minutes=minutes)) == ()
    assert (store(server_room).head("private/catalog.json"), store(server_room).head(FEED_KEY)) == after


def test_two_machines_at_once_release_it_once(
    show: ShowFolder, server_room: ShowFolder, tmp_path: Path
) -> None:
    """One of several simultaneous processes releases the episode; catalog and feed are complete."""
    third = copy_show_folder(server_room, tmp_path / "third")
    with PROCESSES.Pool(3) as pool:
        gone = pool.starmap(release_here, [(each, DUE) for each in (show, server_room, third)])
    assert sorted(gone) == [(), (), (SLUG,)]
    assert guids(show) == [catalog(show).episodes[0].guid]


def test_a_flip_without_its_feed_is_caught_up(server_room: ShowFolder) -> None:
    """After a release that died between catalog and feed, the next release writes the feed."""
    release_here(server_room, DUE)
    whole = store(server_room).get(FEED_KEY)[1]
    store(server_room).delete(FEED_KEY)
    assert release_here(server_room, DUE + timedelta(minutes=1)) == ()
    assert store(server_room).get(FEED_KEY)[1] == whole


def test_a_show_that_never_published_is_one_line(tmp_path: Path) -> None:
    """Before the first publication the error line of `release` names the command to run."""
    done = build_show_folder(tmp_path / "show").run("release")
    assert (done.returncode, len(done.stderr.splitlines()), "podcast publish" in done.stderr) == (1, 1, True)


def test_status_says_what_apps_do(published: ShowFolder, show: ShowFolder, tmp_path: Path) -> None:
    """`status` describes for each state what listeners see, and from when on."""
    publish(context_of(show, NOW), SLUG, publish_at=datetime(2526, 1, 1, tzinfo=UTC))
    scheduled = json.loads(show.run("--json", "status", SLUG).stdout)
    assert (scheduled["state"], scheduled["publish_at"] in scheduled["apps"]) == ("scheduled", True)
    assert "in no feed until" in scheduled["apps"]
    out = copy_show_folder(published, tmp_path / "out")
    assert "next request" in json.loads(out.run("--json", "status", SLUG).stdout)["apps"]
    out.run("unpublish", "--yes", SLUG)
    assert "keep their copy" in json.loads(out.run("--json", "status", SLUG).stdout)["apps"]
    draft = build_show_folder(tmp_path / "draft")
    assert "has not left this machine" in json.loads(draft.run("--json", "status", SLUG).stdout)["apps"]


@pytest.fixture
def overdue(show: ShowFolder) -> ShowFolder:
    """A show whose only episode should have been out since 2020."""
    publish(context_of(show, LONG_AGO - timedelta(hours=1)), SLUG, publish_at=LONG_AGO)
    return show


def test_an_overdue_episode_is_told(overdue: ShowFolder) -> None:
    """`list`, `status` and `doctor` say since when nobody has released an episode, and what to do."""
    since = f"{SLUG}: overdue since 2020-02-03T00:30-05:00; run `podcast release`"
    assert since in overdue.run("list").stderr
    (listed,) = json.loads(overdue.run("--json", "list").stdout)["episodes"]
    assert (listed["state"], listed["overdue"]) == ("scheduled", True)
    status = json.loads(overdue.run("--json", "status", SLUG).stdout)
    assert status["overdue"].startswith("overdue since 2020-02-03T00:30-05:00; run `podcast release`")
    assert "until" not in status["apps"]
    found = [f for f in json.loads(overdue.run("--json", "doctor").stdout)["findings"] if not f["ok"]]
    assert since in next(f["said"] for f in found if (f["name"], f["ok"]) == ("schedule", False))
    overdue.run("release")
    assert "overdue" not in overdue.run("list").stderr
    assert json.loads(overdue.run("--json", "status", SLUG).stdout)["overdue"] is None


def test_an_episode_that_release_refuses_says_why(overdue: ShowFolder) -> None:
    """`list` and `status` give the error of `release` where it would refuse the episode."""
    path = overdue.bucket / "private" / "catalog.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["show"]["artwork_key"] = None  # a feed without a picture breaks a rule
    store(overdue).put(
        CATALOG_KEY, json.dumps(document).encode(), content_type="application/json", cache_control="private"
    )
    refused = overdue.run("release").stderr.strip().removeprefix("podcast: ")
    assert refused
    assert f"`podcast release` refuses: {refused}" in overdue.run("list").stderr
    assert refused in json.loads(overdue.run("--json", "status", SLUG).stdout)["overdue"]
    assert guids(overdue) == []


def test_at_scheduling_nothing_is_printed_as_if_it_answered(show: ShowFolder) -> None:
    """The page of a scheduled episode is printed as one to come, its audio and the feed not at all."""
    done = show.run("publish", SLUG, "--yes", "--at", "2526-01-01T06:00")
    said = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert said[-2:] == ["scheduled", "page from then on"]
    assert not {"page", "audio", "feed"} & set(said)


def test_a_dry_run_stores_nothing_and_says_what_it_would(show: ShowFolder, published: ShowFolder) -> None:
    """A dry run makes and checks everything, and changes nothing but build/."""
    files = {p: p.read_bytes() for p in show.episode.rglob("*") if p.is_file() and "build" not in p.parts}
    before = {info.key: info.etag for info in store(show).list("private/")}
    path = show.episode / "episode.toml"
    text = path.read_text(encoding="utf-8").replace("Good years, bad years", "Bad years, good years")
    path.write_text(text, encoding="utf-8")
    files[path] = path.read_bytes()
    done = json.loads(show.run("--json", "publish", "--dry-run", SLUG).stdout)
    assert (done["changed"], done["error"]) == (True, None)
    assert [key.split("/")[1] for key in done["would_store"]] == ["transcripts", "chapters"]  # Word has them
    assert {p: p.read_bytes() for p in files} == files
    assert {info.key: info.etag for info in store(show).list("private/")} == before
    again = json.loads(published.run("--json", "publish", "--dry-run", SLUG).stdout)
    assert (again["changed"], again["would_store"]) == (False, {})


def test_a_dry_run_makes_no_episode_of_a_recording(tmp_path: Path) -> None:
    """A dry run of a new recording creates no episode."""
    show = build_show_folder(tmp_path / "show")
    (show.folder / "new.wav").write_bytes(b"RIFF")
    done = show.run("publish", "--dry-run", "new.wav")
    assert (done.returncode, done.stderr.startswith("podcast: new.wav: ")) == (1, True)
    assert [p.name for p in (show.folder / "episodes").iterdir()] == [SLUG]


def test_a_publication_leaves_a_receipt(published: ShowFolder) -> None:
    """published.json has the published addresses and hashes, and the duration of each step."""
    receipt = json.loads((published.episode / "published.json").read_bytes())
    episode = catalog(published).episodes[0]
    assert (receipt["id"], receipt["audio_sha256"]) == (str(episode.id), episode.enclosure.sha256)
    assert receipt["loudness"]["after_lufs"] == pytest.approx(-19, abs=0.5)
    assert {"transcribe", "master", "store", "feed"} <= set(receipt["seconds"])
