"""The menu at the selected words in a real browser."""

from playwright.sync_api import Page, ViewportSize, expect

from tests.support.reading import current_time, play, seek, select, settle, tab_to, until
from tests.support.site import Site

EPISODE = "/episodes/the-water-was-always-coming"
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}


def test_the_menu_is_at_the_selection(subscriber: Page) -> None:
    """It stands beside the selected words, inside the window, and goes with them."""
    for size in (PHONE, DESKTOP):
        subscriber.set_viewport_size(size)
        subscriber.goto(EPISODE)
        menu = subscriber.get_by_role("toolbar", name="The selected words")
        expect(menu).to_be_hidden()
        select(subscriber, "that one was shorter", "I was angry.")
        expect(menu).to_be_visible()
        box = menu.bounding_box()
        words = subscriber.evaluate("getSelection().getRangeAt(0).getBoundingClientRect().toJSON()")
        assert box is not None
        assert box["y"] + box["height"] <= words["top"]
        assert words["top"] - box["y"] - box["height"] < 20
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        subscriber.evaluate("getSelection().removeAllRanges()")
        expect(menu).to_be_hidden()


def test_escape_gives_the_focus_back(subscriber: Page) -> None:
    """C quotes the sentence at the time that has the focus; Esc closes the menu and gives the focus back."""
    subscriber.goto(EPISODE)
    time = subscriber.locator(".transcript .when").nth(2)
    time.focus()
    subscriber.keyboard.press("c")
    menu = subscriber.get_by_role("toolbar", name="The selected words")
    expect(menu.get_by_role("button", name="Quote", exact=True)).to_be_focused()
    subscriber.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(time).to_be_focused()
    assert subscriber.evaluate("getSelection().isCollapsed")


def test_words_from_the_menu_are_heard(subscriber: Page) -> None:
    """The menu plays from the first selected word."""
    subscriber.goto(EPISODE)
    select(subscriber, "that one was shorter", "I was angry.")
    said = subscriber.evaluate("getSelection().anchorNode.parentElement.id")
    subscriber.get_by_role("button", name="Hear from here").click()
    until(subscriber, "!document.querySelector('audio').paused")
    assert float(said.removeprefix("t=")) < current_time(subscriber) < 36
    expect(subscriber.get_by_role("toolbar", name="The selected words")).to_be_hidden()


def test_words_are_shared(subscriber: Page) -> None:
    """Where the system can share, the menu hands it the words with speaker and address."""
    subscriber.add_init_script("navigator.share = async (what) => (window.shared = what);")
    subscriber.goto(EPISODE)
    select(subscriber, "that one was shorter", "I was angry.")
    subscriber.get_by_role("button", name="Share").click()
    shared = subscriber.evaluate("window.shared")
    assert shared["text"] == "Ines Marchetti: “that one was shorter, because by then I was angry.”"
    assert f"{EPISODE}?v=" in shared["url"]


def test_no_share_button_without_a_share_sheet(subscriber: Page) -> None:
    """A system without sharing has no button that does nothing."""
    subscriber.add_init_script("delete Navigator.prototype.share;")
    subscriber.goto(EPISODE)
    select(subscriber, "that one was shorter", "I was angry.")
    expect(subscriber.get_by_role("toolbar", name="The selected words")).to_be_visible()
    expect(subscriber.get_by_role("button", name="Share")).to_be_hidden()


