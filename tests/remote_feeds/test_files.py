"""Imported files are recorded, and a record is believed only of the object that it describes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.files import FileImporter, StoredFile
from podcast_pipeline.storage.local import LocalStore
from tests.support.http_servers import FileHost
from tests.support.imported_show import audio_bytes

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def import_one(host: FileHost, folder: Path) -> StoredFile:
    store = LocalStore(folder / "store", base_url="")
    with HttpClient() as client:
        client.trust_hosts_like(host.url)
        importer = FileImporter(client, store, folder / "journal", lambda: NOW)
        return importer.import_audio(f"{host.url}/one.mp3", "one", "audio/mpeg")


def test_a_recorded_file_is_not_requested_again(old_host: FileHost, tmp_path: Path) -> None:
    """A second run finds it in the store."""
    first, asked = import_one(old_host, tmp_path), len(old_host.requests)
    assert import_one(old_host, tmp_path) == first
    assert len(old_host.requests) == asked


def empty(store: LocalStore, folder: Path, key: str) -> None:
    (folder / key).resolve().write_bytes(b"")


def replace(store: LocalStore, folder: Path, key: str) -> None:
    store.put(key, b"other", content_type="audio/mpeg", cache_control="no-cache")


@pytest.mark.parametrize("spoil", [empty, replace])
def test_a_record_of_other_bytes_is_not_believed(
    old_host: FileHost, tmp_path: Path, spoil: Callable[[LocalStore, Path, str], None]
) -> None:
    """An object that is damaged, or is not the one that was recorded, is imported again."""
    stored = import_one(old_host, tmp_path)
    store = LocalStore(tmp_path / "store", base_url="")
    spoil(store, tmp_path / "store", stored.key)
    assert import_one(old_host, tmp_path) == stored
    assert store.get(stored.key)[1] == audio_bytes("one")
