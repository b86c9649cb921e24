"""Set keys of an episode.toml and leave all else, comments too, as a person wrote it."""

import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit

from podcast_pipeline.config import validate_toml
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.table import EPISODE_FILE, EpisodeTable

TABLES = ("chapters", "soundbites", "tracks")


def set_keys(text: str, values: Mapping[str, Any]) -> str:
    """Return an episode.toml with these values; None and an empty list of tables remove a key."""
    document = tomlkit.parse(text)
    for key, value in values.items():
        if value is None or (key in TABLES and not value):
            document.pop(key, None)
        elif key in TABLES or isinstance(document.get(key), tomlkit.items.AoT):
            old = document.pop(key, [])
            document[key] = _tables([_table(row) for row in value], list(old))
        else:
            document[key] = _inline(value)
    return tomlkit.dumps(document)


def read_toml(folder: EpisodeFolder) -> str:
    """Return the text of an episode's episode.toml."""
    return (folder.path / EPISODE_FILE).read_text(encoding="utf-8-sig")


def check_toml(text: str, folder: EpisodeFolder) -> EpisodeTable:
    """Return the table of an episode.toml that is about to be written.

    Raises:
        ConfigError: it would not be read again.
    """
    return validate_toml(EpisodeTable, tomllib.loads(text), folder.path / EPISODE_FILE)


def _table(row: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """Return a row; a person's name alone as a table with that name."""
    return {"name": row} if isinstance(row, str) else row


def _inline(value: Any) -> Any:
    """Return the value of a key, with the tables of a list inline: others would take the next keys."""
    if not isinstance(value, list) or not any(isinstance(entry, Mapping) for entry in value):
        return value
    array = tomlkit.array()
    for entry in value:
        if isinstance(entry, Mapping):
            table = tomlkit.inline_table()
            table.update(entry)
            array.append(table)
        else:
            array.append(entry)
    return array


def _tables(rows: list[Mapping[str, Any]], old: list[Any]) -> tomlkit.items.AoT:
    """Return the rows as tables; one that is there already is kept with its comments."""
    tables = tomlkit.aot()
    for row in rows:
        same = next((table for table in old if table.unwrap() == row), None)
        tables.append(tomlkit.item(dict(row)) if same is None else same)
    return tables
