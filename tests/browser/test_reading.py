"""An episode in a real browser: with and without a script, by keyboard, on small screens."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from podcast_pipeline.model import Person, Segment, Transcript, Word
from podcast_pipeline.search import SearchIndex
from tests.support.reading import current_time, seek, select, tab_to, until
from tests.support.site import NOW, SHOW_ID, Site, transcript_of

EPISODE = "/episodes/the-water-was-always-coming"
SECRET = "because by then I was angry"


def test_the_sentence_being_heard_is_lit(subscriber: Page) -> None:
    """While the audio plays, the lit sentence moves on and is in view."""
    subscriber.goto(EPISODE)
    seek(subscriber, 34.5)
    heard = subscriber.locator(".s.heard")
    expect(heard).to_contain_text(SECRET)
    subscriber.evaluate("document.querySelector('audio').play()")
    expect(heard).to_contain_text("It said that the wall had been measured")
    expect(heard).to_be_in_viewport()
    assert subscriber.evaluate("CSS.highlights.get('heard').size") == 1


ODD_WORDS = (" Twenty", "-five", " km:", " 川", "が", "来た。", " 👋🏽👋", " don’t", " a\u00a0b", " end.")


def test_the_very_word_is_lit_in_every_script(subscriber: Page, site: Site) -> None:
    """The current word is highlighted exactly, also without spaces and outside the BMP."""
    words = tuple(
        Word(text=text, start_s=n / 2 + 0.125, end_s=n / 2 + 0.5) for n, text in enumerate(ODD_WORDS)
    )
    segments = (Segment(words=words[:7]), Segment(words=words[7:]))
    site.publish("odd-words", Transcript(language="ja", duration_s=5, segments=segments))
    subscriber.goto("/episodes/odd-words")
    for word in words:
        seek(subscriber, word.start_s + 0.2)
        lit = "String([...CSS.highlights.get('heard') ?? []][0])"
        until(subscriber, f"{lit} === {json.dumps(word.text.strip())}")


def test_a_chapter_is_one_click(subscriber: Page) -> None:
    """A chapter plays from its start and is the current one."""
    subscriber.goto(EPISODE)
    subscriber.get_by_role("link", name="The gauge that moved").click()
    expect(subscriber.locator(".chapters a.voice")).to_have_text(re.compile("The gauge that moved"))
    assert 84 <= current_time(subscriber) < 87
    assert subscriber.url.endswith("#t=84")


@pytest.mark.parametrize(
    ("style", "says"),
    [
        (
            "Text",
            [
                "“that one was shorter, because by then I was angry.”",
                "(Ines Marchetti)",
                "9 March 2026, version 2, 0:3",
            ],
        ),
        ("Markdown", ["> **Ines Marchetti:** that one was", "[The water was always coming](http"]),
        (
            "BibTeX",
            [
                "@misc{",
                "author = {{Ines Marchetti}}",
                "year = {2026}",
                "month = {3}",
                "version = {2}",
                "``that one was",
            ],
        ),
        (
            "APA",
            [
                "Ashdown, R. (Host). (2026, March 9). The water was always coming (No. 14) [Audio",
                "podcast episode; transcript version 2]. In Late Proofs.",
            ],
        ),
    ],
)
def test_a_citation(subscriber: Page, style: str, says: list[str]) -> None:
    """The selection, extended to whole words, is copied with speaker, source and time."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    select(subscriber, "hat one was shorter", "I was ang")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    subscriber.get_by_role("button", name=style, exact=True).click()
    expect(subscriber.get_by_role("status")).to_have_text(re.compile("Copied"))
    copied = subscriber.evaluate("navigator.clipboard.readText()")
    for part in says:
        assert part in copied


ODD_TITLE = r"Cost & loss: 100% of {x}_y ~ ^ \\ $5 #1?"
ODD_HOSTS = (
    "Vincent van Gogh",
    "Jean-Paul Sartre",
    "Martin Luther King Jr.",
    "王小明",
    "Björk",
    "Al O’Hara|Co",
)
ODD = {
    "Text": [ODD_TITLE + " Late Proofs, ", "“*Bold*, [x] & <b>.” (D’Arcy & Sons)"],
    "Markdown": [
        r"> **D’Arcy \& Sons:** \*Bold\*, \[x\] \& \<b\>.",
        r"[Cost \& loss: 100% of {x}\_y \~ ^ \\\\ $5 \#1?](http",
    ],
    "BibTeX": [
        r"author = {{D’Arcy \& Sons}},",
        (
            r"title = {{Cost \& loss: 100\% of \textbraceleft{}x\textbraceright{}\_y \textasciitilde{} "
            r"\textasciicircum{} \textbackslash{}\textbackslash{} \$5 \#1?}},"
        ),
    ],
    "APA": [
        "van Gogh, V., Sartre, J.-P., King, M. L., Jr., 王小明, Björk, & O’Hara|Co, A. (Hosts). (2026, March",
        ODD_TITLE
        + " [Audio podcast episode; transcript version 1]. In Late Proofs. The Harrow Street Courier. http",
    ],
}


