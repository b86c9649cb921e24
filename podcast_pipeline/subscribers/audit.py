"""The audit log: who was changed, how, when and from where. It only grows, and names nobody.

The database itself refuses to change an entry (a trigger), or to delete one that retention did not
release first.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, insert

from podcast_pipeline.database.tables import audit_log

Origin = Literal["cli", "web", "import"]
Action = Literal[
    "added", "revived", "changed", "renewed", "suspended", "resumed", "rotated", "removed", "erased",
]  # fmt: skip
Details = Mapping[str, str | int | None]
"""What changed; never an address, a name or a reason that a person wrote."""


def entry(
    subscriber_id: UUID,
    action: Action,
    *,
    show_id: UUID,
    origin: Origin,
    now: datetime,
    details: Details | None = None,
) -> dict[str, object]:
    """Return an entry as a row."""
    return {
        "show_id": show_id,
        "subscriber_id": subscriber_id,
        "action": action,
        "origin": origin,
        "at": now,
        "details": dict(details or {}),
    }


def write(connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
    """Write many entries at once."""
    many = [dict(row) for row in rows]
    if many:
        connection.execute(insert(audit_log), many)
