"""One contract, two stores: a folder, and a real S3 server over http."""

import hashlib
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from podcast_pipeline.errors import Denied, NotFound, PreconditionFailed, StoreError
from podcast_pipeline.storage import CHUNK_BYTES, Store, UnfinishedUpload
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.s3 import S3Server
from tests.support.unfinished_uploads import MEGABYTE, begin_upload

KEY = "public/audio/a-talk.0123456789abcdef.mp3"
HEADERS: Any = {"content_type": "audio/mpeg", "cache_control": "public, max-age=31536000, immutable"}


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path / "store", base_url="http://127.0.0.1:8080/public")
    s3: Store = request.getfixturevalue("s3_store")
    return s3


@pytest.fixture(params=["local", "s3 unsigned", "s3 by URL"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store to be read without credentials: by its endpoint, or as R2 by its public URL only."""
    if request.param == "local":
        return LocalStore(tmp_path / "store", base_url="http://127.0.0.1:8080/public")
    server: S3Server = request.getfixturevalue("s3_server")
    settings = server.fresh_bucket(unsigned_reads=request.param == "s3 unsigned")
    return S3Store(settings, session=server.session)


def test_put_returns_the_metadata_of_head_and_get(store: Store) -> None:
    """Length, type, cache rule, etag and SHA-256 of an object are the same from put, head and get."""
    info = store.put(KEY, b"sound", **HEADERS)
    assert (info.key, info.size_bytes, info.sha256) == (KEY, 5, hashlib.sha256(b"sound").hexdigest())
    assert (info.content_type, info.cache_control) == (HEADERS["content_type"], HEADERS["cache_control"])
    assert '"' not in info.etag
    assert info.modified_at.tzinfo is not None
    assert store.head(KEY) == info
    assert store.get(KEY) == (info, b"sound")


def test_put_replaces_bytes_and_headers_together(store: Store) -> None:
    """A second put changes the body, the type and the etag of an object."""
    first = store.put(KEY, b"old", **HEADERS)
    second = store.put(KEY, b"newer", content_type="audio/m4a", cache_control="no-cache")
    assert first.etag != second.etag
    assert store.get(KEY) == (second, b"newer")
    assert second.content_type == "audio/m4a"


def test_put_an_empty_object(store: Store) -> None:
    """An object may be empty."""
    assert store.put(KEY, b"", **HEADERS).size_bytes == 0
    assert store.get(KEY)[1] == b""
    assert list(store.stream(KEY)) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 4, b"3"),
        (0, 10, b"0123456789"),
        (8, 99, b"89"),
        (4, 4, b""),
        (10, None, b""),
        (99, None, b""),
    ],
)
def test_stream_yields_the_range(store: Store, start: int, end: int | None, expected: bytes) -> None:
    """A stream begins at `start` and stops before `end` or at the end of the object."""
    store.put(KEY, b"0123456789", **HEADERS)
    assert b"".join(store.stream(KEY, start, end)) == expected


def test_stream_of_20_mb_needs_little_memory(store: Store, tmp_path: Path) -> None:
    """A file of 20 MB goes in and out in bounded memory, in small chunks, byte for byte."""
    path = tmp_path / "media.mp3"
    block = bytes(range(256)) * 4096
    with path.open("wb") as file:
        file.writelines(bytes([number]) + block for number in range(20))
    tracemalloc.start()
    info = store.put(KEY, path, **HEADERS)
    _, put_peak = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    digest = hashlib.sha256()
    for chunk in store.stream(KEY):
        assert len(chunk) <= CHUNK_BYTES
        digest.update(chunk)
    _, stream_peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert digest.hexdigest() == info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert info.size_bytes == path.stat().st_size
    assert put_peak < 80 * MEGABYTE  # four parts of 8 MiB at a time, each once more on its way out
    assert stream_peak < 10 * MEGABYTE


def test_list_is_in_order_of_key_and_by_prefix(store: Store) -> None:
    """A list holds exactly the keys with the prefix, ordered as strings, with size and etag."""
    keys = ["public/b.txt", "public/a/z.txt", "public/a-b.txt", "public/a.txt", "private/a.txt"]
    infos = {key: store.put(key, key.encode(), **HEADERS) for key in keys}
    public = sorted(key for key in keys if key.startswith("public/"))
    assert [item.key for item in store.list("public/")] == public
    assert [item.key for item in store.list("public/a")] == public[:3]
    assert [item.key for item in store.list("public/a/")] == ["public/a/z.txt"]
    assert [item.key for item in store.list("private/")] == ["private/a.txt"]
    assert list(store.list("public/none/")) == []
    for item in store.list("public/"):
        known = infos[item.key]
        assert (item.size_bytes, item.etag) == (known.size_bytes, known.etag)
        assert (item.content_type, item.cache_control, item.sha256) == ("", "", None)


def test_delete_removes_and_may_be_repeated(store: Store) -> None:
    """A deleted object is NotFound, and deleting it again is no error."""
    store.put(KEY, b"sound", **HEADERS)
    store.delete(KEY)
    store.delete(KEY)
    with pytest.raises(NotFound, match=KEY):
        store.head(KEY)
    assert list(store.list("public/")) == []


def test_an_unknown_key_is_not_found(store: Store) -> None:
    """Every read of an object that is not there raises NotFound with the key."""
    with pytest.raises(NotFound, match=KEY):
        store.head(KEY)
    with pytest.raises(NotFound, match=KEY):
        store.get(KEY)
    with pytest.raises(NotFound, match=KEY):
        list(store.stream(KEY))


def test_if_absent_writes_only_the_first_time(store: Store) -> None:
    """A second put with if_absent raises PreconditionFailed and leaves the first object unchanged."""
    first = store.put(KEY, b"first", **HEADERS, if_absent=True)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, b"second", **HEADERS, if_absent=True)
    assert store.get(KEY) == (first, b"first")


def test_if_match_replaces_only_the_version_that_was_read(store: Store) -> None:
    """Compare-and-swap: the current etag wins once, an old one raises PreconditionFailed."""
    first = store.put(KEY, b"first", **HEADERS)
    second = store.put(KEY, b"second", **HEADERS, if_match=first.etag)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, b"third", **HEADERS, if_match=first.etag)
    assert store.get(KEY) == (second, b"second")


def test_if_match_of_a_deleted_object_fails(store: Store) -> None:
    """An object that was deleted after it was read is not written again."""
    etag = store.put(KEY, b"first", **HEADERS).etag
    store.delete(KEY)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, b"second", **HEADERS, if_match=etag)
    with pytest.raises(NotFound):
        store.head(KEY)


def test_conditions_hold_for_big_files_too(store: Store, tmp_path: Path) -> None:
    """if_absent and if_match decide about a file that is sent in parts."""
    path = tmp_path / "big.mp3"
    path.write_bytes(b"x" * (9 * MEGABYTE))
    first = store.put(KEY, path, **HEADERS, if_absent=True)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, path, **HEADERS, if_absent=True)
    path.write_bytes(b"y" * (9 * MEGABYTE))
    second = store.put(KEY, path, **HEADERS, if_match=first.etag)
    with pytest.raises(PreconditionFailed, match=KEY):
        store.put(KEY, path, **HEADERS, if_match=first.etag)
    assert store.head(KEY) == second


def test_anonymous_reads_public_objects(open_store: Store) -> None:
    """Without credentials a public object reads the same as with them."""
    info = open_store.put(KEY, b"0123456789", **HEADERS)
    anybody = open_store.anonymous()
    assert anybody.head(KEY) == info
    assert anybody.get(KEY) == (info, b"0123456789")
    assert b"".join(anybody.stream(KEY, 2, 5)) == b"234"
    assert b"".join(anybody.stream(KEY, 8, 99)) == b"89"
    assert list(anybody.stream(KEY, 10)) == []


@pytest.mark.parametrize("key", ["private/catalog.json", "private/not-there.json", "public/not-there.xml"])
def test_anonymous_cannot_read_private_objects(open_store: Store, key: str) -> None:
    """Without credentials no private object can be read, whether it exists or not."""
    open_store.put("private/catalog.json", b"{}", content_type="application/json", cache_control="no-store")
    anybody = open_store.anonymous()
    for read in (anybody.head, anybody.get, lambda key: list(anybody.stream(key))):
        with pytest.raises((Denied, NotFound), match=key):
            read(key)


@pytest.mark.parametrize("prefix", ["public/", "private/"])
def test_anonymous_cannot_list(open_store: Store, prefix: str) -> None:
    """Without credentials a list raises Denied."""
    open_store.put(KEY, b"sound", **HEADERS)
    with pytest.raises(Denied, match=prefix):
        list(open_store.anonymous().list(prefix))


def test_url_is_the_base_and_the_rest_of_the_key(store: Store) -> None:
    """The public address omits `public/`, which is in the base; a private key has no address."""
    assert store.url("public/audio/x.mp3").endswith("/public/audio/x.mp3")
    with pytest.raises(StoreError, match="no public address"):
        store.url("private/catalog.json")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/public/x",
        "public",
        "public/",
        "public//x",
        "public/../private/catalog.json",
        "public/./x",
        "other/x",
        "public/ä.txt",
        "public/a b",
        "public/a?b",
        "public/a@b",
        "public/a\n",
        "public/" + "x/" * 500 + "x",
    ],
)
def test_a_bad_key_is_refused_everywhere(store: Store, key: str) -> None:
    """No method accepts a key that is not safe in every store, URL and file system (F13)."""
    calls = (
        store.head,
        store.get,
        store.delete,
        store.url,
        store.anonymous().get,
        lambda key: list(store.stream(key)),
        lambda key: store.put(key, b"", **HEADERS),
    )
    for call in calls:
        with pytest.raises(StoreError, match="is not a valid key"):
            call(key)


def test_list_requires_public_or_private(store: Store) -> None:
    """A list is of public/ or of private/, which may be two buckets."""
    for prefix in ("", "pub", "/public/", "public/../private/"):
        with pytest.raises(StoreError, match="cannot be listed"):
            list(store.list(prefix))


def test_an_unfinished_put_is_listed_and_can_be_aborted(store: Store) -> None:
    """The upload of a killed writer is no object; it is listed separately and can be aborted."""
    store.put(KEY, b"sound", **HEADERS)
    begin_upload(store, KEY)
    (unfinished,) = store.unfinished_uploads("public/")
    assert (unfinished.key, unfinished.size_bytes) == (KEY, 5 * MEGABYTE)
    assert abs(datetime.now(UTC) - unfinished.modified_at) < timedelta(minutes=1)
    assert list(store.unfinished_uploads("private/")) == []
    for _ in range(2):
        store.abort_upload(unfinished)
        assert list(store.unfinished_uploads("public/")) == []
    assert store.get(KEY)[1] == b"sound"


def test_a_put_that_was_completed_meanwhile_is_not_aborted(tmp_path: Path) -> None:
    """The bytes of a writer that was only slow stay."""
    store = LocalStore(tmp_path / "store", base_url="")
    store.put(KEY, b"sound", **HEADERS)
    (version,) = (tmp_path / "store/.objects/public/audio").iterdir()
    store.abort_upload(UnfinishedUpload(KEY, version.name.rpartition("@")[2], 5, datetime.now(UTC)))
    assert store.get(KEY)[1] == b"sound"


def test_purge_leaves_nothing(store: Store) -> None:
    """A purged object is gone with what an unfinished put left of it, and purging it again is no error."""
    store.put(KEY, b"first", **HEADERS)
    store.put(KEY, b"second", **HEADERS)
    begin_upload(store, KEY)
    assert store.purge(KEY) == ()
    assert store.purge(KEY) == ()
    with pytest.raises(NotFound, match=KEY):
        store.head(KEY)
    assert list(store.unfinished_uploads("public/")) == []


def test_purge_of_older_versions_keeps_the_object(store: Store) -> None:
    """What was there before is removed, and the object stays as it is."""
    store.put(KEY, b"first", **HEADERS)
    info = store.put(KEY, b"second", **HEADERS)
    assert store.purge(KEY, keep_current=True) == ()
    assert store.get(KEY) == (info, b"second")


def test_purge_leaves_neighbours_alone(store: Store) -> None:
    """A key that begins with the purged one is another object."""
    store.put(KEY, b"first", **HEADERS)
    store.put(f"{KEY}.txt", b"other", **HEADERS)
    store.purge(KEY)
    assert store.get(f"{KEY}.txt")[1] == b"other"
