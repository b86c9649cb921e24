"""The player of an episode's page in a real browser: buttons, keys, sizes, failures."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.support.reading import current_time, long_episode, play, seek, select, tab_to, until
from tests.support.site import Site

EPISODE = "/episodes/the-water-was-always-coming"
PAUSED = "document.querySelector('audio').paused"
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
ZOOMED: ViewportSize = {"width": 320, "height": 256}  # a window of 1280×1024 at 400 %


def covered(page: Page) -> float:
    """Return the share of the window that stays covered however far one scrolls."""
    return float(
        page.evaluate(
            """() => [...document.querySelectorAll('body *')]
                .filter(e => getComputedStyle(e).position === 'fixed' && e.checkVisibility())
                .reduce((sum, e) => sum + e.offsetHeight, 0) / innerHeight"""
        )
    )


def test_the_player_leaves_a_phone_to_the_text(subscriber: Page) -> None:
    """One row and a scrubber, an eighth of a phone's window, at the bottom; nothing sticks at the top."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(EPISODE)
    deck = subscriber.get_by_role("region", name="Player")
    expect(deck).to_be_in_viewport()
    assert 0 < covered(subscriber) <= 0.125
    box = deck.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] == PHONE["height"]


def test_a_low_window_is_left_to_the_text(subscriber: Page) -> None:
    """Below 400 px of height, as at 400 % zoom, nothing stays over the text, with words selected neither."""
    subscriber.set_viewport_size(ZOOMED)
    subscriber.goto(EPISODE)
    seek(subscriber, 34.5)
    select(subscriber, "that one was shorter", "I was angry.")
    expect(subscriber.get_by_role("toolbar")).to_be_visible()
    assert covered(subscriber) == 0
    deck = subscriber.get_by_role("region", name="Player")
    deck.scroll_into_view_if_needed()
    expect(deck.get_by_role("button", name="Play", exact=True)).to_be_in_viewport()
    assert subscriber.evaluate("document.documentElement.scrollWidth") <= ZOOMED["width"]


