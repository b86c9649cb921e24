"""What a phone feels of the pages: bytes, LCP, CLS and TBT of a one-hour transcript in real Chromium.

Chromium is slowed down as Lighthouse's phone is: 1.6 Mbit/s, 150 ms a round trip, a processor of a quarter
the speed. Each page is loaded ROUNDS times with an empty cache; the median is printed. The words are made as
in bench_search.py, from Python's own documentation.

    bytes   of everything that was loaded but audio and art, as it went over the wire
    LCP     when the largest piece of text stood there, in milliseconds
    CLS     how far things moved after they stood there
    TBT     how long the page could not have answered a finger: of each task, what is over 50 ms
"""

import random
import shutil
import sys
import tempfile
from pathlib import Path
from pydoc_data.topics import topics
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from podcast_pipeline.model import Chapter, Person
from scripts.bench_search import Chain, transcript
from tests.browser.conftest import ARGUMENTS
from tests.reader_site import Site, flagship_on_a_port

ROUNDS = 5
SETTLED_MS = 2500
PHONE: ViewportSize = {"width": 390, "height": 844}
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
SLOWER = 4
HOUR = "/episodes/an-hour"
PAGES = ("/", HOUR, "/archive", "/search?q=the", "/signin")

OBSERVE = """
window.felt = {lcp: 0, cls: 0, tbt: 0};
const watch = (type, take) =>
  new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({type, buffered: true});
watch('largest-contentful-paint', (entry) => (felt.lcp = entry.startTime));
watch('layout-shift', (entry) => (felt.cls += entry.hadRecentInput ? 0 : entry.value));
watch('longtask', (entry) => (felt.tbt += entry.duration - 50));
"""


def publish_an_hour(site: Site) -> None:
    """Put out an episode of an hour, by two people, with chapters."""
    words = transcript(Chain(" ".join(topics.values()), 1).speak(), random.Random(1), "Ines Marchetti")  # noqa: S311
    site.publish(
        HOUR.rpartition("/")[2],
        words,
        title="An hour",
        notes="A conversation of an hour.",
        persons=(Person(name="Ines Marchetti", role="guest"),),
        chapters=tuple(Chapter(start_s=600 * n, title=f"Part {n + 1}") for n in range(6)),
    )


def load(context: BrowserContext, path: str) -> dict[str, float]:
    """Load a page with an empty cache on a slow phone and return what was felt."""
    page = context.new_page()
    page.add_init_script(OBSERVE)
    session = context.new_cdp_session(page)
    loaded: dict[str, float] = {}
    media: set[str] = set()
    session.on(
        "Network.responseReceived", lambda e: media.add(e["requestId"]) if e["type"] == "Media" else None
    )
    session.on("Network.loadingFinished", lambda e: loaded.update({e["requestId"]: e["encodedDataLength"]}))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(path)
    page.wait_for_timeout(SETTLED_MS)
    felt: dict[str, float] = page.evaluate("window.felt")
    page.close()
    return {**felt, "bytes": sum(size for name, size in loaded.items() if name not in media)}


def report(browser: Browser, site: Site, who: str, door: str) -> None:
    """Print a row for each page, as one visitor sees it."""
    context = browser.new_context(
        base_url=site.config.urls.site, viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True
    )
    context.new_page().goto(door)
    for path in PAGES:
        rounds = [load(context, path) for _ in range(ROUNDS)]
        size, lcp, cls, tbt = (
            median(felt[name] for felt in rounds) for name in ("bytes", "lcp", "cls", "tbt")
        )
        print(f"{who:12}{path:22}{size / 1000:8.1f} kB{lcp:8.0f}{cls:8.3f}{tbt:8.0f}", flush=True)
    context.close()


def main() -> None:
    """Serve a show, look at it as a stranger and as a subscriber."""
    with (
        tempfile.TemporaryDirectory() as folder,
        flagship_on_a_port(Path(folder)) as site,
        sync_playwright() as p,
    ):
        publish_an_hour(site)
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        print(f"{'':34}{'bytes':>11}{'LCP ms':>8}{'CLS':>8}{'TBT ms':>8}")
        report(browser, site, "stranger", "/healthz")
        report(browser, site, "subscriber", f"/feeds/{site.subscribe('reader@example.org')}/")
        browser.close()


if __name__ == "__main__":
    main()
