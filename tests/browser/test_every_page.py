"""axe-core over every page template and every page of an error, in light, dark and forced colours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.applications import Starlette
from starlette.testclient import TestClient

from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.errors import StoreError
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.search import SearchIndex
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.web.catalog_cache import CatalogCache
from podcast_pipeline.web.routes.preview import PreviewRoutes, PreviewText
from podcast_pipeline.web.templating import Templates
from tests.support.every_part import PAGES_OF_PARTS, app_with_every_part
from tests.support.outbox import Outbox
from tests.support.site import NOW, SHOW_ID, Site, flagship_on_a_port, transcript_of

EPISODE = "/episodes/the-water-was-always-coming"
PEOPLE = ("ann@example.org", "lapsed@example.org", "twice@example.org")
BROWSER_HEADERS = {"accept": "text/html"}
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PAGES: dict[str, tuple[str, int, str]] = {  # who asks, the status, the path
    "home": ("stranger", 200, "/"),
    "home of a subscriber": ("reader", 200, "/"),
    "home of who has not paid": ("lapsed", 200, "/"),
    "archive": ("stranger", 200, "/archive"),
    "guest": ("stranger", 200, "/?guest=Ines%20Marchetti"),
    "topic": ("stranger", 200, "/?topic=Rivers"),
    "year": ("stranger", 200, "/?year=2026"),
    "episode of a stranger": ("stranger", 200, EPISODE),
    "episode of who has not paid": ("lapsed", 200, EPISODE),
    "episode of a subscriber": ("reader", 200, EPISODE),
    "episode for subscribers": ("stranger", 200, "/episodes/bonus"),
    "an old version": ("reader", 200, f"{EPISODE}?v=OLD"),
    "changes": ("reader", 200, f"{EPISODE}/changes"),
    "search": ("stranger", 200, "/search"),
    "search with hits": ("reader", 200, "/search?q=river"),
    "search without hits": ("stranger", 200, "/search?q=zebra"),
    "listen": ("stranger", 200, "/listen"),
    "add to an app": ("stranger", 200, "/feeds/TOKEN/add"),
    "sign in": ("stranger", 200, "/signin"),
    "sign in while reading": ("reader", 200, "/signin"),
    "sent": ("stranger", 200, "/signin/code"),
    "link": ("stranger", 200, "/signin/link/x"),
    "account": ("account", 200, "/account"),
    "account of who has not paid": ("lapsed account", 200, "/account"),
    "rotate": ("account", 200, "/account/rotate"),
    "replaced": ("replaced account", 200, "/account/replaced"),
    "stop": ("stranger", 200, "/mail/stop/STOP"),
    "preview": ("made", 200, "/preview"),
    "403": ("stranger", 403, "/feeds/LAPSED/add"),
    "404": ("stranger", 404, "/nothing"),
    "404 of a file": ("stranger", 404, f"{EPISODE}/transcript.vtt"),
    "404 of a private link": ("stranger", 404, "/feeds/nobody/"),
    "405": ("stranger", 405, "/account/signout"),
    "410": ("stranger", 410, "/episodes/taken-down"),
    "students": ("made", 200, "/students"),
    "link of a student": ("made", 200, "/students/link/x"),
    "offer": ("made", 200, "/subscribe"),
    "bought": ("made", 200, "/subscribe/done"),
    "another account that failed": ("made", 400, "/signin/account/back"),
    "429": ("made", 429, "/too-many"),
    "500": ("made", 500, "/broken"),
    "503": ("made", 503, "/away"),
}
TEMPLATES = {  # template -> one of its pages
    "account": "account",
    "account_failed": "another account that failed",
    "add": "add to an app",
    "archive": "archive",
    "bought": "bought",
    "changes": "changes",
    "episode": "episode of a subscriber",
    "index": "home",
    "link": "link",
    "listen": "listen",
    "message": "404",
    "offer": "offer",
    "preview": "preview",
    "replaced": "replaced",
    "rotate": "rotate",
    "search": "search with hits",
    "sent": "sent",
    "signin": "sign in",
    "stop": "stop",
    "student_link": "link of a student",
    "students": "students",
}
Media = dict[Literal["color_scheme", "forced_colors"], Any]
MODES: dict[str, Media] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced colours": {"color_scheme": "light", "forced_colors": "active"},
}


@dataclass
class Show:
    """A show with an episode in every state, its visitors, and the pages that no address leads to.

    Attributes:
        cookies: of the sessions, by who asks.
        words: what stands in the paths of PAGES, by the word in capitals.
        made: (status, HTML) by path.
    """

    site: Site
    cookies: dict[str, str]
    words: dict[str, str]
    made: dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """The show on a free port."""
    with flagship_on_a_port(tmp_path_factory.mktemp("site"), Outbox()) as site:
        site.publish("bonus", transcript_of("A: Only for those who pay.", duration_s=5), access="subscribers")
        site.publish("taken-down", state="unpublished")
        site.publish("on-rivers", topics=("Rivers",))
        SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
        tokens = [site.subscribe(email) for email in PEOPLE]
        ann, lapsed, twice = (site.subscribers.get(email).id for email in PEOPLE)
        site.subscribers.renew(PEOPLE[1], NOW - timedelta(days=1), now=NOW, origin="cli")
        site.subscribers.rotate(PEOPLE[2], now=NOW, origin="cli")
        episode = site.catalog.by_slug(EPISODE.rpartition("/")[2])
        assert episode is not None
        opened = {
            "reader": (ann, "reading"),
            "account": (ann, "account"),
            "lapsed": (lapsed, "reading"),
            "lapsed account": (lapsed, "account"),
            "replaced account": (twice, "account"),
        }
        yield Show(
            site,
            cookies={
                who: site.sessions.open(person, scope=scope, selector=None, now=NOW)  # type: ignore[arg-type]
                for who, (person, scope) in opened.items()
            },
            words={
                "TOKEN": tokens[0],
                "LAPSED": tokens[1],
                "STOP": unsubscribe_token.to_unsubscribe_token(ann, site.subscribers.secret_key),
                "OLD": episode.transcripts[0].document_key.split(".")[1],
            },
            made={**error_pages(site), **pages_of_parts(site), "/preview": (200, preview(site))},
        )


def error_pages(site: Site) -> dict[str, tuple[int, str]]:
    """Return the pages of errors that a sound site with few visitors has not."""
    client = TestClient(site.app(), base_url=site.config.urls.site, raise_server_exceptions=False)
    answers = {"/too-many": [client.get("/feeds/nobody/", headers=BROWSER_HEADERS) for _ in range(61)][-1]}
    for path, fault in {
        "/away": StoreError("x", "the network is gone"),
        "/broken": ZeroDivisionError(),
    }.items():
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(LocalStore, "get", raiser(fault))
            answers[path] = client.get("/", headers=BROWSER_HEADERS)
    return {path: (answer.status_code, answer.text) for path, answer in answers.items()}


def pages_of_parts(site: Site) -> dict[str, tuple[int, str]]:
    """Return the pages of a site with Stripe, a provider of accounts and prices for students."""
    visitor = TestClient(app_with_every_part(site), base_url=site.config.urls.site)
    answers = {path: visitor.get(path, headers=BROWSER_HEADERS) for path in PAGES_OF_PARTS}
    return {path: (answer.status_code, answer.text) for path, answer in answers.items()}


def raiser(error: Exception) -> Any:
    """Return a function that raises."""

    def fail(*_: object) -> None:
        raise error

    return fail


def preview(site: Site) -> str:
    """Return the front page of a preview."""
    text = PreviewText("A draft.", ("No picture.",), "<item>1</item>", None, ends_at=NOW)
    cache = CatalogCache(site.store, empty=Catalog(show=site.catalog.show), was_ever_published=lambda: True)
    templates = Templates.load(site.config.zone, site_links=lambda _: ())
    routes = PreviewRoutes(EPISODE.rpartition("/")[2], text, cache, site.store, templates).routes()
    return TestClient(Starlette(routes=routes)).get("/preview").text


@pytest.fixture
def context(browser: Browser, show: Show) -> Iterator[BrowserContext]:
    """A fresh profile, without the checks of its console: a page of an error is one there."""
    context = browser.new_context(base_url=show.site.config.urls.site)
    yield context
    context.close()


def open_page(page: Page, show: Show, name: str) -> None:
    """Open a page as its visitor has it, and check that it is the one that is meant."""
    who, status, path = PAGES[name]
    page.context.clear_cookies()
    if who in show.cookies:
        cookie: Any = {"name": "session", "value": show.cookies[who], "url": show.site.config.urls.site}
        page.context.add_cookies([cookie])
    for word, value in show.words.items():
        path = path.replace(word, value)
    if path in show.made:
        made_status, body = show.made[path]
        page.route(
            f"**{path}", lambda route: route.fulfill(status=made_status, body=body, content_type="text/html")
        )
    answer = page.goto(path)
    assert answer is not None
    assert (answer.status, page.url.removeprefix(show.site.config.urls.site)) == (status, path)


def check(page: Page, show: Show, mode: str, names: Iterable[str]) -> None:
    """Fail with the findings of axe-core on any of these pages, by its name."""
    page.emulate_media(**MODES[mode])
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for name in names:
        open_page(page, show, name)
        violations = Axe().run(page, options=WCAG).response["violations"]
        found[name] = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations]
    assert {name: findings for name, findings in found.items() if findings} == {}


def test_axe_finds_nothing_on_a_page_of_each_template(page: Page, show: Show) -> None:
    """WCAG 2.2 AA: no finding on any of our templates."""
    check(page, show, "light", TEMPLATES.values())


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_on_any_page(page: Page, show: Show, mode: str) -> None:
    """WCAG 2.2 AA: no finding on any page, by any visitor, in light, dark and forced colours."""
    check(page, show, mode, PAGES)


def test_every_template_is_among_the_pages() -> None:
    """Each template that is a page of its own is rendered by one of PAGES."""
    folder = files("podcast_pipeline.web").joinpath("templates")
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()}
    pages = {name.removesuffix(".html") for name, text in texts.items() if "{% extends" in text}
    assert pages == TEMPLATES.keys()
    assert set(TEMPLATES.values()) <= PAGES.keys()
