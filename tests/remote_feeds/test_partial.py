"""An interrupted download goes on from the bytes that are known to be on the disk, and from no others."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from podcast_pipeline.errors import FetchError
from podcast_pipeline.remote_feeds import partial as partial_downloads
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.partial import PartialDownload
from tests.support.http_servers import ServedFile, running_host

BODY = hashlib.shake_256(b"sound").digest(300_000)
HALF = 131_072
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[:4096],
    "zeros": lambda data: data[:-8192] + bytes(8192),
}


def begin(target: Path, data: bytes, *, validator: str | None = '"v1"') -> PartialDownload:
    """Write the first bytes of a download."""
    partial = PartialDownload(target)
    with partial.writer(validator, appending=False) as write:
        write(data)
    return partial


def loaded(target: Path) -> tuple[int, str | None]:
    """Return how many bytes a next attempt believes, and the validator."""
    partial = PartialDownload(target)
    partial.load()
    return partial.size_bytes, partial.validator


def test_what_was_noted_is_continued(tmp_path: Path) -> None:
    """The bytes so far are believed, the rest is appended, and the target has all of them."""
    begin(tmp_path / "a", BODY[:HALF])
    partial = PartialDownload(tmp_path / "a")
    partial.load()
    assert (partial.size_bytes, partial.validator) == (HALF, '"v1"')
    with partial.writer('"v1"', appending=True) as write:
        write(BODY[HALF:])
    partial.finish()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": BODY}


def test_bytes_behind_the_note_are_not_believed(tmp_path: Path) -> None:
    """A disk may have kept the length of what was written after the note, and zeros for its bytes."""
    partial = begin(tmp_path / "a", BODY[:HALF])
    partial.path.write_bytes(BODY[:HALF] + bytes(5000))
    partial.load()
    with partial.writer('"v1"', appending=True) as write:
        write(BODY[HALF:])
    partial.finish()
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_begins_anew(tmp_path: Path, damage: str) -> None:
    """Where the noted bytes are not there, nothing is continued."""
    partial = begin(tmp_path / "a", BODY[:HALF])
    partial.path.write_bytes(DAMAGES[damage](BODY[:HALF]))
    assert loaded(tmp_path / "a") == (0, None)


@pytest.mark.parametrize("text", ['"v1"', "", "null"])
def test_a_note_of_an_earlier_release_is_no_proof(tmp_path: Path, text: str) -> None:
    """A note without length and hash, or an empty one, has the download begin anew."""
    begin(tmp_path / "a", BODY[:HALF])
    (tmp_path / "a.note").write_text(text, encoding="utf-8")
    assert loaded(tmp_path / "a") == (0, None)


def test_without_a_validator_nothing_is_continued(tmp_path: Path) -> None:
    """Two versions of a file are never mixed."""
    begin(tmp_path / "a", BODY[:HALF], validator=None)
    assert loaded(tmp_path / "a") == (0, None)


def test_a_kill_loses_only_what_was_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes are written on the way, each after its bytes."""
    monkeypatch.setattr(partial_downloads, "NOTED_BYTES", 50_000)
    partial = PartialDownload(tmp_path / "a")
    with partial.writer('"v1"', appending=False) as write:
        for at in range(0, HALF, 10_000):
            write(BODY[at : at + 10_000])
        assert loaded(tmp_path / "a") == (100_000, '"v1"')


def test_a_broken_download_goes_on_at_the_same_host(tmp_path: Path) -> None:
    """The second request asks for the rest only, from the noted byte on."""
    with running_host({"/a.mp3": ServedFile(BODY, "audio/mpeg", faults={"breaks"})}) as host:
        with HttpClient() as client:
            client.trust_hosts_like(host.url)
            done = client.download(f"{host.url}/a.mp3", tmp_path / "a", limit_bytes=10**6)
        ranges = [asked for _, _, asked in host.requests]
    assert (tmp_path / "a").read_bytes() == BODY
    assert (done.sha256, done.size_bytes) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert ranges[0] is None
    assert ranges[1] is not None


def test_a_part_that_is_complete_is_fetched_again(tmp_path: Path) -> None:
    """A run that was cut before the part got its name ends in the whole file, not in the host's 416."""
    with running_host({"/a.mp3": ServedFile(BODY, "audio/mpeg")}) as host, HttpClient() as client:
        client.trust_hosts_like(host.url)
        begin(
            tmp_path / "a", BODY, validator=client.request(f"{host.url}/a.mp3", method="HEAD").headers["etag"]
        )
        client.download(f"{host.url}/a.mp3", tmp_path / "a", limit_bytes=10**6)
        assert [asked for _, _, asked in host.requests] == [None, f"bytes={len(BODY)}-", None]
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    """The limit counts the bytes of all attempts."""
    with (
        running_host({"/a.mp3": ServedFile(BODY, "audio/mpeg")}) as host,
        HttpClient() as client,
    ):
        client.trust_hosts_like(host.url)
        with pytest.raises(FetchError, match="is larger than 1000 bytes"):
            client.download(f"{host.url}/a.mp3", tmp_path / "a", limit_bytes=1000)