def test_it_folds_while_one_reads_without_sound(subscriber: Page) -> None:
    """Scrolling on folds it to a line, scrolling back or the Tab key brings it back; with sound it stays."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(EPISODE)
    deck = subscriber.locator(".deck")
    subscriber.mouse.move(100, 300)
    subscriber.mouse.wheel(0, 600)
    expect(deck).to_have_class(re.compile("is-folded"))
    subscriber.mouse.wheel(0, -200)
    expect(deck).not_to_have_class(re.compile("is-folded"))
    subscriber.mouse.wheel(0, 600)
    expect(deck).to_have_class(re.compile("is-folded"))
    deck.get_by_role("button", name="Play", exact=True).focus()
    expect(deck).not_to_have_class(re.compile("is-folded"))
    subscriber.evaluate("document.activeElement.blur()")
    play(subscriber)
    subscriber.mouse.wheel(0, 600)
    subscriber.wait_for_timeout(300)
    expect(deck).not_to_have_class(re.compile("is-folded"))


def test_play_and_skip(subscriber: Page) -> None:
    """The buttons play, pause and skip; the times beside the scrubber and its spoken text follow."""
    subscriber.goto(EPISODE)
    deck = subscriber.get_by_role("region", name="Player")
    seek(subscriber, 60)
    deck.get_by_role("button", name="Forward 30 seconds").click()
    assert current_time(subscriber) == 90
    deck.get_by_role("button", name="Back 15 seconds").click()
    assert current_time(subscriber) == 75
    expect(deck.locator(".now")).to_have_text("1:15")
    expect(deck.locator(".left")).to_have_text("−2:45")
    slider = deck.get_by_role("slider", name="Position")
    expect(slider).to_have_attribute("aria-valuetext", "1:15 of 4:00, Two memos")
    deck.get_by_role("button", name="Play", exact=True).click()
    until(subscriber, f"!{PAUSED}")
    deck.get_by_role("button", name="Pause").click()
    until(subscriber, PAUSED)


def test_chapters_on_the_scrubber(subscriber: Page) -> None:
    """Each chapter but the first has a tick; buttons lead to the next and the previous, or to its start."""
    subscriber.goto(EPISODE)
    deck = subscriber.get_by_role("region", name="Player")
    places = deck.locator(".rail i").evaluate_all(
        "ticks => ticks.map(t => parseFloat(t.style.insetInlineStart))"
    )
    assert places == pytest.approx([35, 70], abs=0.2)
    deck.get_by_role("button", name="Next chapter").click()
    assert current_time(subscriber) == 84
    expect(deck.locator(".title-now")).to_have_text("The gauge that moved")
    seek(subscriber, 100)
    deck.get_by_role("button", name="Previous chapter").click()
    assert current_time(subscriber) == 84
    deck.get_by_role("button", name="Previous chapter").click()
    assert current_time(subscriber) == 0


def test_speed_from_half_to_threefold(subscriber: Page) -> None:
    """The speed goes from 0.5 to 3, by the list and by keys."""
    subscriber.goto(EPISODE)
    speed = subscriber.get_by_label("Speed")
    values = speed.locator("option").evaluate_all("options => options.map(o => Number(o.value))")
    assert (values[0], values[-1]) == (0.5, 3)
    assert values == sorted(values)
    speed.select_option("3")
    assert subscriber.evaluate("document.querySelector('audio').playbackRate") == 3
    subscriber.locator("h1").click()
    subscriber.keyboard.press("<")
    assert subscriber.evaluate("document.querySelector('audio').playbackRate") == 2.75


def test_keys_from_anywhere(subscriber: Page) -> None:
    """Shortcuts work without the focus in the player, but not while one types, and the switch ends them."""
    subscriber.goto(EPISODE)
    subscriber.keyboard.press("Space")
    subscriber.wait_for_timeout(100)
    assert subscriber.evaluate(PAUSED)
    subscriber.keyboard.press("k")
    until(subscriber, f"!{PAUSED}")
    subscriber.keyboard.press("Space")
    until(subscriber, PAUSED)
    seek(subscriber, 60)
    subscriber.keyboard.press("ArrowRight")
    assert current_time(subscriber) == 90
    subscriber.keyboard.press("Shift+ArrowLeft")
    assert current_time(subscriber) == 84
    subscriber.keyboard.press("m")
    assert subscriber.evaluate("document.querySelector('audio').muted")
    subscriber.get_by_role("searchbox", name="Search all episodes").press("k")
    assert subscriber.evaluate(PAUSED)
    subscriber.locator("h1").click()
    subscriber.keyboard.press("?")
    sheet = subscriber.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    sheet.get_by_label("Use these keys").uncheck()
    subscriber.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    subscriber.reload()
    subscriber.keyboard.press("k")
    subscriber.wait_for_timeout(100)
    assert subscriber.evaluate(PAUSED)


def test_keys_after_the_scrubber(subscriber: Page) -> None:
    """After a click on the scrubber Space still pauses; the arrow keys are the scrubber's own."""
    subscriber.goto(EPISODE)
    play(subscriber)
    slider = subscriber.get_by_role("slider", name="Position")
    slider.click()
    until(subscriber, "document.querySelector('audio').currentTime > 115")
    expect(slider).to_be_focused()
    subscriber.keyboard.press("Space")
    until(subscriber, PAUSED)
    before = float(slider.input_value())
    subscriber.keyboard.press("ArrowRight")
    assert 0.5 <= current_time(subscriber) - before <= 1.5
    subscriber.keyboard.press("?")
    sheet = subscriber.get_by_role("dialog", name="Keyboard shortcuts")
    switch = sheet.get_by_label("Use these keys")
    switch.focus()
    subscriber.keyboard.press("Space")
    expect(switch).not_to_be_checked()
    assert subscriber.evaluate(PAUSED)


def test_the_timer_stops_the_audio(subscriber: Page) -> None:
    """With "stop after this chapter" the audio pauses where the next one begins."""
    subscriber.goto(EPISODE)
    seek(subscriber, 82.5)
    subscriber.get_by_role("button", name="More").click()
    subscriber.get_by_label("Stop after").select_option("this chapter")
    subscriber.keyboard.press("Escape")
    subscriber.get_by_label("Speed").select_option("3")
    play(subscriber)
    until(subscriber, PAUSED)
    assert 83 < current_time(subscriber) < 87
    expect(subscriber.get_by_role("status")).to_have_text("The timer has stopped the audio")


