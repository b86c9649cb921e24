"""kill -9 while a passage is withdrawn: from a folder at any time, from a real S3 server at every request."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.bucket_show import BucketShow, show_in_bucket, soak_amounts
from tests.support.faults import FaultyProxy, faulty_proxy, kill_at
from tests.support.killed_withdrawal import (
    FIRST,
    KillAtSync,
    WithdrawalScenario,
    build_small_show,
    record_withdrawal,
)
from tests.support.s3 import S3Server


@pytest.fixture(scope="module")
def in_folder(tmp_path_factory: pytest.TempPathFactory) -> WithdrawalScenario:
    """A withdrawal from the embedded store."""
    folder = build_small_show(tmp_path_factory.mktemp("folder") / "show")
    address = "http://127.0.0.1:8080/public"
    environment = {"PODCAST_URLS_MEDIA": address, "PODCAST_STORAGE_KIND": "local"}
    store = LocalStore(folder / ".podcast" / "store", base_url=address)
    return record_withdrawal(BucketShow(folder, environment, FIRST), store)


@pytest.fixture(scope="module")
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.url) as running:
        yield running


@pytest.fixture(scope="module")
def in_bucket(
    s3_server: S3Server, proxy: FaultyProxy, tmp_path_factory: pytest.TempPathFactory
) -> WithdrawalScenario:
    """A withdrawal from a bucket behind a proxy."""
    folder = build_small_show(tmp_path_factory.mktemp("bucket") / "show")
    store = S3Store(s3_server.fresh_bucket(), session=s3_server.session)
    return record_withdrawal(show_in_bucket(folder, store, FIRST, proxy.url), store)


@soak_amounts(share=2, full=160)
def test_killed_at_a_write(in_folder: WithdrawalScenario, amount: int) -> None:
    """A kill before or after anything reaches the disk: the same command finishes, to the same bytes."""
    count = in_folder.count_syncs()
    moments = [(number, after) for number in range(1, count + 1) for after in (False, True)]
    chosen = random.Random(11).sample(moments, min(amount, len(moments)))
    chosen += random.Random(14).choices(moments, k=amount - len(chosen))
    for number, after in chosen:
        in_folder.set_up()
        process = in_folder.process(KillAtSync(number, after))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, (number, after)
        in_folder.assert_outcome()


@soak_amounts(share=1, full=40)
def test_killed_at_any_time(in_folder: WithdrawalScenario, amount: int) -> None:
    """After a kill the same command finishes the withdrawal, to the same bytes."""
    chance = random.Random(11)
    for _ in range(amount):
        in_folder.set_up()
        process = in_folder.process()
        process.start()
        process.join(chance.uniform(0.3, 1) * in_folder.seconds)
        process.kill()
        process.join()
        in_folder.assert_outcome()


@soak_amounts(share=2, full=200)
def test_killed_at_a_request(in_bucket: WithdrawalScenario, proxy: FaultyProxy, amount: int) -> None:
    """A kill before or after any request of the store leaves nothing half done for a reader."""
    in_bucket.set_up()
    proxy.clear()
    in_bucket.run()
    requests = len(proxy.requests)
    moments = [(number, after) for number in range(1, requests + 1) for after in (False, True)]
    chosen = random.Random(12).sample(moments, min(amount, len(moments)))
    chosen += random.Random(13).choices(moments, k=amount - len(chosen))
    for number, after in chosen:
        in_bucket.set_up()
        proxy.clear()
        process, pid = in_bucket.process(), [0]
        fault = kill_at(number, pid, after=after)
        proxy.inject_everywhere(fault)
        process.start()
        pid[0] = process.pid or 0
        process.join()
        assert process.exitcode == -signal.SIGKILL, (number, after)
        proxy.clear()
        in_bucket.assert_outcome()


def test_nothing_is_left_beside_the_store(in_folder: WithdrawalScenario) -> None:
    """The files of the show, versions of the store included, hold no word after an uninterrupted run."""
    in_folder.set_up()
    in_folder.run()
    texts = (p for p in _files(in_folder.show.folder) if p.stat().st_size < 100_000)
    assert [p for p in texts if b"minister took the money" in p.read_bytes()] == []


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
