"""The parts that a command builds over a show of a test, and the state of that show's store."""

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
from tests.support.show import MODEL, SLUG, House


def parts(house: House, now: datetime | None = None) -> Parts:
    """Return what the command would build, at a moment of our choice."""
    clock = (lambda: now) if now else (lambda: datetime.now(UTC))
    built = CliSession(house.folder, Output(quiet=True), clock).parts()
    settings = built.config.transcription.model_copy(update={"model": MODEL})
    return replace(built, config=built.config.model_copy(update={"transcription": settings}))


def store(house: House) -> Store:
    return parts(house).store


def catalog(house: House) -> Catalog:
    return catalog_from_json(store(house).get("private/catalog.json")[1])


def episode(house: House) -> Episode:
    found = catalog(house).by_slug(SLUG)
    assert found is not None
    return found


def feed(house: House) -> bytes:
    return store(house).get("public/feed.xml")[1]


def items(house: House) -> list[ElementTree.Element]:
    return ElementTree.fromstring(feed(house)).findall("channel/item")  # noqa: S314 (our own feed)


def objects(house: House) -> dict[str, str | None]:
    """Return every object with the hash of its bytes."""
    bucket = store(house)
    keys = [info.key for prefix in ("public/", "private/") for info in bucket.list(prefix)]
    return {key: bucket.head(key).sha256 for key in keys}


def edit(house: House, old: str, new: str) -> None:
    path = house.episode / "episode.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
