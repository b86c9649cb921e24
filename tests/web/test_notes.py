"""The notes on an episode's page: pictures, quotations, and images of other hosts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.model import NotesPicture
from podcast_pipeline.storage.objects import stage_bytes
from tests.support.pictures import picture
from tests.support.site import Site

SITE = "http://127.0.0.1:8080"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show without episodes."""
    site = Site.make(tmp_path)
    yield site
    site.close()


def test_pictures_and_quotations(site: Site) -> None:
    """A published picture and a quotation appear; an image of another host is a link; all for everybody."""
    key = site.put(stage_bytes("public/art", "maps", "png", picture("PNG", (60, 40)), "image/png"))
    site.publish(
        "maps",
        notes='> "No one."\n\n![A map](map.png) ![Far](https://else.example/x.png)',
        pictures=(NotesPicture(source="map.png", key=key, width_px=60, height_px=40),),
    )
    with TestClient(site.app(), base_url=SITE) as client:
        answer = client.get("/episodes/maps")
        url = site.catalog.show.object_url(key)
        assert f'<img src="{url}" alt="A map" width="60" height="40" loading="lazy">' in answer.text
        assert "<blockquote>\n<p>“No one.”</p>\n</blockquote>" in answer.text
        assert '<a href="https://else.example/x.png">Far</a>' in answer.text
        images = answer.headers["content-security-policy"].partition("img-src ")[2].partition(";")[0]
        assert images.split() == ["'self'", "http://127.0.0.1:8080"]
        assert client.get(url.removeprefix(SITE)).headers["content-type"] == "image/png"
