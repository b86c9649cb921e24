"""What a reader finds again in a browser: the place, the player, cited words, the timer, Find."""

import re

from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.support.reading import long_episode, play, seek, select, tab_to, until
from tests.support.site import Site

EPISODE = "/episodes/the-water-was-always-coming"
PHONE: ViewportSize = {"width": 360, "height": 740}
ZOOMED: ViewportSize = {"width": 320, "height": 256}  # a window of 1280×1024 at 400 %


def test_a_place_that_was_set_without_playing_is_remembered(subscriber: Page) -> None:
    """The scrubber moved by keys and the skip button count as the place to continue at."""
    subscriber.goto(EPISODE)
    slider = subscriber.get_by_role("slider", name="Position")
    for _ in range(3):
        slider.press("PageUp")
    subscriber.get_by_role("button", name="Forward 30 seconds").click()
    kept = "Number(localStorage.getItem(`position:${location.pathname}`))"
    place = 3 * 24 + 30  # the key moves by a tenth of the 240 s
    until(subscriber, f"{kept} === {place}")
    subscriber.goto("/")
    subscriber.goto(EPISODE)
    until(subscriber, f"document.querySelector('audio').currentTime === {place}")


def test_a_reload_in_the_middle_leaves_the_player(subscriber: Page, site: Site) -> None:
    """The browser restores the scroll position; that folds nothing, and reading on does."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(f"/episodes/{long_episode(site, 'reloaded').slug}")
    subscriber.evaluate("scrollTo({top: 5000, behavior: 'instant'})")
    subscriber.wait_for_timeout(300)
    subscriber.reload()
    until(subscriber, "scrollY > 4000")
    subscriber.wait_for_timeout(300)
    deck = subscriber.locator(".deck")
    expect(deck).not_to_have_class(re.compile("is-folded"))
    subscriber.mouse.move(100, 300)
    subscriber.mouse.wheel(0, 600)
    expect(deck).to_have_class(re.compile("is-folded"))


def test_the_timer_shows_what_is_left(subscriber: Page) -> None:
    """Beside the buttons stands for how long the audio still plays, and leads to the choice."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(EPISODE)
    timing = subscriber.locator(".timing")
    expect(timing).to_be_hidden()
    subscriber.get_by_role("button", name="More").click()
    subscriber.get_by_label("Stop after").select_option("15 minutes")
    subscriber.keyboard.press("Escape")
    expect(timing).to_have_text(re.compile(r"^Stops in 1[45]:\d\d$"))
    expect(timing).to_be_in_viewport(ratio=1)
    assert subscriber.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    timing.click()
    subscriber.get_by_label("Stop after").select_option("this chapter")
    expect(timing).to_have_text("Stops in chapter")
    subscriber.get_by_label("Stop after").select_option("never")
    expect(timing).to_be_hidden()


def test_nothing_moves_when_the_script_comes(subscriber: Page) -> None:
    """The place of the button that the script shows is kept, so that no word is pushed away under the eye."""
    subscriber.set_viewport_size(PHONE)
    held: list[Route] = []
    subscriber.route("**/player.js", lambda route: held.append(route))
    subscriber.add_init_script(
        """window.moved = 0;
           new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.moved += e.value)))
             .observe({type: 'layout-shift', buffered: true});"""
    )
    subscriber.goto(EPISODE, wait_until="commit")
    until(subscriber, "performance.getEntriesByName('first-contentful-paint').length")
    expect(subscriber.get_by_role("link", name="Read the transcript")).to_be_visible()
    for route in held:
        route.continue_()
    expect(subscriber.get_by_role("button", name="Play").first).to_be_visible()
    subscriber.wait_for_timeout(300)
    assert subscriber.evaluate("window.moved") == 0


def test_the_player_of_the_browser_where_no_script_comes(browser: Browser, site: Site) -> None:
    """After four seconds it stands in the place of the button, above what follows."""
    page = browser.new_page()
    page.route("**/player.js", lambda route: route.abort())
    page.goto(f"{site.config.urls.site}{EPISODE}")
    audio, link = page.locator(".listen audio"), page.locator(".columns")
    expect(audio).to_be_hidden()
    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
    expect(audio).to_be_visible()
    above, below = audio.bounding_box(), link.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]
    page.close()


def test_find_is_in_sight_at_400_percent(subscriber: Page) -> None:
    """In a window that is too low for the player at its bottom, the field stays with what was found."""
    subscriber.set_viewport_size(ZOOMED)
    subscriber.goto(EPISODE)
    subscriber.keyboard.press("/")
    field = subscriber.get_by_role("searchbox", name="Find in this transcript")
    field.fill("alder street")
    for _ in range(3):
        field.press("Enter")
        subscriber.wait_for_timeout(600)
        expect(field).to_be_in_viewport(ratio=1)
        found = subscriber.evaluate(
            """() => { const box = [...CSS.highlights.get('found-now')][0].getBoundingClientRect();
                       const bar = document.querySelector('.finding').getBoundingClientRect();
                       return box.top >= bar.bottom && box.bottom <= innerHeight }"""
        )
        assert found
    assert subscriber.evaluate("document.querySelector('.finding').offsetHeight / innerHeight") < 0.25
    field.press("Escape")
    expect(field).to_be_hidden()


def test_the_tab_key_comes_to_a_correction(subscriber: Page) -> None:
    """The mark of a correction is reached by Tab, and leads to both versions."""
    subscriber.goto(EPISODE)
    subscriber.locator(".transcript .when").first.focus()
    tab_to(subscriber, "corrected")
    subscriber.keyboard.press("Enter")
    expect(subscriber.get_by_role("heading", name="What was corrected")).to_be_visible()


def test_a_citation_of_words_lands_without_a_script(
    subscriber: Page, browser_page_without_script: Page
) -> None:
    """Its link leads to the sentence by itself, and with the script marks the very words."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    select(subscriber, "wall had been", "been measured")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    subscriber.get_by_role("button", name="Link").click()
    expect(subscriber.get_by_role("status")).to_have_text(re.compile("Copied"))
    link = subscriber.evaluate("navigator.clipboard.readText()")
    assert re.search(r"\?v=\w{16}&t=[\d.]+,[\d.]+#t=[\d.]+$", link)
    bare = browser_page_without_script
    bare.goto(link)
    expect(bare.locator(".s:target")).to_contain_text("wall had been measured")
    expect(bare.locator(".s:target")).to_be_in_viewport()
    subscriber.goto("/")
    subscriber.goto(link)
    marked = "[...CSS.highlights.get('marked') ?? []].map(String).join(' ')"
    until(subscriber, f"{marked} === 'wall had been measured'")
    seek(subscriber, 100)
    subscriber.evaluate("location.hash = '#t=84'")
    until(subscriber, f"{marked} !== 'wall had been measured'")
    play(subscriber)
