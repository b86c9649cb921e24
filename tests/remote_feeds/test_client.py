"""Limits of what another host may cost: bytes, time, packed bytes."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.errors import FetchError, RemoteFileNotFound, RemoteFileUnusable, RemoteHostSlow
from podcast_pipeline.remote_feeds.client import FetchLimits, HttpClient
from podcast_pipeline.remote_feeds.unpack import PIECE_BYTES, UnreadableEncoding, unpack
from tests.support.http_servers import FileHost, ServedFile, running_host
from tests.support.slow_host import dripping_host

QUICK = FetchLimits(answer_s=0.4)


def client_for(url: str, limits: FetchLimits | None = None) -> HttpClient:
    client = HttpClient(limits=limits)
    client.trust_hosts_like(url)
    return client


@pytest.fixture
def host() -> Iterator[FileHost]:
    """A host with one file in many ways."""
    with running_host() as running:
        yield running


@pytest.mark.parametrize("where", ["headers", "body"])
@pytest.mark.parametrize("download", [False, True])
def test_a_drip_ends_with_a_line(where: str, download: bool, tmp_path: Path) -> None:
    """A byte now and then keeps no time-out from passing: the whole answer has a deadline."""
    with dripping_host(where) as url, client_for(url, QUICK) as client:
        fetch = partial(client.download, url, tmp_path / "file") if download else partial(client.get, url)
        with pytest.raises(RemoteHostSlow, match="takes longer than"):
            fetch(limit_bytes=10**6)


def test_a_slow_host_does_not_cost_its_time_for_every_file(tmp_path: Path) -> None:
    """After three files in a row the rest of this host is left for the next run, without a request."""
    with dripping_host("headers") as url, client_for(url, QUICK) as client:
        for number in range(3):
            with pytest.raises(RemoteHostSlow):
                client.download(f"{url}/{number}", tmp_path / str(number), limit_bytes=10**6)
        with pytest.raises(FetchError, match="is left for the next run: its host was too slow 3 times"):
            client.download(f"{url}/4", tmp_path / "4", limit_bytes=10**6)


def test_one_run_has_a_total(host: FileHost, tmp_path: Path) -> None:
    """Bytes and hours of all fetches together are bounded, and the line says how to go on."""
    host.files["/a"] = ServedFile(bytes(600), "audio/mpeg")
    with client_for(host.url, FetchLimits(total_bytes=1000)) as client:
        client.get(f"{host.url}/a", limit_bytes=1000)
        with pytest.raises(FetchError, match="of one run; run again to go on"):
            client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=1000)
        with pytest.raises(FetchError, match="of one run"):
            client.get(f"{host.url}/a", limit_bytes=1000)
    with (
        client_for(host.url, FetchLimits(total_s=0)) as client,
        pytest.raises(FetchError, match="of one run"),
    ):
        client.get(f"{host.url}/a", limit_bytes=1000)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, RemoteFileNotFound), (410, RemoteFileNotFound), (403, RemoteFileUnusable),
                         (402, RemoteFileUnusable), (429, FetchError), (503, FetchError)],
)  # fmt: skip
def test_a_refusal_is_told_from_a_bad_day(
    host: FileHost, tmp_path: Path, status: int, kind: type[FetchError]
) -> None:
    """A status that will be the same tomorrow is another error than one that may not be."""
    host.files["/a"] = ServedFile(b"no", "text/plain", status)
    with client_for(host.url) as client, pytest.raises(FetchError) as refused:
        client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=1000)
    assert type(refused.value) is kind
    assert ("run again later" in str(refused.value)) == (kind is FetchError)


PACKED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda data: zlib.compress(data)[2:-4],
    "identity": bytes,
}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_answer_is_unpacked(host: FileHost, tmp_path: Path, encoding: str) -> None:
    """A host that packs although it was not asked to delivers the same bytes (c06)."""
    body = b"sound " * 1000
    host.files["/a"] = ServedFile(
        PACKED[encoding](body), "audio/mpeg", headers={"Content-Encoding": encoding}
    )
    with client_for(host.url) as client:
        file = client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=10_000)
        assert file.path.read_bytes() == body
        assert client.get(f"{host.url}/a", limit_bytes=10_000).body == body


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "x"])
def test_other_packings_are_refused(host: FileHost, tmp_path: Path, encoding: str) -> None:
    """A packing that was not asked for, or two of them, is one line."""
    host.files["/a"] = ServedFile(gzip.compress(b"x"), "audio/mpeg", headers={"Content-Encoding": encoding})
    with client_for(host.url) as client:
        with pytest.raises(RemoteFileUnusable, match="which was not asked for"):
            client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=10_000)
        with pytest.raises(RemoteFileUnusable, match="which was not asked for"):
            client.get(f"{host.url}/a", limit_bytes=10_000)


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(bytes(5000), mtime=0)[:-9], b""], ids=["other", "cut", "empty"]
)
def test_a_broken_packing_is_refused(host: FileHost, tmp_path: Path, body: bytes) -> None:
    """Bytes that are not packed as they say, or break off, are no file; nothing of them is left."""
    host.files["/a"] = ServedFile(body, "audio/mpeg", headers={"Content-Encoding": "gzip"})
    with client_for(host.url) as client:
        if body:
            with pytest.raises(RemoteFileUnusable):
                client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=10_000)
        else:
            assert client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=10_000).size_bytes == 0
    assert list(tmp_path.glob("*.part")) == []


def test_a_bomb_is_stopped_at_the_limit(host: FileHost, tmp_path: Path) -> None:
    """300 MB in 300 kB: the limit counts unpacked bytes."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    host.files["/a"] = ServedFile(bomb, "audio/mpeg", headers={"Content-Encoding": "gzip"})
    with client_for(host.url) as client:
        with pytest.raises(RemoteFileUnusable, match="is larger than 5000000 bytes"):
            client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=5_000_000)
        with pytest.raises(FetchError, match="is larger than"):
            client.get(f"{host.url}/a", limit_bytes=5_000_000)


@given(st.binary(max_size=5000), st.lists(st.integers(1, 200), max_size=20), st.integers(1, 3))
def test_any_body_comes_back(body: bytes, cuts: list[int], members: int) -> None:
    """Unpacking gives what was packed, however it is cut, in several gzip members too."""
    packed = b"".join(gzip.compress(body) for _ in range(members))
    chunks = []
    for cut in cuts:
        chunks.append(packed[:cut])
        packed = packed[cut:]
    assert b"".join(unpack(iter([*filter(None, chunks), packed]), "gzip")) == body * members


@given(st.binary(max_size=200))
def test_any_bytes_unpack_or_are_refused(data: bytes) -> None:
    """Damaged bytes are an error of this kind, and no piece is larger than the bound."""
    with suppress(UnreadableEncoding):
        assert all(len(piece) <= PIECE_BYTES for piece in unpack(iter([data]), "deflate"))


def test_another_range_is_not_appended(host: FileHost, tmp_path: Path) -> None:
    """A 206 that begins elsewhere than was asked would put two halves together that do not fit."""
    host.files["/a"] = ServedFile(
        bytes(100), "audio/mpeg", headers={"Content-Range": "bytes 7-106/107"}, status=206
    )
    with client_for(host.url) as client, pytest.raises(FetchError, match="another range"):
        client.download(f"{host.url}/a", tmp_path / "a", limit_bytes=1000)
