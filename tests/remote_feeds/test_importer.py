"""Import of an old show with audio, artwork, chapters and transcripts from a real server."""

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from podcast_pipeline import open_show
from podcast_pipeline.errors import GateClosed
from podcast_pipeline.feed.conformance import check_feed
from podcast_pipeline.model import Withdrawal
from podcast_pipeline.model.catalog import CATALOG_KEY, to_json
from podcast_pipeline.pipeline.maintain import rebuild
from podcast_pipeline.remote_feeds.importer import ImportResult
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.withdrawal.word_hashes import hash_passage
from tests.support.http_servers import FileHost, ServedFile, running_host
from tests.support.imported_show import CHAPTERS, GUID, HEAD, SMALL, VTT, audio_bytes, catalog, import_show
from tests.support.pipeline import context_of
from tests.support.real_feeds import FEEDS, REAL, serve_copy
from tests.support.rule_cases.hosts import picture
from tests.support.show import PODCAST, ShowFolder, clean_environment

MOVES = [
    "3 episodes: other host for the audio, same guid",
    "1 episode: other host for the artwork, same guid",
    "1 episode: other host for the chapters, same guid",
    "1 episode: the transcript is for subscribers now",
]


def remarks(moved: ImportResult) -> set[str]:
    return {remark.about for remark in moved.remarks}


def everything(show: ShowFolder) -> dict[str, bytes]:
    """Return the files of an import, without its own notes."""
    roots = [show.bucket / "public", show.bucket / "private", show.folder / "episodes"]
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(show.folder)): path.read_bytes() for path in files}


def test_items_come_exactly_as_they_are(old_host: FileHost, empty_show: ShowFolder) -> None:
    """Guid, date, notes, link, numbers, persons, artwork, chapters and audio are those of the old feed."""
    import_show(empty_show, f"{old_host.url}/feed.xml")
    one, two, three = catalog(empty_show).episodes
    assert [e.slug for e in (one, two, three)] == ["the-first-ford", "the-second-ford", "the-first-ford-2"]
    assert (two.guid, two.guid_is_permalink, one.guid_is_permalink) == (f"{old_host.url}/ford", True, False)
    assert two.publish_at == datetime(2020, 3, 10, 6, tzinfo=UTC)
    assert (two.season, two.number, two.type, two.explicit) == (2, 7, "bonus", True)
    assert (two.enclosure.type, two.enclosure.duration_s) == ("audio/mpeg", 60)
    assert (empty_show.bucket / str(two.enclosure.key)).read_bytes() == audio_bytes("two")
    assert (empty_show.bucket / str(two.chapters_key)).read_bytes() == CHAPTERS
    assert (empty_show.bucket / str(two.artwork_key)).read_bytes() == picture(1500)
    assert [chapter.title for chapter in two.chapters] == ["Water"]
    assert not (empty_show.bucket / "public" / "feed.xml").exists()


def test_folders_have_notes_and_transcripts(old_host: FileHost, empty_show: ShowFolder) -> None:
    """Each episode has a folder for git, with the old transcript byte for byte."""
    import_show(empty_show, f"{old_host.url}/feed.xml")
    folder = empty_show.folder / "episodes" / "the-second-ford"
    names = ["base.json", "episode.toml", "imported.vtt", "notes.md"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "imported.vtt").read_bytes() == VTT
    assert "<h2>The ford</h2>" in (folder / "notes.md").read_text(encoding="utf-8")


def test_after_it_a_listener_notices_nothing(old_host: FileHost, empty_show: ShowFolder) -> None:
    """The diff to the old feed has only expected changes, before and after `rebuild`; no rule is broken."""
    import_show(empty_show, f"{old_host.url}/feed.xml")
    for _ in range(2):
        done = empty_show.run("feed", "diff", f"{old_host.url}/feed.xml")
        picture_line, *lines = done.stdout.splitlines()
        assert picture_line.startswith(f"the show: its picture was {old_host.url}/show.png and is http://")
        assert (done.returncode, lines) == (0, MOVES)
        assert empty_show.run("rebuild").returncode == 0
    feed = (empty_show.bucket / "public" / "feed.xml").read_bytes()
    assert not [finding for finding in check_feed(feed) if finding.severity == "error"]
    channel = ElementTree.parse(empty_show.bucket / "public" / "feed.xml").getroot()[0]  # noqa: S314 (our own)
    item = channel.findall("item")[1]
    names = {"podcast": "https://podcastindex.org/namespace/1.0"}
    season = item.find("podcast:season", names)
    assert season is not None
    assert season.attrib == {"name": "Rivers"}
    people = [(p.text, p.get("role"), p.get("group")) for p in item.findall("podcast:person", names)]
    assert people == [("Ann Ferrer", "Narrator", "Cast"), ("Bo Lind", "guest", None)]
    assert channel.findtext("podcast:guid", namespaces=names) == GUID
    assert channel.findtext("title") == "Old Ground"


