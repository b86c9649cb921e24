"""`podcast preview` shows what a publication would show, and changes nothing."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from podcast_pipeline import publish
from podcast_pipeline.files import sha256_of
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.rehearsal import EpisodePreview, preview_episode
from podcast_pipeline.storage import Store
from podcast_pipeline.web.middleware.preview_gate import PreviewDoor
from podcast_pipeline.web.preview import create_preview_app, feed_item
from podcast_pipeline.web.routes.preview import PreviewText
from tests.support.pipeline import context_of, edit, store
from tests.support.show import PODCAST, SLUG, ShowFolder, build_draft, copy_show_folder

HOST = "127.0.0.1:41007"
PAGE = f"/episodes/{SLUG}"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode is public."""
    return copy_show_folder(published, tmp_path / "show")


@pytest.fixture
def draft(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A show whose only episode was never published; its words and its sound are made."""
    return build_draft(published, tmp_path / "draft")


def files_of(show: ShowFolder) -> dict[str, str]:
    """Return the hash of every file that a publication could change: store, database, key, episode."""
    paths = [path for path in show.folder.rglob("*") if path.is_file()]
    names = {path.relative_to(show.folder).as_posix(): path for path in paths}
    return {
        name: sha256_of(path)
        for name, path in names.items()
        if "/build/" not in name and "/cache/" not in name
    }


@dataclass(frozen=True)
class Opened:
    """A preview, and the browser that opened it."""

    preview: EpisodePreview
    browser: TestClient

    def get(self, path: str, **headers: str) -> Any:
        """Ask as the browser that opened the preview."""
        answer = self.browser.get(path, headers=headers)
        assert answer.status_code in (200, 206), answer.text
        return answer


def opened(context: Context) -> Opened:
    """Return the preview of the sample episode, opened."""
    preview, door = preview_episode(context, SLUG), PreviewDoor(HOST)
    app = create_preview_app(
        config=context.config,
        store=context.store,
        catalog=preview.catalog,
        objects=preview.objects,
        slug=SLUG,
        text=PreviewText(
            state="a draft",
            remarks=("1 place",),
            public_item=feed_item(preview.catalog, preview.episode, private=False),
            private_item=feed_item(preview.catalog, preview.episode, private=True),
            ends_at=NOW,
        ),
        door=door,
        clock=context.clock,
    )
    browser = TestClient(app, base_url=f"http://{HOST}")
    assert browser.get(door.address).status_code == 200
    return Opened(preview, browser)


def test_a_draft_is_shown_as_a_subscriber_and_as_everybody(draft: ShowFolder) -> None:
    """Page, captions, sound and both feed items are there, and no file of the show has changed."""
    before = files_of(draft)
    site = opened(context_of(draft))
    words = site.preview.catalog.by_slug(SLUG)
    assert words is not None
    assert words.transcript is not None
    assert 'class="transcript"' in site.get(PAGE).text
    everybody = site.get(f"{PAGE}?as=everybody").text
    assert 'class="transcript teaser"' in everybody
    assert "Subscribe" in everybody
    assert site.get("/preview/captions.vtt").text.startswith("WEBVTT")
    assert site.get(f"{PAGE}/transcript.srt").content == site.get("/preview/captions.srt").content
    sound = site.get(f"/{words.enclosure.key}", Range="bytes=10-19")
    assert (sound.status_code, len(sound.content), sound.headers["content-type"]) == (206, 10, "audio/mpeg")
    front = site.get("/preview").text
    assert "&lt;podcast:transcript" in front
    assert front.count("&lt;item&gt;") == 2
    assert files_of(draft) == before


def test_the_words_are_in_no_answer_for_everybody(draft: ShowFolder) -> None:
    """The page for everybody, the list and the public feed have no more than the site will show."""
    site = opened(context_of(draft))
    last = site.get("/preview/captions.txt").text.split()[-8:]
    for path in (f"{PAGE}?as=everybody", "/?as=everybody", "/public/feed.xml"):
        assert " ".join(last) not in site.get(path).text


def test_what_would_change_is_shown_as_it_would_be(show: ShowFolder) -> None:
    """The preview of a published episode has the folder's title; the store still has the old one."""
    before = store(show).get("private/catalog.json")[1]
    assert not opened(context_of(show)).preview.changed
    edit(show, 'title = "', 'title = "Rewritten: ')
    site = opened(context_of(show))
    assert site.preview.changed
    assert "<h1" in site.get(PAGE).text
    assert "Rewritten: " in site.get(PAGE).text
    assert "Rewritten: " in site.get("/public/feed.xml").text
    assert store(show).get("private/catalog.json")[1] == before


def test_a_scheduled_episode_is_shown_as_on_its_day(draft: ShowFolder) -> None:
    """It has its page and its item before its time, with the date that it will have."""
    publish(context_of(draft, NOW), SLUG, publish_at=NOW + timedelta(days=3))
    before = files_of(draft)
    site = opened(context_of(draft, NOW))
    assert "13 March 2026" in site.get(PAGE).text
    assert "13 Mar 2026" in (feed_item(site.preview.catalog, site.preview.episode, private=False) or "")
    assert files_of(draft) == before


def test_sound_for_subscribers_is_no_public_file(draft: ShowFolder) -> None:
    """Everybody's page has no player and no item; a subscriber's has both."""
    edit(draft, "slug = ", 'access = "subscribers"\nslug = ')
    site = opened(context_of(draft))
    assert "<audio" not in site.get(f"{PAGE}?as=everybody").text
    assert f'src="{PAGE}/audio.mp3"' in site.get(PAGE).text
    assert len(site.get(f"{PAGE}/audio.mp3", Range="bytes=0-9").content) == 10
    front = site.get("/preview").text
    assert "None: its audio is for subscribers" in front
    assert f'src="{PAGE}/audio.mp3"' in front


def test_neither_policy_nor_gate_keeps_it_from_being_seen(show: ShowFolder) -> None:
    """What would stop the publication is named, and the page is there."""
    with (show.folder / "show.toml").open("a", encoding="utf-8") as file:
        file.write('\n[review]\nunknown_names = "block"\nnumbers = "block"\nquotes = "block"\n')
    moved = context_of(show)
    moved.config = moved.config.model_copy(
        update={"urls": moved.config.urls.model_copy(update={"media": "https://elsewhere.example.org"})}
    )
    preview = preview_episode(moved, SLUG)
    (line,) = [line for line in preview.closed_gates if "--allow redownloads" in line]
    assert "would be downloaded again" in line
    assert len({line.partition("--allow")[2] for line in preview.closed_gates}) == len(preview.closed_gates)


def test_private_keys_have_no_address(draft: ShowFolder) -> None:
    """The catalog and the documents are behind no address, however it is written."""
    browser = opened(context_of(draft)).browser
    for path in (
        "/private/catalog.json",
        "/public/%2e%2e/private/catalog.json",
        "/public/..%2fprivate/catalog.json",
    ):
        assert browser.get(path).status_code == 404
    assert browser.get("/search").status_code == 404


def test_on_s3_it_reads_the_bucket_and_writes_nothing(draft: ShowFolder, s3_store: Store) -> None:
    """A draft over an empty bucket; then the changes of what is published there, with its sound."""
    context = context_of(draft)
    context.store = s3_store
    assert 'class="transcript"' in opened(context).get(PAGE).text
    assert [info.key for prefix in ("public/", "private/") for info in s3_store.list(prefix)] == []
    publish(context, SLUG)
    stored = [s3_store.head(info.key) for prefix in ("public/", "private/") for info in s3_store.list(prefix)]
    edit(draft, 'title = "', 'title = "Rewritten: ')
    site = opened(context)
    assert "Rewritten: " in site.get(PAGE).text
    assert site.get(f"/{site.preview.episode.enclosure.key}", Range="bytes=0-2").content == b"ID3"
    now = [s3_store.head(info.key) for prefix in ("public/", "private/") for info in s3_store.list(prefix)]
    assert now == stored


def test_a_recording_is_rehearsed_with_the_words_that_are_heard(
    published: ShowFolder, tmp_path: Path
) -> None:
    """`--dry-run` of a recording that is no episode makes no folder and no id; what it heard stays cached."""
    show = copy_show_folder(published, tmp_path / "show")
    recording = next(show.episode.glob("source.*")).rename(tmp_path / "Two winters.flac")
    shutil.rmtree(show.episode)
    shutil.rmtree(show.bucket)
    before = files_of(show)
    cached = set((show.folder / ".podcast" / "cache" / "windows").rglob("*.json"))
    done = show.run("publish", str(recording), "--dry-run", "--json", "--guest", "Ann Example")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["slug"], document["id"], document["guid"]) == ("two-winters", None, None)
    assert [key for key in document["would_store"] if key.startswith("private/documents/two-winters.")]
    assert files_of(show) == before
    assert set((show.folder / ".podcast" / "cache" / "windows").rglob("*.json")) > cached


