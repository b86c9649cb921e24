"""A show without a page to subscribe at: no button leads back to where it is; the text says whom to ask."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from tests.support.site import Site, flagship

SITE = "http://127.0.0.1:8080"
PAGES = ("/", "/episodes/the-water-was-always-coming", "/search?q=river")


@pytest.fixture(scope="module", params=[None, f"{SITE}/", SITE])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show whose renew_url is not set, or its own site."""
    site = Site.make(tmp_path_factory.mktemp("site"), site_url=SITE)
    access = site.config.access.model_copy(update={"renew_url": request.param})
    site.config = site.config.model_copy(update={"access": access})
    site.catalog = site.catalog.with_show(site.config.to_show(artwork_key=None))
    flagship(site)
    yield site
    site.close()


@pytest.mark.parametrize("standing", ["anonymous", "lapsed", "suspended", "rotated", "removed"])
def test_no_page_and_no_feed_leads_in_a_circle(site: Site, standing: str) -> None:
    """Whoever has no access reads whom to ask; there is no button, and no link to this site in the notice."""
    now, email = site.clock.now, f"{standing}@example.org"
    token = site.subscribe(email, paid_until=now + timedelta(days=1))
    with TestClient(site.app(), base_url=SITE) as client:
        if standing != "anonymous":
            client.get(f"/feeds/{token}/")
        if standing == "lapsed":
            site.subscribers.renew(email, now - timedelta(days=1), now=now, origin="cli")
        elif standing == "suspended":
            site.subscribers.suspend(email, None, now=now, origin="cli")
        elif standing == "rotated":
            site.subscribers.rotate(email, now=now, origin="cli")
        elif standing == "removed":
            site.subscribers.remove(email, now=now, origin="cli")
        for path in PAGES:
            (offer,) = re.findall(r'<aside class="offer".*?</aside>', client.get(path).text, re.DOTALL)
            assert 'class="button"' not in offer
            assert ("Ask <bdi>The Harrow Street Courier</bdi>" in offer) == (standing != "anonymous")
        if standing != "anonymous":
            feed = client.get(f"/feeds/{token}/feed.xml").text
            assert "sk the newsroom" in feed
            assert f"&lt;{SITE}" not in feed
            denied = client.get(f"/feeds/{token}/add").text
            assert ("ask the newsroom" in denied, "http" in denied) == (True, False)