def test_a_citation_of_odd_names(subscriber: Page, site: Site) -> None:
    """BibTeX and Markdown are escaped; APA puts the surname first where there is one."""
    people = tuple(Person(name=name, role="host") for name in ODD_HOSTS)
    words = transcript_of("D’Arcy & Sons: *Bold*, [x] & <b>.", duration_s=20)
    odd = site.publish("odd", words, title=ODD_TITLE, persons=people)
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(f"/episodes/{odd.slug}")
    select(subscriber, "*Bold*", "<b>.")
    copied = {}
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    for style in ODD:
        subscriber.get_by_role("button", name=style, exact=True).click()
        expect(subscriber.get_by_role("status")).to_have_text(re.compile("Copied"))
        copied[style] = subscriber.evaluate("navigator.clipboard.readText()")
    assert {style: [part for part in parts if part not in copied[style]] for style, parts in ODD.items()} == {
        style: [] for style in ODD
    }, copied
    assert copied["BibTeX"].count("{") == copied["BibTeX"].count("}")


def test_each_script_runs_its_own_way(subscriber: Page, site: Site) -> None:
    """An Arabic episode runs from right to left on an English page, and in the list and the search."""
    title, said = "النهر الذي كان قادما", "كان النهر قادما دائما."
    arabic = site.publish("arabic", transcript_of(f"مريم: {said}", duration_s=5), title=title, language="ar")
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    places = {
        f"/episodes/{arabic.slug}": ("h1", ".said"),
        "/": ("h3:has-text('النهر')",),
        "/search?q=قادما": (".results h2", ".results q"),
    }
    for path, selectors in places.items():
        subscriber.goto(path)
        for selector in selectors:
            direction = "e => getComputedStyle(e).direction"
            assert subscriber.locator(selector).first.evaluate(direction) == "rtl"
            assert subscriber.locator("body").evaluate(direction) == "ltr"


def test_a_citation_of_two_speakers(subscriber: Page) -> None:
    """A passage over two turns names each of them with their words."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    select(subscriber, "Who read it?", "opened the file.")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    subscriber.get_by_role("button", name="Markdown").click()
    expect(subscriber.get_by_role("status")).to_have_text(re.compile("Copied"))
    copied = subscriber.evaluate("navigator.clipboard.readText()")
    assert "> **Robin Ashdown:** Who read it?" in copied
    assert "> **Ines Marchetti:** I know of four people who opened the file." in copied


def test_a_citation_link_marks_the_passage(browser: Browser, subscriber: Page, site: Site) -> None:
    """A citation's link marks the passage for a subscriber, and shows the teaser to others."""
    subscriber.context.grant_permissions(["clipboard-read", "clipboard-write"])
    subscriber.goto(EPISODE)
    select(subscriber, "that one was shorter", "I was angry.")
    subscriber.get_by_role("button", name="Quote", exact=True).click()
    subscriber.get_by_role("button", name="Link").click()
    expect(subscriber.get_by_role("status")).to_have_text(re.compile("Copied"))
    link = subscriber.evaluate("navigator.clipboard.readText()")
    subscriber.goto("/")
    subscriber.goto(link)
    expect(subscriber.locator(".s.marked")).to_contain_text(SECRET)
    expect(subscriber.locator(".s.marked")).to_be_in_viewport()
    marked = subscriber.evaluate("[...CSS.highlights.get('marked')].map(String).join(' ')")
    assert marked == "that one was shorter, because by then I was angry."
    assert 29 < current_time(subscriber) < 36
    stranger = browser.new_page()
    stranger.goto(link)
    assert SECRET not in stranger.content()
    expect(stranger.get_by_text("Read every word.")).to_be_visible()
    stranger.close()


def test_find_on_the_page(subscriber: Page) -> None:
    """Every place is counted, case and accents apart; Enter and buttons go on and back, Esc ends it."""
    subscriber.goto(EPISODE)
    opener = subscriber.get_by_role("button", name="Find in this transcript")
    opener.click()
    field = subscriber.get_by_role("searchbox", name="Find in this transcript")
    expect(field).to_be_focused()
    field.fill("alder STRÉET")
    count = subscriber.locator(".finding output")
    expect(count).to_have_text("4 found")
    field.press("Enter")
    expect(count).to_have_text("1 of 4")
    field.press("Shift+Enter")
    expect(count).to_have_text("4 of 4")
    subscriber.get_by_role("button", name="Previous place").click()
    expect(count).to_have_text("3 of 4")
    subscriber.get_by_role("button", name="Next place").click()
    expect(count).to_have_text("4 of 4")
    subscriber.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(opener).to_be_focused()
    assert subscriber.evaluate("CSS.highlights.size") == 0


