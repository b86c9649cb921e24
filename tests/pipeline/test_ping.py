"""Pings of hubs and directories, real HTTP servers, for the public feed and never for a private feed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from podcast_pipeline.config import FeedTable
from podcast_pipeline.pipeline.ping import pings_for, send_pings
from tests.support.show import SLUG, ShowFolder, copy_show_folder

FEED = "https://media.example.org/feed.xml"
TOKEN = f"{'a' * 16}.{'b' * 32}"
HUB_TAG = "channel/{http://www.w3.org/2005/Atom}link[@rel='hub']"
FormFields = dict[str, list[str]]


class HubHandler(BaseHTTPRequestHandler):
    """Receives a ping."""

    server: "Hub"

    def do_POST(self) -> None:
        """Record the form fields of the body, and answer with the hub's status."""
        self._record(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def do_GET(self) -> None:
        """Record the query of the address, and answer with the hub's status."""
        self._record(urlsplit(self.path).query)

    def _record(self, query: str) -> None:
        self.server.messages.append(parse_qs(query))
        self.server.tokens.append(self.headers["Authorization"])
        self.server.released.wait(self.server.silent_s)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the parent's)
        """Log nothing."""


@dataclass
class Hub(ThreadingHTTPServer):
    """A WebSub hub."""

    status: int = 202
    silent_s: float = 0.0
    messages: list[FormFields] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    daemon_threads = True

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)

    @property
    def url(self) -> str:
        """The address of the hub."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running_hub(hub: Hub) -> Iterator[Hub]:
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        hub.shutdown()
        thread.join()
        hub.server_close()


def settings(*hubs: str, overcast: bool = False) -> FeedTable:
    return FeedTable(websub_hubs=hubs, overcast_ping=overcast)


def test_a_hub_and_overcast_are_told_the_address_of_the_feed() -> None:
    """WebSub gets hub.mode and hub.url, Overcast gets urlprefix, and neither gets more."""
    warnings: list[str] = []
    with running_hub(Hub()) as hub, running_hub(Hub(status=200)) as overcast:
        send_pings(
            pings_for(FEED, settings(hub.url, overcast=True), overcast_url=overcast.url), warn=warnings.append
        )
    assert hub.messages == [{"hub.mode": ["publish"], "hub.url": [FEED]}]
    assert overcast.messages == [{"urlprefix": [FEED]}]
    assert warnings == []


PODPING = {"url": [FEED], "reason": ["update"], "medium": ["podcast"]}


def test_podping_is_told_by_whoever_has_a_token() -> None:
    """A Podping node gets the address and the token; no other hub gets the token and no line prints it."""
    warnings: list[str] = []
    with running_hub(Hub()) as hub, running_hub(Hub(status=401)) as node:
        query = FeedTable(websub_hubs=(hub.url,), podping_url=node.url)
        due = pings_for(FEED, query, podping_token=SecretStr("hunter2"))
        send_pings(due, warn=warnings.append)
    assert (node.messages, node.tokens, hub.tokens) == ([PODPING], ["hunter2"], [None])
    assert [(node.url in line, "401" in line) for line in warnings] == [(True, True)]
    assert "hunter2" not in repr(due) + warnings[0]


def test_podping_is_not_told_without_a_token() -> None:
    """Without a token no Podping node is pinged, as nodes refuse unknown clients."""
    assert pings_for(FEED, settings()) == []


@pytest.mark.parametrize(
    "url",
    [
        f"https://pod.example.org/feeds/{TOKEN}/feed.xml",
        f"https://pod.example.org/feeds/{TOKEN}",
        "http://127.0.0.1:8080/public/feed.xml",
        "http://192.168.1.5/public/feed.xml",
        "http://localhost:8080/public/feed.xml",
        "http://laptop/public/feed.xml",
    ],
)
def test_nobody_is_told_of_a_private_or_a_local_feed(url: str) -> None:
    """A feed address with a token, or of a local machine, is never pinged."""
    told = settings("https://hub.example.org", overcast=True)
    assert pings_for(url, told, podping_token=SecretStr("hunter2")) == []


def test_a_hub_that_refuses_is_one_line() -> None:
    """An error of a hub is one warning that names the hub."""
    warnings: list[str] = []
    with running_hub(Hub(status=500)) as hub:
        send_pings(pings_for(FEED, settings(hub.url)), warn=warnings.append)
    assert len(warnings) == 1
    assert hub.url in warnings[0]
    assert "500" in warnings[0]
    assert "\n" not in warnings[0]


def test_silent_and_absent_hubs_do_not_hold_up(closed_port: int) -> None:
    """Hubs that never answer or do not exist cost a bounded time together, and each is one warning."""
    warnings: list[str] = []
    absent = f"http://127.0.0.1:{closed_port}/hub/"
    with running_hub(Hub(silent_s=60)) as silent, running_hub(Hub()) as good:
        began = time.monotonic()
        send_pings(
            pings_for(FEED, settings(silent.url, absent, good.url)),
            warn=warnings.append,
            total_timeout_s=1.0,
        )
        assert time.monotonic() - began < 5
    assert len(good.messages) == 1
    assert sorted(line.partition(" ")[0] for line in warnings) == sorted([silent.url, absent])


def test_a_publication_names_its_hub_and_tells_it_once(published: ShowFolder, tmp_path: Path) -> None:
    """The new feed has rel=hub; a second run without a change pings no hub."""
    show = copy_show_folder(published, tmp_path / "show")
    with running_hub(Hub()) as hub:
        environment = {
            "PODCAST_FEED_WEBSUB_HUBS": f'["{hub.url}"]',
            "PODCAST_FEED_PODPING_URL": hub.url,
            "PODCAST_PODPING_TOKEN": "hunter2",
            "PODCAST_URLS_FEED": "https://media.example.org/feed.xml",
        }
        first = show.run("publish", SLUG, "--allow", "placeholders", **environment)
        assert first.returncode == 0, first.stderr
        assert show.run("publish", SLUG, "--allow", "placeholders", **environment).returncode == 0
        assert sorted(hub.messages, key=len) == [{"hub.mode": ["publish"], "hub.url": [FEED]}, PODPING]
        feed = ElementTree.parse(show.bucket / "public/feed.xml")  # noqa: S314 (our own feed)
        assert [link.get("href") for link in feed.findall(HUB_TAG)] == [hub.url]


def test_a_hub_that_is_down_does_not_fail_a_publication(
    published: ShowFolder, tmp_path: Path, closed_port: int
) -> None:
    """The episode is published with exit 0, and one line names the hub that was not pinged."""
    show = copy_show_folder(published, tmp_path / "show")
    done = show.run(
        *("publish", SLUG, "--allow", "placeholders"),
        PODCAST_FEED_WEBSUB_HUBS=f'["http://127.0.0.1:{closed_port}"]',
        PODCAST_URLS_FEED="https://media.example.org/feed.xml",
    )
    assert (done.returncode, done.stderr.count("was not notified")) == (0, 1)
