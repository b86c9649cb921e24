"""Concurrent subscribers whose states change: no feed of somebody else, no unpaid transcript."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.web import server
from tests.support.databases import PROCESSES, SHOW_DATABASES
from tests.support.leaky_site import FLAGSHIP, make_site
from tests.support.site import Site

TOKEN = re.compile(r"[a-z2-7]{16}\.[a-z2-7]{32}")
SECRET = "angry"
"""A word of the transcript that no public text has."""

CONNECTIONS = 50


def present() -> datetime:
    """Return now."""
    return datetime.now(UTC)


def serve(folder: Path, database_url: str | None, port: int) -> None:
    """Serve the site in a folder, in a process of its own."""
    site = Site.make(folder, site_url=f"http://127.0.0.1:{port}", database_url=database_url)
    there = replace(site, clock=present)  # type: ignore[arg-type]
    server.build_server(there.app()).run(sockets=[server.listen("127.0.0.1", port)])


@dataclass
class Person:
    """A subscriber and the state that responses should have.

    Attributes:
        cookies: session cookie by token; rotation ends the session of the old token.
        changes: number of started plus finished changes; odd during a change.
    """

    email: str
    token: str
    cookies: dict[str, str] = field(default_factory=dict)
    is_active: bool = True
    changes: int = 0


@dataclass
class Crowd:
    """Polls and changes subscribers concurrently, and collects wrong responses."""

    people: Subscribers
    persons: list[Person]
    transcript: str
    dice: random.Random
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self, base: str, seconds: float) -> None:
        """Poll for all subscribers and change random ones, for a number of seconds."""
        until = time.monotonic() + seconds
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx.AsyncClient(base_url=base, timeout=60, limits=limits) as client:
            polls = (self._poll(client, person, until) for person in self.persons)
            await asyncio.gather(self._change(until), *polls)

    async def _poll(self, client: httpx.AsyncClient, person: Person, until: float) -> None:
        asks = (self._feed, self._file, self._page)
        while time.monotonic() < until:
            before = person.changes
            token, was_active = person.token, person.is_active
            answer, has_words = await self.dice.choice(asks)(client, person, token)
            self.counts["answers"] += 1
            own = token.partition(".")[0]  # the selector of the feed's token and of one-episode links
            foreign = [found for found in TOKEN.findall(answer.text) if found.partition(".")[0] != own]
            if foreign:
                self.wrong.append(f"{answer.url.path}: somebody else's token")
            if before % 2 == 0 and before == person.changes:
                self.counts["sure"] += 1
                if has_words != was_active:
                    self.wrong.append(f"{answer.url.path}: words {has_words}, active {was_active}")

    async def _feed(self, client: httpx.AsyncClient, _: Person, token: str) -> tuple[httpx.Response, bool]:
        answer = await client.get(f"/feeds/{token}/feed.xml")
        return answer, "<podcast:transcript" in answer.text

    async def _file(self, client: httpx.AsyncClient, _: Person, token: str) -> tuple[httpx.Response, bool]:
        answer = await client.get(f"/feeds/{token}/{self.transcript}")
        return answer, answer.status_code == 200 and SECRET in answer.text

    async def _page(
        self, client: httpx.AsyncClient, person: Person, token: str
    ) -> tuple[httpx.Response, bool]:
        if not person.cookies.get(token):
            opened = await client.get(f"/feeds/{token}/")
            person.cookies[token] = opened.headers.get("set-cookie", "").partition(";")[0]
            client.cookies.clear()
        answer = await client.get(f"/episodes/{FLAGSHIP}", headers={"cookie": person.cookies[token]})
        return answer, SECRET in answer.text

    async def _change(self, until: float) -> None:
        while time.monotonic() < until:
            person = self.dice.choice(self.persons)
            person.changes += 1
            await asyncio.to_thread(self._flip, person)
            person.changes += 1
            self.counts["changes"] += 1

    def _flip(self, person: Person) -> None:
        now, origin = present(), "cli"
        if self.dice.random() < 0.2 and person.is_active:
            person.token = self.people.rotate(person.email, now=now, origin="cli")
            return
        change: Callable[..., object] = self.people.suspend if person.is_active else self.people.resume
        reason = (None,) if person.is_active else ()
        change(person.email, *reason, now=now, origin=origin)
        person.is_active = not person.is_active


@pytest.fixture
def crowd(each_database: None, tmp_path: Path) -> Iterator[Callable[[int, float], Crowd]]:
    """Return a function that polls a real server process for (number of subscribers, seconds)."""
    site = make_site(tmp_path / "show")
    people = site.subscribers
    with server.listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    where = (site.config.folder, SHOW_DATABASES.url(site.config.folder), port)
    process = PROCESSES.Process(target=serve, args=where, daemon=True)
    process.start()
    base = f"http://127.0.0.1:{port}"
    episode = site.catalog.by_slug(FLAGSHIP)
    assert episode is not None

    def run(count: int, seconds: float) -> Crowd:
        persons = [Person(f"reader{n}@example.org", "") for n in range(count)]
        for person in persons:
            _, person.token = people.add(person.email, now=present(), origin="cli")
        wait_for(base)
        made = Crowd(people, persons, f"transcripts/{episode.id}.vtt", random.Random(7))
        with ThreadPoolExecutor(1) as pool:  # Playwright's event loop may be running in this thread
            pool.submit(lambda: asyncio.run(made.run(base, seconds))).result()
        return made

    yield run
    process.terminate()
    process.join()
    site.close()


def wait_for(base: str) -> None:
    """Wait until the server answers."""
    for _ in range(300):
        try:
            httpx.get(f"{base}/healthz")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start")


def test_a_few_subscribers_at_once(crowd: Callable[[int, float], Crowd]) -> None:
    """Fifty subscribers for four seconds: no foreign token, no unpaid transcript, none withheld."""
    seen = crowd(50, 4)
    assert seen.wrong == []
    assert seen.counts["sure"] > 50
    assert seen.counts["changes"] > 5


@pytest.mark.soak
def test_five_hundred_subscribers_for_a_minute(
    crowd: Callable[[int, float], Crowd], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same at full scale; the figures are printed."""
    seen = crowd(500, 60)
    with capsys.disabled():
        print(f"\n{dict(seen.counts)}")  # noqa: T201
    assert seen.wrong == []
    assert seen.counts["sure"] > 500
