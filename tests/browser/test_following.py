"""Text and audio of an episode in a real browser: what plays and what does not, the way back, landing."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from podcast_pipeline.model import Segment, Speaker, Transcript, Word
from podcast_pipeline.web.view import LETTERS, WORD_STEP_CS
from tests.support.reading import (
    LONG_S,
    current_time,
    long_episode,
    middle_of,
    play,
    seek,
    select,
    settle,
    until,
)
from tests.support.site import Site

EPISODE = "/episodes/the-water-was-always-coming"
PAUSED = "document.querySelector('audio').paused"
LONGER_THAN_THE_PAGE_SCROLLS_MS = 1200
DOUBLE_CLICK_MS = 500  # longer than the page waits for a second click
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def long_page(site: Site) -> str:
    """The path of an episode of 26 chapters."""
    return f"/episodes/{long_episode(site).slug}"


def position_key(page: Page) -> str | None:
    """Return the remembered position."""
    found: str | None = page.evaluate("localStorage.getItem(`position:${location.pathname}`)")
    return found


def test_clicks_on_the_text_play_nothing(subscriber: Page) -> None:
    """A click that ends a selection, a single one, a double one: no sound, and the position stays."""
    subscriber.goto(EPISODE)
    seek(subscriber, 100)
    sentence = subscriber.locator(".s", has_text="Who read it?")
    at = middle_of(sentence, 5)
    for click in (subscriber.mouse.click, subscriber.mouse.dblclick):
        select(subscriber, "that one was shorter", "I was angry.")
        at = middle_of(sentence, 5)
        click(*at)
        subscriber.wait_for_timeout(DOUBLE_CLICK_MS)
        assert subscriber.evaluate(PAUSED)
        assert current_time(subscriber) == 100
    assert subscriber.evaluate("String(getSelection())").strip() == "read"
    assert position_key(subscriber) is None


def test_words_can_be_switched_to_play(subscriber: Page) -> None:
    """With the switch on a click plays the very word; a double click and letting go still play nothing."""
    subscriber.goto(EPISODE)
    subscriber.get_by_role("button", name="More").click()
    subscriber.get_by_label("Tap words to hear them").check()
    subscriber.reload()
    sentence = subscriber.locator(".s", has_text="Who read it?")
    subscriber.mouse.dblclick(*middle_of(sentence, 5))
    subscriber.wait_for_timeout(DOUBLE_CLICK_MS)
    assert subscriber.evaluate(PAUSED)
    subscriber.mouse.click(*middle_of(sentence, 5))
    subscriber.wait_for_timeout(DOUBLE_CLICK_MS)
    assert subscriber.evaluate(PAUSED)
    subscriber.mouse.click(*middle_of(sentence, 5))
    until(subscriber, f"!{PAUSED}")
    index = sentence.evaluate("s => [...document.querySelectorAll('.s')].indexOf(s)")
    group = str(subscriber.locator("[data-times]").get_attribute("data-times")).split(",")[index]
    hyphens, _, _ = group.partition(first := group.lstrip("-")[0])
    lasts_s = WORD_STEP_CS * (len(hyphens) * len(LETTERS) + LETTERS.index(first)) / 100
    read_at = float(str(sentence.get_attribute("id")).removeprefix("t=")) + lasts_s
    assert read_at <= current_time(subscriber) < read_at + 1.5


def test_the_margin_plays_a_paragraph(subscriber: Page) -> None:
    """Beside the paragraph under the mouse a button in the margin plays from there."""
    subscriber.goto(EPISODE)
    sentence = subscriber.locator(".s", has_text="Who read it?")
    subscriber.mouse.move(*middle_of(sentence, 5))
    button = subscriber.get_by_role("button", name="Play from 0:40")
    expect(button).to_be_visible()
    box, words = button.bounding_box(), sentence.bounding_box()
    assert box is not None
    assert words is not None
    assert box["x"] + box["width"] <= words["x"]
    assert abs(box["y"] - words["y"]) < words["height"]
    button.click()
    until(subscriber, f"!{PAUSED}")
    assert 40 <= current_time(subscriber) < 42


def test_jumps_are_in_the_history(subscriber: Page) -> None:
    """Back returns to the position before each jump, and does not leave the page."""
    subscriber.goto(EPISODE)
    seek(subscriber, 20)
    subscriber.get_by_role("link", name="The gauge that moved").click()
    subscriber.evaluate("document.querySelector('audio').pause()")
    subscriber.get_by_role("link", name="Alder Street, four years on").click()
    subscriber.evaluate("document.querySelector('audio').pause()")
    assert subscriber.url.endswith("#t=168")
    subscriber.go_back()
    until(subscriber, "Math.abs(document.querySelector('audio').currentTime - 84) < 2")
    assert subscriber.url.endswith("#t=84")
    subscriber.go_back()
    until(subscriber, "Math.abs(document.querySelector('audio').currentTime - 20) < 1")
    assert subscriber.url.endswith(EPISODE)
    subscriber.go_forward()
    until(subscriber, "Math.abs(document.querySelector('audio').currentTime - 84) < 2")


def test_a_jump_can_be_undone(subscriber: Page) -> None:
    """After a jump a button leads back to where the voice was."""
    subscriber.goto(EPISODE)
    seek(subscriber, 69)
    subscriber.get_by_role("link", name="Alder Street, four years on").click()
    back = subscriber.get_by_role("button", name="Back to 1:09")
    expect(back).to_be_visible()
    back.click()
    until(subscriber, "Math.abs(document.querySelector('audio').currentTime - 69) < 2")
    expect(back).to_be_hidden()


def test_the_way_back_to_the_voice(subscriber: Page, long_page: str) -> None:
    """While the voice goes on, a button leads back from where one has scrolled to; the text follows again."""
    subscriber.goto(long_page)
    seek(subscriber, 300)
    play(subscriber)
    until(subscriber, f"!{PAUSED}")
    expect(subscriber.locator(".s.heard")).to_be_in_viewport()
    settle(subscriber)
    subscriber.mouse.move(300, 300)
    subscriber.mouse.wheel(0, 3000)
    pill = subscriber.get_by_role("button", name=re.compile("Back to 5:0"))
    expect(pill).to_contain_text("↑")
    expect(subscriber.locator(".s.heard")).not_to_be_in_viewport()
    pill.click()
    expect(subscriber.locator(".s.heard")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_any_scroll_of_the_reader_ends_the_following(subscriber: Page, long_page: str) -> None:
    """Who drags the bar of the window, or searches with the browser, stays there while the voice goes on."""
    subscriber.goto(long_page)
    seek(subscriber, 300)
    play(subscriber)
    until(subscriber, f"!{PAUSED}")
    settle(subscriber)
    subscriber.wait_for_timeout(LONGER_THAN_THE_PAGE_SCROLLS_MS)
    subscriber.evaluate("scrollBy({top: -3000, behavior: 'instant'})")
    expect(subscriber.get_by_role("button", name=re.compile("Back to 5:"))).to_be_visible()
    before = subscriber.evaluate("scrollY")
    heard = subscriber.locator(".s.heard").get_attribute("id")
    subscriber.evaluate("document.querySelector('audio').playbackRate = 3")
    until(subscriber, f"document.querySelector('.s.heard').id !== '{heard}'")
    settle(subscriber)
    assert subscriber.evaluate("scrollY") == before


def test_the_chapters_scroll_without_the_text(subscriber: Page, long_page: str) -> None:
    """A wheel over the list of chapters leaves the text with the voice."""
    subscriber.set_viewport_size({"width": 1440, "height": 700})
    subscriber.goto(long_page)
    seek(subscriber, 300)
    play(subscriber)
    until(subscriber, f"!{PAUSED}")
    settle(subscriber)
    subscriber.locator(".chapters a.voice").hover()
    subscriber.mouse.wheel(0, 100)
    heard = subscriber.locator(".s.heard").get_attribute("id")
    seek(subscriber, 700)
    until(subscriber, f"document.querySelector('.s.heard').id !== '{heard}'")
    expect(subscriber.locator(".s.heard")).to_be_in_viewport()


def test_a_visit_elsewhere_keeps_the_position(subscriber: Page) -> None:
    """A cited link does not overwrite the remembered position, and the page offers to continue there."""
    subscriber.goto(EPISODE)
    subscriber.evaluate("localStorage.setItem(`position:${location.pathname}`, '120.5')")
    subscriber.goto("/")
    subscriber.goto(f"{EPISODE}#t=84")
    until(subscriber, "document.querySelector('audio').currentTime === 84")
    subscriber.wait_for_timeout(300)
    assert position_key(subscriber) == "120.5"
    subscriber.get_by_role("button", name="Continue at 2:00").click()
    until(subscriber, f"!{PAUSED}")
    assert 120 <= current_time(subscriber) < 123


@pytest.mark.parametrize("is_linked", [True, False], ids=["linked", "jumped"])
def test_a_reload_keeps_the_position(subscriber: Page, is_linked: bool) -> None:
    """Who has listened on from a link or a chapter goes on there after a reload."""
    subscriber.goto(f"{EPISODE}#t=84" if is_linked else EPISODE)
    if not is_linked:
        subscriber.get_by_role("link", name="The gauge that moved").click()
    seek(subscriber, 135)
    play(subscriber)
    until(subscriber, f"!{PAUSED}")
    subscriber.evaluate("document.querySelector('audio').pause()")
    until(subscriber, "history.state?.hasListened")
    subscriber.reload()
    until(subscriber, "document.querySelector('audio').currentTime >= 135")
    assert subscriber.url.endswith("#t=84")
    subscriber.goto("/")
    subscriber.goto(f"{EPISODE}#t=20")
    until(subscriber, "document.querySelector('audio').currentTime === 20")


def test_one_lands_with_the_name(subscriber: Page, long_page: str) -> None:
    """A link to a sentence, early or late in a turn, shows it with its speaker's name, on a phone too."""
    for size in (PHONE, DESKTOP):
        subscriber.set_viewport_size(size)
        subscriber.goto(long_page)
        ids = subscriber.locator(".turn:nth-of-type(9) .s").evaluate_all("all => all.map(s => s.id)")
        for place in (ids[0], ids[1], ids[-1]):
            subscriber.goto("/")
            subscriber.goto(f"{long_page}#{place}")
            sentence = subscriber.locator(f"[id='{place}']")
            expect(sentence).to_have_class(re.compile("marked"))
            expect(sentence).to_be_in_viewport(ratio=1)
            until(
                subscriber,
                f"""(() => {{ const s = document.getElementById('{place}');
                     const b = s.closest('.turn').querySelector('cite').getBoundingClientRect();
                     const on = document.elementFromPoint(b.x + 2, b.y + b.height / 2);
                     return b.top >= 0 && b.bottom < s.getBoundingClientRect().top + 1
                       && on?.tagName === 'CITE'; }})()""",
            )


