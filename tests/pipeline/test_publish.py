"""Publication of an episode with real parts: real speech, real weights, real ffmpeg, a local store."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jiwer import wer

from podcast_pipeline.errors import EpisodeError, StoreError
from podcast_pipeline.model.catalog import (
    WRITTEN_BY,
    WRITTEN_BY_VERSION,
    to_json,
    transcript_from_json,
)
from podcast_pipeline.pipeline.maintain import rebuild
from podcast_pipeline.pipeline.publish import publish, release
from tests.support.later_release import UNKNOWN_KEY, with_unknown_keys
from tests.support.paths import ROOT
from tests.support.pipeline import catalog, context_of, edit, episode, feed, items, objects, store
from tests.support.show import SLUG, ShowFolder, build_show_folder, copy_show_folder
from tests.support.sounds import tune, write_wav

REFERENCE = ROOT / "tests" / "data" / "sample" / "reference.txt"


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A published show to change."""
    return copy_show_folder(published, tmp_path / "show")


def put_catalog(show: ShowFolder, data: bytes) -> None:
    store(show).put(
        "private/catalog.json", data, content_type="application/json", cache_control="private, no-cache"
    )


def words_of(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_the_words_are_those_that_were_spoken(published: ShowFolder) -> None:
    """With the smallest weights nine words in ten of the sample are right."""
    version = episode(published).transcript
    assert version is not None
    document = transcript_from_json(store(published).get(version.document_key)[1], "document")
    reference = words_of(REFERENCE.read_text(encoding="utf-8"))
    assert wer(reference, words_of(document.text)) < 0.1


def test_the_feed_names_one_item_whose_audio_is_there(published: ShowFolder) -> None:
    """The enclosure's object has the length and type that the feed states."""
    (item,) = items(published)
    enclosure = item.find("enclosure")
    assert enclosure is not None
    key = "public/" + enclosure.attrib["url"].partition("/public/")[2]
    info = store(published).head(key)
    assert (str(info.size_bytes), info.content_type) == (
        enclosure.attrib["length"],
        enclosure.attrib["type"],
    )


def test_publishing_again_does_nothing_and_says_so(show: ShowFolder) -> None:
    """A second run changes no object and no catalog."""
    before = objects(show)
    done = show.run("publish", SLUG)
    assert (done.returncode, "nothing to do" in done.stdout) == (0, True)
    assert objects(show) == before


def test_other_settings_change_nothing_that_is_out(show: ShowFolder) -> None:
    """An episode in the catalog keeps its audio and words when model, precision and loudness change."""
    before = objects(show)
    done = show.run(
        "publish",
        SLUG,
        PODCAST_TRANSCRIPTION_MODEL="base",
        PODCAST_TRANSCRIPTION_PRECISION="f32",
        PODCAST_AUDIO_LOUDNESS_MONO_LUFS="-23",
    )
    assert done.returncode == 0
    assert objects(show) == before


def test_a_new_title_keeps_guid_and_audio(show: ShowFolder) -> None:
    """A retitled episode is the same item with the same file, so that no app downloads it again."""
    old = episode(show)
    edit(show, "Two winters and a will", "Two winters, one will")
    assert show.run("publish", SLUG).returncode == 0
    new = episode(show)
    assert (new.title, new.guid, new.enclosure) == ("Two winters, one will", old.guid, old.enclosure)
    assert items(show)[0].findtext("title") == "Two winters, one will"


def test_a_new_title_is_on_the_files(show: ShowFolder) -> None:
    """Text, HTML and Word of the same version say the new title; captions keep their keys."""
    old = episode(show).transcript
    edit(show, "Two winters and a will", "Two winters, one will")
    assert show.run("publish", SLUG).returncode == 0
    (new,) = episode(show).transcripts
    assert old is not None
    assert [form for form, key in new.files.items() if key != old.files[form]] == ["html", "txt", "docx"]
    assert store(show).get(new.files["txt"])[1].startswith(b"Two winters, one will\n")
    assert (new.version, new.document_key) == (old.version, old.document_key)


def test_changed_words_are_a_new_version_beside_the_old(show: ShowFolder) -> None:
    """A corrected transcript gets new keys and a version number; the old version stays available."""
    path = show.episode / "transcript.md"
    path.write_text(path.read_text(encoding="utf-8").replace("best", "finest", 1), encoding="utf-8")
    first = episode(show).transcript
    assert show.run("publish", SLUG).returncode == 0
    versions = episode(show).transcripts
    assert [v.version for v in versions] == [1, 2]
    assert versions[0] == first
    assert b"finest" in store(show).get(versions[1].file_keys["vtt"])[1]
    assert b"finest" not in store(show).get(versions[0].file_keys["vtt"])[1]


def test_rebuild_makes_everything_derived_again_byte_for_byte(show: ShowFolder) -> None:
    """`rebuild` restores lost captions, chapters and feed byte for byte."""
    before = objects(show)
    derived = [k for k in before if "/transcripts/" in k or "/chapters/" in k or k.endswith("feed.xml")]
    assert len(derived) == 8
    for key in derived:
        store(show).delete(key)
    assert show.run("rebuild").returncode == 0
    assert objects(show) == before


@pytest.mark.parametrize(
    "command",
    [
        ("publish", SLUG),
        ("publish", "new.wav", "--title", "New"),
        ("ingest", "new.wav", "--title", "New"),
        ("unpublish", "--yes", SLUG),
        ("release",),
        ("rebuild",),
        ("gc", "--yes"),
        ("feed", "import", "--keep-audio", "old.xml"),
    ],
)
def test_a_catalog_of_a_later_release_is_not_changed(show: ShowFolder, command: tuple[str, ...]) -> None:
    """A program older than the catalog refuses to write, in one line that names the release to install."""
    edit(show, "Two winters and a will", "Two winters, one will")
    later = catalog(show).model_copy(update={"written_by": WRITTEN_BY + 1, "written_by_version": "9.9.0"})
    put_catalog(show, with_unknown_keys(later))
    (show.folder / "old.xml").write_bytes(feed(show))
    write_wav(show.folder / "new.wav", tune(40))
    before = objects(show)
    done = show.run(*command)
    line = (
        f"podcast: private/catalog.json: was written by a newer release (form {WRITTEN_BY + 1}, this one"
        f" writes {WRITTEN_BY}); it can be served but not changed; install podcast-pipeline 9.9.0 or later\n"
    )
    assert (done.returncode, done.stderr) == (1, line)
    assert objects(show) == before
    assert [folder.name for folder in (show.folder / "episodes").iterdir()] == [SLUG]


def test_unknown_keys_of_the_catalog_survive_a_publication(show: ShowFolder) -> None:
    """An unknown key is written back in its place, and appears in no public object."""
    put_catalog(show, with_unknown_keys(catalog(show)))
    edit(show, "Two winters and a will", "Two winters, one will")
    assert show.run("publish", SLUG).returncode == 0
    new = catalog(show)
    assert new.episodes[0].title == "Two winters, one will"
    assert (new.written_by, new.written_by_version) == (WRITTEN_BY, WRITTEN_BY_VERSION)
    assert json.loads(to_json(new)) == json.loads(with_unknown_keys(new))
    assert UNKNOWN_KEY not in feed(show).decode()


def test_an_unpublished_episode_leaves_and_cannot_come_back(show: ShowFolder) -> None:
    """The episode leaves the feed, stays in the catalog as a tombstone, and cannot be published again."""
    assert show.run("unpublish", "--yes", SLUG).returncode == 0
    assert items(show) == []
    assert episode(show).state == "unpublished"
    again = show.run("publish", SLUG)
    assert (again.returncode, "cannot come back" in again.stderr) == (1, True)
    (source,) = show.episode.glob("source.*")
    anew = show.run("ingest", str(source), "--slug", "once-more", "--title", "Once more")
    assert anew.returncode == 0, anew.stderr


def test_a_chapter_after_the_end_is_refused(show: ShowFolder) -> None:
    """The error line names the chapter and both times; nothing changes."""
    before = feed(show)
    file = show.episode / "episode.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f'{text}\n[[chapters]]\nstart_s = 99999\ntitle = "Late"\n', encoding="utf-8")
    done = show.run("publish", SLUG)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "chapter “Late” begins at 27:46:39, the audio ends at 00:01:" in done.stderr
    assert feed(show) == before


def test_a_time_that_is_past_is_wrong_usage(show: ShowFolder) -> None:
    """A mistyped year publishes nothing: `--at` takes future times only."""
    done = show.run("publish", SLUG, "--at", "2020-01-01T06:00")
    assert (done.returncode, done.stderr.count("--at 2020-01-01T06:00: is past")) == (2, 1)


def test_a_scheduled_episode_is_named_nowhere_until_its_time(published: ShowFolder, tmp_path: Path) -> None:
    """Before its time the feed has no item; `release` at its time makes one, and then does nothing."""
    show = build_show_folder(tmp_path / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    due = now + timedelta(hours=1)
    assert publish(context_of(show, now), SLUG, publish_at=due).episode.state == "scheduled"
    assert items(show) == []
    assert release(context_of(show, due - timedelta(seconds=1))) == ()
    assert release(context_of(show, due)) == (SLUG,)
    assert [item.findtext("guid") for item in items(show)] == [episode(show).guid]
    assert release(context_of(show, due)) == ()


def test_text_of_the_transcript_in_the_author_stops_the_publication(
    show: ShowFolder,
) -> None:
    """Restricted words in another field of the feed stop the publication with exit 3."""
    secret = "it was the season of light, it was the season of darkness, it was the spring of hope"
    settings = show.folder / "show.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r'author = ".*"', f'author = "{secret}"', text), encoding="utf-8")
    before = feed(show)
    done = show.run("publish", SLUG)
    assert (done.returncode, "transcript" in done.stderr) == (3, True)
    assert feed(show) == before


def test_the_json_has_the_documented_shape(show: ShowFolder) -> None:
    """Publish --json prints one document: feed_url, episodes, and a single episode's fields on top."""
    done = json.loads(show.run("--json", "publish", SLUG).stdout)
    (one,) = done["episodes"]
    assert {"slug", "id", "guid", "page_url", "audio_url", "error"} <= set(one)
    assert (done["slug"], done["guid"], one["error"]) == (SLUG, episode(show).guid, None)
    assert done["feed_url"].endswith("/public/feed.xml")


def test_one_of_several_that_fails_does_not_stop_the_others(show: ShowFolder) -> None:
    """A batch prints one result for each episode; a failure makes the exit code 1."""
    done = show.run("--json", "publish", "no-such-episode", SLUG)
    first, second = json.loads(done.stdout)["episodes"]
    assert ("there is no such episode" in first["error"], second["error"]) == (True, None)
    assert done.returncode == 1


def test_two_publishers_of_one_new_episode_do_not_both_win(published: ShowFolder, tmp_path: Path) -> None:
    """The later publisher fails with an error when another one has entered the episode meanwhile."""
    show = build_show_folder(tmp_path / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    late = context_of(show, now)

    elsewhere = copy_show_folder(show, tmp_path / "elsewhere")
    early = context_of(elsewhere, now - timedelta(minutes=1))
    early.store = late.store

    def overtaken() -> None:
        if not (show.folder / "once").exists():
            (show.folder / "once").touch()
            publish(early, SLUG)

    slow = replace(late, report=lambda _: overtaken())
    with pytest.raises(EpisodeError, match="somebody else"):
        publish(slow, SLUG)


def test_a_catalog_that_is_gone_is_not_begun_anew(show: ShowFolder) -> None:
    """An empty, unmounted store is refused, as all other episodes would be lost; mounted again, it works."""
    before = objects(show)
    (show.folder / "feed.xml").write_bytes(feed(show))
    shelf = show.folder / ".podcast" / "store"
    away = shelf.rename(show.folder / "away")
    for command in (publish_again, release_now, rebuild_all):
        with pytest.raises(StoreError, match=f"is gone, though {SLUG} was published"):
            command(show)
    moved = show.run("feed", "import", str(show.folder / "feed.xml"))
    assert (moved.returncode, "is gone, though" in moved.stderr) == (1, True)
    assert not list(shelf.rglob("*.json"))
    shutil.rmtree(shelf, ignore_errors=True)
    away.rename(shelf)
    publish_again(show)
    assert objects(show) == before


def publish_again(show: ShowFolder) -> None:
    publish(context_of(show), SLUG)


def release_now(show: ShowFolder) -> None:
    release(context_of(show))


def rebuild_all(show: ShowFolder) -> None:
    rebuild(context_of(show))


def test_a_missing_intro_is_one_line(published: ShowFolder, tmp_path: Path) -> None:
    """A missing jingle of show.toml is named, with the key to correct."""
    show = build_show_folder(tmp_path / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    done = show.run("publish", SLUG, PODCAST_AUDIO_INTRO="intro.wav")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "intro.wav" in done.stderr
    assert "audio.intro" in done.stderr


@pytest.mark.parametrize("command", ["ingest", "publish"])
def test_notes_in_another_encoding_are_one_line(tmp_path: Path, command: str) -> None:
    """Notes that are not UTF-8 are an error before an episode is created."""
    show = build_show_folder(tmp_path / "show")
    (show.folder / "notes.md").write_bytes("Über die Erbin".encode("latin-1"))
    source = show.episode / "source.flac"
    shutil.copy(source, show.folder / "new.flac")
    with (show.folder / "new.flac").open("ab") as file:
        file.write(bytes(16))  # another recording, as far as its hash goes
    done = show.run(command, "new.flac", "--notes", "notes.md")
    assert (done.returncode, len(done.stderr.splitlines()), "UTF-8" in done.stderr) == (1, 1, True)
    assert [path.name for path in (show.folder / "episodes").iterdir()] == [SLUG]


def test_a_feed_that_is_refused_leaves_the_catalog_as_it_was(show: ShowFolder) -> None:
    """A leak is refused before the catalog, the source of pages and private feeds, contains it."""
    before = catalog(show)
    secret = "it was the season of light, it was the season of darkness, it was the spring of hope"
    settings = show.folder / "show.toml"
    text = re.sub(r'author = ".*"', f'author = "{secret}"', settings.read_text(encoding="utf-8"))
    settings.write_text(text, encoding="utf-8")
    stored = objects(show)
    assert show.run("publish", SLUG).returncode == 3
    assert (catalog(show), objects(show)) == (before, stored)


def test_an_episode_that_becomes_subscribers_only_takes_its_audio_along(show: ShowFolder) -> None:
    """The audio moves to private/ and the item leaves the public feed, until access is public again."""
    before = episode(show)
    edit(show, "slug = ", 'access = "subscribers"\nslug = ')
    assert show.run("publish", SLUG).returncode == 3  # an item would vanish
    done = show.run("--json", "publish", SLUG, "--allow", "redownloads")
    assert done.returncode == 0
    assert json.loads(done.stdout)["audio_url"] is None  # it has no address that works for everybody
    closed = episode(show)
    assert items(show) == []
    assert closed.enclosure.key is not None
    assert closed.enclosure.key.startswith("private/audio/")
    assert store(show).head(closed.enclosure.key).sha256 == before.enclosure.sha256
    assert closed.chapters_key is not None
    assert closed.chapters_key.startswith("private/chapters/")
    edit(show, 'access = "subscribers"\n', "")
    assert show.run("publish", SLUG).returncode == 0
    assert episode(show).enclosure == before.enclosure
    assert len(items(show)) == 1


def test_a_scheduled_episode_whose_item_would_leak_is_refused_at_once(
    published: ShowFolder, tmp_path: Path
) -> None:
    """A leak that `release` would refuse is refused at scheduling time: exit 3, nothing stored."""
    show = build_show_folder(tmp_path / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    secret = "it was the season of light, it was the season of darkness"
    edit(show, 'guests = ["Alex Marlowe"]', f'guests = ["{secret}"]')
    done = show.run("publish", SLUG, "--at", "2099-01-01T06:00")
    assert (done.returncode, "transcript" in done.stderr) == (3, True)
    assert objects(show) == {}


def test_a_clone_without_the_recording_publishes_corrections(published: ShowFolder, tmp_path: Path) -> None:
    """The published audio stays as it is, which is said; a new episode needs its recording."""
    show = copy_show_folder(published, tmp_path / "show")
    before = catalog(show).by_slug(SLUG)
    next(show.episode.glob("source.*")).unlink()
    shutil.rmtree(show.episode / "build")
    (show.episode / "notes.md").write_text("Other notes.\n", encoding="utf-8")
    done = show.run("publish", SLUG)
    assert (done.returncode, done.stderr.count("is not here; the published audio stays as it is")) == (0, 1)
    after = catalog(show).by_slug(SLUG)
    assert before is not None
    assert after is not None
    assert (after.notes, after.enclosure) == ("Other notes.\n", before.enclosure)
    assert show.run("list").returncode == 0


def test_the_copies_that_were_stored_are_removed(published: ShowFolder) -> None:
    """The tagged MP3 is in the store: `build/` keeps the master alone, and no audio twice."""
    audio = [path.name for path in (published.episode / "build").glob("*.mp3")]
    assert [re.sub("[0-9a-f]{16}", "…", name) for name in audio] == ["master.….mp3"]
