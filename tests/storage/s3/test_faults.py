"""Faults in front of a real S3 server: success after a retry, or an error within seconds and no change."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from podcast_pipeline.errors import Denied, NotFound, PreconditionFailed, StoreError
from podcast_pipeline.storage.s3.presets import S3Settings
from podcast_pipeline.storage.s3.store import S3Store
from tests.support import faults
from tests.support.faults import Fault, FaultyProxy, faulty_proxy
from tests.support.s3 import S3Server

HEADERS: Any = {"content_type": "text/plain", "cache_control": "no-cache"}
KEY = "private/catalog.json"
OLD, NEW = b"old" * 200_000, b"new" * 200_000
ALWAYS = 1000
_numbers = count(1)
BOUND_S = 15.0  # three attempts of 0.8 s and the pauses between, on a busy machine

OPERATIONS: dict[str, tuple[str, Callable[[S3Store], object]]] = {
    "head": ("HEAD", lambda store: store.head(KEY)),
    "get": ("GET", lambda store: _check_equal(store.get(KEY)[1], OLD)),
    "stream": ("GET", lambda store: _check_equal(b"".join(store.stream(KEY, 5, 500_000)), OLD[5:500_000])),
    "list": ("GET", lambda store: _check_equal([item.key for item in store.list("private/")], [KEY])),
    "put": ("PUT", lambda store: store.put("private/new", NEW, **HEADERS)),
    "put if absent": ("PUT", lambda store: store.put("private/new", NEW, **HEADERS, if_absent=True)),
    "put if match": ("PUT", lambda store: store.put(KEY, NEW, **HEADERS, if_match=store.head(KEY).etag)),
    "delete": ("DELETE", lambda store: store.delete(KEY)),
}
WRITES = ("put", "put if absent", "put if match", "delete")
READS = ("head", "get", "stream", "list")


def _check_equal(actual: object, expected: object) -> None:
    assert actual == expected


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> S3Settings:
    """One bucket for all; every test has a prefix of its own."""
    return s3_server.fresh_bucket(connect_timeout_s=0.8, read_timeout_s=0.8, attempts=3)


@pytest.fixture(scope="module")
def one_proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.url) as proxy:
        yield proxy


@pytest.fixture
def proxy(one_proxy: FaultyProxy) -> FaultyProxy:
    """The proxy, without faults."""
    one_proxy.clear()
    return one_proxy


@pytest.fixture
def direct(bucket: S3Settings, s3_server: S3Server) -> S3Store:
    """A store without the proxy, with one object in it."""
    store = S3Store(replace(bucket, prefix=f"test-{next(_numbers)}"), session=s3_server.session)
    store.put(KEY, OLD, **HEADERS)
    return store


@pytest.fixture
def store(direct: S3Store, proxy: FaultyProxy, s3_server: S3Server) -> S3Store:
    """The same objects through the proxy."""
    return S3Store(replace(direct.settings, endpoint_url=proxy.url), session=s3_server.session)


PASSING: dict[str, tuple[Fault, int]] = {
    "503 with Retry-After, twice": (faults.refuse(503, "ServiceUnavailable", Retry_After="1"), 2),
    "503 SlowDown": (faults.refuse(503, "SlowDown", Retry_After="1"), 1),
    "500 twice": (faults.refuse(500, "InternalError"), 2),
    "reset": (faults.reset, 2),
    "answer lost": (faults.lose_response, 1),
    "stall": (faults.stall, 1),
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_passing_fault_ends_in_success(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, operation: str, fault: str
) -> None:
    """A passing fault is retried; a write with a lost response is recognized as ours."""
    method, call = OPERATIONS[operation]
    injected, times = PASSING[fault]
    proxy.inject(method, injected, times=times)
    began = time.monotonic()
    call(store)
    assert time.monotonic() - began < BOUND_S
    assert proxy.plans[0].times == 0
    if operation in ("put", "put if absent"):
        assert direct.get("private/new")[1] == NEW
    if operation == "put if match":
        assert direct.get(KEY)[1] == NEW


@pytest.mark.parametrize("fault", [faults.reset_in_body, faults.truncate, faults.stall_in_body])
@pytest.mark.parametrize("operation", ["get", "stream", "list"])
def test_a_truncated_body_is_resumed(
    store: S3Store, proxy: FaultyProxy, operation: str, fault: Fault
) -> None:
    """The rest of a truncated response is requested."""
    _, call = OPERATIONS[operation]
    proxy.inject("GET", fault, times=2)
    call(store)
    assert proxy.plans[0].times == 0


LASTING: dict[str, tuple[Fault, type[StoreError], str]] = {
    "503": (faults.refuse(503, "SlowDown", Retry_After="30"), StoreError, "overloaded"),
    "reset": (faults.reset, StoreError, "connection broke or stalled"),
    "stall": (faults.stall, StoreError, "connection broke or stalled"),
    "expired": (faults.refuse(400, "ExpiredToken"), Denied, "credentials have expired"),
    "clock": (faults.refuse(403, "RequestTimeTooSkewed"), Denied, "clock is wrong"),
    "read-only": (faults.refuse(403, "AccessDenied"), Denied, "not allowed with these credentials"),
    "quota": (faults.refuse(403, "QuotaExceeded"), StoreError, "the store is full"),
    "full": (faults.refuse(507, "InsufficientStorage"), StoreError, "the store is full"),
    "no conditions": (faults.refuse(501, "NotImplemented"), StoreError, "set its preset"),
    "no bucket": (faults.refuse(404, "NoSuchBucket"), StoreError, "bucket does not exist"),
}


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("operation", WRITES)
def test_a_lasting_fault_is_one_line_and_nothing_changed(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, operation: str, fault: str
) -> None:
    """A failing write ends within seconds, with an error of one line with a fix, and changes nothing."""
    method, call = OPERATIONS[operation]
    injected, kind, line = LASTING[fault]
    proxy.inject(method, injected, times=ALWAYS)
    began = time.monotonic()
    with pytest.raises(StoreError, match=line) as caught:
        call(store)
    assert time.monotonic() - began < BOUND_S
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert [(item.key, item.size_bytes) for item in direct.list("private/")] == [(KEY, len(OLD))]
    assert direct.get(KEY)[1] == OLD


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        *((operation, fault) for operation in READS for fault in (faults.reset, faults.stall)),
        *(
            (op, fault)
            for op in ("get", "stream", "list")
            for fault in (faults.truncate, faults.reset_in_body)
        ),
        *((operation, faults.refuse(503, "SlowDown")) for operation in READS),
    ],
)
def test_a_read_that_cannot_be_done_is_one_line(
    store: S3Store, proxy: FaultyProxy, operation: str, fault: Fault
) -> None:
    """A truncated read raises within seconds, and never returns partial data as if it were whole."""
    method, call = OPERATIONS[operation]
    proxy.inject(method, fault, times=ALWAYS)
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"^private/.*; "):
        call(store)
    assert time.monotonic() - began < BOUND_S


def test_a_captive_portals_page_is_not_an_empty_list(store: S3Store, proxy: FaultyProxy) -> None:
    """A captive portal's page is not taken for an empty bucket."""
    proxy.inject("GET", faults.captive_portal, times=ALWAYS)
    with pytest.raises(StoreError, match="the store is overloaded or broken"):
        list(store.list("private/"))