def test_one_lands_at_once_with_the_player_in_sight(subscriber: Page, long_page: str) -> None:
    """A link to a late passage of a long episode scrolls through nothing before it and folds no player."""
    subscriber.add_init_script(
        "window.places = []; addEventListener('scroll', () => window.places.push(scrollY));"
    )
    for size in (PHONE, DESKTOP):
        subscriber.set_viewport_size(size)
        subscriber.goto("/")
        subscriber.goto(f"{long_page}#t={LONG_S - 100.7}")
        expect(subscriber.locator(".s.marked").first).to_be_in_viewport(ratio=1)
        settle(subscriber)
        assert len(subscriber.evaluate("window.places")) <= 3
        expect(subscriber.locator(".deck")).not_to_have_class(re.compile("is-folded"))


def test_the_head_leads_to_the_transcript(subscriber: Page, long_page: str) -> None:
    """On a phone a link in the first window leads past notes and chapters to the words."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(long_page)
    link = subscriber.get_by_role("link", name="Read the transcript")
    expect(link).to_be_in_viewport(ratio=1)
    link.click()
    expect(subscriber.get_by_role("heading", name="Transcript", exact=True)).to_be_in_viewport(ratio=1)
    expect(subscriber.locator(".turn").first).to_be_in_viewport()


def test_the_name_stays_without_a_script(browser_page_without_script: Page, long_page: str) -> None:
    """Without a script, too, a link to a late sentence of a long turn shows the name above it, on a phone."""
    page = browser_page_without_script
    page.set_viewport_size(PHONE)
    page.goto(long_page)
    place = page.locator(".turn").nth(8).locator(".s").last.get_attribute("id")
    page.goto(f"{long_page}#{place}")
    name = page.locator(".turn").nth(8).locator("cite")
    expect(name).to_be_in_viewport(ratio=1)
    expect(page.locator(f"[id='{place}']")).to_be_in_viewport(ratio=1)
    top, bottom = page.locator(f"[id='{place}']").bounding_box(), name.bounding_box()
    assert top is not None
    assert bottom is not None
    assert bottom["y"] + bottom["height"] <= top["y"]


def test_the_very_sentence_of_a_link_is_lit(subscriber: Page, site: Site) -> None:
    """At 66.88 s, which a browser's clock has as 66.879999, the sentence that begins there is lit."""
    starts = (0.0, 16.07, 33.33, 50.01, 66.88, 83.29)
    segments = tuple(
        Segment(speaker=f"s{n % 2}", words=(Word(text=f" Sentence {n}.", start_s=at, end_s=at + 4),))
        for n, at in enumerate(starts)
    )
    people = (Speaker(id="s0", name="Ann Howe"), Speaker(id="s1", name="Bo Li"))
    words = Transcript(language="en", duration_s=90, speakers=people, segments=segments)
    site.publish("centiseconds", words)
    for n, at in enumerate(starts):
        subscriber.goto("/")
        subscriber.goto(f"/episodes/centiseconds#t={at:g}")
        expect(subscriber.locator(".s.heard")).to_have_text(f"Sentence {n}.")
        expect(subscriber.locator(".s.marked")).to_have_text(f"Sentence {n}.")


