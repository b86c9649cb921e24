"""Import the old feed's channel into show.toml, before anything is published under it."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError

from podcast_pipeline.audio import artwork
from podcast_pipeline.config import SHOW_FILE_NAME, ShowTable
from podcast_pipeline.config.placeholders import SHIPPED_COVERS
from podcast_pipeline.errors import AudioError, FetchError
from podcast_pipeline.feed import parse
from podcast_pipeline.feed.conformance.document import FeedDocument
from podcast_pipeline.feed.parse import ImportRemark
from podcast_pipeline.feed.tags import podcast_guid
from podcast_pipeline.files import sha256_of, write_atomically
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.pages import is_web_address

TEMPLATES = files("podcast_pipeline.episodes") / "template"
ARTWORK_BYTES = 20 * 1024**2


def import_show_settings(
    document: FeedDocument, source: str, context: Context, client: HttpClient
) -> tuple[Context, tuple[ImportRemark, ...]]:
    """Write the old podcast:guid into show.toml, and values for placeholders; comments are kept.

    For a feed without a guid directories derive it from its address, and so does the import.

    Returns:
        The context with the show as it is now, and the differences that were left as the producer wrote them.
    """
    path = context.config.folder / SHOW_FILE_NAME
    written = tomlkit.parse(path.read_text(encoding="utf-8"))
    sample = tomlkit.parse((TEMPLATES / SHOW_FILE_NAME).read_text(encoding="utf-8"))["show"]
    values: dict[str, Any] = {}
    remarks: list[ImportRemark] = []
    guid = parse.show_guid(document)
    if guid is None and is_web_address(source):
        guid = podcast_guid(source)
    if guid is None:
        remarks.append(ImportRemark("the old feed has no podcast:guid that is a UUID; show.toml's stays"))
    else:
        values["guid"] = str(guid)
    for name, value in parse.show_values(document).items():
        now = _plain(written["show"].get(name))
        if now in (_plain(sample.get(name)), value):
            values[name] = value
        else:
            remarks.append(
                ImportRemark(f"the old feed says {name} = {value!r}; show.toml says {now!r} and stays")
            )
    table = _valid(context.config.show, values, remarks)
    name = _artwork(parse.artwork_url(document), context.config.folder / table.artwork, client, remarks)
    table = table.model_copy(update={"artwork": name})
    _write(path, written, table, {*values, "artwork"})
    return replace(context, config=context.config.model_copy(update={"show": table})), tuple(remarks)


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value


def _valid(table: ShowTable, values: Mapping[str, Any], remarks: list[ImportRemark]) -> ShowTable:
    """Return the table with the values that are valid."""
    for name, value in values.items():
        try:
            table = ShowTable.model_validate({**dict(table), name: value})
        except ValidationError:
            remarks.append(
                ImportRemark(f"the old feed says {name} = {value!r}, which a feed of ours may not say")
            )
    return table


def _artwork(url: str | None, path: Path, client: HttpClient, remarks: list[ImportRemark]) -> str:
    """Import the show's artwork in place of the sample; return the file's name."""
    if url is None or sha256_of(path) not in SHIPPED_COVERS:
        return path.name
    try:
        body = client.get(url, limit_bytes=ARTWORK_BYTES).body
    except FetchError as error:
        remarks.append(
            ImportRemark(f"the show's artwork could not be fetched ({error.message}); {_put(path)}")
        )
        return path.name
    kind = artwork.identify_picture(body)
    if kind is None:
        remarks.append(ImportRemark(f"the show's artwork is no whole JPEG or PNG; {_put(path)}"))
        return path.name
    target = path.with_name(f"old-artwork{kind[0]}")
    write_atomically(target, body)
    try:
        artwork.load_artwork(target)
    except AudioError as error:
        remarks.append(ImportRemark(f"the show's artwork {error.message}; it is in {target.name}"))
        return path.name
    return target.name


def _put(path: Path) -> str:
    return f"put the show's picture to {path} in place of the sample, before `podcast rebuild`"


def _write(path: Path, written: tomlkit.TOMLDocument, table: ShowTable, names: set[str]) -> None:
    values = {**table.model_dump(mode="json"), "hosts": [host.plain for host in table.hosts]}
    for name in sorted(names):
        if _plain(written["show"].get(name)) != values[name]:
            written["show"][name] = values[name]
    text = tomlkit.dumps(written)
    if text != path.read_text(encoding="utf-8"):
        write_atomically(path, text.encode())
