"""The web site over a real S3 server."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from podcast_pipeline.config import StorageTable
from podcast_pipeline.model import Episode
from podcast_pipeline.storage.s3.store import S3Store
from podcast_pipeline.web.app import CATALOG_MAX_AGE_S
from tests.support.site import Site, flagship, transcript_of

PAGE = "/episodes/the-water-was-always-coming"
SECRET = "because by then I was angry"


@pytest.fixture
def site(tmp_path: Path, s3_store: S3Store) -> Iterator[Site]:
    """A show whose store is a bucket."""
    site = Site.make(tmp_path)
    urls = site.config.urls.model_copy(update={"media": s3_store.url("public/x").removesuffix("/x")})
    site.config = site.config.model_copy(update={"storage": StorageTable(kind="s3"), "urls": urls})
    site.catalog = site.catalog.with_show(site.config.to_show(artwork_key=None))
    site.store = s3_store  # type: ignore[assignment]
    flagship(site)
    yield site
    site.close()


@pytest.fixture
def bonus(site: Site) -> Episode:
    """An episode whose audio is for subscribers too."""
    return site.publish("bonus", transcript_of("A: one two three.", duration_s=3), access="subscribers")


def test_a_subscriber_reads_from_the_bucket(site: Site, bonus: Episode) -> None:
    """Feed, transcripts, pages and private audio come from the bucket, with ranges and conditions."""
    token = site.subscribe("ann@example.org")
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        feed = client.get(f"/feeds/{token}/feed.xml")
        named = [part for part in feed.text.split('"') if f"/feeds/{token}/transcripts/" in part]
        assert len(named) == 6
        for address in named:
            whole = client.get(address)
            assert whole.status_code == 200
            assert client.get(address, headers={"Range": "bytes=0-4"}).content == whole.content[:5]
            tag = {"If-None-Match": whole.headers["etag"]}
            assert client.get(address, headers=tag).status_code == 304
        audio = f"/feeds/{token}/audio/{bonus.id}.wav"
        assert client.head(audio).headers["content-length"] == str(bonus.enclosure.size_bytes)
        assert client.get(audio, headers={"Range": "bytes=8-11"}).content == b"WAVE"
        client.get(f"/feeds/{token}/")
        assert SECRET in client.get(PAGE).text
        assert client.get(f"{PAGE}/transcript.epub").status_code == 200


def test_public_objects_are_at_the_bucket(site: Site, bonus: Episode) -> None:
    """The page plays the bucket's audio URL, which its CSP allows; private keys are closed."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        page = client.get(PAGE)
        (audio,) = {part for part in page.text.split('"') if part.endswith(".wav")}
        assert httpx.get(audio, headers={"Range": "bytes=0-3"}).status_code == 206
        assert audio.split("/")[2] in page.headers["content-security-policy"]
        assert client.get("/public/feed.xml").status_code == 404
        private = audio.replace("/public/audio/", "/private/documents/")
        assert httpx.get(private).status_code == 403


def test_a_new_catalog_is_seen_within_a_second(site: Site) -> None:
    """The bucket is asked once a second: what is published is there soon after."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        assert client.get("/episodes/new").status_code == 404
        site.publish("new")
        time.sleep(CATALOG_MAX_AGE_S["s3"])
        assert client.get("/episodes/new").status_code == 200
