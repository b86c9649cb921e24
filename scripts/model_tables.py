"""Every key of show.toml, of episode.toml and of an event, and every field of a stored file, as a row.

Name, type, limits and default are those of the JSON schema of the model. What a key of a TOML file does is
the text below it in the model; a page named there (docs/how-to/storage.md) becomes a link. What a field of a
stored file is stands under "Attributes" of its class, where the name does not say it.
"""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from podcast_pipeline.audience.database.tables import metadata
from podcast_pipeline.audience.membership.sources.generic import HookEvent, HookSubscription
from podcast_pipeline.config import TABLES, OidcTable, PersonTable, TermTable
from podcast_pipeline.episodes.table import ChapterTable, EpisodeTable, SoundbiteTable, TrackTable

PAGE = re.compile(r"docs/([\w/-]+/([\w-]+)\.md(#[\w-]+)?)")
HEAD = ("| key | type | default | meaning |", "|---|---|---|---|")
TYPES = {
    "boolean": "`true` or `false`",
    "date": "date",
    "date-time": "instant",
    "integer": "whole number",
    "number": "number",
    "object": "object",
    "string": "text",
    "uuid": "UUID",
}
ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*): (.*(?:\n +.*)*)\n", re.MULTILINE)
NAMED_TABLES = dict.fromkeys(("PersonTable", "TermTable"), "name or table")
ROWS = {
    "subscribers": "a subscriber; address and normalized address are empty once erased",
    "entitlements": "a plan that one source gives a subscriber for a time; any that holds makes them active",
    "membership_events": "an event of a membership site; its body goes after 30 days",
    "proofs": "an address, as a keyed hash, that was proven to be a student's or a teacher's",
    "api_keys": "a key of the REST API, by a hash of its secret",
    "api_requests": "requests to the REST API with an Idempotency-Key, for a day",
    "student_codes": "a code that gives the student price, from the newsroom's list",
    "welcome_mails": "a mail about an account, written before it is sent",
    "tokens": "a private link: the public half, and a hash of the secret",
    "sessions": "a browser that is signed in, by a hash of its cookie",
    "audit_log": "a change to a subscriber; append-only",
    "audit_purges": "a run of the retention, which alone may delete from the audit log",
    "network_addresses": "a complete private download: shortened address and app",
    "signin_requests": "a request for a sign-in mail, by keyed hashes",
    "news_mails": "a notification to a subscriber, written before it is sent",
    "jobs": "a piece of background work",
    "database_generations": "a show: id of the database, number of revocations",
    "search_episodes": "an episode as everybody may search it",
    "search_shows": "a show: the current edition of its index",
    "search_passages": "a passage of a transcript, for subscribers' queries",
    "search_vocabulary": "a word: in how many episodes it stands, of all texts or of those for everybody",
}
"""Table -> what a row is."""


def show_page() -> Iterator[str]:
    """Yield the lines of the tables of show.toml."""
    for name, field in TABLES.items():
        model: Any = field.annotation
        is_list = get_origin(model) is tuple
        yield from _section(f"[[{name}]]", get_args(model)[0]) if is_list else _section(f"[{name}]", model)
    yield from _section("[signin.oidc]", OidcTable)
    yield from _section("A person", PersonTable)
    yield from _section("A term", TermTable)


def episode_page() -> Iterator[str]:
    """Yield the lines of the tables of episode.toml."""
    yield from ("", "## Keys", "", *table(EpisodeTable))
    for name, model in (("tracks", TrackTable), ("chapters", ChapterTable), ("soundbites", SoundbiteTable)):
        yield from _section(f"[[{name}]]", model)


def hook_page() -> Iterator[str]:
    """Yield the lines of the tables of a generic hook's event, and its JSON schema."""
    yield from ("", "### The event", "", *table(HookEvent))
    yield from ("", "### HookSubscription", "", "Unknown fields are ignored.", "", *table(HookSubscription))
    schema = json.dumps(HookEvent.model_json_schema(), indent=1)
    yield from ("", "### JSON schema", "", "```json", schema, "```")


def _section(title: str, model: type[BaseModel]) -> Iterator[str]:
    subject = (model.__doc__ or "").partition(": ")[2]
    yield from ("", f"## {title}", "", subject[:1].upper() + subject[1:], "", *table(model))


def table(model: type[BaseModel]) -> Iterator[str]:
    """Yield the head and the rows of a model's keys.

    Raises:
        LookupError: a key has no text below it.
    """
    schema, meanings = model.model_json_schema(), meanings_of(model)
    yield from HEAD
    for key, value in schema["properties"].items():
        default = "required" if key in schema.get("required", ()) else _default(value["default"])
        if key not in meanings:
            raise LookupError(f"{model.__name__}.{key}: write what it does below it, as a string")
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


def stored_page(*models: type[BaseModel]) -> Iterator[str]:
    """Yield the lines of the tables of stored models, a section each."""
    for model in models:
        about = inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]
        yield from ("", f"### {model.__name__}", "", " ".join(about.split()), "", *fields_table(model))


def fields_table(model: type[BaseModel]) -> Iterator[str]:
    """Yield the head and the rows of a stored model's fields."""
    schema, notes = model.model_json_schema(), attributes_of(model)
    schema = schema if "properties" in schema else schema["$defs"][model.__name__]  # refers to itself
    yield from ("| field | type | meaning |", "|---|---|---|")
    for name, value in schema["properties"].items():
        null = " or null" if {"type": "null"} in value.get("anyOf", []) else ""
        meaning = re.sub(r"\bNone\b", "null", notes.get(name, ""))
        yield f"| `{name}` | {_type(value, name)}{null} | {meaning} |"


def attributes_of(model: type[BaseModel]) -> dict[str, str]:
    """Return field -> its text under "Attributes" of the class, or of one that it inherits from."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        section = inspect.cleandoc(parent.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
        for names, text in ATTRIBUTE.findall(textwrap.dedent(section) + "\n"):
            found |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return found


def database_table() -> Iterator[str]:
    """Yield the rows of the tables of the subscribers' database."""
    yield from ("| table | rows | columns |", "|---|---|---|")
    for name, columns in metadata.tables.items():
        yield f"| `{name}` | {ROWS[name]} | {', '.join(f'`{column.name}`' for column in columns.c)} |"


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


def _type(schema: dict[str, Any], key: str = "") -> str:
    """Return the type of a value in words, with its limits."""
    schema = schema["anyOf"][0] if "anyOf" in schema else schema  # or nothing
    if schema.get("type") == "array":
        return f"list of {_plural(_noun(schema['items']))}{_limits(schema['items'])}"
    values = [_default(value) for value in schema.get("enum", [])]
    return _either(values) or _noun(schema, key) + _limits(schema)


def _noun(schema: dict[str, Any], key: str = "") -> str:
    title: str | None = schema.get("title")
    match schema:
        case {"const": value}:
            return _default(value)
        case {"oneOf": models}:
            return _either([_noun(model) for model in models])
        case {"$ref": path}:
            name = path.rpartition("/")[2]
            return NAMED_TABLES.get(name) or (
                "table" if name.endswith("Table") else f"[{name}](#{name.lower()})"
            )
    if title and title != key.replace("_", " ").title():  # ours, not pydantic's
        return title
    return TYPES[schema.get("format", schema["type"])]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _limits(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None:
        return f", {low} to {high}"
    if low:
        return f" from {low}"
    return f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""


def _plural(words: str) -> str:
    return " or ".join(
        noun if "(#" in noun else f"{noun}es" if noun.endswith("s") else f"{noun}s"
        for noun in words.split(" or ")
    )
