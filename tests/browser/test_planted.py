"""Hostile URLs from an imported feed in the catalog, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from podcast_pipeline.model import Enclosure, Person
from podcast_pipeline.model.catalog import CATALOG_KEY, to_json
from tests.support.site import Site, flagship_on_a_port

STAND_IN = "https://evil.example/planted"
SCRIPTS = (
    "javascript:void(document.title='owned')",
    " JavaScript:void(document.title='owned')",
    "data:text/html,owned",
)
HELD = "() => [...document.querySelectorAll('[href],[src]')].map(e => e.href ?? e.src)"
LINK = """address => {
  const link = document.createElement('a');
  link.href = address;
  link.textContent = 'planted';
  document.body.prepend(link);
}"""


@pytest.fixture(scope="module", params=SCRIPTS)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show whose catalog has a hostile URL for a guest and for an episode's audio."""
    with flagship_on_a_port(tmp_path_factory.mktemp("site")) as site:
        site.publish(
            "imported",
            persons=(Person(name="Eve", role="guest", url=STAND_IN, image_url=STAND_IN),),
            enclosure=Enclosure(external_url=STAND_IN, size_bytes=1, type="audio/mpeg", duration_s=60),
            notes=f"[notes]({request.param})",
        )
        body = to_json(site.catalog).replace(STAND_IN.encode(), request.param.encode())
        assert body.count(request.param.encode()) == 4
        site.store.put(CATALOG_KEY, body, content_type="application/json", cache_control="no-cache")
        yield site


@pytest.fixture
def visitor(browser: Browser, planted: Site) -> Iterator[Page]:
    """A subscriber of that show, in a profile of their own."""
    context = browser.new_context(base_url=planted.config.urls.site)
    page = context.new_page()
    page.goto(f"/feeds/{planted.subscribe('reader@example.org')}/")
    yield page
    context.close()


@pytest.mark.parametrize("path", ["/", "/?guest=Eve", "/episodes/imported", "/archive", "/search?q=Eve"])
def test_a_planted_address_is_on_no_page(visitor: Page, path: str) -> None:
    """The guest and the episode are there, no word of the address is, and every link is one of the web."""
    visitor.goto(path)
    assert visitor.get_by_text("Eve").or_(visitor.get_by_text("Imported")).count()
    assert "owned" not in visitor.content()
    assert {address.partition(":")[0] for address in visitor.evaluate(HELD)} <= {"http", "https"}


def test_a_planted_link_would_do_nothing(visitor: Page) -> None:
    """The Content-Security-Policy stops such a link; the same link works on a page without a policy."""
    address = SCRIPTS[0]
    visitor.goto("/episodes/imported")
    title = visitor.title()
    with visitor.expect_console_message(lambda said: "Content Security Policy" in said.text):
        visitor.evaluate(LINK, address)
        visitor.get_by_text("planted", exact=True).click()
    assert visitor.title() == title
    bare = visitor.context.new_page()
    bare.goto("about:blank")
    bare.evaluate(LINK, address)
    bare.get_by_text("planted", exact=True).click()
    bare.wait_for_function("document.title == 'owned'")
