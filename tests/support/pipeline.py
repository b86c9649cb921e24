"""A test's show, opened through the public API, and the state of its store."""

import os
from datetime import UTC, datetime
from xml.etree import ElementTree

from podcast_pipeline import Context, Episode, open_show
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.storage import Store
from tests.support.show import MODEL, SLUG, ShowFolder


def context_of(show: ShowFolder, now: datetime | None = None) -> Context:
    """Open a show, with a clock that stands still at `now`; None: the system's."""
    environ = {**os.environ, "PODCAST_TRANSCRIPTION_MODEL": MODEL}
    return open_show(show.folder, environ=environ, clock=lambda: now or datetime.now(UTC))


def store(show: ShowFolder) -> Store:
    return context_of(show).store


def catalog(show: ShowFolder) -> Catalog:
    found = context_of(show).catalog()
    assert found is not None
    return found


def episode(show: ShowFolder) -> Episode:
    found = catalog(show).by_slug(SLUG)
    assert found is not None
    return found


def feed(show: ShowFolder) -> bytes:
    return store(show).get("public/feed.xml")[1]


def items(show: ShowFolder) -> list[ElementTree.Element]:
    return ElementTree.fromstring(feed(show)).findall("channel/item")  # noqa: S314 (our own feed)


def objects(show: ShowFolder) -> dict[str, str | None]:
    """Return every object with the hash of its bytes."""
    bucket = store(show)
    keys = [info.key for prefix in ("public/", "private/") for info in bucket.list(prefix)]
    return {key: bucket.head(key).sha256 for key in keys}


def edit(show: ShowFolder, old: str, new: str) -> None:
    path = show.episode / "episode.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
