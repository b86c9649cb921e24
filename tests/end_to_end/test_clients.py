"""Real podcast apps and Podcast Index's parser, on the feeds of `podcast serve` and of a bucket."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import CREDENTIALS, objects, restore_objects
from tests.support.http_servers import rebuild_for_port, running_site
from tests.support.parts import how_to_get, needs
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.s3 import S3Server
from tests.support.show import ShowFolder, copy_show_folder

CLIENTS = ROOT / "scripts" / "clients"
NEEDS = {
    "gpo": ("gpo",),
    "podboat": ("newsboat", "podboat", "tmux"),
    "podget": ("podget", "wget"),
    "podcast-archiver": ("podcast-archiver",),
}


def client(name: str) -> object:
    """Return a client as a parameter, skipped where its program is missing."""
    return pytest.param(name, marks=needs(*NEEDS[name]))


EVERY = pytest.mark.parametrize("name", [client(name) for name in NEEDS])


def fetch_with(name: str, feed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CLIENTS / f"{name}.sh", feed],
        env={**os.environ, "PYTHON": sys.executable, "SECONDS_EACH": "40"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


@pytest.fixture(scope="module")
def show(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> ShowFolder:
    """The published sample show."""
    return copy_show_folder(published, tmp_path_factory.mktemp("clients") / "show")


@pytest.fixture(scope="module")
def site(show: ShowFolder) -> Iterator[str]:
    """The show as `podcast serve` serves it."""
    port = free_port()
    rebuild_for_port(show, port)
    with running_site(show, port) as address:
        yield address


@pytest.fixture(scope="module")
def private_feed(show: ShowFolder, site: str) -> str:
    """A subscriber's feed."""
    done = show.run("--json", "subscribers", "add", "ann@reader.example", PODCAST_URLS_SITE=site)
    address: str = json.loads(done.stdout)["feed_url"]
    return address


@pytest.fixture(scope="module")
def bucket_feed(published: ShowFolder, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The show as a bucket serves it."""
    settings = s3_server.fresh_bucket()
    show = copy_show_folder(published, tmp_path_factory.mktemp("bucket") / "show")
    media = f"{s3_server.url}/{settings.public_bucket}/public"
    restore_objects(
        S3Store(settings, session=s3_server.session), objects(LocalStore(show.bucket, base_url="http://x"))
    )
    environment = {
        **CREDENTIALS,
        "PODCAST_STORAGE_KIND": "s3",
        "PODCAST_STORAGE_PRESET": "seaweedfs",
        "PODCAST_STORAGE_PUBLIC_BUCKET": settings.public_bucket,
        "PODCAST_STORAGE_ENDPOINT_URL": s3_server.url,
        "PODCAST_URLS_MEDIA": media,
    }
    done = show.run("rebuild", "--allow", "redownloads", **environment)
    assert done.returncode == 0, done.stderr
    return f"{media}/feed.xml"


@EVERY
def test_client_fetches_the_public_feed(name: str, site: str) -> None:
    """Every enclosure is downloaded byte for byte from `podcast serve`."""
    done = fetch_with(name, f"{site}/public/feed.xml")
    assert done.returncode == 0, done.stdout + done.stderr


@EVERY
def test_client_fetches_a_private_feed(name: str, private_feed: str) -> None:
    """An app needs only the token in the path to download from a private feed."""
    done = fetch_with(name, private_feed)
    assert done.returncode == 0, done.stdout + done.stderr


@EVERY
def test_client_fetches_from_the_bucket(name: str, bucket_feed: str) -> None:
    """Every enclosure is downloaded byte for byte from the bucket, without our server."""
    done = fetch_with(name, bucket_feed)
    assert done.returncode == 0, done.stdout + done.stderr


@needs("gpo")
def test_second_update_costs_a_304(show: ShowFolder, site: str) -> None:
    """A request with the feed's ETag gets 304 and no body."""
    log = show.folder / "serve.log"
    before = log.read_text().count(" 304 ")
    fetch_with("gpo", f"{site}/public/feed.xml")
    assert log.read_text().count(" 304 ") > before


@needs("gpo")
def test_gpodder_exports_no_one_episode_link(private_feed: str, tmp_path: Path) -> None:
    """An OPML export has the feed, as it must, and no link of an item's notes."""
    environment = {**os.environ, "HOME": str(tmp_path), "GPODDER_HOME": str(tmp_path / "gpodder")}
    for words in (("subscribe", private_feed), ("export", str(tmp_path / "shows.opml"))):
        subprocess.run(["gpo", *words], env=environment, capture_output=True, timeout=60, check=True)
    exported = (tmp_path / "shows.opml").read_text(encoding="utf-8")
    assert private_feed in exported
    assert "/r/" not in exported


@needs("newsboat")
def test_newsboat_shows_the_link_and_exports_none(private_feed: str, tmp_path: Path) -> None:
    """An app that shows notes has the link that opens the words; its export has it not."""
    (tmp_path / "urls").write_text(f'"{private_feed}"\n', encoding="utf-8")
    (tmp_path / "config").touch()
    files = (("-u", "urls"), ("-C", "config"), ("-c", "cache.db"))
    command = ["newsboat", *(str(word) for option, name in files for word in (option, tmp_path / name))]
    environment = {**os.environ, "HOME": str(tmp_path)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, *words], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return str(done.stdout)

    run("-x", "reload")
    with closing(sqlite3.connect(tmp_path / "cache.db")) as cache:
        ((notes, address),) = cache.execute("select content, url from rss_item").fetchall()
    (link,) = re.findall(r'href="([^"]+/r/[^"]+)"', notes)
    with urlopen(link, timeout=20) as page:  # noqa: S310 (our own server)
        assert page.url == address
    assert "/r/" not in address
    exported = run("-e")
    assert private_feed in exported
    assert "/r/" not in exported


@pytest.mark.skipif(
    not (shutil.which("node") and (ROOT / "node_modules" / "podcast-partytime").is_dir()),
    reason=how_to_get("podcast-partytime"),
)
def test_podcast_index_reads_what_is_served(site: str, private_feed: str, tmp_path: Path) -> None:
    """Podcast Index's parser finds guid and audio, and transcripts in the private feed only."""
    seen = {}
    for name, address in (("public", f"{site}/public/feed.xml"), ("private", private_feed)):
        with urlopen(address, timeout=20) as answer:  # noqa: S310 (our own server)
            (tmp_path / name).write_bytes(answer.read())
        script = ROOT / "scripts" / "check_partytime.sh"
        out = subprocess.run([script, tmp_path / name], capture_output=True, check=True)
        seen[name] = json.loads(out.stdout)
    (public,), (private,) = (seen[name]["items"] for name in ("public", "private"))
    assert public["enclosure"]["length"] == private["enclosure"]["length"] > 0
    assert (len(private["podcastTranscripts"]), "podcastTranscripts" in public) == (3, False)
    assert seen["public"]["guid"] != seen["private"]["guid"]