def test_search_and_land(subscriber: Page, site: Site) -> None:
    """A passage that was found is one click away: marked, in view, and the audio is there."""
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    subscriber.goto("/")
    subscriber.get_by_role("searchbox", name="Search all episodes").fill('"then I was angry"')
    subscriber.keyboard.press("Enter")
    expect(subscriber.locator("mark").first).to_contain_text("then I was angry")
    subscriber.locator("a[href*='#t=']").first.click()
    expect(subscriber.get_by_role("searchbox", name="Find in this transcript")).to_have_value(
        "then I was angry"
    )
    expect(subscriber.locator(".finding output")).to_have_text("1 of 1")
    expect(subscriber.locator(".s.marked").first).to_contain_text(SECRET)
    expect(subscriber.locator(".s.marked").first).to_be_in_viewport()
    until(subscriber, "document.querySelector('audio').currentTime > 25")


def test_a_hit_fills_find(subscriber: Page, site: Site) -> None:
    """By another form of the word: its places are marked, the one landed at is current, N and P lead on."""
    turns = "Ann: A poison.\nBen: Nothing.\nAnn: Some poisoned him.\nBen: No.\nAnn: Poison again."
    site.publish("poison", transcript_of(turns, duration_s=60), title="A case")
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    subscriber.goto("/search?q=poisons")
    subscriber.get_by_role("link", name="Some poisoned him").click()
    field = subscriber.get_by_role("searchbox", name="Find in this transcript")
    expect(field).to_have_value("poison")
    count = subscriber.locator(".finding output")
    expect(count).to_have_text("2 of 3")
    lit = "[...CSS.highlights.get('found-now')].map(String).join()"
    assert subscriber.evaluate(lit) == "poison"
    expect(subscriber.locator(".s.marked")).to_have_text("Some poisoned him.")
    subscriber.keyboard.press("n")
    expect(count).to_have_text("3 of 3")
    assert subscriber.evaluate(lit) == "Poison"
    subscriber.keyboard.press("p")
    subscriber.keyboard.press("P")
    expect(count).to_have_text("1 of 3")
    field.press("Escape")
    expect(field).to_be_hidden()
    assert "find" not in subscriber.url
    assert "#t=" in subscriber.url


def test_several_words_are_found_each(subscriber: Page) -> None:
    """Side by side if they are so anywhere; else every place of each. Signs are no pattern."""
    subscriber.goto(EPISODE)
    subscriber.keyboard.press("/")
    field = subscriber.get_by_role("searchbox", name="Find in this transcript")
    count = subscriber.locator(".finding output")
    for text, places in {"alder street": 4, "street alder": 9, "(.*": 0, "[a-z]+": 0, "angry.": 1}.items():
        field.fill(text)
        expect(count).to_have_text(f"{places} found")


def test_a_hit_lands_without_script(browser_page_without_script: Page, site: Site) -> None:
    """The link leads to the sentence, with nothing but the page."""
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    page = browser_page_without_script
    page.goto("/search?q=spreadsheets")
    page.locator("a[href*='#t=']").first.click()
    assert "?find=spreadsheet#t=" in page.url
    expect(page.locator(".s:target")).to_contain_text("I had a spreadsheet")
    expect(page.locator(".s:target")).to_be_in_viewport()


def test_on_paper(subscriber: Page) -> None:
    """Printed, the page is the text with names, times and its address, without the player and the tools."""
    subscriber.goto(EPISODE)
    expect(subscriber.get_by_role("button", name="Print or PDF")).to_be_visible()
    subscriber.emulate_media(media="print")
    for gone in (".listen", ".deck", ".over", ".masthead form", ".masthead nav", ".downloads"):
        expect(subscriber.locator(gone)).to_be_hidden()
    expect(subscriber.locator(".on-paper")).to_contain_text(EPISODE)
    expect(subscriber.locator(".transcript")).to_be_visible()
    assert len(subscriber.pdf(format="A4")) > 10_000


def test_the_place_is_remembered(subscriber: Page) -> None:
    """The next visit continues at the saved position and speed."""
    subscriber.goto(EPISODE)
    seek(subscriber, 100)
    subscriber.get_by_label("Speed").select_option("1.5")
    subscriber.evaluate("document.querySelector('audio').play()")
    until(subscriber, "document.querySelector('audio').currentTime > 100.2")
    subscriber.evaluate("document.querySelector('audio').pause()")
    until(subscriber, "localStorage.length === 2")
    subscriber.reload()
    until(subscriber, "document.querySelector('audio').currentTime > 100")
    assert subscriber.evaluate("document.querySelector('audio').playbackRate") == 1.5


