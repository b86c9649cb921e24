"""The folder as a store, with racing and killed processes."""

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from podcast_pipeline.errors import DamagedObject, NotFound, PreconditionFailed, StoreError
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.upload import object_exists

HEADERS: Any = {"content_type": "text/plain", "cache_control": "no-cache"}
KEY = "private/catalog.json"

WRITER = """
import sys
from pathlib import Path
from podcast_pipeline.errors import PreconditionFailed
from podcast_pipeline.storage.local import LocalStore

store = LocalStore(Path(sys.argv[1]), base_url="")
sys.stdin.readline()
try:
    store.put(sys.argv[2], sys.argv[3].encode(), content_type="text/plain", cache_control="", if_absent=True)
except PreconditionFailed:
    print("lost")
else:
    print("won")
"""

COUNTER = """
import sys
from pathlib import Path
from podcast_pipeline.errors import PreconditionFailed
from podcast_pipeline.storage.local import LocalStore

store = LocalStore(Path(sys.argv[1]), base_url="")
HEADERS = {"content_type": "", "cache_control": ""}
remaining = 25
while remaining:
    info, body = store.get(sys.argv[2])
    try:
        store.put(sys.argv[2], str(int(body) + 1).encode(), **HEADERS, if_match=info.etag)
    except PreconditionFailed:
        continue
    remaining -= 1
"""

FLAPPER = """
import sys
from pathlib import Path
from podcast_pipeline.storage.local import LocalStore

store = LocalStore(Path(sys.argv[1]), base_url="")
print("ready", flush=True)
while True:
    for letter, size in ((b"a", 3_000_000), (b"b", 10), (b"c", 500_000)):
        store.put(sys.argv[2], letter * size, content_type=f"text/{letter.decode()}", cache_control="")
"""


def _start(script: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _finish(process: "subprocess.Popen[str]", text: str = "") -> str:
    output, _ = process.communicate(text, timeout=60)
    assert process.returncode == 0
    return output.strip()


def test_of_16_processes_one_wins(tmp_path: Path) -> None:
    """Sixteen processes put the same key with if_absent: one wins, fifteen get PreconditionFailed."""
    writers = [_start(WRITER, tmp_path, KEY, number) for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda writer: _finish(writer, "go\n"), writers))
    assert sorted(answers) == ["lost"] * 15 + ["won"]
    assert LocalStore(tmp_path, base_url="").get(KEY)[1] == str(answers.index("won")).encode()


def test_compare_and_swap_loses_no_update(tmp_path: Path) -> None:
    """Four processes count to 25 each by compare-and-swap; the sum is 100."""
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"0", **HEADERS)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_finish, [_start(COUNTER, tmp_path, KEY) for _ in range(4)]))
    assert store.get(KEY)[1] == b"100"


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_a_killed_writer_leaves_a_whole_object(tmp_path: Path, seed: int) -> None:
    """After kill -9 at a random moment an object is old or new, its type and hash are of these bytes."""
    chance = random.Random(seed)
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"a" * 3_000_000, content_type="text/a", cache_control="no-cache")
    for _ in range(8 if seed == 1 else 200):
        writer = _start(FLAPPER, tmp_path, KEY)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=10)
        info, body = store.get(KEY)
        assert info.content_type == f"text/{body[:1].decode()}"
        assert (info.size_bytes, info.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert [item.key for item in store.list("private/")] == [KEY]


def test_versions_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    """The next put of a key removes the half-written versions of it, and no version of another key."""
    store = LocalStore(tmp_path, base_url="")
    other = store.put("private/catalog.json.bak", b"other", **HEADERS)
    half = tmp_path / ".objects" / "private" / "catalog.json@half"
    half.mkdir(parents=True)
    (half / "body").write_bytes(b"ha")
    (tmp_path / "private" / "catalog.json@link").symlink_to("nowhere")
    store.put(KEY, b"whole", **HEADERS)
    assert not half.exists()
    assert len(list(half.parent.glob("catalog.json@*"))) == 1
    assert store.get("private/catalog.json.bak") == (other, b"other")


def test_an_object_is_a_plain_file_to_other_programs(tmp_path: Path) -> None:
    """A player or a web server finds the bytes under root/<key>."""
    LocalStore(tmp_path, base_url="").put("public/feed.xml", b"<rss/>", **HEADERS)
    assert (tmp_path / "public" / "feed.xml").read_bytes() == b"<rss/>"


@pytest.mark.parametrize("key", ["public/audio", "public/audio/a.mp3/b.mp3", "public/none"])
def test_a_folder_is_no_object(tmp_path: Path, key: str) -> None:
    """A key that is a folder of the store, or leads through an object, is NotFound."""
    store = LocalStore(tmp_path, base_url="")
    store.put("public/audio/a.mp3", b"ID3", **HEADERS)
    for read in (store.head, store.anonymous().get):
        with pytest.raises(NotFound, match=key):
            read(key)


def test_a_moved_folder_is_the_same_store(tmp_path: Path) -> None:
    """The folder contains no absolute paths."""
    info = LocalStore(tmp_path / "old", base_url="").put(KEY, b"whole", **HEADERS)
    (tmp_path / "old").rename(tmp_path / "new")
    assert LocalStore(tmp_path / "new", base_url="").get(KEY) == (info, b"whole")


def test_a_stream_survives_a_replacement(tmp_path: Path) -> None:
    """A started stream reads the old object to its end after a put."""
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"a" * 1_000_000, **HEADERS)
    chunks = store.stream(KEY)
    first = next(chunks)
    store.put(KEY, b"b", **HEADERS)
    assert first + b"".join(chunks) == b"a" * 1_000_000


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """If the store's folder is a file, the error names the key and the folder."""
    (tmp_path / "store").write_bytes(b"a file")
    with pytest.raises(StoreError, match=rf"^{KEY}: .*check {tmp_path / 'store'} and its disk"):
        LocalStore(tmp_path / "store", base_url="").put(KEY, b"x", **HEADERS)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")  # noqa: PTH110