@dataclass(frozen=True)
class Running:
    """A running `podcast preview`."""

    process: "subprocess.Popen[str]"
    address: str
    said: dict[str, object]


@pytest.fixture
def running(draft: ShowFolder) -> Iterator[Running]:
    """The command, after it has printed its address."""
    process = subprocess.Popen(
        [PODCAST, "--json", "preview", SLUG],
        cwd=draft.folder,
        env=draft.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    yield Running(process, said["address"], said)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_the_command_serves_until_it_is_told_to_end(running: Running, ending: signal.Signals) -> None:
    """It prints an address of this machine, which opens, and ends with exit code 0."""
    assert running.address.startswith("http://127.0.0.1:")
    with httpx.Client(follow_redirects=True) as browser:
        assert browser.get(running.address).status_code == 200
    assert httpx.get(running.address).status_code == 403
    running.process.send_signal(ending)
    _, errors = running.process.communicate(timeout=60)
    assert (running.process.returncode, errors) == (0, "")


def test_an_unknown_episode_is_one_line(draft: ShowFolder) -> None:
    """Neither a file nor an episode: the line names it."""
    done = draft.run("preview", "nowhere")
    assert (done.returncode, len(done.stderr.splitlines()), "nowhere" in done.stderr) == (1, 1, True)
