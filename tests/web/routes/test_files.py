"""Public objects of the folder store: no script runs in any, and foreign types are downloads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.site import Site, flagship

PAGE = b"<!doctype html><script>document.title = 'owned'</script>"
FOREIGN = {
    "public/audio/page.0123456789abcdef.mp3": "text/html",
    "public/art/0123456789abcdef.jpg": "image/svg+xml",
    "public/chapters/a.0123456789abcdef.json": "application/xhtml+xml",
    "public/audio/a.0123456789abcdef.pdf": "application/pdf",
    "public/a.js": "text/javascript",
    "public/feed-old.xml": "text/xml",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show in whose store an earlier release left objects of foreign types."""
    site = Site.make(tmp_path_factory.mktemp("site"))
    flagship(site)
    for key, content_type in FOREIGN.items():
        site.store.put(key, PAGE, content_type=content_type, cache_control="no-cache")
    yield site
    site.close()


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[TestClient]:
    """Anybody."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        yield client


def policy(headers: "dict[str, str]") -> set[str]:
    return {part.strip() for part in headers["content-security-policy"].split(";")}


def test_every_public_object_is_in_a_sandbox(client: TestClient, site: Site) -> None:
    """Whatever its type, no script runs in it and it is not guessed to be another; HEAD and 404 too."""
    keys = [info.key for info in site.store.list("public/")]
    assert len(keys) > len(FOREIGN) + 2
    for key in [*keys, "public/none"]:
        for method in ("GET", "HEAD"):
            headers = dict(client.request(method, f"/{key}").headers)
            assert {"sandbox", "default-src 'none'"} <= policy(headers), key
            assert not [part for part in policy(headers) if "script" in part or "allow" in part]
            assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("key", FOREIGN)
@pytest.mark.parametrize("range_", [None, "bytes=0-9", "bytes=0-1,4-5"])
def test_a_foreign_type_is_a_download(client: TestClient, key: str, range_: str | None) -> None:
    """An object of a type that we do not make is saved, not shown, and is no script or style for a page."""
    answered = client.get(f"/{key}", headers={"Range": range_} if range_ else {})
    assert answered.headers["content-disposition"] == "attachment"
    assert FOREIGN[key] not in answered.headers["content-type"]
    assert FOREIGN[key].encode() not in answered.content


def test_our_own_types_are_shown(client: TestClient, site: Site) -> None:
    """Audio, pictures, chapters and the feed keep their types and are no downloads."""
    for info in site.store.list("public/"):
        if info.key not in FOREIGN:
            answered = client.get(f"/{info.key}")
            assert "content-disposition" not in answered.headers, info.key
            assert answered.headers["content-type"] == site.store.head(info.key).content_type


def test_the_private_feed_has_the_same_policy(client: TestClient, site: Site, tmp_path: Path) -> None:
    """Audio and chapters behind a token are of other hosts too."""
    token = site.subscribe("ann@example.org")
    assert "sandbox" in policy(dict(client.get(f"/feeds/{token}/feed.xml").headers))
    assert "sandbox" not in policy(dict(client.get(f"/feeds/{token}/add").headers))  # a page with forms


def test_private_audio_of_a_foreign_type_is_a_download_too(client: TestClient, site: Site) -> None:
    """Subscriber-only audio that an earlier release stored as a page is shown nowhere."""
    episode = site.publish("for-subscribers", access="subscribers")
    key = str(episode.enclosure.key)
    site.store.put(key, PAGE, content_type="text/html", cache_control="no-cache")
    site.write_catalog()
    token = site.subscribe("bo@example.org")
    client.get(f"/feeds/{token}/")
    ending = key.rpartition(".")[2]
    for path in (f"/feeds/{token}/audio/{episode.id}.{ending}", f"/episodes/{episode.slug}/audio.{ending}"):
        answered = client.get(path)
        assert answered.status_code == 200
        assert answered.headers["content-type"] == "application/octet-stream"
        assert answered.headers["content-disposition"] == "attachment"