def test_a_citation_keeps_its_version(subscriber: Page, site: Site) -> None:
    """What was copied from an older version names that version, and its link opens the very words."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    subscriber.get_by_role("link", name="Version 1").click()
    select(subscriber, "that one was shorter", "I was angry.")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    subscriber.get_by_role("button", name="Text", exact=True).click()
    expect(subscriber.get_by_role("status")).to_contain_text("Copied from")
    copied = subscriber.evaluate("navigator.clipboard.readText()")
    assert "9 March 2026, version 1, 0:3" in copied
    assert "(Ines Marketti)" in copied
    subscriber.goto("/")
    subscriber.goto(copied.split()[-1])
    expect(subscriber.get_by_text("You are reading version 1")).to_be_visible()
    expect(subscriber.locator(".s.marked")).to_contain_text("that one was shorter")


def test_the_line_is_over_the_menu(subscriber: Page) -> None:
    """On a phone, too, "Copied" can be read while the menu is at the bottom of the window."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.set_viewport_size(PHONE)
    subscriber.goto(EPISODE)
    select(subscriber, "Let me read you a line", "Alder Street is told first")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    subscriber.get_by_role("button", name="Link", exact=True).click()
    line = subscriber.get_by_role("status")
    expect(line).to_contain_text("Copied")
    is_hidden = """e => { const b = e.getBoundingClientRect(); e.parentElement.style.pointerEvents = 'auto';
        document.querySelector('.quote').style.top = `${scrollY + b.top - 10}px`;
        return document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2) !== e }"""
    assert not line.evaluate(is_hidden)


def test_the_menu_is_at_words_far_away(subscriber: Page) -> None:
    """C quotes what is being said also after one has scrolled away: words and menu are in sight."""
    subscriber.goto(EPISODE)
    seek(subscriber, 41.2)
    play(subscriber)
    subscriber.evaluate("document.querySelector('audio').pause()")
    subscriber.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    subscriber.keyboard.press("c")
    opener = subscriber.get_by_role("toolbar").get_by_role("button", name="Quote")
    expect(opener).to_be_focused()
    settle(subscriber)
    words, menu = subscriber.locator(".s", has_text="Who read it?").bounding_box(), opener.bounding_box()
    assert words is not None
    assert menu is not None
    assert abs(menu["y"] - words["y"]) < 100
    expect(opener).to_be_in_viewport(ratio=1)


def test_what_is_being_said_by_keys_alone(subscriber: Page) -> None:
    """From the sheet of the player the sentence being heard is quoted without a mouse."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    seek(subscriber, 41.2)
    play(subscriber)
    subscriber.evaluate("document.querySelector('audio').pause()")
    tab_to(subscriber, "More")
    subscriber.keyboard.press("Enter")
    tab_to(subscriber, "Quote what is being said")
    subscriber.keyboard.press("Enter")
    expect(subscriber.get_by_role("toolbar", name="The selected words")).to_be_visible()
    subscriber.keyboard.press("Enter")
    tab_to(subscriber, "Markdown")
    subscriber.keyboard.press("Enter")
    expect(subscriber.get_by_role("status")).to_have_text("Copied from 0:40")
    copied = subscriber.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("> **Robin Ashdown:** Who read it?\n>\n")
    subscriber.keyboard.press("Escape")
    expect(subscriber.get_by_role("button", name="More")).to_be_focused()


def test_quotation_marks_inside_a_quote_are_pairs(subscriber: Page) -> None:
    """A mark whose partner is not selected gets one, and German marks become inner ones on both sides."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    cases = {
        "She said “they will": "“She said ‘they will’”",
        "drain it” and left": "“‘drain it’ and left”",
        "the inn „Zur Fähre“ stood": "“the inn ‚Zur Fähre‘ stood”",
    }
    for said, quoted in cases.items():
        subscriber.evaluate(
            """said => { const s = document.querySelector('.transcript .s').firstChild;
                const more = s.data.split(' ').length - said.split(' ').length;
                s.replaceData(0, s.length, said + ' x'.repeat(more)) }""",
            said,
        )
        select(subscriber, said.split()[0], said.split()[-1])
        subscriber.get_by_role("button", name="Quote", exact=True).click()
        subscriber.get_by_role("button", name="Text", exact=True).click()
        assert subscriber.evaluate("navigator.clipboard.readText()").startswith(f"{quoted} (")
        subscriber.keyboard.press("Escape")