def test_the_report_says_what_did_not_come(old_host: FileHost, empty_show: ShowFolder) -> None:
    """The report lists values that break a rule, values that are not imported, and the transcript's place."""
    done = empty_show.run("--json", "feed", "import", f"{old_host.url}/feed.xml")
    document = json.loads(done.stdout)
    assert (len(document["entered"]), document["known"]) == (3, 0)
    assert {remark["about"] for remark in document["remarks"]} == {
        "its podcast:soundbite is left out: F16, a soundbite without numeric times",
        "its transcript (vtt) is in its folder, not in the feed",
        "copyright of the show is not imported",
    }


def test_show_toml_keeps_what_the_producer_wrote(old_host: FileHost, empty_show: ShowFolder) -> None:
    """Placeholders and the guid are replaced, comments and the producer's own title stay."""
    path = empty_show.folder / "show.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"My show"', '"My own title"'), encoding="utf-8")
    done = import_show(empty_show, f"{old_host.url}/feed.xml")
    text = path.read_text(encoding="utf-8")
    assert f'guid = "{GUID}" # podcast:guid, minted once, never changed' in text
    assert 'title = "My own title"' in text
    assert 'author = "The Old Newsroom"' in text
    assert "the old feed says title = 'Old Ground'; show.toml says 'My own title' and stays" in remarks(done)


def test_again_it_does_nothing(old_host: FileHost, empty_show: ShowFolder) -> None:
    """A second import enters nothing and fetches no audio."""
    import_show(empty_show, f"{old_host.url}/feed.xml")
    before = everything(empty_show)
    old_host.requests.clear()
    assert (
        empty_show.run("feed", "import", f"{old_host.url}/feed.xml").stdout
        == "0 episodes imported, 3 already known\n"
    )
    assert everything(empty_show) == before
    assert [path for _, path, _ in old_host.requests] == ["/feed.xml"]


def test_broken_audio_goes_on_from_there(old_host: FileHost, empty_show: ShowFolder) -> None:
    """A truncated download is continued with Range and If-Range, and is complete in the end."""
    old_host.files["/one.mp3"].faults.add("breaks")
    import_show(empty_show, f"{old_host.url}/feed.xml")
    assert ("GET", "/one.mp3", "bytes=25000-") in old_host.requests
    one = catalog(empty_show).episodes[0]
    assert (empty_show.bucket / str(one.enclosure.key)).read_bytes() == audio_bytes("one")


def test_missing_audio_holds_up_no_other(old_host: FileHost, empty_show: ShowFolder) -> None:
    """The others are imported, the missing one is named, and the next run fetches that one alone."""
    old_host.files["/one.mp3"].status = 503
    result = import_show(empty_show, f"{old_host.url}/feed.xml")
    assert [(one.title, one.about) for one in result.missing] == [
        ("The first ford", "its audio answers 503; run again later")
    ]
    assert [e.guid for e in catalog(empty_show).episodes] == [f"{old_host.url}/ford", "three"]
    old_host.files["/one.mp3"].status = 200
    old_host.requests.clear()
    import_show(empty_show, f"{old_host.url}/feed.xml")
    assert [path for _, path, _ in old_host.requests if path.endswith(".mp3")] == ["/one.mp3"]


def test_audio_that_is_gone_keeps_its_address(old_host: FileHost, empty_show: ShowFolder) -> None:
    """An item whose audio is 404 on the old host is imported, and the report names it."""
    del old_host.files["/one.mp3"]
    done = import_show(empty_show, f"{old_host.url}/feed.xml")
    assert "its audio is gone from the old host; the address stays" in remarks(done)
    assert catalog(empty_show).episodes[0].enclosure.external_url == f"{old_host.url}/one.mp3"


def test_audio_may_stay_where_it_is(old_host: FileHost, empty_show: ShowFolder) -> None:
    """With --keep-audio no audio is fetched."""
    import_show(empty_show, f"{old_host.url}/feed.xml", keep_audio=True)
    assert not [path for _, path, _ in old_host.requests if path.endswith(".mp3")]
    assert {e.enclosure.external_url for e in catalog(empty_show).episodes} == {
        f"{old_host.url}/{name}.mp3" for name in ("one", "two", "three")
    }


