"""S3 only: TLS, races between processes, resumed uploads, lost responses, two buckets, errors."""

import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from podcast_pipeline.errors import Denied, PreconditionFailed, StoreError
from podcast_pipeline.storage.s3.multipart import PART_BYTES
from podcast_pipeline.storage.s3.store import S3Store
from tests.support.s3 import S3Server

HEADERS: Any = {"content_type": "audio/mpeg", "cache_control": "public, max-age=60"}
MEGABYTE = 1024 * 1024

WRITER = """
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from podcast_pipeline.errors import PreconditionFailed
from podcast_pipeline.storage.s3.presets import S3Settings
from podcast_pipeline.storage.s3.store import S3Store

endpoint, bucket, key, body = sys.argv[1:]
store = S3Store(S3Settings(bucket, bucket, "", endpoint_url=endpoint, path_style=True))
sys.stdin.readline()

def put(letter):
    try:
        store.put(key, (body + letter).encode(), content_type="text/plain", cache_control="", if_absent=True)
    except PreconditionFailed:
        return "lost"
    return body + letter

with ThreadPoolExecutor(4) as pool:
    print(*pool.map(put, "abcd"))
"""

UPLOADER = """
import socket
import sys
from pathlib import Path
from podcast_pipeline.storage.s3.presets import S3Settings
from podcast_pipeline.storage.s3.store import S3Store

endpoint, bucket, key, path = sys.argv[1:]
store = S3Store(S3Settings(bucket, bucket, "", endpoint_url=endpoint, path_style=True))
store.put(key, Path(path), content_type="audio/mpeg", cache_control="public, max-age=60")
"""


@pytest.fixture
def big_file(tmp_path: Path) -> tuple[str, Path]:
    """A file of three parts, and a key with the hash of its content."""
    path = tmp_path / "big.mp3"
    path.write_bytes(b"".join(bytes([number]) * MEGABYTE for number in range(20)))
    hash16 = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return f"public/audio/big.{hash16}.mp3", path


@pytest.fixture
def calls(s3_store: S3Store) -> list[str]:
    """The names of the S3 calls that the store makes from now on."""
    names: list[str] = []
    events = s3_store.client.meta.events
    events.register("before-call.s3.*", lambda model, **_: names.append(model.name))
    return names


def test_of_4_processes_with_4_threads_one_wins(s3_server: S3Server, s3_store: S3Store) -> None:
    """Real processes race for one key with if_absent: exactly one wins."""
    settings = s3_store.settings
    command = [sys.executable, "-c", WRITER, s3_server.url, settings.public_bucket, "private/lock"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, str(number)], **pipes) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outputs = pool.map(lambda writer: writer.communicate("go\n", timeout=60)[0], writers)
        answers = " ".join(outputs).split()
    assert answers.count("lost") == 15
    assert [s3_store.get("private/lock")[1].decode()] == [answer for answer in answers if answer != "lost"]


