"""Types of the audit log: whose subscription changed, how, when, from where and by whom; no names.

The log is append-only: triggers in the database refuse to change an entry, or to delete one that retention
did not release first.
"""

from collections.abc import Mapping
from typing import Literal

Origin = Literal["cli", "web", "import", "mail", "hook", "job", "api"]
"""By which way. `mail`: the unsubscribe link in a mail, which works without signing in."""

ACTORS: dict[Origin, str] = {
    "cli": "cli",
    "import": "cli",
    "web": "subscriber",
    "mail": "subscriber",
    "hook": "hook",
    "job": "job",
    "api": "api",
}
"""Who, where nobody is named; a source's own changes name the source, those by the API `key <id>`."""

AuditAction = Literal[
    "added", "revived", "changed", "renewed", "suspended", "resumed", "rotated", "removed", "erased",
    "overused", "news_on", "news_off", "entitlement_added", "entitlement_changed", "address_changed",
]  # fmt: skip
REVOCATIONS: frozenset[AuditAction] = frozenset({"suspended", "rotated", "removed", "erased"})
"""What an older copy of the database would undo; each advances the database's generation."""

AuditDetails = Mapping[str, str | int | None]
"""Changed values; never an address, a name or a reason that a person wrote."""