@pytest.mark.parametrize("address", ["#100%", "#t=12.3.4", "#t=,", "#t=1e400"])
def test_an_address_that_is_no_time(subscriber: Page, address: str) -> None:
    """A broken address is no error of the page (`context` fails on one): it opens where one was."""
    subscriber.goto(EPISODE)
    subscriber.evaluate("localStorage.setItem(`position:${location.pathname}`, '120.5')")
    subscriber.goto("/")
    subscriber.goto(f"{EPISODE}{address}")
    until(subscriber, "document.querySelector('audio').currentTime === 120.5")
    expect(subscriber.locator(".s.marked")).to_have_count(0)


def test_a_passage_with_an_encoded_comma(subscriber: Page) -> None:
    """A passage whose comma a mail program has encoded is marked like any."""
    subscriber.goto(f"{EPISODE}#t=41.2%2C41.6")
    expect(subscriber.locator(".s.marked")).to_contain_text("Who read it?")


def test_two_marks_in_the_list_of_chapters(subscriber: Page, long_page: str) -> None:
    """The list has a mark where the voice is and one where the eye is; the one that moves is in sight."""
    subscriber.set_viewport_size({"width": 1440, "height": 700})
    subscriber.goto(long_page)
    voice, eye = (
        subscriber.locator(".chapters a.voice"),
        subscriber.locator(".chapters a[aria-current=location]"),
    )
    seek(subscriber, LONG_S - 20)
    play(subscriber)
    expect(voice).to_contain_text("Chapter 26 of the docket")
    expect(voice).to_be_in_viewport(ratio=1)
    subscriber.evaluate("document.querySelector('audio').pause()")
    subscriber.mouse.move(300, 300)
    subscriber.mouse.wheel(0, -4000)
    settle(subscriber)
    subscriber.evaluate(
        "document.querySelectorAll('.transcript h3')[3].scrollIntoView({behavior: 'instant'})"
    )
    expect(eye).to_contain_text("Chapter 4 of the docket")
    expect(eye).to_be_in_viewport(ratio=1)
    expect(voice).to_contain_text("Chapter 26 of the docket")