def test_a_full_disk_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full, the old object stays and the error states the reason."""
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"old", **HEADERS)
    monkeypatch.setattr("podcast_pipeline.storage.local._copy", lambda *_, **__: _fill_disk())
    with pytest.raises(StoreError, match="No space left on device"):
        store.put(KEY, b"new", **HEADERS)
    assert store.get(KEY)[1] == b"old"


def _fill_disk() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[:2],
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_body_of_another_length_is_not_served(tmp_path: Path, damage: str) -> None:
    """What info.json does not describe is no object, nor a part of one; `gc` sees it, a put replaces it."""
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"whole", **HEADERS)
    body = (tmp_path / KEY).resolve()
    body.write_bytes(DAMAGES[damage](b"whole"))
    for read in (store.head, store.get, lambda key: next(store.stream(key, 0, 1))):
        with pytest.raises(DamagedObject, match=rf"{KEY}: has \d bytes of the 5 that were stored"):
            read(KEY)
    assert [listed.key for listed in store.list("private/")] == [KEY]
    assert not object_exists(store, KEY)
    with pytest.raises(PreconditionFailed):
        store.put(KEY, b"swap", if_match="any", **HEADERS)
    store.put(KEY, b"whole", if_absent=True, **HEADERS)
    assert store.get(KEY)[1] == b"whole"


def test_a_body_with_other_bytes_is_not_returned(tmp_path: Path) -> None:
    """Zeros of the right length, as a disk may leave them, are no catalog."""
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"whole", **HEADERS)
    (tmp_path / KEY).resolve().write_bytes(bytes(5))
    with pytest.raises(DamagedObject, match="has other bytes than were stored"):
        store.get(KEY)


@pytest.mark.parametrize("text", [b"", b'{"key": ', b"[]", b'{"key": "k", "modified_at": "2026-11-30"}'])
def test_a_damaged_info_is_one_line(tmp_path: Path, text: bytes) -> None:
    """An info.json that cannot be read names the object and its file."""
    store = LocalStore(tmp_path, base_url="")
    store.put(KEY, b"whole", **HEADERS)
    (tmp_path / KEY).resolve().with_name("info.json").write_bytes(text)
    with pytest.raises(DamagedObject, match=rf"^{KEY}: .*info\.json cannot be read"):
        store.head(KEY)
    assert [listed.size_bytes for listed in store.list("private/")] == [5]


def test_a_put_is_on_the_disk_before_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Body, metadata, their folder and every new folder above it are flushed before the link is renamed."""
    calls: list[str] = []
    replace = Path.replace

    def flush(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink().relative_to(tmp_path.resolve())
        calls.append(re.sub("@[0-9a-f]+", "@", path.as_posix()))

    def rename(part: Path, target: Path) -> Path:
        calls.append("rename")
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", rename)
    LocalStore(tmp_path / "store", base_url="").put("public/a.txt", b"whole", **HEADERS)
    version = "store/.objects/public/a.txt@"
    made = [".", "store", "store/.objects"]
    written = [f"{version}/body", f"{version}/info.json", version, "store/.objects/public"]
    assert calls == [*made, *written, "store", "rename", "store/public"]
