"""Nothing becomes public under a type that we do not make."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from podcast_pipeline.errors import StoreError
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.objects import stage_bytes
from podcast_pipeline.storage.upload import upload

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [("mp3", "text/html"), ("html", "text/html"), ("svg", "image/svg+xml")],
)
def test_a_foreign_type_is_refused_before_any_upload(tmp_path: Path, suffix: str, content_type: str) -> None:
    """One such object, and none of the others is stored either."""
    store = LocalStore(tmp_path / "store", base_url="https://n.example")
    good = stage_bytes("public/art", "", "png", b"picture", "image/png")
    bad = stage_bytes("public/audio", "a", suffix, b"<script>", content_type)
    with pytest.raises(StoreError, match="would be public as"):
        upload(store, (good, bad), now=NOW, report=lambda _: None)
    assert list(store.list("public/")) == []
    upload(store, (good,), now=NOW, report=lambda _: None)
    assert [info.key for info in store.list("public/")] == [good.key]