def test_a_wrong_etag_after_a_put_is_noticed(store: S3Store, proxy: FaultyProxy) -> None:
    """A wrong etag would break the next compare-and-swap, so it is an error."""
    proxy.inject("PUT", faults.wrong_etag)
    with pytest.raises(StoreError, match="reads back differently"):
        store.put("private/new", NEW, **HEADERS)


def test_a_wrong_etag_of_a_read_cannot_overwrite(store: S3Store, direct: S3Store, proxy: FaultyProxy) -> None:
    """Compare-and-swap with a wrong etag raises PreconditionFailed and changes nothing."""
    proxy.inject("GET", faults.wrong_etag)
    info, _ = store.get(KEY)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, NEW, **HEADERS, if_match=info.etag)
    assert direct.get(KEY)[1] == OLD


def test_a_lost_response_does_not_hide_a_lost_race(
    store: S3Store, direct: S3Store, proxy: FaultyProxy
) -> None:
    """If the response is lost and another writer was first, the put raises PreconditionFailed."""
    etag = direct.head(KEY).etag

    def somebody_else_first(exchange: faults.ProxiedRequest) -> None:
        direct.put(KEY, b"theirs", **HEADERS)
        exchange.hang_up()

    proxy.inject("PUT", somebody_else_first)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, NEW, **HEADERS, if_match=etag)
    assert direct.get(KEY)[1] == b"theirs"


@pytest.fixture
def big_file(tmp_path: Path) -> tuple[str, Path]:
    """A file of three parts, and a key with the hash of its content."""
    path = tmp_path / "big.mp3"
    path.write_bytes(b"".join(bytes([number]) * 1024 * 1024 for number in range(20)))
    hash16 = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return f"public/audio/big.{hash16}.mp3", path


@pytest.mark.parametrize(
    "fault", [faults.refuse(503, "SlowDown"), faults.reset, faults.lose_response, faults.stall]
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_big_file_survives_a_passing_fault(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, big_file: tuple[str, Path], method: str, fault: Fault
) -> None:
    """A fault at a part (PUT), at the beginning or at the end of an upload (POST) is retried."""
    key, path = big_file
    proxy.inject(method, fault, times=2)
    info = store.put(key, path, **HEADERS, if_absent=True)
    assert direct.get(key) == (info, path.read_bytes())


def test_an_upload_is_resumed_by_the_next_run(
    store: S3Store, direct: S3Store, proxy: FaultyProxy, big_file: tuple[str, Path]
) -> None:
    """A run that dies at the third part stores no object; the next run sends only the missing parts."""
    key, path = big_file
    proxy.inject("PUT", faults.refuse(507, "InsufficientStorage"), times=ALWAYS, text="partNumber=3")
    with pytest.raises(StoreError, match="the store is full"):
        store.put(key, path, **HEADERS, if_absent=True)
    with pytest.raises(NotFound):
        direct.head(key)
    proxy.plans.clear()
    proxy.requests.clear()
    store.put(key, path, **HEADERS, if_absent=True)
    assert [line for line in proxy.requests if "partNumber=1" in line or "partNumber=2" in line] == []
    assert direct.get(key)[1] == path.read_bytes()
