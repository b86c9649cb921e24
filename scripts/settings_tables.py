"""Every key of show.toml and episode.toml as a row of docs/reference.

Key, type, limits and default are those of the JSON schema of the model. What a key does is the text below it
in the model; a page that is named there (docs/how-to/storage.md) becomes a link.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from podcast_pipeline.config import TABLES, PersonTable, TermTable
from podcast_pipeline.episodes.table import ChapterTable, EpisodeTable, SoundbiteTable, TrackTable

PAGE = re.compile(r"docs/([\w/-]+/([\w-]+)\.md(#[\w-]+)?)")
HEAD = ("| key | type | default | meaning |", "|---|---|---|---|")
TYPES = {
    "boolean": "`true` or `false`",
    "date": "date",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "uuid": "UUID",
}
NAMED_TABLES = dict.fromkeys(("PersonTable", "TermTable"), "name or table")


def show_page() -> Iterator[str]:
    """Yield the lines of the tables of show.toml."""
    for name, field in TABLES.items():
        model: Any = field.annotation
        yield from _section(f"[{name}]", model)
    yield from _section("A person", PersonTable)
    yield from _section("A term", TermTable)


def episode_page() -> Iterator[str]:
    """Yield the lines of the tables of episode.toml."""
    yield from ("", "## Keys", "", *table(EpisodeTable))
    for name, model in (("tracks", TrackTable), ("chapters", ChapterTable), ("soundbites", SoundbiteTable)):
        yield from _section(f"[[{name}]]", model)


def _section(title: str, model: type[BaseModel]) -> Iterator[str]:
    subject = (model.__doc__ or "").partition(": ")[2]
    yield from ("", f"## {title}", "", subject[:1].upper() + subject[1:], "", *table(model))


def table(model: type[BaseModel]) -> Iterator[str]:
    """Yield the head and the rows of a model's keys.

    Raises:
        KeyError: a key without a text below it.
    """
    schema, meanings = model.model_json_schema(), meanings_of(model)
    yield from HEAD
    for key, value in schema["properties"].items():
        default = "required" if key in schema.get("required", ()) else _default(value["default"])
        meaning = PAGE.sub(r"[\2](../\1)", meanings[key])
        yield f"| `{key}` | {_type(value, key)} | {default} | {meaning} |"


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """Return key -> the text below it, in the model or in a model that it inherits from."""
    meanings: dict[str, str] = {}
    for parent in (each for each in reversed(model.__mro__) if issubclass(each, BaseModel)):
        if parent is BaseModel:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(parent))).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in pairwise(tree.body):
            match field, text:
                case ast.AnnAssign(ast.Name(key)), ast.Expr(ast.Constant(str(meaning))):
                    meanings[key] = " ".join(meaning.split())
    return meanings


def _default(value: Any) -> str:
    """Return a default as TOML writes it, "–" for none."""
    match value:
        case None:
            return "–"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f'`"{value}"`'
    return f"`{value}`"


def _type(schema: dict[str, Any], key: str) -> str:
    """Return the type of a value in words, with its limits."""
    schema = schema["anyOf"][0] if "anyOf" in schema else schema  # or nothing
    if schema.get("type") == "array":
        return f"list of {_plural(_noun(schema['items']))}{_limits(schema['items'])}"
    if "enum" in schema:
        *values, last = (_default(value) for value in schema["enum"])
        return f"{', '.join(values)} or {last}"
    return _noun(schema, key) + _limits(schema)


def _noun(schema: dict[str, Any], key: str = "") -> str:
    if "$ref" in schema:
        return NAMED_TABLES.get(schema["$ref"].rpartition("/")[2], "table")
    title: str | None = schema.get("title")
    if title and title != key.replace("_", " ").title():  # ours, not pydantic's
        return title
    return TYPES[schema.get("format", schema["type"])]


def _limits(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None:
        return f", {low} to {high}"
    if low:
        return f" from {low}"
    return f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""


def _plural(words: str) -> str:
    return " or ".join(f"{noun}es" if noun.endswith("s") else f"{noun}s" for noun in words.split(" or "))
