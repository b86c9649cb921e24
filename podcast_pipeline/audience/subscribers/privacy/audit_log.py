"""Types of the audit log: whose subscription changed, how, when and from where. It contains no names.

The log is append-only: triggers in the database refuse to change an entry, or to delete one that retention
did not release first.
"""

from collections.abc import Mapping
from typing import Literal

Origin = Literal["cli", "web", "import", "mail"]
"""`mail`: the unsubscribe link in a mail, which works without signing in."""

AuditAction = Literal[
    "added", "revived", "changed", "renewed", "suspended", "resumed", "rotated", "removed", "erased",
    "overused", "news_on", "news_off",
]  # fmt: skip
REVOCATIONS: frozenset[AuditAction] = frozenset({"suspended", "rotated", "removed", "erased"})
"""What an older copy of the database would undo; each advances the database's generation."""

AuditDetails = Mapping[str, str | int | None]
"""Changed values; never an address, a name or a reason that a person wrote."""
