"""Stored documents as a later release might write them."""

import json
from typing import Any

from pydantic import BaseModel

from podcast_pipeline.model.catalog import to_json

UNKNOWN_KEY = "from_the_future"
TABLES = {"options", "file_keys", "attributes"}
"""Fields whose keys are data, not names of fields."""


def with_unknown_keys(document: BaseModel) -> bytes:
    """Return a document with an unknown key in every object."""
    return (
        json.dumps(_with_unknown_keys(json.loads(to_json(document))), indent=1, ensure_ascii=False) + "\n"
    ).encode()


def _with_unknown_keys(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [_with_unknown_keys(one) for one in value]
    if isinstance(value, dict):
        more = {} if name in TABLES else {UNKNOWN_KEY: ["a", {"b": None}]}
        return {**{key: _with_unknown_keys(one, key) for key, one in value.items()}, **more}
    return value
