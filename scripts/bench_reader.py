"""Time what the reader is asked most, over 1,000 episodes and 200 subscribers of whom half have lapsed.

A real store, a real SQLite and the whole app, asked one request after the other in this process: the
figures are the reader's own work, without network and queue.
"""

import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parent.parent))

from starlette.testclient import TestClient

from scripts.bench_feed import episode
from tests.support.site import NOW, Site, flagship

EPISODES = 1000
SUBSCRIBERS = 200
TURNS = 200
PAGE = "/episodes/the-water-was-always-coming"

Ask = Callable[[int], None]


def publish_all(site: Site) -> None:
    """Put the episode with words out, and many others around it."""
    flagship(site)
    site.catalog = site.catalog.with_episodes([episode(number) for number in range(1, EPISODES)])
    site.write_catalog()


def report(name: str, ask: Ask) -> None:
    """Ask TURNS times and print the median and the 95th percentile."""
    taken_ms = []
    for turn in range(TURNS):
        begun = time.perf_counter()
        ask(turn)
        taken_ms.append((time.perf_counter() - begun) * 1000)
    cuts = quantiles(taken_ms, n=100, method="inclusive")
    print(f"{name:34} p50 {cuts[49]:7.1f} ms   p95 {cuts[94]:7.1f} ms   first {taken_ms[0]:7.1f} ms")


def asking(client: TestClient, status: int, path: Callable[[int], str], **headers: str) -> Ask:
    """Return what asks for a path and insists on a status."""

    def ask(turn: int) -> None:
        answered = client.get(path(turn), headers=headers)
        if answered.status_code != status:
            raise SystemExit(f"{path(turn)}: {answered.status_code}")

    return ask


def main() -> None:
    """Print a line for each kind of question."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site.make(Path(folder))
        publish_all(site)
        good, lapsed = (
            [site.subscribe(f"{name}{n}@example.org", paid_until=until) for n in range(SUBSCRIBERS // 2)]
            for name, until in (("good", None), ("lapsed", NOW))
        )
        feeds = [[f"/feeds/{token}/feed.xml" for token in tokens] for tokens in (good, lapsed)]
        ours, theirs = ((lambda turn, f=paths: f[turn % len(f)]) for paths in feeds)
        with TestClient(site.app(), base_url=site.config.urls.site) as client:
            report("private feed, gzip", asking(client, 200, ours))
            report("private feed of a lapsed one, gzip", asking(client, 200, theirs))
            tag = client.get(ours(0)).headers["etag"]
            report("304", asking(client, 304, lambda _: ours(0), **{"If-None-Match": tag}))
            (vtt,) = set(
                re.findall(rf"/feeds/{good[0]}/transcripts/\S+?\.vtt\?v=\w+", client.get(ours(0)).text)[:1]
            )
            report("range of a transcript", asking(client, 206, lambda _: vtt, Range="bytes=0-99"))
            report("page, anonymous", asking(client, 200, lambda _: PAGE))
            client.get(f"/feeds/{good[0]}/")
            report("page, subscriber, gzip", asking(client, 200, lambda _: PAGE))
            report("list", asking(client, 200, lambda _: "/"))
        site.close()


if __name__ == "__main__":
    main()