def test_the_timer_goes_with_a_jump(subscriber: Page) -> None:
    """After a jump "stop after this chapter" means the chapter jumped to, and the sound goes on."""
    subscriber.goto(EPISODE)
    play(subscriber)
    subscriber.get_by_role("button", name="More").click()
    subscriber.get_by_label("Stop after").select_option("this chapter")
    subscriber.keyboard.press("Escape")
    subscriber.get_by_role("link", name="The gauge that moved").click()
    until(subscriber, "document.querySelector('audio').currentTime > 85")
    assert not subscriber.evaluate(PAUSED)
    seek(subscriber, 166.5)
    until(subscriber, PAUSED)
    assert 167 < current_time(subscriber) < 170


def test_sound_off_is_said(subscriber: Page) -> None:
    """M says that the sound is off, and the volume shows it; M again says that it is on."""
    subscriber.goto(EPISODE)
    subscriber.keyboard.press("m")
    expect(subscriber.get_by_role("status")).to_have_text("Sound off")
    assert subscriber.locator("[data-do=volume]").input_value() == "0"
    subscriber.keyboard.press("m")
    expect(subscriber.get_by_role("status")).to_have_text("Sound on")
    assert subscriber.locator("[data-do=volume]").input_value() == "1"


def test_lock_screen_and_headset(subscriber: Page) -> None:
    """The system knows title, show and author, and its keys skip and change the chapter."""
    subscriber.add_init_script(
        """window.actions = {};
           navigator.mediaSession.setActionHandler = (name, act) => (window.actions[name] = act);"""
    )
    subscriber.goto(EPISODE)
    told = subscriber.evaluate(
        "(({title, album, artist}) => [title, album, artist])(navigator.mediaSession.metadata)"
    )
    assert told == ["The water was always coming", "Late Proofs", "The Harrow Street Courier"]
    subscriber.evaluate("actions.nexttrack({})")
    assert current_time(subscriber) == 84
    subscriber.evaluate("actions.seekbackward({})")
    assert current_time(subscriber) == 69
    assert {"play", "pause", "seekforward", "seekto", "previoustrack"} <= set(
        subscriber.evaluate("Object.keys(actions)")
    )


def test_audio_that_fails_says_so(browser: Browser, site: Site) -> None:
    """A line says that the audio did not load; trying again plays it from the same place."""
    context = browser.new_context(base_url=site.config.urls.site)
    page = context.new_page()
    broken = True

    def serve(route: Route) -> None:
        if broken:
            route.abort()
        else:
            route.continue_()

    page.route("**/public/audio/**", serve)
    page.goto(f"{EPISODE}#t=84")
    fault = page.get_by_role("alert")
    expect(fault).to_contain_text("The audio could not be loaded.")
    broken = False
    fault.get_by_role("button", name="Retry").click()
    until(page, "document.querySelector('audio').currentTime > 84")
    expect(fault).to_be_hidden()
    context.close()


def test_audio_that_does_not_come_says_so(browser: Browser, site: Site) -> None:
    """After some seconds of waiting a line says so, with Retry; it goes when there is sound."""
    context = browser.new_context(base_url=site.config.urls.site)
    page = context.new_page()
    held: list[Route] = []
    page.route("**/public/audio/**", lambda route: held.append(route))
    page.goto(EPISODE)
    page.get_by_role("button", name="Play").first.click()
    fault = page.get_by_role("alert")
    expect(fault).to_contain_text("The audio is slow to come.", timeout=10_000)
    expect(fault.get_by_role("button", name="Retry")).to_be_visible()
    for route in held:
        route.continue_()
    expect(fault).to_be_hidden()
    until(page, "document.querySelector('audio').currentTime > 0")
    context.close()


