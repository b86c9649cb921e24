"""A cited link for who may not read the words, soundbites, and pictures of the notes, in a real browser."""

import pytest
from playwright.sync_api import Browser, Page, expect

from podcast_pipeline.model import NotesPicture
from podcast_pipeline.storage.objects import stage_bytes
from podcast_pipeline.web.routes.feeds import hash_in_key
from tests.support.pictures import picture
from tests.support.reading import current_time, until
from tests.support.site import Site

EPISODE = "/episodes/the-water-was-always-coming"
SECRET = "because by then I was angry"
WHY = "This quote is at 0:34 in the transcript, which is for subscribers: subscribe or listen from here."


def cited(site: Site, place: str) -> str:
    """Return the address of a passage as the menu at the selected words makes it."""
    episode = site.catalog.by_slug("the-water-was-always-coming")
    assert episode
    assert episode.transcript
    return f"{EPISODE}?v={hash_in_key(episode.transcript.document_key)}#t={place}"


def test_a_friend_is_told_why_there_is_no_quote(page: Page, site: Site) -> None:
    """The line is in view, says the time, leads to the audio, and no word of the transcript comes."""
    page.goto(cited(site, "34.5,36.2"))
    line = page.locator("#cited")
    expect(line).to_have_text(WHY)
    expect(line).to_be_in_viewport()
    assert SECRET not in page.content()
    line.get_by_role("link", name="listen from here").click()
    until(page, "!document.querySelector('audio').paused")
    assert 34.5 <= current_time(page) < 37


def test_a_place_without_a_version(page: Page) -> None:
    """An older citation, or a link to a time, is told the same, also while the page is open."""
    page.goto(f"{EPISODE}#t=34.5")
    expect(page.locator("#cited")).to_have_text(WHY)
    page.goto(f"{EPISODE}#t=84")
    expect(page.locator("#cited .when")).to_have_text("1:24")


@pytest.mark.parametrize("place", ["0,3.5", "", "x"])
def test_no_line_without_a_reason(page: Page, place: str) -> None:
    """Words of the teaser stand there, and no place is no quote."""
    page.goto(f"{EPISODE}#t={place}" if place else EPISODE)
    expect(page.locator(".teaser")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#cited")).to_be_hidden()


def test_quoted_words_of_the_teaser_are_in_sight(page: Page) -> None:
    """Who may not read lands at the turn of the teaser that has the words."""
    page.set_viewport_size({"width": 390, "height": 500})
    page.goto(f"{EPISODE}#t=0,1.5")
    expect(page.locator(".teaser .turn").first).to_be_in_viewport()


def test_a_chapter_that_one_plays_is_no_citation(page: Page) -> None:
    """After a reload at a place that one went to on the page, there is no such line."""
    page.goto(EPISODE)
    page.get_by_role("link", name="The gauge that moved").click()
    until(page, "location.hash === '#t=84'")
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#cited")).to_be_hidden()


def test_without_a_script(browser: Browser, site: Site) -> None:
    """The version in the address says that it is a citation; the time is not known without a script."""
    context = browser.new_context(base_url=site.config.urls.site, java_script_enabled=False)
    page = context.new_page()
    page.goto(cited(site, "34.5"))
    expect(page.locator("#cited")).to_have_text(
        "This quote is in the transcript, which is for subscribers: subscribe or listen.",
        use_inner_text=True,
    )
    bite = page.locator(".soundbites a")
    assert bite.get_attribute("href", timeout=1000)
    assert str(bite.get_attribute("href")).endswith("#t=20,50")
    context.close()


def test_a_reader_sees_the_quote_and_no_line(subscriber: Page, site: Site) -> None:
    """For who may read, the words are marked and nothing is explained."""
    subscriber.goto(cited(site, "34.5,36.2"))
    expect(subscriber.locator(".s.marked").first).to_be_in_viewport()
    expect(subscriber.locator("#cited")).to_have_count(0)


def test_a_soundbite_plays_to_its_end(page: Page, site: Site) -> None:
    """A click plays the soundbite and nothing behind it; who goes elsewhere meanwhile hears on."""
    page.goto(EPISODE)
    bite = page.get_by_role("navigation", name="Soundbites").get_by_role("link", name="Eleven metres uphill")
    bite.click()
    until(page, "!document.querySelector('audio').paused")
    assert 20 <= current_time(page) < 23
    page.evaluate("document.querySelector('audio').currentTime = 49.6")
    until(page, "document.querySelector('audio').paused")
    assert 50 <= current_time(page) < 51
    bite.click()
    until(page, "!document.querySelector('audio').paused")
    page.evaluate("document.querySelector('audio').currentTime = 90")
    page.wait_for_timeout(600)
    assert not page.evaluate("document.querySelector('audio').paused")


def test_a_picture_of_the_notes_is_seen(page: Page, site: Site) -> None:
    """It is shown in its size, and the page asks no other host for anything."""
    art = site.put(stage_bytes("public/art", "maps", "png", picture("PNG", (60, 40)), "image/png"))
    site.publish(
        "maps",
        notes="![A map](map.png) ![Far](https://else.example/x.png)",
        pictures=(NotesPicture(source="map.png", key=art, width_px=60, height_px=40),),
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/episodes/maps")
    image = page.get_by_role("img", name="A map")
    image.scroll_into_view_if_needed()
    until(page, "document.querySelector('.notes img').complete")
    assert image.evaluate("i => [i.naturalWidth, i.naturalHeight]") == [60, 40]
    assert {url for url in asked if not url.startswith(site.config.urls.site)} == set()
