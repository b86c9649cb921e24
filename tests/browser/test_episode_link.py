"""A one-episode link in Chromium: it lands at the place, leaves no trace, and is in no citation."""

import re

import pytest
from playwright.sync_api import Page, expect

from podcast_pipeline.audience.subscribers.episode_links import EpisodeLinks
from tests.support.site import Site

SLUG = "the-water-was-always-coming"


@pytest.fixture
def link(site: Site) -> str:
    """A subscriber's link to the episode."""
    episode = site.catalog.by_slug(SLUG)
    assert episode
    selector = site.subscribe("linked@example.org").partition(".")[0]
    return f"/r/{EpisodeLinks(site.subscribers).token(selector, episode.id)}/{episode.id}"


def test_the_place_is_kept(page: Page, link: str) -> None:
    """`#t=` survives the redirect, and the sentence there is in sight."""
    start = "t=84"
    page.goto(link)
    sentence = page.locator(".transcript .s").nth(20)
    start = sentence.get_attribute("id") or start
    page.goto(f"{link}#{start}")
    expect(page).to_have_url(re.compile(rf"/episodes/{SLUG}#{re.escape(start)}$"))
    expect(page.locator(f'[id="{start}"]')).to_be_in_viewport()


def test_no_referrer_and_no_secret_in_the_page(page: Page, link: str) -> None:
    """The next page is told no referrer, and neither address nor history has the link."""
    page.goto(link)
    assert page.evaluate("document.referrer") == ""
    assert "/r/" not in page.content()
    with page.expect_request("**/archive") as asked:
        page.get_by_role("link", name="Archive").first.click()
    assert "referer" not in asked.value.headers
    page.go_back()
    expect(page).to_have_url(re.compile(f"/episodes/{SLUG}"))


def test_a_copied_citation_has_the_public_address(page: Page, link: str) -> None:
    """What a reader copies names the episode's page, not the link by which they came."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(link)
    page.locator(".transcript .s").nth(3).select_text()
    page.get_by_role("button", name="Quote", exact=True).click()
    page.get_by_role("button", name="Link", exact=True).click()
    expect(page.get_by_role("status")).to_have_text(re.compile("Copied"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(rf"/episodes/{SLUG}(\?v=\w+)?#t=", copied)
    assert "/r/" not in copied


def test_only_this_episode_is_open(page: Page, link: str, site: Site) -> None:
    """The home page is a stranger's, and the browser keeps one cookie, of this episode's path."""
    page.goto(link)
    expect(page.locator(".transcript")).to_contain_text("because by then I was angry")
    cookies = page.context.cookies(f"{site.config.urls.site}/episodes/{SLUG}")
    assert [(cookie["name"], cookie["path"]) for cookie in cookies] == [("episode", f"/episodes/{SLUG}")]
    page.goto("/")
    expect(page.get_by_text("Read every word.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Site").get_by_role("link", name="Episodes")).to_be_visible()