@pytest.mark.parametrize("size", [10, 9 * MEGABYTE])
def test_over_tls_objects_are_as_they_were_put(
    s3_server: S3Server, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over https no checksum trailer ends up in the object or its Content-Encoding, whole or in parts."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(s3_server.certificate))
    store = S3Store(s3_server.fresh_bucket(endpoint_url=s3_server.tls_url))
    info = store.put("public/a.mp3", b"x" * size, **HEADERS)
    assert store.get("public/a.mp3") == (info, b"x" * size)
    with urlopen(f"{s3_server.url}/{store.settings.public_bucket}/public/a.mp3") as answer:  # noqa: S310
        assert answer.headers["Content-Encoding"] is None
        assert answer.read() == b"x" * size


def test_a_stored_checksum_trailer_is_detected(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With botocore's default checksums over https, the read-back detects the stored Content-Encoding."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(s3_server.certificate))
    store = S3Store(s3_server.fresh_bucket(endpoint_url=s3_server.tls_url, checksums="when_supported"))
    with pytest.raises(StoreError, match="ContentEncoding aws-chunked"):
        store.put("public/a.txt", b"x", **HEADERS)


def test_an_untrusted_certificate_is_one_line(s3_server: S3Server) -> None:
    """An untrusted certificate is named in the error."""
    store = S3Store(s3_server.fresh_bucket(endpoint_url=s3_server.tls_url))
    with pytest.raises(StoreError, match=r"^private/x: the store's certificate is not trusted"):
        store.head("private/x")


def test_an_interrupted_upload_is_resumed(
    s3_store: S3Store, big_file: tuple[str, Path], calls: list[str]
) -> None:
    """Parts that an interrupted run has sent are not sent again."""
    key, path = big_file
    place: Any = {"Bucket": s3_store.settings.public_bucket, "Key": key}
    client = s3_store.client
    upload = client.create_multipart_upload(
        **place,
        ContentType=HEADERS["content_type"],
        CacheControl=HEADERS["cache_control"],
        Metadata={"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "put-id": "the-run-before"},
    )["UploadId"]
    body = path.read_bytes()
    client.upload_part(**place, UploadId=upload, PartNumber=1, Body=body[:PART_BYTES])
    client.upload_part(**place, UploadId=upload, PartNumber=2, Body=b"damaged" * MEGABYTE)
    calls.clear()
    info = s3_store.put(key, path, **HEADERS, if_absent=True)
    assert calls.count("UploadPart") == 2
    assert "CreateMultipartUpload" not in calls
    assert s3_store.get(key) == (info, body)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=place["Bucket"])


def test_a_killed_upload_is_resumed(s3_server: S3Server, s3_store: S3Store, tmp_path: Path) -> None:
    """After kill -9 during an upload there is no object, and the next run sends the remaining parts."""
    path = tmp_path / "big.mp3"
    path.write_bytes(b"".join(number.to_bytes(4, "big") * (MEGABYTE // 4) for number in range(64)))
    key = f"private/audio/big.{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.mp3"
    bucket: Any = s3_store.settings.private_bucket
    writer = subprocess.Popen([sys.executable, "-c", UPLOADER, s3_server.url, bucket, key, path])
    while not (found := s3_store.client.list_multipart_uploads(Bucket=bucket).get("Uploads")):
        assert writer.poll() is None
    upload: Any = {"Bucket": bucket, "Key": key, "UploadId": found[0]["UploadId"]}
    while not s3_store.client.list_parts(**upload).get("Parts"):
        assert writer.poll() is None
    writer.kill()
    writer.wait()
    assert list(s3_store.list("private/")) == []
    sent: list[str] = []
    s3_store.client.meta.events.register("before-call.s3.UploadPart", lambda **_: sent.append("part"))
    info = s3_store.put(key, path, **HEADERS, if_absent=True)
    assert len(sent) < 64 * MEGABYTE // PART_BYTES
    assert (info.sha256, s3_store.head(key)) == (hashlib.sha256(path.read_bytes()).hexdigest(), info)


def test_an_upload_to_a_key_without_hash_is_not_resumed(s3_store: S3Store, tmp_path: Path) -> None:
    """If the key has no hash, an unfinished upload may be of other bytes."""
    path = tmp_path / "big.json"
    path.write_bytes(b"x" * (9 * MEGABYTE))
    place: Any = {"Bucket": s3_store.settings.public_bucket, "Key": "private/catalog.json"}
    s3_store.client.create_multipart_upload(**place, ContentType="text/wrong")
    info = s3_store.put("private/catalog.json", path, **HEADERS)
    assert s3_store.head("private/catalog.json") == info


def test_a_lost_race_leaves_no_unfinished_upload(
    s3_store: S3Store, big_file: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another writer was first, the upload is aborted."""
    key, path = big_file
    s3_store.put(key, b"somebody else", **HEADERS)
    monkeypatch.setattr("podcast_pipeline.storage.s3.store.check_preconditions", lambda *_, **__: None)
    with pytest.raises(PreconditionFailed, match=key):
        s3_store.put(key, path, **HEADERS, if_absent=True)
    assert "Uploads" not in s3_store.client.list_multipart_uploads(Bucket=s3_store.settings.public_bucket)
    assert s3_store.get(key)[1] == b"somebody else"


def test_a_prefix_stands_before_every_key(s3_server: S3Server) -> None:
    """storage.prefix is part of the name in the bucket, never of a key."""
    store = S3Store(s3_server.fresh_bucket(prefix="shows/one"))
    store.put("private/x", b"x", **HEADERS)
    raw = s3_server.admin.list_objects_v2(Bucket=store.settings.private_bucket)["Contents"]
    assert [item["Key"] for item in raw] == ["shows/one/private/x"]
    assert [item.key for item in store.list("private/")] == ["private/x"]
    assert store.get("private/x")[1] == b"x"


def test_two_buckets_hold_the_two_halves(s3_server: S3Server) -> None:
    """public/ and private/ may be in different buckets."""
    open_, closed = s3_server.fresh_bucket(), s3_server.fresh_bucket()
    store = S3Store(replace(open_, private_bucket=closed.private_bucket))
    store.put("public/x", b"x", **HEADERS)
    store.put("private/x", b"x", **HEADERS)
    for bucket, key in ((open_.public_bucket, "public/x"), (closed.private_bucket, "private/x")):
        raw = s3_server.admin.list_objects_v2(Bucket=bucket)["Contents"]
        assert [item["Key"] for item in raw] == [key]


def test_wrong_keys_are_denied(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret raises Denied; the message has a fix and no secret."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    with pytest.raises(Denied, match="AWS_SECRET_ACCESS_KEY") as caught:
        S3Store(s3_store.settings).get("private/x")
    assert "wrong-secret" not in str(caught.value)


def test_a_reader_may_not_write(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The read-only key reads bucket `pod` and is Denied a put."""
    settings = replace(s3_server.fresh_bucket(), public_bucket="pod", private_bucket="pod")
    S3Store(settings).put("private/x", b"x", **HEADERS)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "readkey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "readsecret")
    reader = S3Store(settings)
    assert reader.get("private/x")[1] == b"x"
    with pytest.raises(Denied, match="private/y"):
        reader.put("private/y", b"y", **HEADERS)


def test_no_credentials_is_one_line(
    s3_store: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without credentials the error explains how to set them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Denied, match="no credentials were found"):
        S3Store(s3_store.settings).get("private/x")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_store_that_is_not_there_is_one_line(s3_store: S3Store, closed_port: int) -> None:
    """A wrong endpoint is an error with a fix, within seconds."""
    settings = replace(s3_store.settings, endpoint_url=f"http://127.0.0.1:{closed_port}", attempts=2)
    with pytest.raises(StoreError, match=r"cannot be reached; check the network and storage\.endpoint_url"):
        S3Store(settings).get("private/x")


def test_without_conditional_writes_the_conditions_still_hold(s3_server: S3Server) -> None:
    """For a server without If-Match the preconditions are checked before the write, and not sent."""
    store = S3Store(s3_server.fresh_bucket(conditional_writes=False))
    sent: list[dict[str, Any]] = []
    store.client.meta.events.register("before-call.s3.PutObject", lambda params, **_: sent.append(params))
    first = store.put("private/x", b"first", **HEADERS, if_absent=True)
    second = store.put("private/x", b"second", **HEADERS, if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        store.put("private/x", b"third", **HEADERS, if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        store.put("private/x", b"third", **HEADERS, if_absent=True)
    assert store.head("private/x") == second
    headers = {name.lower() for params in sent for name in params["headers"]}
    assert not headers & {"if-match", "if-none-match"}
    assert "content-md5" in headers
