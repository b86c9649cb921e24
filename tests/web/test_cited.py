"""The line for who follows a cited link without access, and the soundbites of an episode."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.model import Soundbite
from podcast_pipeline.web.routes.feeds import hash_in_key
from tests.support.site import NOW, Site, flagship


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A show without episodes."""
    site = Site.make(tmp_path)
    yield site
    site.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """A browser."""
    with TestClient(site.app(), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.mark.parametrize(
    ("days", "line"),
    [
        (
            None,
            ': <a href="https://harrowstreet.example/subscribe">subscribe</a> or <a href="#player" ',
        ),
        (
            -1,
            ': <a href="https://harrowstreet.example/subscribe">renew</a> or <a href="#player" data-listen>',
        ),
    ],
)
def test_a_cited_version_says_why_there_is_no_quote(
    site: Site, client: TestClient, days: int | None, line: str
) -> None:
    """A link with a version is a citation: the page says where its words are, to who may not read them."""
    episode = flagship(site)
    assert episode.transcript
    path = f"/episodes/{episode.slug}?v={hash_in_key(episode.transcript.document_key)}"
    if days:
        client.get(f"/feeds/{site.subscribe('bo@example.org', paid_until=NOW + timedelta(days=days))}/")
    page = client.get(path).text
    shown = page.partition('<p class="band" id="cited"')[2].partition("</p>")[0]
    assert "in the transcript, which is for subscribers" in shown
    assert line in shown
    assert " hidden>\n" not in shown
    assert " hidden>\n" in client.get(f"/episodes/{episode.slug}").text
    assert "because by then I was angry" not in page


def test_soundbites(site: Site, client: TestClient) -> None:
    """The soundbites of an episode are links into its audio; where there is no audio, there are none."""
    bite = Soundbite(start_s=1.5, duration_s=2, title="Uphill <again>")
    site.publish("open", soundbites=(bite,))
    site.publish("closed", soundbites=(bite,), access="subscribers")
    page = client.get("/episodes/open").text
    assert '.wav#t=1.5,3.5" data-t="1.5" data-until="3.5">' in page
    assert "Uphill &lt;again&gt;" in page
    assert "soundbites" not in client.get("/episodes/closed").text
