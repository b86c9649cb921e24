"""What the audit log may hold: who was changed, how, when and from where. It only grows, and names nobody.

The database itself refuses to change an entry (a trigger), or to delete one that retention did not
release first.
"""

from collections.abc import Mapping
from typing import Literal

Origin = Literal["cli", "web", "import", "mail"]
"""mail: the link in a mail that stops such mails; who has it need not have signed in."""

AuditAction = Literal[
    "added", "revived", "changed", "renewed", "suspended", "resumed", "rotated", "removed", "erased",
    "overused", "news_on", "news_off",
]  # fmt: skip
AuditDetails = Mapping[str, str | int | None]
"""What changed; never an address, a name or a reason that a person wrote."""
