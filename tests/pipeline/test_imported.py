"""A producer's changes of an imported episode are published; all other parts stay as imported."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from podcast_pipeline.episodes.folder import IMPORTED_AUDIO
from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.feed import app_impact
from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.model import (
    Receipt,
    Segment,
    Transcript,
    Word,
)
from podcast_pipeline.pipeline.publish import publish
from tests.support.http_servers import FileHost, ServedFile
from tests.support.imported_show import catalog, import_show
from tests.support.paths import ROOT
from tests.support.pipeline import context_of
from tests.support.show import SLUG, ShowFolder, run_ffmpeg

FORD = "the-second-ford"
NAMES = {
    "podcast": "https://podcastindex.org/namespace/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "content": "http://purl.org/rss/1.0/modules/content/",
}


@pytest.fixture
def moved(old_host: FileHost, empty_show: ShowFolder) -> ShowFolder:
    """The old show, imported, with its feed written."""
    import_show(empty_show, f"{old_host.url}/feed.xml")
    assert empty_show.run("rebuild").returncode == 0
    return empty_show


def feed_of(show: ShowFolder) -> bytes:
    return (show.bucket / "public/feed.xml").read_bytes()


def ford(show: ShowFolder) -> etree._Element:
    """Return the item of the second ford."""
    root = etree.fromstring(feed_of(show))
    return next(item for item in root.iter("item") if (item.findtext("guid") or "").endswith("/ford"))


def edit(show: ShowFolder, name: str, old: str, new: str, slug: str = FORD) -> None:
    path = show.folder / "episodes" / slug / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_as_it_came_there_is_nothing_to_do(moved: ShowFolder) -> None:
    """Unedited folders change neither catalog nor feed, for any of the episodes."""
    before = catalog(moved), feed_of(moved)
    for episode in before[0].episodes:
        done = moved.run("publish", episode.slug)
        assert (done.returncode, "nothing to do" in done.stdout) == (0, True), done.stderr
    assert (catalog(moved), feed_of(moved)) == before


@pytest.mark.parametrize(
    ("name", "was", "becomes", "path", "says"),
    [
        ("episode.toml", "The second ford", "The other ford", "title", "The other ford"),
        ("episode.toml", "number = 7", "number = 8", "itunes:episode", "8"),
        ("episode.toml", "Water", "Wide water", "podcast:chapters/@url", "public/chapters/the-second-ford."),
        ("notes.md", "With <a", "At last with <a", "content:encoded", "At last with <a"),
        ("notes.md", "With <a", "At last with <a", "description", "At last with a link & more"),
        ("episode.toml", '"Bo Lind"', '"Bo Lind", "Cy Orr"', "podcast:person[3]", "Cy Orr"),
    ],
)
def test_a_correction_goes_out(
    moved: ShowFolder, name: str, was: str, becomes: str, path: str, says: str
) -> None:
    """The item has the correction; guid, date and audio stay, so that no app downloads it again."""
    before, known = feed_of(moved), catalog(moved).by_slug(FORD)
    edit(moved, name, was, becomes)
    assert publish(context_of(moved), FORD).changed
    changes = app_impact.diff_feeds(before, feed_of(moved))
    assert [change.new.title for change in changes.changed] == [ford(moved).findtext("title")]
    assert app_impact.harmful_changes(changes) == ()
    assert says in str(ford(moved).xpath(f"string({path})", namespaces=NAMES))
    now = catalog(moved).by_slug(FORD)
    assert known is not None
    assert now is not None
    same = ("id", "guid", "guid_is_permalink", "publish_at", "published_at", "enclosure", "artwork_key")
    assert [getattr(now, name) for name in same] == [getattr(known, name) for name in same]
    assert [finding for finding in check_feed(feed_of(moved)) if finding.severity == "error"] == []
    assert not publish(context_of(moved), FORD).changed


def test_an_unchanged_part_stands_as_it_stood(moved: ShowFolder) -> None:
    """Another title leaves the notes, the season's name and the narrator as the old feed had them."""
    before = ford(moved)
    edit(moved, "episode.toml", "The second ford", "The other ford")
    publish(context_of(moved), FORD)
    for path in ("content:encoded", "podcast:season", "podcast:person", "podcast:chapters", "link"):
        one, other = (item.find(path, NAMES) for item in (before, ford(moved)))
        assert one is not None
        assert other is not None
        assert etree.tostring(one) == etree.tostring(other)


def test_a_guest_who_is_not_named_any_more_goes(moved: ShowFolder) -> None:
    """The guest leaves the item; persons in other roles stay."""
    edit(moved, "episode.toml", '["Bo Lind"]', "[]")
    publish(context_of(moved), FORD)
    assert [person.text for person in ford(moved).findall("podcast:person", NAMES)] == ["Ann Ferrer"]


def test_an_address_of_a_guest_reaches_the_item(moved: ShowFolder) -> None:
    """The folder's address replaces the old feed's element of that guest; the narrator's stays."""
    edit(moved, "episode.toml", '["Bo Lind"]', '[{ name = "Bo Lind", url = "https://bo.example" }]')
    publish(context_of(moved), FORD)
    persons = {person.text: person.get("href") for person in ford(moved).findall("podcast:person", NAMES)}
    assert persons["Bo Lind"] == "https://bo.example"
    assert sorted(map(str, persons)) == ["Ann Ferrer", "Bo Lind"]
    assert publish(context_of(moved), FORD).changed is False


