"""`podcast unschedule`: a scheduled episode is a draft again, whoever is at work, and whenever killed."""

import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podcast_pipeline import Context, open_show, publish
from podcast_pipeline.errors import EpisodeError, PodcastError
from podcast_pipeline.feed.conformance.document import parse_rss
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import CATALOG_KEY, catalog_from_json
from podcast_pipeline.pipeline import maintain
from podcast_pipeline.pipeline.assemble import referenced_keys
from podcast_pipeline.pipeline.publish import release
from podcast_pipeline.pipeline.unschedule import unschedule
from podcast_pipeline.storage import Store
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.objects import FEED_KEY
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import (
    BucketShow,
    Objects,
    keys_of,
    objects,
    open_bucket_show,
    restore_objects,
    show_in_bucket,
    soak_amounts,
)
from tests.support.databases import PROCESSES
from tests.support.faults import Fault, ProxiedRequest, faulty_proxy
from tests.support.s3 import S3Server
from tests.support.show import SLUG, ShowFolder, build_show_folder, clean_environment

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUE = NOW + timedelta(hours=1)


@dataclass(frozen=True)
class Scheduled:
    """A show whose only episode is scheduled, and its objects then."""

    show: BucketShow
    store: Store
    before: Objects

    def restore(self) -> None:
        """Restore the store to the scheduled state."""
        restore_objects(self.store, self.before)

    def context(self, now: datetime = NOW) -> Context:
        """Open the show at an instant."""
        environ = {**clean_environment(), **self.show.environment}
        return open_show(self.show.folder, environ=environ, clock=lambda: now)

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """The episodes of the catalog."""
        return catalog_from_json(self.store.get(CATALOG_KEY)[1]).episodes

    @property
    def guids(self) -> list[str | None]:
        """The guids in the feed."""
        return [
            item.findtext("guid") for item in parse_rss(self.store.get(FEED_KEY)[1]).channel.findall("item")
        ]