def test_a_late_time_leaves_room_for_its_title(subscriber: Page, long_page: str) -> None:
    """A time of seven figures, bold, ends before the chapter's title begins."""
    subscriber.goto(long_page)
    link = subscriber.locator(".chapters a").last
    gap = link.evaluate(
        """a => { const [when, title] = a.children; a.classList.add('voice'); when.textContent = '2:58:58';
                  const r = document.createRange(); r.selectNodeContents(when);
                  return title.getBoundingClientRect().left - r.getBoundingClientRect().right }"""
    )
    assert gap >= 4


def test_chapters_are_a_sheet_on_a_phone(subscriber: Page, long_page: str) -> None:
    """Anywhere in the text the player opens the chapters over it; one is chosen, and the sheet is gone."""
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(long_page)
    subscriber.evaluate(
        "document.querySelectorAll('.transcript h3')[9].scrollIntoView({behavior: 'instant'})"
    )
    subscriber.mouse.move(100, 300)
    subscriber.mouse.wheel(0, -40)
    expect(subscriber.locator(".deck")).not_to_have_class(re.compile("is-folded"))
    settle(subscriber)
    before = subscriber.evaluate("scrollY")
    opener = subscriber.get_by_role("button", name="Chapters", exact=True)
    opener.click()
    sheet = subscriber.get_by_role("navigation", name="Chapters")
    expect(sheet.get_by_role("link", name="Chapter 10 of the docket")).to_be_in_viewport()
    subscriber.keyboard.press("Escape")
    expect(opener).to_be_focused()
    assert subscriber.evaluate("scrollY") == before
    opener.click()
    sheet.get_by_role("link", name="Chapter 12 of the docket").click()
    expect(sheet).not_to_be_in_viewport()
    until(subscriber, "document.querySelector('audio').currentTime >= 330")
    expect(subscriber.locator(".transcript h3", has_text="Chapter 12 of the docket")).to_be_in_viewport()