def test_keys_alone(subscriber: Page) -> None:
    """Tab reaches the player, chapters, files and the text; Enter on a time plays it."""
    subscriber.goto(EPISODE)
    subscriber.keyboard.press("Tab")
    expect(subscriber.get_by_role("link", name="Skip to the text")).to_be_focused()
    seen = set()
    for _ in range(40):
        subscriber.keyboard.press("Tab")
        seen.add(
            subscriber.evaluate(
                "(e => e.ariaLabel ?? e.textContent.trim().slice(0, 12))(document.activeElement)"
            )
        )
    assert {"Back 15 seconds", "Play", "Speed", "More", "0:00 Two mem", "VTT", "0:00", "Version 2"} <= seen
    subscriber.reload()
    tab_to(subscriber, "VTT")
    tab_to(subscriber, "0:00")
    subscriber.keyboard.press("ArrowDown")
    assert subscriber.evaluate("document.activeElement.textContent") == "0:19"
    subscriber.keyboard.press("Enter")
    until(subscriber, "document.querySelector('audio').currentTime >= 19.9")


def test_without_a_script(browser: Browser, site: Site) -> None:
    """Everything to read, hear, jump to and download is there without JavaScript."""
    context = browser.new_context(base_url=site.config.urls.site, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/feeds/{site.subscribe('plain@example.org')}/")
    page.get_by_role("link", name="The water was always coming").click()
    expect(page.locator(".transcript")).to_contain_text(SECRET)
    for gone in (".deck", ".quote", ".margin", ".pill"):
        expect(page.locator(gone)).to_be_hidden()
    page.locator(".who .when").nth(9).click()
    expect(page.locator(".s:target")).to_be_in_viewport()
    assert page.locator("audio[controls]").count() == 1
    context.close()


def test_a_lapse_in_the_middle_of_a_session(site: Site, page: Page) -> None:
    """The next page after the end of a subscription is the teaser and how to renew."""
    page.goto(f"/feeds/{site.subscribe('lapsing@example.org')}/")
    page.goto(EPISODE)
    assert SECRET in page.content()
    site.subscribers.renew("lapsing@example.org", NOW, now=NOW, origin="cli")
    page.reload()
    assert SECRET not in page.content()
    expect(page.get_by_role("link", name="Renew")).to_be_visible()
    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize("width", [320, 360, 800, 1600, 3840])
def test_no_width_scrolls_sideways(subscriber: Page, width: int) -> None:
    """From a small phone to 4K the text fits, at a measure that can be read."""
    subscriber.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/archive", "/?guest=Ines%20Marchetti", "/search?q=river", EPISODE):
        subscriber.goto(path)
        assert subscriber.evaluate("document.documentElement.scrollWidth") <= width
    characters = subscriber.evaluate(
        """() => { const p = document.querySelector('.said p'), r = document.createRange();
                   r.selectNodeContents(p);
                   const lines = new Set([...r.getClientRects()].map(b => Math.round(b.y)));
                   return p.textContent.length / lines.size }"""
    )
    assert 25 <= characters <= 85


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("who", ["subscriber", "page"])
def test_axe_finds_nothing(request: pytest.FixtureRequest, who: str, scheme: str) -> None:
    """axe-core has no complaint about a page, in either colour scheme."""
    page: Page = request.getfixturevalue(who)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", EPISODE, "/archive", "/?guest=Ines%20Marchetti", "/search?q=river"):
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []


def test_dark_is_dark(page: Page) -> None:
    """With dark preferred the paper is dark and the ink is light."""
    page.emulate_media(color_scheme="dark")
    page.goto(EPISODE)
    paper, ink = page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    assert max(map(int, re.findall(r"\d+", paper))) < 60 < 200 < min(map(int, re.findall(r"\d+", ink)))


def test_the_newest_episode_is_in_sight_on_a_phone(page: Page) -> None:
    """A stranger sees its title on the show's page without scrolling, below the offer."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/")
    expect(page.locator(".episodes h3").first).to_be_in_viewport(ratio=1)


def test_the_way_to_the_words_is_beside_the_button(subscriber: Page) -> None:
    """The link to the transcript stands on the middle of Play."""
    subscriber.goto("/episodes/the-water-was-always-coming")
    boxes = [subscriber.locator(f".listen > {name}").bounding_box() for name in (".button", "a")]
    middles = [box["y"] + box["height"] / 2 for box in boxes if box]
    assert abs(middles[0] - middles[1]) <= 1, boxes
