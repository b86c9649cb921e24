"""The folder as a store, with racing and killed processes."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from podcast_pipeline.errors import NotFound, StoreError
from podcast_pipeline.storage.local import LocalStore

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
    monkeypatch.setattr("podcast_pipeline.storage.local._copy", lambda _body, _target: _fill_disk())
    with pytest.raises(StoreError, match="No space left on device"):
        store.put(KEY, b"new", **HEADERS)
    assert store.get(KEY)[1] == b"old"


def _fill_disk() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
