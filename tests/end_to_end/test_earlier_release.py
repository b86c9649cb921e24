"""A show, a database and a bucket of an earlier release open, and are published again."""

import json
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from podcast_pipeline import open_show, publish
from podcast_pipeline.model.catalog import WRITTEN_BY, Catalog
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import show_in_bucket
from tests.support.http_servers import running_site
from tests.support.paths import DATA
from tests.support.pipeline import catalog
from tests.support.ports import free_port
from tests.support.show import ShowFolder, clean_environment

FIRST, SECOND = "the-first-hearing", "the-second-hearing"
SQLITE = {"PODCAST_DATABASE_URL": ""}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A folder with all that 5b60354 wrote; tests/data/earlier/README.md lists it."""
    with tarfile.open(DATA / "earlier" / "5b60354.tar.xz") as archive:
        archive.extractall(tmp_path, filter="tar")
    return tmp_path


@pytest.fixture
def show(earlier: Path) -> ShowFolder:
    """The show on the local store."""
    return ShowFolder(earlier / "show")


def correct(folder: Path) -> None:
    """Correct a word of the first episode."""
    path = folder / "episodes" / FIRST / "transcript.md"
    text = path.read_text(encoding="utf-8")
    assert "finest" in text
    path.write_text(text.replace("finest", "best", 1), encoding="utf-8")


def check(before: Catalog, after: Catalog) -> None:
    """Assert that one version was added and nothing that apps or readers have was lost."""
    old, new = before.by_slug(FIRST), after.by_slug(FIRST)
    assert old is not None
    assert new is not None
    assert (new.id, new.guid, new.publish_at, new.enclosure) == (
        old.id,
        old.guid,
        old.publish_at,
        old.enclosure,
    )
    assert new.transcripts[:-1] == old.transcripts
    assert new.transcripts[-1].note == "One word was corrected."
    assert after.by_slug(SECOND) == before.by_slug(SECOND)
    assert (before.written_by, after.written_by) == (0, WRITTEN_BY)


def test_nothing_is_to_do_in_an_earlier_show(show: ShowFolder) -> None:
    """Publishing, rebuilding and releasing without a change write no byte into the store."""
    before = {path: path.read_bytes() for path in show.bucket.rglob("*") if path.is_file()}
    done = show.run("publish", FIRST, SECOND, **SQLITE)
    assert (done.returncode, done.stdout.count("nothing to do")) == (0, 2), done.stderr
    assert show.run("rebuild", **SQLITE).stdout == "nothing to do\n"
    assert show.run("release", **SQLITE).returncode == 0
    assert show.run("feed", "check", **SQLITE).returncode == 0
    assert {path: path.read_bytes() for path in show.bucket.rglob("*") if path.is_file()} == before


def test_an_earlier_show_takes_a_correction(show: ShowFolder) -> None:
    """A new version stands beside the two of the earlier release."""
    before = catalog(show)
    correct(show.folder)
    done = show.run("publish", FIRST, **SQLITE)
    assert done.returncode == 0, done.stderr
    check(before, catalog(show))


def test_an_earlier_database_still_opens_the_private_feed(earlier: Path, show: ShowFolder) -> None:
    """Who subscribed keeps the link, the state and the transcript tags."""
    link = json.loads((earlier / "link.json").read_text(encoding="utf-8"))["feed_url"]
    assert (
        json.loads(show.run("--json", "subscribers", "link", "ann@example.org", **SQLITE).stdout)["feed_url"]
        == link
    )
    listed = json.loads(show.run("--json", "subscribers", "list", **SQLITE).stdout)["subscribers"]
    assert {one["email"]: (one["state"], one["paid_until"]) for one in listed} == {
        "ann@example.org": ("active", None),
        "bob@example.org": ("lapsed", "2026-01-02T00:00+00:00"),
        "cy@example.org": ("suspended", None),
    }
    assert {(one["plan"], one["period"], *one["sources"]) for one in listed} == {
        ("standard", "yearly", "manual")
    }
    port = free_port()
    with running_site(show, port, **SQLITE) as site:
        response = httpx.get(f"{site}{urlsplit(link).path}")
    assert response.status_code == 200
    assert "podcast:transcript" in response.text


def test_an_earlier_bucket_takes_a_correction(earlier: Path, s3_store: S3Store) -> None:
    """Objects as they were put by the earlier release, headers and metadata included, are read and kept."""
    folder = earlier / "show"
    shutil.rmtree(folder / "episodes")
    shutil.rmtree(folder / ".podcast" / "store")
    (earlier / "bucket-episodes").rename(folder / "episodes")
    objects = json.loads((earlier / "bucket.json").read_text(encoding="utf-8"))["objects"]
    bucket = s3_store.settings.public_bucket
    for key, headers in objects.items():
        s3_store.client.put_object(
            Bucket=bucket, Key=key, Body=(earlier / "bucket" / key).read_bytes(), **headers
        )
    now = datetime(2026, 12, 1, tzinfo=UTC)
    environ = {**clean_environment(), **show_in_bucket(folder, s3_store, now).environment}
    context = open_show(folder, environ=environ, clock=lambda: now)
    before = context.catalog()
    assert before is not None
    correct(folder)
    assert publish(context, FIRST, allow=["redownloads"]).changed  # this test's server has another address
    after = context.catalog()
    assert after is not None
    check(before, after)
    kept = {info.key for prefix in ("public/", "private/") for info in context.store.list(prefix)}
    assert set(objects) <= kept