@pytest.fixture(scope="module")
def mastered(published: ShowFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show with a transcript and a master, never published."""
    show = build_show_folder(tmp_path_factory.mktemp("unschedule") / "show")
    shutil.copy(published.episode / "transcript.json", show.episode)
    shutil.copytree(published.episode / "build", show.episode / "build")
    return show.folder


@pytest.fixture(scope="module", params=["local", "s3"])
def published_once(
    request: pytest.FixtureRequest, mastered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Scheduled:
    """The scheduled show on a local store, and on S3."""
    folder = tmp_path_factory.mktemp("scheduled") / "show"
    shutil.copytree(mastered, folder)
    store: Store
    if request.param == "local":
        store = LocalStore(folder / ".podcast" / "store", base_url="http://127.0.0.1:8080/public")
        show = BucketShow(folder, {}, NOW)
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        store = S3Store(server.fresh_bucket(), session=server.session)
        show = show_in_bucket(folder, store, NOW)
    made = Scheduled(show, store, {})
    publish(made.context(), SLUG, publish_at=DUE)
    return replace(made, before=objects(store))


@pytest.fixture
def scheduled(published_once: Scheduled) -> Scheduled:
    """The scheduled show, its store as it was."""
    published_once.restore()
    return published_once


def test_the_episode_is_a_draft_again(scheduled: Scheduled) -> None:
    """The catalog forgets it, and a later publication has the same id, guid, slug and bytes."""
    (before,) = scheduled.episodes
    assert unschedule(scheduled.context(), SLUG)
    assert (scheduled.episodes, scheduled.guids) == ((), [])
    publish(scheduled.context(), SLUG, publish_at=DUE)
    assert scheduled.episodes == (before,)
    release(scheduled.context(DUE))
    assert scheduled.guids == [before.guid]


def test_its_objects_are_orphans_after_the_grace_time(scheduled: Scheduled) -> None:
    """`gc` lists what only the scheduled entry referenced and removes it after the grace time."""
    (episode,) = scheduled.episodes
    own = set(referenced_keys(episode))
    unschedule(scheduled.context(), SLUG)
    now = maintain.remove_orphaned_objects(scheduled.context(datetime.now(UTC)), remove=True)
    assert ({o.key for o in now}, {o.verdict for o in now}) == (own, {"kept for now"})
    late = datetime.now(UTC) + timedelta(days=8)
    gone = maintain.remove_orphaned_objects(scheduled.context(late), remove=True)
    assert {(o.key, o.verdict) for o in gone} == {(key, "removed") for key in own}
    assert own.isdisjoint(keys_of(scheduled.store))


def test_what_is_public_is_not_taken_back(scheduled: Scheduled) -> None:
    """A released and an unpublished episode are refused with a line, and nothing changes."""
    release(scheduled.context(DUE))
    for state, line in (("published", "podcast unpublish"), ("unpublished", "for ever")):
        if state == "unpublished":
            maintain.unpublish(scheduled.context(), SLUG)
        before = objects(scheduled.store)
        with pytest.raises(EpisodeError, match=line):
            unschedule(scheduled.context(DUE), SLUG)
        assert objects(scheduled.store) == before


def test_a_draft_and_an_unknown_slug(scheduled: Scheduled) -> None:
    """A draft has nothing to take back, which is no error; an unknown slug is one."""
    unschedule(scheduled.context(), SLUG)
    before = objects(scheduled.store)
    assert not unschedule(scheduled.context(), SLUG)
    with pytest.raises(EpisodeError, match="podcast list"):
        unschedule(scheduled.context(), "nobody-knows-this")
    assert objects(scheduled.store) == before


def test_release_between_the_look_and_the_swap_wins(scheduled: Scheduled) -> None:
    """An episode that `release` published meanwhile stays public: the compare-and-swap looks again."""
    context = scheduled.context()
    put, races = context.store.put, iter([release, None, None])

    def slow_put(key: str, *arguments: object, **options: object) -> object:
        other = next(races) if key == CATALOG_KEY else None
        if other:
            other(scheduled.context(DUE))
        return put(key, *arguments, **options)  # type: ignore[arg-type]

    context.store.put = slow_put  # type: ignore[method-assign, assignment]
    with pytest.raises(EpisodeError, match="is public since"):
        unschedule(context, SLUG)
    assert [episode.state for episode in scheduled.episodes] == ["published"]
    assert scheduled.guids == [scheduled.episodes[0].guid]


def test_unscheduling_between_the_look_and_the_swap_of_release_wins(scheduled: Scheduled) -> None:
    """A release that finds the episode gone publishes nothing, and is no error."""
    context = scheduled.context(DUE)
    put, races = context.store.put, iter([unschedule, None, None])

    def slow_put(key: str, *arguments: object, **options: object) -> object:
        other = next(races) if key == CATALOG_KEY else None
        if other:
            other(scheduled.context(), SLUG)
        return put(key, *arguments, **options)  # type: ignore[arg-type]

    context.store.put = slow_put  # type: ignore[method-assign, assignment]
    assert release(context) == ()
    assert (scheduled.episodes, scheduled.guids) == ((), [])


def run_at_the_gate(
    show: BucketShow, command: Callable[[Context], object], gate: "Barrier | None" = None
) -> None:
    """Run a command in this process once all wait at the gate; exit 1 when it is refused."""
    context = open_bucket_show(show)
    if gate:
        gate.wait()
    try:
        command(context)
    except PodcastError:
        raise SystemExit(1) from None


def take_back(context: Context) -> object:
    """Unschedule the episode."""
    return unschedule(context, SLUG)


@soak_amounts(share=2, full=50)
def test_unschedule_and_release_at_once(scheduled: Scheduled, amount: int) -> None:
    """Of two processes one wins: the episode is public in catalog and feed, or in neither."""
    at_due = replace(scheduled.show, now=DUE)
    for _ in range(amount):
        scheduled.restore()
        gate = PROCESSES.Barrier(2)
        jobs: list[BaseProcess] = [
            PROCESSES.Process(target=run_at_the_gate, args=(at_due, command, gate))
            for command in (take_back, release)
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        states = [episode.state for episode in scheduled.episodes]
        assert (states, len(scheduled.guids), [job.exitcode for job in jobs]) in [
            (["published"], 1, [1, 0]),
            ([], 0, [0, 0]),
        ]


@soak_amounts(share=1, full=100)
def test_killed_at_any_request_it_is_finished_by_the_same_command(
    mastered: Path, tmp_path: Path, s3_server: S3Server, amount: int
) -> None:
    """On S3, a kill at any request leaves the episode scheduled or a draft; run again, a draft."""
    folder = tmp_path / "show"
    shutil.copytree(mastered, folder)
    store = S3Store(s3_server.fresh_bucket(), session=s3_server.session)
    with faulty_proxy(s3_server.url) as proxy:
        made = Scheduled(show_in_bucket(folder, store, NOW, proxy.url), store, {})
        publish(made.context(), SLUG, publish_at=DUE)
        scheduled = replace(made, before=objects(store))
        proxy.requests.clear()
        take_back(scheduled.context())
        after, count = objects(store), len(proxy.requests)
        moments = [(number, late) for number in range(1, count + 1) for late in (False, True)]
        for number, late in random.Random(7).choices(moments, k=amount):
            scheduled.restore()
            proxy.clear()
            process = PROCESSES.Process(target=run_at_the_gate, args=(scheduled.show, take_back))
            pid: list[int] = []
            for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
                proxy.inject(method, kill_at(number, proxy.requests, pid, late=late), times=1_000_000)
            process.start()
            pid.append(process.pid or 0)
            process.join()
            assert process.exitcode == -signal.SIGKILL
            proxy.clear()
            assert len(scheduled.episodes) in (0, 1)
            take_back(scheduled.context())
            assert objects(store) == after


def kill_at(number: int, requests: list[str], pid: list[int], *, late: bool) -> Fault:
    """Return a fault that kills the process at its request of this number."""

    def fault(exchange: ProxiedRequest) -> None:
        if len(requests) != number:
            return exchange.pass_through()
        if late:
            exchange.forward()
        os.kill(pid[0], signal.SIGKILL)
        return exchange.hang_up()

    return fault


@soak_amounts(share=1, full=100)
def test_killed_at_any_time_on_a_folder(mastered: Path, tmp_path: Path, amount: int) -> None:
    """On the folder store, a kill at any time leaves readable documents; run again, a draft."""
    folder = tmp_path / "show"
    shutil.copytree(mastered, folder)
    store = LocalStore(folder / ".podcast" / "store", base_url="http://127.0.0.1:8080/public")
    made = Scheduled(BucketShow(folder, {}, NOW), store, {})
    publish(made.context(), SLUG, publish_at=DUE)
    scheduled, chance = replace(made, before=objects(store)), random.Random(8)
    for _ in range(amount):
        scheduled.restore()
        process = PROCESSES.Process(target=run_at_the_gate, args=(scheduled.show, take_back))
        process.start()
        process.join(chance.uniform(0.02, 0.6))
        process.kill()
        process.join()
        assert len(scheduled.episodes) in (0, 1)
        take_back(scheduled.context())
        assert (scheduled.episodes, scheduled.guids) == ((), [])
