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
        elif key in TABLES:
            old = document.pop(key, [])
            document[key] = _tables(value, list(old))
        else:
            document[key] = value
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


def _tables(rows: list[Mapping[str, Any]], old: list[Any]) -> tomlkit.items.AoT:
    """Return the rows as tables; one that is there already is kept with its comments."""
    tables = tomlkit.aot()
    for row in rows:
        same = next((table for table in old if table.unwrap() == row), None)
        tables.append(tomlkit.item(dict(row)) if same is None else same)
    return tables
