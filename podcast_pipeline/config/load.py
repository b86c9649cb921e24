"""Finds and reads show.toml, lays the environment over it and validates the result."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError

from podcast_pipeline.config.schema import SECRET_VARIABLES, TABLES, Config
from podcast_pipeline.errors import ConfigError
from podcast_pipeline.files import foreign_file
from podcast_pipeline.model import FrozenModel, composed

SHOW_FILE_NAME = "show.toml"
PROBLEM_MESSAGES = {
    "string_too_long": "is longer than {max_length} characters; shorten it",
    "string_too_short": "is empty; write something, or take the line out",
    "too_long": "is longer than {max_length}; shorten it",
    "too_short": "is empty; name at least {min_length}",
    "string_type": "is not text; put it between quotes",
    "tuple_type": 'is a single value; write a list, like ["…", "…"]',
    "string_unicode": "is not UTF-8; save the file as UTF-8",
    "string_pattern_mismatch": "has characters that are not allowed here; it is like {pattern}",
    "int_type": "is not a whole number; write one like 3, without quotes",
    "int_parsing": "is not a whole number; write one like 3, without quotes",
    "int_from_float": "is not a whole number; write one like 3",
    "float_type": "is not a number; write one like 12.5, without quotes",
    "float_parsing": "is not a number; write one like 12.5, without quotes",
    "finite_number": "is not a number; write one like 12.5",
    "bool_type": "is neither true nor false; write one of them, without quotes",
    "bool_parsing": "is neither true nor false; write one of them, without quotes",
    "literal_error": "is not one of {expected}; write one of them",
    "greater_than_equal": "is less than {ge}; write {ge} or more",
    "greater_than": "is not more than {gt}; write more",
    "less_than_equal": "is more than {le}; write {le} or less",
    "uuid_type": "is no UUID; put back the one that was there",
    "uuid_parsing": "is no UUID; put back the one that was there",
    "model_type": "is no table; write it as [table] or {{key = value}}",
    "dict_type": "is no table; write it as [table] or {{key = value}}",
    "date_type": "is no date; write one like 2026-12-01",
    "date_from_datetime_parsing": "is no date; write one like 2026-12-01",
}
"""pydantic's error type -> our message."""

OTHER_WORDS = {"tags": "topics", "keywords": "topics", "people": "guests"}
"""A key that people write -> what it is called here, where no key is spelled alike."""

VERBATIM = frozenset(("id", "guid", "source", "file", "artwork", "intro", "outro", "voices", "prefix"))
"""Keys whose text names a file, an object or an item of another host."""

ModelT = TypeVar("ModelT", bound=FrozenModel)


def find_show_folder(start: Path) -> Path:
    """Return the nearest folder with a show.toml, from `start` upwards; ConfigError where there is none."""
    absolute = start.resolve()
    for folder in (absolute, *absolute.parents):
        if (folder / SHOW_FILE_NAME).is_file():
            return folder
    raise ConfigError(start, f"no {SHOW_FILE_NAME} here or above; run `podcast init` or pass --project DIR")


def load_config(folder: Path, environment: Mapping[str, str]) -> Config:
    """Read show.toml in `folder`; PODCAST_<TABLE>_<KEY> of the environment overrides a key.

    Raises:
        ConfigError: the file is missing or no TOML, a key is unknown (the message suggests a similar one), or
            a value is out of range.
    """
    path = folder / SHOW_FILE_NAME
    if folder.is_file():
        raise ConfigError(folder, f"is a file; give the folder of {SHOW_FILE_NAME}")
    if path.exists() and not path.is_file():
        raise ConfigError(path, "is a folder, a pipe or a device; put a plain file in its place")
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(path, "is not there; run `podcast init` or pass --project DIR") from error
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(path, f"is not valid TOML: {error}") from error
    _refuse_unknown_tables(tables, path)
    set_by = apply_environment(tables, environment)
    config = validate_toml(
        Config,
        {
            "folder": folder.resolve(),
            **{name: environment.get(variable) or None for name, variable in SECRET_VARIABLES.items()},
            **tables,
        },
        path,
        env_names={**SECRET_VARIABLES, **set_by},
    )
    _require_own_files(config, path, set_by)
    return config


def _require_own_files(config: Config, path: Path, set_by: Mapping[str, str]) -> None:
    """Refuse artwork and jingles that are not the show's own; whether they are there is found out later."""
    named = {
        "show.artwork": config.show.artwork,
        "audio.intro": config.audio.intro,
        "audio.outro": config.audio.outro,
    }
    for key, name in named.items():
        if name and (problem := foreign_file(config.folder, name)):
            raise ConfigError(set_by.get(key) or f"{path} [{key}]", f"{name!r} {problem}")