def test_one_tab_plays(subscriber: Page) -> None:
    """What plays in another tab of the site pauses when one plays here."""
    subscriber.goto(EPISODE)
    play(subscriber)
    until(subscriber, f"!{PAUSED}")
    other = subscriber.context.new_page()
    other.goto(EPISODE)
    play(other)
    until(subscriber, PAUSED)
    assert not other.evaluate(PAUSED)


def test_a_browser_that_keeps_nothing(subscriber: Page) -> None:
    """With site data blocked, player, following and quotes work, and nothing is an error of the page."""
    refuses = "{get() { throw new DOMException('denied', 'SecurityError'); }}"
    subscriber.add_init_script(f"Object.defineProperty(window, 'localStorage', {refuses})")
    subscriber.goto(f"{EPISODE}#t=41.2")
    expect(subscriber.locator(".s.marked")).to_contain_text("Who read it?")
    subscriber.get_by_label("Speed").select_option("3")
    subscriber.keyboard.press("k")
    until(subscriber, "document.querySelector('audio').currentTime > 43")
    subscriber.keyboard.press("c")
    expect(subscriber.get_by_role("toolbar")).to_be_visible()


@pytest.mark.parametrize(
    "media", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}]
)
@pytest.mark.parametrize("size", [PHONE, ZOOMED, DESKTOP], ids=lambda size: str(size["width"]))
def test_axe_finds_nothing_in_any_state(subscriber: Page, media: dict[str, str], size: ViewportSize) -> None:
    """Every sheet and menu is without a finding, in both colour schemes and with forced colours."""
    subscriber.emulate_media(**media)  # type: ignore[arg-type]
    subscriber.set_viewport_size(size)
    subscriber.goto(EPISODE)
    seek(subscriber, 34.5)
    assert Axe().run(subscriber).response["violations"] == []
    subscriber.get_by_role("button", name="More").click()
    assert Axe().run(subscriber).response["violations"] == []
    subscriber.get_by_role("button", name="Keyboard shortcuts").click()
    assert Axe().run(subscriber).response["violations"] == []
    subscriber.keyboard.press("Escape")
    subscriber.get_by_role("button", name="Find in this transcript").click()
    subscriber.get_by_role("searchbox", name="Find in this transcript").fill("street")
    assert Axe().run(subscriber).response["violations"] == []
    subscriber.keyboard.press("Escape")
    select(subscriber, "that one was shorter", "I was angry.")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    assert Axe().run(subscriber).response["violations"] == []


def test_from_right_to_left(subscriber: Page) -> None:
    """On a page from right to left time runs from left to right; nothing overflows, and axe finds nothing."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(EPISODE)
    subscriber.evaluate("document.documentElement.dir = 'rtl'")
    rail, tick = (
        subscriber.locator(".rail").bounding_box(),
        subscriber.locator(".rail i").first.bounding_box(),
    )
    assert rail is not None
    assert tick is not None
    assert tick["x"] - rail["x"] == pytest.approx(0.35 * rail["width"], abs=4)
    assert subscriber.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert Axe().run(subscriber).response["violations"] == []


def test_forced_colours_show_the_sentence(subscriber: Page) -> None:
    """With forced colours the sentence that is heard has an outline."""
    subscriber.emulate_media(forced_colors="active")
    subscriber.goto(EPISODE)
    seek(subscriber, 34.5)
    heard = subscriber.locator(".s.heard")
    assert heard.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    assert heard.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2


def test_the_keyboard_comes_to_the_footer(subscriber: Page, site: Site) -> None:
    """The text of a long episode is one stop of the Tab key; arrows lead from time to time."""
    episode = long_episode(site, "by-keys")
    subscriber.goto(f"/episodes/{episode.slug}")
    stops = subscriber.evaluate(
        "[...document.querySelectorAll('.transcript :is(a, button)')].filter(e => e.tabIndex >= 0).length"
    )
    assert stops == 1
    tab_to(subscriber, "0:00")
    subscriber.keyboard.press("ArrowDown")
    until(subscriber, "document.activeElement.matches('.turn:nth-of-type(2) .when')")
    subscriber.keyboard.press("Enter")
    until(subscriber, f"!{PAUSED}")
    assert 14 < current_time(subscriber) < 18
