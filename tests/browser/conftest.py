"""A show served on a free port, and Debian's Chromium to read it with."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.chromium import ARGUMENTS
from tests.support.parts import how_to_get
from tests.support.site import Site, flagship_on_a_port


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests.

    It ends with this package: Playwright's event loop runs in the main thread as long as it lives, and
    until then `asyncio.run` in other tests is refused.
    """
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(how_to_get("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show with one episode, on a free port."""
    with flagship_on_a_port(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A fresh profile; a page that throws or breaks its own policy fails the test."""
    context = browser.new_context(base_url=site.config.urls.site)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An anonymous reader."""
    return context.new_page()


@pytest.fixture
def subscriber(site: Site, page: Page) -> Page:
    """A reader who came in by a private link."""
    page.goto(f"/feeds/{site.subscribe('reader@example.org')}/")
    return page


@pytest.fixture
def browser_page_without_script(browser: Browser, site: Site) -> Iterator[Page]:
    """A reader who came in by a private link, in a browser without JavaScript."""
    context = browser.new_context(base_url=site.config.urls.site, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/feeds/{site.subscribe('still@example.org')}/")
    yield page
    context.close()
