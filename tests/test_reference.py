"""The pages on show.toml and episode.toml have every key that the program takes, with its default.

`cog --check` compares them with scripts/model_tables.py; here the keys and defaults are read another way.
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from podcast_pipeline.config import TABLES, OidcTable, PersonTable, TermTable
from podcast_pipeline.episodes.table import ChapterTable, EpisodeTable, SoundbiteTable, TrackTable
from podcast_pipeline.model import Withdrawal
from tests.support.paths import ROOT
from tests.support.show import ShowFolder

SHOW_DOC = ROOT / "docs" / "reference" / "show-toml.md"
EPISODE_DOC = ROOT / "docs" / "reference" / "episode-toml.md"
ROW = re.compile(r"\| `(\w+)` \| [^|]+ \| (.*?) \| (.+) \|")
Tables = dict[str, dict[str, str]]


def keys_of(model: Any) -> dict[str, str]:
    """Return key -> its default as TOML writes it, "required" or "–" for none."""
    return {name: _default(field) for name, field in model.model_fields.items()}


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if field.is_required():
        return "required"
    if value is None:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def show_tables() -> Tables:
    """Return table -> keys of show.toml, and of a person and a term in it."""
    tables = {
        name: keys_of(get_args(field.annotation)[0] if name == "plans" else field.annotation)
        for name, field in TABLES.items()
    }
    return {
        **tables,
        "signin.oidc": keys_of(OidcTable),
        "A person": keys_of(PersonTable),
        "A term": keys_of(TermTable),
    }


def episode_tables() -> Tables:
    """Return table -> keys of episode.toml; "" has the keys outside of a table."""
    models: dict[str, Any] = {
        "": EpisodeTable,
        "tracks": TrackTable,
        "chapters": ChapterTable,
        "soundbites": SoundbiteTable,
    }
    return {name: keys_of(model) for name, model in models.items()}


def documented(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (table, key, default) of each row of a page."""
    table = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            table = line.removeprefix("## ").strip("[]").replace("Keys", "")
        elif row := ROW.fullmatch(line):
            yield table, row[1], row[2]


@pytest.mark.parametrize(
    ("path", "tables"), [(SHOW_DOC, show_tables()), (EPISODE_DOC, episode_tables())], ids=["show", "episode"]
)
def test_the_page_has_every_key_with_its_default(path: Path, tables: Tables) -> None:
    """A new key has a row with its type, its default and a line of meaning; a key that is gone has none."""
    expected = [(table, key, default) for table, keys in tables.items() for key, default in keys.items()]
    assert list(documented(path)) == expected


class ToldTable(BaseModel):
    """A table whose only key has a text."""

    model: str = "base"
    """Name of a model (docs/how-to/models.md)."""


class SilentTable(ToldTable):
    """A table with a key that nobody has described."""

    places: Annotated[tuple[Annotated[int, Field(ge=1, le=9)], ...], Field(max_length=2)] = ()


@pytest.fixture
def model_tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that makes the tables."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("model_tables")


def test_what_a_key_does_is_the_text_below_it(model_tables: Any) -> None:
    """A page that is named in it is linked."""
    row = '| `model` | text | `"base"` | Name of a model ([models](../how-to/models.md)). |'
    assert list(model_tables.table(ToldTable))[2:] == [row]


def test_a_key_without_a_text_stops_the_docs(model_tables: Any) -> None:
    """The error names the key; inherited keys keep their text."""
    with pytest.raises(LookupError, match=r"^SilentTable\.places: write what it does below it"):
        list(model_tables.table(SilentTable))


def test_fields_of_a_stored_file_have_their_attributes(model_tables: Any) -> None:
    """One text may be for several fields; an absent one is null."""
    rows = {line.split("`")[1]: line for line in list(model_tables.fields_table(Withdrawal))[2:]}
    assert rows["muted"].startswith("| `muted` | list of [Cut](#cut) | the recording, and its seconds")
    assert rows["words"].startswith("| `words` | [WordHashes](#wordhashes) or null | null where")


def test_what_a_publication_writes_is_on_the_page_of_formats(published: ShowFolder) -> None:
    """Each kind of object, and each file of the show and of the episode, but for the sample's own source."""
    page = (ROOT / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    keys = (path.relative_to(published.bucket) for path in published.bucket.rglob("*") if path.is_file())
    kinds = {"/".join(key.parts[:2]) for key in keys if key.parts[0] in ("public", "private")}
    state = {f".podcast/{path.name}" for path in (published.folder / ".podcast").iterdir()}
    files = {path.name for path in published.episode.iterdir()} - {"SOURCE.md"}
    files = {f"{name.partition('.')[0]}.*" if name.startswith("source.") else name for name in files}
    assert [name for name in sorted(kinds | state | files) if f"`{name}" not in page] == []
