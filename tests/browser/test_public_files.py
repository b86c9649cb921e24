"""What an old host could plant under /public/, opened by a subscriber in Chromium."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.support.imported_show import audio_bytes
from tests.support.rule_cases.hosts import picture
from tests.support.site import Site, flagship_on_a_port

STEAL = (
    "document.title = 'owned'; fetch('/account', {credentials: 'include'}).then(r => r.text())"
    ".then(t => { document.body.textContent = 'owned ' + t })"
)
HTML = f"<!doctype html><title>x</title><body><h1>evil</h1><script>{STEAL}</script>".encode()
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{STEAL}"><script>{STEAL}</script></svg>'.encode()
XSL = b"""<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="/public/planted/x.xsl"?><a/>"""
SHEET = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><html><body><script>{STEAL}</script></body></html></xsl:template>
</xsl:stylesheet>""".encode()
XHTML = f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{STEAL}</script></html>'.encode()
ID3 = b"ID3\x03\x00\x00\x00\x00\x08\x00" + HTML.ljust(1024, b" ")
PLANTED = {
    "page.mp3": (HTML, "text/html"),
    "sniffed.mp3": (HTML, "audio/mpeg"),
    "polyglot.mp3": (ID3 + audio_bytes("a"), "audio/mpeg"),
    "polyglot-page.mp3": (ID3 + audio_bytes("a"), "text/html"),
    "cover.svg": (SVG, "image/svg+xml"),
    "cover.jpg": (SVG, "image/svg+xml"),
    "cover.png": (SVG, "image/png"),
    "x.xsl": (SHEET, "text/xsl"),
    "feed.xml": (XSL, "application/rss+xml"),
    "other.xml": (XSL, "text/xml"),
    "x.xhtml": (XHTML, "application/xhtml+xml"),
    "chapters.json": (HTML, "application/json+chapters"),
    "page.json": (HTML, "text/html"),
    "untyped": (HTML, ""),
    "a.pdf": (b"%PDF-1.7\n" + HTML, "application/pdf"),
    "message.mht": (b"MIME-Version: 1.0\nContent-Type: text/html\n\n" + HTML, "message/rfc822"),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A show in whose store an earlier release put files of another host as they came."""
    with flagship_on_a_port(tmp_path_factory.mktemp("site")) as site:
        for name, (body, content_type) in PLANTED.items():
            site.store.put(
                f"public/planted/{name}", body, content_type=content_type, cache_control="no-cache"
            )
        site.store.put("public/art/real.png", picture(), content_type="image/png", cache_control="no-cache")
        site.store.put(
            "public/audio/real.mp3", audio_bytes("b"), content_type="audio/mpeg", cache_control="no-cache"
        )
        yield site


@pytest.fixture(scope="module")
def visitor(browser: Browser, planted: Site) -> Iterator[Page]:
    """A subscriber with a session of that show."""
    context = browser.new_context(base_url=planted.config.urls.site)
    page = context.new_page()
    page.goto(f"/feeds/{planted.subscribe('reader@example.org')}/")
    yield page
    context.close()


@pytest.mark.parametrize("name", PLANTED)
def test_no_planted_file_runs(visitor: Page, name: str) -> None:
    """A page, an SVG, a style sheet, a polyglot: none runs a script with the reader's session (s1)."""
    page = visitor.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with suppress(Error):  # a download
        page.goto(f"/public/planted/{name}")
    page.wait_for_timeout(100)
    assert "owned" not in page.title()
    assert "owned" not in page.content().replace("'owned", "")  # the script's own text may be shown
    assert not [address for address in asked if address.endswith("/account")]
    page.close()


def test_a_page_of_ours_loads_none_as_a_script(visitor: Page) -> None:
    """A planted file is no script, style or frame for our own pages either."""
    visitor.goto("/")
    for name in ("page.mp3", "untyped", "x.xsl"):
        loaded = visitor.evaluate(
            """address => new Promise(done => {
              const script = document.createElement('script');
              script.src = address; script.onload = () => done(true); script.onerror = () => done(false);
              document.body.append(script); })""",
            f"/public/planted/{name}",
        )
        assert not loaded


def test_real_files_open_as_before(visitor: Page) -> None:
    """A browser that is pointed at audio plays it, at a picture shows it."""
    visitor.goto("/public/audio/real.mp3")
    visitor.wait_for_function("document.querySelector('video, audio').readyState >= 1")
    visitor.goto("/public/art/real.png")
    assert visitor.evaluate("document.querySelector('img').naturalWidth") == 1400
