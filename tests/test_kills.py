"""kill -9 while an episode is published to a real S3 server, at every request and at any time."""

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from podcast_pipeline.catalog import CATALOG_KEY
from podcast_pipeline.objects import FEED_KEY
from podcast_pipeline.stores.s3 import S3Store
from tests.bucket_house import (
    BucketHouse,
    Objects,
    amounts,
    files,
    fresh_copy,
    in_bucket,
    keys_of,
    look,
    objects,
    put_back,
)
from tests.conftest import S3Server
from tests.faults import Exchange, Fault, FaultyProxy, faulty_proxy
from tests.house import SLUG, House, build_house

pytestmark = pytest.mark.xdist_group("kills")

FIRST = datetime(2026, 11, 23, 12, tzinfo=UTC)
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
EVERY_REQUEST = 1_000_000
REWRITTEN = {CATALOG_KEY, FEED_KEY}


@dataclass(frozen=True)
class Scenario:
    """A publication that is disturbed.

    Attributes:
        house: where it runs; its folder and bucket are made anew for every kill.
        origin: the show's folder before.
        before, after: the bucket before, and after an undisturbed run.
        folder_after: the episode's files after an undisturbed run.
        requests: how many an undisturbed run makes.
        seconds: how long an undisturbed run takes.
    """

    house: BucketHouse
    store: S3Store
    proxy: FaultyProxy
    origin: Path
    before: Objects
    after: Objects
    folder_after: dict[str, bytes]
    requests: int
    seconds: float

    def set_up(self) -> None:
        """Make folder and bucket what they were before."""
        self.proxy.clear()
        fresh_copy(self.origin, self.house.folder)
        put_back(self.store, self.before)

    def judge(self) -> None:
        """Prove what a listener sees after a kill, and that the same command then ends as if undisturbed."""
        self.proxy.clear()
        feed, written = look(self.house, self.store)
        assert feed in (_body(self.before, FEED_KEY), _body(self.after, FEED_KEY))
        assert written in (_body(self.before, CATALOG_KEY), _body(self.after, CATALOG_KEY))
        done = {FEED_KEY: feed, CATALOG_KEY: written}
        there = {key for key in keys_of(self.store) if done.get(key) in (None, _body(self.after, key))}
        self.proxy.seen.clear()
        self.house.publish()
        again = {line.partition(" ")[2] for line in self.proxy.seen if line.startswith("PUT")}
        assert {key for key in there for path in again if f"/{key}" in path} == set()
        assert objects(self.store) == self.after
        assert files(self.house.folder / "episodes" / SLUG) == self.folder_after


def _body(stored: Objects, key: str) -> bytes | None:
    return stored[key][0] if key in stored else None


def record(
    origin: Path, folder: Path, store: S3Store, proxy: FaultyProxy, before: Objects, now: datetime
) -> Scenario:
    """Run a publication undisturbed and keep how it ends."""
    house = in_bucket(folder, store, now, proxy.url)
    scenario = Scenario(house, store, proxy, origin, before, {}, {}, 0, 0.0)
    scenario.set_up()
    house.publish()  # what a first run of this machine loads is loaded
    scenario.set_up()
    began = time.monotonic()
    house.publish()
    return replace(
        scenario,
        seconds=time.monotonic() - began,
        requests=len(proxy.seen),
        after=objects(store),
        folder_after=files(folder / "episodes" / SLUG),
    )


@pytest.fixture(scope="module")
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.url) as running:
        yield running


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> S3Store:
    return S3Store(s3_server.fresh_bucket(), session=s3_server.session)


@pytest.fixture(scope="module")
def recording(published: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show with a recording that was heard and nothing else."""
    house = build_house(tmp_path_factory.mktemp("recording") / "show")
    shutil.copy(published.episode / "transcript.json", house.episode)
    return house.folder


@pytest.fixture(scope="module")
def mastered(
    recording: Path, tmp_path_factory: pytest.TempPathFactory, bucket: S3Store, proxy: FaultyProxy
) -> Scenario:
    """The first publication of a show, from the recording on."""
    folder = tmp_path_factory.mktemp("mastered") / "show"
    return record(recording, folder, bucket, proxy, {}, FIRST)


@pytest.fixture(scope="module")
def first(mastered: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The first publication of a show whose audio has been mastered."""
    origin = tmp_path_factory.mktemp("first") / "show"
    mastered.set_up()
    mastered.house.publish()
    shutil.copytree(mastered.house.folder, origin)
    shutil.rmtree(origin / "episodes" / SLUG)
    shutil.copytree(mastered.origin / "episodes" / SLUG, origin / "episodes" / SLUG)
    shutil.copytree(mastered.house.folder / "episodes" / SLUG / "build", origin / "episodes" / SLUG / "build")
    return record(origin, origin.with_name("run"), mastered.store, mastered.proxy, {}, FIRST)


@pytest.fixture(scope="module")
def corrected(first: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A published episode that gets another title and other words."""
    origin = tmp_path_factory.mktemp("corrected") / "show"
    shutil.copytree(first.origin, origin)
    for name, old, new in (
        ("episode.toml", "Two winters and a will", "Two winters, one will"),
        ("transcript.json", "best", "finest"),
    ):
        path = origin / "episodes" / SLUG / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    folder = origin.with_name("run")
    return record(origin, folder, first.store, first.proxy, first.after, FIRST + timedelta(hours=1))


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """The scenario that a test names."""
    named: Scenario = request.getfixturevalue(request.param)
    return named


def kill_at(number: int, pid: list[int], *, after: bool) -> Fault:
    """Kill the publisher when its request of this number comes: before the server has it, or after."""
    turn = threading.Lock()
    numbers = iter(range(1, EVERY_REQUEST))

    def fault(exchange: Exchange) -> None:
        with turn:
            mine = next(numbers)
        if mine != number:
            return exchange.pass_through()
        if after:
            exchange.forward()
        os.kill(pid[0], signal.SIGKILL)
        return exchange.hang_up()

    return fault


@amounts(share=4, full=75)
@pytest.mark.parametrize("scenario", ["first", "corrected"], indirect=True)
def test_killed_at_a_request(scenario: Scenario, amount: int) -> None:
    """Killed as the store gets a request or as it has answered it: nothing is lost and nothing is between."""
    moments = [(number, after) for number in range(1, scenario.requests + 1) for after in (False, True)]
    for number, after in random.Random(5).sample(moments, amount):
        scenario.set_up()
        process, pid = scenario.house.publisher(), [0]
        fault = kill_at(number, pid, after=after)
        for method in METHODS:
            scenario.proxy.inject(method, fault, times=EVERY_REQUEST)
        process.start()
        pid[0] = process.pid or 0
        process.join()
        assert process.exitcode == -signal.SIGKILL, (number, after)
        scenario.judge()


@amounts(share=4, full=60)
def test_killed_at_any_time(mastered: Scenario, amount: int) -> None:
    """Killed while it reads, masters, tags or stores: the same command makes the same bytes of it."""
    chance = random.Random(6)
    for _ in range(amount):
        mastered.set_up()
        process = mastered.house.publisher()
        process.start()
        process.join(chance.uniform(0.05, mastered.seconds))
        process.kill()
        process.join()
        mastered.judge()
