"""Reads untrusted JSON: what has not the expected form is None, never another exception."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from podcast_pipeline.audience.membership.sources.events import NotAnEvent

Payload = Mapping[str, Any]

PRINTABLE = re.compile(r"[!-~]{1,255}")
"""An id: printable ASCII without spaces, which every database and log takes."""

KIND = re.compile(r"[A-Za-z0-9._-]{1,64}")


def parse_object(body: bytes) -> Payload:
    """Return the JSON object of a body in UTF-8; raises NotAnEvent."""
    try:
        payload = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise NotAnEvent("is no JSON") from error
    if not isinstance(payload, dict):
        raise NotAnEvent("is no JSON object")
    return payload


def find(payload: object, *path: str) -> Any:
    """Return the value at a path of keys; None where an object or a key is missing."""
    for key in path:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def find_items(payload: object, *path: str) -> list[Any]:
    """Return the list at a path of keys; empty where there is none."""
    items = find(payload, *path)
    return items if isinstance(items, list) else []


def find_id(payload: object, *path: str) -> str | None:
    """Return the id at a path: its text, a number as text, or the `id` of an object there."""
    value = find(payload, *path)
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20:
        value = str(value)
    return value if isinstance(value, str) and PRINTABLE.fullmatch(value) else None


def find_kind(payload: object, key: str) -> str:
    """Return the kind of an event; raises NotAnEvent where there is none that can be kept."""
    kind = find(payload, key)
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise NotAnEvent(f"has no {key}")
    return kind


def find_unix_time(payload: object, *path: str) -> datetime | None:
    """Return the instant of a Unix time in whole seconds, of the years 1970 to 9999."""
    value = find(payload, *path)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 253_370_764_800:
        return None
    return datetime.fromtimestamp(value, UTC)