def test_the_audio_of_one_item_may_stay(old_host: FileHost, empty_show: ShowFolder) -> None:
    """--keep-audio-of takes a guid, a title or an address; a name of none stops before any fetch."""
    address = f"{old_host.url}/feed.xml"
    done = empty_show.run("feed", "import", address, "--keep-audio-of", "one", "--keep-audio-of", "nine")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--keep-audio-of nine: no item of the feed has this title, guid or audio address" in done.stderr
    names = ("--keep-audio-of", "one", "--keep-audio-of", f"{old_host.url}/two.mp3")
    assert empty_show.run("feed", "import", address, *names).returncode == 0
    assert {e.enclosure.external_url for e in catalog(empty_show).episodes} == {
        None, f"{old_host.url}/one.mp3", f"{old_host.url}/two.mp3"
    }  # fmt: skip
    assert [path for _, path, _ in old_host.requests if path.endswith(".mp3")] == ["/three.mp3"]


def test_killed_and_run_again_it_ends_in_the_same_bytes(old_host: FileHost, tmp_path: Path) -> None:
    """After five kills the import ends in the store and folders of an uninterrupted run."""
    assert ShowFolder(tmp_path).run("init", "quiet").returncode == 0
    quiet = ShowFolder(tmp_path / "quiet")
    restless = tmp_path / "restless"
    subprocess.run(["cp", "-r", quiet.folder, restless], check=True)
    import_show(quiet, f"{old_host.url}/feed.xml")
    command: list[str | Path] = [PODCAST, "feed", "import", f"{old_host.url}/feed.xml"]
    for moment in range(5):
        process = subprocess.Popen(
            command,
            cwd=restless,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.9 + 0.2 * moment)
        process.kill()
        process.wait()
    import_show(ShowFolder(restless), f"{old_host.url}/feed.xml")
    assert {k: v for k, v in everything(ShowFolder(restless)).items() if ".part" not in k} == everything(
        quiet
    )