def apply_environment(tables: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Overwrite keys of the tables by PODCAST_<TABLE>_<KEY>: a list is parsed as TOML, the rest stays text.

    Other PODCAST_ names are ignored.

    Returns:
        `table.key` -> the variable that set it.

    Raises:
        ConfigError: the table has no such key.
    """
    set_by = {}
    for name, text in environment.items():
        table, _, key = name.removeprefix("PODCAST_").lower().partition("_")
        if name.startswith("PODCAST_") and table in TABLES and key and name not in SECRET_VARIABLES.values():
            known = getattr(TABLES[table].annotation, "model_fields", {})
            if key not in known:
                raise ConfigError(name, _unknown_key(key, known))
            tables.setdefault(table, {})[key] = _parse_value(text)
            set_by[f"{table}.{key}"] = name
    return set_by


def _refuse_unknown_tables(tables: Mapping[str, Any], path: Path) -> None:
    """Refuse names that are no table, also the secrets of `Config`: show.toml is committed to git."""
    for name, table in tables.items():
        if name not in TABLES:
            raise ConfigError(f"{path} [{name}]", _unknown_key(name, TABLES))
        if get_origin(TABLES[name].annotation) is tuple:
            if not isinstance(table, list) or not all(isinstance(each, dict) for each in table):
                raise ConfigError(f"{path} [{name}]", f"is a list of tables; write [[{name}]] above each")
        elif not isinstance(table, dict):
            raise ConfigError(f"{path} [{name}]", f"is a table; write [{name}] on a line of its own")


def _parse_value(text: str) -> Any:
    if not text.startswith("["):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def validate_toml(
    model: type[ModelT], data: Mapping[str, Any], path: Path, *, env_names: Mapping[str, str] | None = None
) -> ModelT:
    """Return `data` as a `model`.

    Args:
        env_names: `table.key` -> the environment variable that set it; errors name it instead of the file.

    Raises:
        ConfigError: the first problem, with file and key. An unknown key goes first: it is often the reason
            why another key is missing.
    """
    try:
        checked = model.model_validate({key: _composed(value, key) for key, value in data.items()})
    except ValidationError as error:
        first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in first["loc"])
        variable = (env_names or {}).get(".".join(str(part) for part in first["loc"][:2]))
        raise ConfigError(variable or f"{path} [{where}]", _message(first, model)) from error
    for where in _truths_as_numbers(data, checked):
        raise ConfigError(f"{path} [{where}]", "is true or false, where a number belongs; write one like 3")
    return checked


def _truths_as_numbers(written: Any, read: Any) -> Iterator[str]:
    """Yield the keys where `true` or `false` was taken for 1 or 0, as pydantic does."""
    if isinstance(written, bool) and type(read) in (int, float):
        yield ""
    pairs: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(written, Mapping):
        pairs = ((key, value, getattr(read, key, None)) for key, value in written.items())
    elif isinstance(written, list) and isinstance(read, tuple):
        pairs = ((number, *pair) for number, pair in enumerate(zip(written, read, strict=False)))
    for key, value, other in pairs:
        yield from (f"{key}.{rest}".removesuffix(".") for rest in _truths_as_numbers(value, other))


def _composed(value: Any, key: str) -> Any:
    """Return the text of a table in NFC; names of files, ids and addresses are bytes to others and stay."""
    if isinstance(value, str):
        return value if key in VERBATIM or value.startswith(("http://", "https://")) else composed(value)
    if isinstance(value, list):
        return [_composed(item, key) for item in value]
    if isinstance(value, dict):
        return {name: _composed(item, name) for name, item in value.items()}
    return value


def _message(problem: Any, model: type[FrozenModel]) -> str:
    if problem["type"] == "missing":
        return "is missing; add it"
    if problem["type"] in PROBLEM_MESSAGES:
        return PROBLEM_MESSAGES[problem["type"]].format(**problem.get("ctx", {}))
    if problem["type"] != "extra_forbidden":
        return str(problem["msg"]).removeprefix("Value error, ")
    *tables, key = problem["loc"]
    known: Any = model
    for table in tables:
        known = known.model_fields[table].annotation if isinstance(table, str) else get_args(known)[0]
    return _unknown_key(str(key), getattr(known, "model_fields", {}))


def _unknown_key(key: str, known: Iterable[str]) -> str:
    names = list(known)
    meant = OTHER_WORDS.get(key)
    near = [meant] if meant in names else get_close_matches(key, names, n=1)
    return f"unknown key; did you mean {near[0]}?" if near else "unknown key; remove it"
