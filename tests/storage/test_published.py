"""Mutable objects are replaced by compare-and-swap; who loses a race reads again."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from podcast_pipeline.errors import PreconditionFailed
from podcast_pipeline.model.database_mark import DATABASE_MARK_KEY, DatabaseMark
from podcast_pipeline.storage import ObjectInfo, published
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.published import read_database_mark, update_database_mark

SHOW_ID = UUID("00000000-0000-4000-8000-000000000001")


def advanced(mark: DatabaseMark | None) -> DatabaseMark:
    """Return the mark after one more revocation."""
    generation = mark.generation + 1 if mark else 1
    return DatabaseMark(show_id=SHOW_ID, database_id=SHOW_ID, generation=generation)


class ContestedStore(LocalStore):
    """A store in which somebody else is first in our next `races` writes."""

    def __init__(self, root: Path, *, races: int) -> None:
        super().__init__(root, base_url="http://127.0.0.1/public")
        self.races = races

    def put(self, key: str, body: bytes | Path, **options: Any) -> ObjectInfo:
        """Store an object, after somebody else's."""
        if self.races:
            self.races -= 1
            theirs = advanced(read_database_mark(self)[0]).model_dump_json().encode()
            super().put(key, theirs, content_type="application/json", cache_control="no-store")
        return super().put(key, body, **options)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(published, "LONGEST_PAUSE_S", 0)


def test_a_lost_race_begins_again_from_the_newer_object(tmp_path: Path) -> None:
    """The change is made to what the others wrote, so that nothing of theirs is lost."""
    store = ContestedStore(tmp_path, races=published.ATTEMPTS - 1)
    update_database_mark(store, advanced)
    mark, _ = read_database_mark(store)
    assert mark is not None
    assert mark.generation == published.ATTEMPTS


def test_whoever_loses_every_race_is_told_so(tmp_path: Path) -> None:
    """After the last attempt one line names the object; the others' object stays."""
    store = ContestedStore(tmp_path, races=published.ATTEMPTS)
    with pytest.raises(PreconditionFailed) as lost:
        update_database_mark(store, advanced)
    assert str(lost.value) == f"{DATABASE_MARK_KEY}: others keep changing it; run the same command again"
    mark, _ = read_database_mark(store)
    assert mark is not None
    assert mark.generation == published.ATTEMPTS