def test_a_bonus_for_subscribers_takes_its_files_along(moved: ShowFolder) -> None:
    """Audio and chapters leave public/, the item leaves the public feed."""
    edit(moved, "episode.toml", "explicit = true", 'explicit = true\naccess = "subscribers"')
    publish(context_of(moved), FORD, allow=["redownloads"])
    now = catalog(moved).by_slug(FORD)
    assert now is not None
    assert str(now.enclosure.key).startswith("private/audio/")
    assert str(now.chapters_key).startswith("private/chapters/")
    assert b"/ford</guid>" not in feed_of(moved)


def test_audio_of_another_host_cannot_be_for_subscribers(old_host: FileHost, empty_show: ShowFolder) -> None:
    """Audio that is public at another host cannot be restricted to subscribers."""
    import_show(empty_show, f"{old_host.url}/feed.xml", keep_audio=True)
    edit(empty_show, "episode.toml", "explicit = true", 'explicit = true\naccess = "subscribers"')
    with pytest.raises(EpisodeError, match="at another host, where everybody has it"):
        publish(context_of(empty_show), FORD)


def test_a_folder_that_was_not_entered_is_one_line(moved: ShowFolder) -> None:
    """A killed import leaves folders only; the error line names the command to run again."""
    folder = moved.folder / "episodes" / "of-a-killed-run"
    folder.mkdir()
    text = (moved.folder / "episodes" / FORD / "episode.toml").read_text(encoding="utf-8")
    known = catalog(moved).by_slug(FORD)
    assert known is not None
    text = text.replace(str(known.id), str(UUID(int=5))).replace(FORD, folder.name)
    (folder / "episode.toml").write_text(text, encoding="utf-8")
    with pytest.raises(EpisodeError, match="not in the catalog yet; run `podcast feed import` once more"):
        publish(context_of(moved), folder.name)


def test_an_imported_episode_gets_a_transcript(
    old_host: FileHost, empty_show: ShowFolder, tmp_path: Path
) -> None:
    """The imported audio is transcribed, edited and published: transcript in the private feed, same audio."""
    speech = tmp_path / "speech.mp3"
    run_ffmpeg("-ss", "2", "-t", "8", "-i", next((ROOT / "episodes" / SLUG).glob("source.*")), speech)
    old_host.files["/two.mp3"] = ServedFile(speech.read_bytes(), "audio/mpeg")
    import_show(empty_show, f"{old_host.url}/feed.xml")
    assert empty_show.run("rebuild").returncode == 0
    before, was = feed_of(empty_show), catalog(empty_show).by_slug(FORD)
    done = empty_show.run("transcribe", FORD, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    folder = empty_show.folder / "episodes" / FORD
    heard = json.loads((folder / "transcript.json").read_bytes())
    assert was is not None
    assert heard["receipt"]["audio_sha256"] == was.enclosure.sha256
    assert (folder / IMPORTED_AUDIO).read_bytes() == speech.read_bytes()
    word = heard["segments"][0]["words"][0]["text"].strip()
    edit(empty_show, "transcript.md", word, "Wellnamed")
    assert empty_show.run("publish", FORD).returncode == 0
    now = catalog(empty_show).by_slug(FORD)
    assert now is not None
    assert now.transcript is not None
    assert (now.enclosure.key, now.enclosure.sha256) == (was.enclosure.key, was.enclosure.sha256)
    assert now.enclosure.duration_s == pytest.approx(8, abs=0.2)  # the old feed said a minute
    assert b"Wellnamed" in (empty_show.bucket / now.transcript.file_keys["vtt"]).read_bytes()
    assert app_impact.harmful_changes(app_impact.diff_feeds(before, feed_of(empty_show))) == ()
    assert b"podcast:transcript" not in feed_of(empty_show)
    assert "nothing to do" in empty_show.run("publish", FORD).stdout


def test_audio_that_stayed_cannot_be_heard(old_host: FileHost, empty_show: ShowFolder) -> None:
    """The error line has the address of the audio at the other host."""
    import_show(empty_show, f"{old_host.url}/feed.xml", keep_audio=True)
    done = empty_show.run("transcribe", FORD)
    assert done.returncode == 1
    assert f"its audio is still at {old_host.url}/two.mp3" in done.stderr


def test_words_of_other_audio_are_refused(moved: ShowFolder) -> None:
    """A transcript.json of another recording is not published with this audio."""
    receipt = Receipt(
        engine="x", engine_version="1", model="m", weights_sha256="0" * 64, audio_sha256="1" * 64
    )
    word = Word(text="Hello.", start_s=0, end_s=1)
    words = Transcript(language="en", duration_s=2, segments=(Segment(words=(word,)),), receipt=receipt)
    (moved.folder / "episodes" / FORD / "transcript.json").write_text(
        words.model_dump_json(), encoding="utf-8"
    )
    with pytest.raises(EpisodeError, match="made from other audio; run `podcast transcribe the-second-ford`"):
        publish(context_of(moved), FORD)
