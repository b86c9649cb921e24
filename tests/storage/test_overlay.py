"""Staged objects over a store are read like stored ones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from podcast_pipeline.errors import NotFound
from podcast_pipeline.files import sha256_of
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.objects import StagedObject, stage_bytes, stage_file
from podcast_pipeline.storage.overlay import OverlayReader

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BODY = bytes(range(256)) * 3000


@pytest.fixture
def staged_file(tmp_path: Path) -> StagedObject:
    """A file of several chunks that is not stored."""
    path = tmp_path / "media.mp3"
    path.write_bytes(BODY)
    return stage_file("public/audio", "a", path, sha256_of(path), "audio/mpeg")


@pytest.fixture
def reader(tmp_path: Path, staged_file: StagedObject) -> OverlayReader:
    """A store with one object, and two staged ones over it."""
    store = LocalStore(tmp_path / "store", base_url="http://127.0.0.1/public")
    store.put("public/feed.xml", b"old", content_type="text/xml", cache_control="no-cache")
    store.put("public/art/a.jpg", b"art", content_type="image/jpeg", cache_control="no-cache")
    feed = stage_bytes("public", "feed", "xml", b"new", "text/xml")
    feed = StagedObject("public/feed.xml", feed.body, feed.content_type, feed.sha256, feed.size_bytes)
    return OverlayReader(store, [staged_file, feed], modified_at=NOW)


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 0), (5, 9), (262_140, 262_150), (len(BODY) - 1, None), (3, len(BODY))]
)
def test_a_staged_file_is_streamed_in_parts(
    reader: OverlayReader, staged_file: StagedObject, start: int, end: int | None
) -> None:
    """Any range gives its bytes."""
    assert b"".join(reader.stream(staged_file.key, start, end)) == BODY[start:end]


def test_a_staged_object_hides_the_stored_one(reader: OverlayReader) -> None:
    """What is staged is read in place of what is stored, which stays readable elsewhere."""
    assert reader.get("public/feed.xml")[1] == b"new"
    assert reader.get("public/art/a.jpg")[1] == b"art"
    assert b"".join(reader.stream("public/art/a.jpg")) == b"art"
    with pytest.raises(NotFound):
        reader.get("public/none")


def test_head_and_list_agree(reader: OverlayReader, staged_file: StagedObject) -> None:
    """Each key once, in order, with the staged sizes."""
    listed = list(reader.list("public/"))
    assert [info.key for info in listed] == sorted(["public/art/a.jpg", staged_file.key, "public/feed.xml"])
    head = reader.head(staged_file.key)
    assert (head.size_bytes, head.content_type, head.modified_at) == (len(BODY), "audio/mpeg", NOW)


def test_nothing_can_be_written(reader: OverlayReader) -> None:
    """There is no method that changes the store."""
    assert [name for name in ("put", "delete", "purge", "abort_upload") if hasattr(reader, name)] == []
