"""Moving to another host, with real parts: another show of ours imports the feed, and real apps follow."""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.http_servers import running_site
from tests.support.parts import needs
from tests.support.ports import free_port
from tests.support.show import ShowFolder, copy_show_folder

FEED = "/public/feed.xml"


@dataclass(frozen=True)
class Move:
    """A show at its old and at its new address."""

    old: ShowFolder
    new: ShowFolder
    old_port: int
    new_port: int

    @property
    def old_feed(self) -> str:
        """The address of the old feed."""
        return f"http://127.0.0.1:{self.old_port}{FEED}"

    @property
    def new_feed(self) -> str:
        """The address of the new feed."""
        return f"http://127.0.0.1:{self.new_port}{FEED}"

    def leave(self) -> None:
        """Redirect the old feed as docs/how-to/move-out.md describes."""
        site = f"http://127.0.0.1:{self.old_port}"
        done = self.old.run("rebuild", PODCAST_URLS_SITE=site, PODCAST_FEED_NEW_FEED_URL=self.new_feed)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def move(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> Move:
    """A published show, and a new host with the imported show and its feed."""
    folder = tmp_path_factory.mktemp("moving-out")
    old, new = copy_show_folder(published, folder / "old"), ShowFolder(folder / "new")
    move = Move(old, new, free_port(), free_port())
    here, there = (f"http://127.0.0.1:{port}" for port in (move.old_port, move.new_port))
    assert old.run("rebuild", "--allow", "redownloads", PODCAST_URLS_SITE=here).returncode == 0
    assert ShowFolder(folder).run("init", "new").returncode == 0
    with running_site(old, move.old_port):
        for command in (("feed", "import", move.old_feed), ("feed", "diff", move.old_feed), ("rebuild",)):
            done = new.run(*command, PODCAST_URLS_SITE=there)
            assert done.returncode == 0, done.stdout + done.stderr
    return move


@dataclass(frozen=True)
class App:
    """An app with a folder of its own, subscribed to one feed."""

    run: Callable[..., str]
    folder: Path


@pytest.fixture
def gpo(tmp_path: Path) -> App:
    """The command line of gPodder, subscribed to the old feed."""
    folders = {"GPODDER_HOME": str(tmp_path / "home"), "GPODDER_DOWNLOAD_DIR": str(tmp_path / "files")}
    (tmp_path / "home").mkdir()

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["gpo", *arguments],
            env={**os.environ, "HOME": str(tmp_path), **folders},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    return App(run, tmp_path / "files")


@pytest.fixture
def moved(move: Move) -> Iterator[Move]:
    """The show, with a running new host."""
    with running_site(move.new, move.new_port):
        yield move


@needs("gpo")
def test_gpodder_follows_and_downloads_nothing_again(moved: Move, gpo: App) -> None:
    """The app gPodder stores the new address, keeps its downloads, and no longer needs the old host."""
    with running_site(moved.old, moved.old_port):
        gpo.run("subscribe", moved.old_feed)
        gpo.run("download")
    had = sorted(path.name for path in gpo.folder.rglob("*.mp3"))
    assert had
    moved.leave()
    with running_site(moved.old, moved.old_port, PODCAST_FEED_NEW_FEED_URL=moved.new_feed):
        gpo.run("update")
    assert moved.new_feed in gpo.run("list")
    assert moved.old_feed not in gpo.run("list")
    gpo.run("update")  # the old host is gone
    gpo.run("download")
    assert sorted(path.name for path in gpo.folder.rglob("*.mp3")) == had


@needs("newsboat")
def test_newsboat_shows_no_episode_twice(moved: Move, tmp_path: Path) -> None:
    """An app that follows the redirect without storing the address shows the same items."""
    (tmp_path / "urls").write_text(f'"{moved.old_feed}"\n', encoding="utf-8")
    (tmp_path / "config").write_text("auto-reload no\n", encoding="utf-8")

    def reload() -> list[tuple[str, str]]:
        files = [("-C", "config"), ("-u", "urls"), ("-c", "cache.db")]
        options = [part for option, name in files for part in (option, str(tmp_path / name))]
        subprocess.run(
            ["newsboat", *options, "-x", "reload"],
            env={**os.environ, "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=True,
        )
        with sqlite3.connect(tmp_path / "cache.db") as cache:
            found = cache.execute("SELECT guid, enclosure_url FROM rss_item ORDER BY guid").fetchall()
        cache.close()
        return found

    with running_site(moved.old, moved.old_port):
        before = reload()
    assert before
    moved.leave()
    with running_site(moved.old, moved.old_port, PODCAST_FEED_NEW_FEED_URL=moved.new_feed):
        after = reload()
    assert [guid for guid, _ in after] == [guid for guid, _ in before]


def test_the_old_address_answers_301_and_its_feed_names_the_new_one(moved: Move) -> None:
    """HEAD and GET of the feed redirect to the new feed; audio and the bucket's feed stay."""
    moved.leave()
    feed = (moved.old.bucket / "public" / "feed.xml").read_text(encoding="utf-8")
    assert f"<itunes:new-feed-url>{moved.new_feed}</itunes:new-feed-url>" in feed
    audio = feed.partition('<enclosure url="')[2].partition('"')[0]
    with running_site(moved.old, moved.old_port, PODCAST_FEED_NEW_FEED_URL=moved.new_feed):
        for method in ("GET", "HEAD"):
            answer = httpx.request(method, moved.old_feed)
            assert (answer.status_code, answer.headers["location"]) == (301, moved.new_feed)
        assert httpx.head(audio).status_code == 200
        assert httpx.get(moved.old_feed, follow_redirects=True).status_code == 200


def test_a_feed_that_names_its_own_address_does_not_lead_to_itself(moved: Move) -> None:
    """The new feed has the new-feed-url tag, as Apple requires, and is not redirected to itself."""
    with running_site(moved.old, moved.old_port, PODCAST_FEED_NEW_FEED_URL=moved.old_feed):
        assert httpx.get(moved.old_feed).status_code == 200
