"""The parts that a command builds over a test's show, and the contents of the show's store."""

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import (
    Catalog,
    catalog_from_json,
)
from podcast_pipeline.pipeline.media import Parts
from podcast_pipeline.storage import Store
from tests.support.show import MODEL, SLUG, ShowFolder


def parts(show: ShowFolder, now: datetime | None = None) -> Parts:
    """Return the parts that a command would build, with tiny.en and a fixed time."""
    clock = (lambda: now) if now else (lambda: datetime.now(UTC))
    built = CliSession(show.folder, Output(quiet=True), clock).parts()
    settings = built.config.transcription.model_copy(update={"model": MODEL})
    return replace(built, config=built.config.model_copy(update={"transcription": settings}))


def store(show: ShowFolder) -> Store:
    return parts(show).store


def catalog(show: ShowFolder) -> Catalog:
    return catalog_from_json(store(show).get("private/catalog.json")[1])


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
