"""What a phone feels of the pages: bytes, LCP, CLS and TBT of long transcripts in real Chromium.

Chromium is slowed down as Lighthouse's phone is: 1.6 Mbit/s, 150 ms a round trip, a processor of a quarter
the speed. Each page is loaded ROUNDS times with an empty cache; the median is printed. The words are made as
in bench_search.py, from Python's own documentation; how long each lasts is drawn so that it costs what real
speech does (of 3,826 words that an engine heard: median 0.28 s, one in a hundred 1.5 s).

    bytes   of everything that was loaded but audio and art, as it went over the wire
    LCP     when the largest piece of text stood there, in milliseconds
    CLS     how far things moved after they stood there
    TBT     how long the page could not have answered a finger: of each task, what is over 50 ms
"""

import random
import shutil
import sys
import tempfile
from math import log
from pathlib import Path
from pydoc_data.topics import topics
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from podcast_pipeline.model import Chapter, Person, Transcript
from scripts.bench_search import Chain, transcript
from tests.support.chromium import ARGUMENTS
from tests.support.site import Site, flagship_on_a_port

ROUNDS = 5
SETTLED_MS = 2500
PHONE: ViewportSize = {"width": 390, "height": 844}
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
SLOWER = 4
EPISODES = {1: "/episodes/an-hour", 3: "/episodes/three-hours"}
PAGES = ("/", *EPISODES.values(), "/archive", "/search?q=the", "/signin")
WORD_S, SPREAD = 0.28, 0.65  # of a lognormal distribution
PAUSE_S = 1.0

OBSERVE = """
window.felt = {lcp: 0, cls: 0, tbt: 0};
const watch = (type, take) =>
  new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({type, buffered: true});
watch('largest-contentful-paint', (entry) => (felt.lcp = entry.startTime));
watch('layout-shift', (entry) => (felt.cls += entry.hadRecentInput ? 0 : entry.value));
watch('longtask', (entry) => (felt.tbt += entry.duration - 50));
"""


def publish(site: Site, hours: int) -> None:
    """Put out an episode of some hours, by two people, with chapters."""
    words = spoken(hours, random.Random(hours))  # noqa: S311
    site.publish(
        EPISODES[hours].rpartition("/")[2],
        words,
        title=f"{hours} h",
        notes="A long conversation.",
        persons=(Person(name="Ines Marchetti", role="guest"),),
        chapters=tuple(Chapter(start_s=600 * n, title=f"Part {n + 1}") for n in range(6 * hours)),
    )


def spoken(hours: int, chance: random.Random) -> Transcript:
    """Return the words of some hours, each as long as words are."""
    speech = Chain(" ".join(topics.values()), hours).speak()
    parts = [transcript(speech, chance, "Ines Marchetti") for _ in range(hours)]
    at, segments = 0.0, []
    for segment in (segment for part in parts for segment in part.segments):
        words = []
        for word in segment.words:
            until = round(at + chance.lognormvariate(log(WORD_S), SPREAD), 3)
            words.append(word.model_copy(update={"start_s": at, "end_s": until}))
            at = until
        segments.append(segment.model_copy(update={"words": tuple(words)}))
        at = round(at + chance.expovariate(1 / PAUSE_S), 3)
    return parts[0].model_copy(update={"segments": tuple(segments), "duration_s": at})


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
        for hours in EPISODES:
            publish(site, hours)
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        print(f"{'':34}{'bytes':>11}{'LCP ms':>8}{'CLS':>8}{'TBT ms':>8}")
        report(browser, site, "stranger", "/healthz")
        report(browser, site, "subscriber", f"/feeds/{site.subscribe('reader@example.org')}/")
        browser.close()


if __name__ == "__main__":
    main()
