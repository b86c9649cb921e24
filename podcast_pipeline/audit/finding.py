"""The findings of an audit."""

import re
from dataclasses import dataclass

API_KEY_PATTERN = re.compile(r"(?<=pk_)[a-z2-7]{16}\.[a-z2-7]{40}")
TOKEN_PATTERN = re.compile(r"(?<!/r/)[a-z2-7]{16}\.[a-z2-7]{32}")
EPISODE_LINK_PATTERN = re.compile(r"(?<=/r/)[a-z2-7]{16}\.[a-z2-7]{32}")
SIGNIN_LINK_PATTERN = re.compile(r"(?<=/signin/link/)[A-Za-z0-9_-]{43}")
UNSUBSCRIBE_LINK_PATTERN = re.compile(r"(?<=/mail/stop/)[A-Za-z0-9_-]{48}")
STUDENT_LINK_PATTERN = re.compile(r"(?<=/students/link/)gAAAA[A-Za-z0-9_-]{60,}")  # Fernet, version 0x80
LONGEST_SHOWN = 300  # characters


@dataclass(frozen=True, order=True)
class AuditFinding:
    """A leak to a visitor without access, or a fault for a visitor with access.

    Attributes:
        rule: its id, like P5 (docs/explanation/access.md).
        who: the visitor, or the source that was read: `active`, `anonymous`, `log`.
        where: a URL, a key or a line of a file; never a token.
    """

    rule: str
    who: str
    where: str
    message: str


def redact(text: str) -> str:
    """Return text without tokens and mailed links, fit for a report."""
    for secret in (
        API_KEY_PATTERN,
        TOKEN_PATTERN,
        EPISODE_LINK_PATTERN,
        SIGNIN_LINK_PATTERN,
        STUDENT_LINK_PATTERN,
        UNSUBSCRIBE_LINK_PATTERN,
    ):
        text = secret.sub("***", text)
    return text[:LONGEST_SHOWN]
