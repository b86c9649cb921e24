"""The field types and the base classes of the model."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:  # year 1 east of Greenwich
        raise ValueError("has no date in UTC") from error


CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Line ends, control characters and surrogates."""

ILLEGAL_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids. Source: section 2.2, production Char."""


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank; write something, or take it out")
    if CONTROL_CHARACTERS.search(text):
        raise ValueError("is no line of readable text; remove line breaks and control characters")
    return text


def composed(text: str) -> str:
    """Return a text in Unicode's composed form (NFC): one spelling for é, wherever it comes from."""
    return unicodedata.normalize("NFC", text)


Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(lambda s: round(s, 3) + 0.0)]
"""Seconds from the start of an audio file, rounded to the millisecond."""

Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment in UTC, whole seconds."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", title="SHA-256")]
SLUG_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
Slug = Annotated[str, Field(pattern=f"^{SLUG_PATTERN.pattern}$", max_length=100, title="slug")]
NonEmptyStr = Annotated[str, Field(min_length=1)]
SingleLineStr = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
"""One line of readable text, safe to print in a terminal and in a list."""

PersonName = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_one_line)]
"""The same, not longer than a feed allows for a person."""


def http_url_or_none(text: str | None) -> str | None:
    """Return an address that a page may link to, None for any other scheme (`javascript:`)."""
    return text.strip() if text and text.strip().lower().startswith(("https://", "http://")) else None


HttpUrlOrNone = Annotated[str | None, AfterValidator(http_url_or_none)]
"""An address from another host's feed; invalid ones become None, in catalogs of any age."""

Topic = Annotated[str, Field(min_length=1, max_length=64)]


def sorted_by_key(table: dict[Any, Any]) -> dict[Any, Any]:
    """Sort a dictionary by key, so that equal values have equal bytes."""
    return dict(sorted(table.items()))


class FrozenModel(BaseModel):
    """A frozen value that refuses unknown fields: files that a person writes, and values in memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredModel(FrozenModel):
    """A frozen value of the catalog or of a transcript document, which accepts unknown fields and keeps them.

    A later release may add a field within one schema version. An older release reads the document all the
    same and writes the unknown field back unchanged.
    """

    model_config = ConfigDict(extra="allow")


Stored = TypeVar("Stored", bound=StoredModel)


def keep_unknown_fields(new: Stored, old: Stored) -> Stored:
    """Return `new` with the unknown fields of `old`, and those of its parts that did not change.

    A part (an enclosure, a chapter) that differs in a known field has another content, which the old unknown
    fields may not describe: it has none of them.
    """
    kept = {name: _keep(value, getattr(old, name)) for name, value in new if name in type(new).model_fields}
    unknown = {**(old.model_extra or {}), **(new.model_extra or {})}
    changed = unknown != new.model_extra or any(kept[name] is not getattr(new, name) for name in kept)
    return new.model_copy(update={**unknown, **kept}) if changed else new


def _keep(new: Any, old: Any) -> Any:
    if _is_same(new, old):
        return old
    if isinstance(new, tuple) and isinstance(old, tuple) and new != old:
        return tuple(_keep_items(new, old))
    return new


def _keep_items(new: tuple[Any, ...], old: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the items of `new`, each as the first old item that is the same and was not yielded before."""
    remaining = list(old)
    for item in new:
        place = next((i for i, other in enumerate(remaining) if _is_same(item, other)), None)
        yield item if place is None else remaining.pop(place)


def _is_same(new: Any, old: Any) -> bool:
    return isinstance(new, StoredModel) and type(new) is type(old) and keep_unknown_fields(new, old) == old