def test_interrupted_it_says_so(old_host: FileHost, empty_show: ShowFolder) -> None:
    """Ctrl-C ends the import with 130 and one line."""
    old_host.files["/two.mp3"].body = audio_bytes("two", 30_000_000)
    process = subprocess.Popen(
        [PODCAST, "feed", "import", f"{old_host.url}/feed.xml"],
        cwd=empty_show.folder,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 20
    while not any(path == "/two.mp3" for _, path, _ in old_host.requests) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, line = process.communicate(timeout=30)
    assert (process.returncode, line) == (130, "podcast: interrupted; run the same command again\n")


def test_a_feed_in_pages_comes_whole(old_host: FileHost, empty_show: ShowFolder) -> None:
    """The items on the pages of rel=next are imported too."""
    later = SMALL.format(old_host.url, "Newest", "three", "Wed, 11 Mar 2020 07:00:00 +0100", 50_000)
    first = HEAD.format(old_host.url, f'<atom:link rel="next" href="{old_host.url}/feed.xml"/>{later}')
    old_host.files["/new.xml"] = ServedFile((first + "</channel></rss>").encode(), "application/rss+xml")
    import_show(empty_show, f"{old_host.url}/new.xml")
    assert [e.title for e in catalog(empty_show).episodes] == ["The first ford", "The second ford", "Newest"]


def test_a_feed_of_nothing_writes_nothing(empty_show: ShowFolder, tmp_path: Path) -> None:
    """The report names the place; store, show.toml and folders stay unchanged."""
    before = (empty_show.folder / "show.toml").read_bytes()
    (tmp_path / "broken.xml").write_text("\n<?xml version='1.0'?><rss><channel>", encoding="utf-8")
    done = empty_show.run("feed", "import", str(tmp_path / "broken.xml"))
    assert (done.returncode, done.stderr) == (3, "")
    assert "the feed breaks off at its end; what followed is missing (line 2)" in done.stdout
    assert (empty_show.folder / "show.toml").read_bytes() == before
    assert not list(empty_show.bucket.rglob("*.json"))
    assert not list((empty_show.folder / "episodes").iterdir())


def test_an_unreachable_feed_is_one_line(empty_show: ShowFolder, closed_port: int) -> None:
    """A host that does not answer is one error line."""
    done = empty_show.run("feed", "import", f"http://127.0.0.1:{closed_port}/feed.xml")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.skipif(not REAL, reason="PODCAST_FEEDS_DIR names no folder of real feeds")
@pytest.mark.parametrize("name", FEEDS)
def test_a_real_feed_comes_whole_and_right(name: str, empty_show: ShowFolder) -> None:
    """A real show with --keep-audio: all items, no visible change for listeners, no error."""
    feed = Path(REAL) / f"{name}.xml"
    import_show(empty_show, str(feed), keep_audio=True)
    assert len(catalog(empty_show).episodes) == FEEDS[name]
    _nothing_noticed(empty_show, str(feed))


@pytest.mark.skipif(not REAL, reason="PODCAST_FEEDS_DIR names no folder of real feeds")
@pytest.mark.parametrize("name", FEEDS)
def test_a_real_feed_comes_with_its_audio(name: str, empty_show: ShowFolder, tmp_path: Path) -> None:
    """A real show with its files: every file is copied, and listeners see no change."""
    with running_host() as running:
        address = serve_copy(name, running, tmp_path)
        import_show(empty_show, address)
        _nothing_noticed(empty_show, address)
        assert _bodies(empty_show) == {
            f.body for f in running.files.values() if f.content_type == "audio/mpeg"
        }
    episodes = catalog(empty_show).episodes
    assert (len(episodes), {e.enclosure.external_url for e in episodes}) == (FEEDS[name], {None})


def _nothing_noticed(show: ShowFolder, feed: str) -> None:
    changed = json.loads(show.run("--json", "feed", "diff", feed).stdout)
    assert (changed["new"], changed["removed"], changed["changed"]) == ([], [], [])
    done = show.run("rebuild", "--allow", "placeholders")  # some pictures cannot be fetched here
    assert done.returncode == 0, done.stderr
    again = json.loads(show.run("--json", "feed", "diff", feed).stdout)
    assert (again["new"], again["removed"], again["changed"]) == ([], [], [])
    assert json.loads(show.run("--json", "feed", "check").stdout)["errors"] == 0


def _bodies(show: ShowFolder) -> set[bytes]:
    keys = {e.enclosure.key for e in catalog(show).episodes}
    return {(show.bucket / str(key)).read_bytes() for key in keys}


def test_an_item_with_withdrawn_words_is_left_out(old_host: FileHost, empty_show: ShowFolder) -> None:
    """An item that brings back what was withdrawn is named and left out; the others come."""
    said = "the minister took the money in the back of his car"
    import_show(empty_show, f"{old_host.url}/feed.xml")
    whole = catalog(empty_show)
    one, two, three = whole.episodes
    words = hash_passage(normalized_words(said), elsewhere=(), salt="0" * 32)
    taken = Withdrawal(kind="passage", withdrawn_at=datetime(2026, 11, 30, tzinfo=UTC), words=words)
    kept = (one.model_copy(update={"withdrawals": (taken,)}), three)
    context_of(empty_show).store.put(
        CATALOG_KEY,
        to_json(whole.model_copy(update={"episodes": kept})),
        content_type="application/json",
        cache_control="private, no-cache",
    )
    file = old_host.files["/feed.xml"]
    body = file.body.replace(b"Plain words.", said.title().encode())
    assert body != file.body
    old_host.files["/feed.xml"] = replace(file, body=body)
    moved = import_show(empty_show, f"{old_host.url}/feed.xml")
    assert moved.added_slugs == ()
    assert "left out: it has words that were withdrawn on 2026-11-30" in remarks(moved)
    assert [e.guid for e in catalog(empty_show).episodes] == [one.guid, three.guid]
    assert two.guid not in repr(catalog(empty_show))


def test_the_sample_cover_never_replaces_the_picture_of_a_show(
    old_host: FileHost, empty_show: ShowFolder
) -> None:
    """Where the old picture could not be fetched, the feed waits for another; `feed diff` names both."""
    old = old_host.files["/feed.xml"]
    del old_host.files["/show.png"]
    said = remarks(import_show(empty_show, f"{old_host.url}/feed.xml"))
    assert any(f"put the show's picture to {empty_show.folder / 'artwork.jpg'}" in line for line in said)
    with pytest.raises(GateClosed, match=r"show\.toml: still has placeholders: show\.artwork"):
        rebuild(open_show(empty_show.folder))
    assert not (empty_show.bucket / "public" / "feed.xml").exists()
    (empty_show.folder / "old.xml").write_bytes(old.body)
    diff = empty_show.run("feed", "diff", "old.xml")
    assert f"the show: its picture was {old_host.url}/show.png and is http://127.0.0.1:8080/" in diff.stdout
    Image.new("RGB", (1500, 1500)).save(empty_show.folder / "artwork.jpg", "JPEG")
    assert rebuild(open_show(empty_show.folder))
