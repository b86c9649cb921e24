"""Shows in other languages than English in a real browser."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.support.outbox import Outbox
from tests.support.shows_in_languages import (
    ARABIC,
    CHINESE,
    GERMAN,
    HEBREW,
    SLUG,
    ShowWords,
    publish_episode,
    show_in,
)
from tests.support.site import Site, on_a_port

EPISODE = f"/episodes/{SLUG}"
ANN = "ann@example.org"
SMALL: ViewportSize = {"width": 320, "height": 640}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


@pytest.fixture(scope="module", params=[ARABIC, HEBREW, GERMAN, CHINESE], ids=lambda words: words.language)
def words(request: pytest.FixtureRequest) -> ShowWords:
    """The words of a show."""
    words: ShowWords = request.param
    return words


@pytest.fixture(scope="module")
def outbox() -> Outbox:
    """The mails of the show."""
    return Outbox()


@pytest.fixture(scope="module")
def site(words: ShowWords, outbox: Outbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show with one episode and the subscriber Ann, on a free port."""
    folder = tmp_path_factory.mktemp("site")
    with on_a_port(lambda address: show_in(folder, words, site_url=address), outbox) as site:
        publish_episode(site, words)
        site.subscribe(ANN)
        yield site


@pytest.fixture
def account(page: Page, outbox: Outbox) -> Page:
    """A subscriber who has signed in by mail."""
    page.goto("/signin")
    page.get_by_label("Your address").fill(ANN)
    page.get_by_role("button", name="Send the link").click()
    page.goto(outbox.link)
    page.locator("main button").click()
    expect(page.get_by_role("heading", name="Your subscription")).to_be_visible()
    return page


def on_the_side_where_it_begins(heading: Locator) -> bool:
    """Whether the text of a heading stands where the block around it begins."""
    return bool(
        heading.evaluate(
            """h => {
              const range = document.createRange(), around = h.parentElement;
              range.selectNodeContents(h);
              const text = range.getBoundingClientRect(), box = around.getBoundingClientRect();
              const isRtl = getComputedStyle(around).direction === "rtl";
              return Math.abs(isRtl ? box.right - text.right : text.left - box.left) < 2;
            }"""
        )
    )


def left(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["x"]


def is_narrow(page: Page) -> bool:
    """Whether nothing on a page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def findings(page: Page) -> list[tuple[str, list[str]]]:
    """Return the rules of axe-core that a page breaks, with the places."""
    found = Axe().run(page).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]


def test_no_page_has_a_finding(account: Page, words: ShowWords) -> None:
    """Every page fits a small phone, which is 400 % zoom, and axe-core has no complaint, in any colours."""
    account.set_viewport_size(SMALL)
    topic, search = f"/?topic={words.topic}", f"/search?q={words.heard.strip('.')}"
    for path in ("/", "/archive", topic, search, "/account", f"{EPISODE}/changes", EPISODE):
        account.goto(path)
        assert is_narrow(account), path
        assert words is not ARABIC or findings(account) == [], path
    if words is ARABIC:
        for media in ({"color_scheme": "dark"}, {"forced_colors": "active"}):
            account.emulate_media(**media)  # type: ignore[arg-type]
            account.reload()
            assert findings(account) == [], media


def test_a_strangers_pages_have_no_finding(page: Page, words: ShowWords) -> None:
    """So do the teaser, the offer and the forms."""
    page.set_viewport_size(SMALL)
    for path in (EPISODE, "/signin", "/signin/code", f"/search?q={words.misheard.strip('.')}"):
        page.goto(path)
        assert is_narrow(page), path
        assert words is not ARABIC or findings(page) == [], path


def test_where_things_stand(account: Page, words: ShowWords) -> None:
    """From right to left the chapters are at the left of the words; in the player time runs as ever."""
    account.set_viewport_size(DESKTOP)
    account.goto(EPISODE)
    is_mirrored = words in (ARABIC, HEBREW)
    assert (left(account.locator(".contents")) < left(account.locator(".words"))) == is_mirrored
    assert (left(account.locator(".masthead nav")) < left(account.locator(".masthead-title"))) == is_mirrored
    assert left(account.locator("[data-do=back]")) < left(account.locator("[data-do=forward]"))
    assert on_the_side_where_it_begins(account.get_by_role("heading", name="Transcript", exact=True))
    rail = account.locator(".rail").bounding_box()
    assert rail is not None
    tick = left(account.locator(".rail i").first)
    assert tick - rail["x"] == pytest.approx(rail["width"] / 2, abs=4)
