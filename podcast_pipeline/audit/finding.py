"""What an audit says."""

import re
from dataclasses import dataclass

TOKEN = re.compile(r"[a-z2-7]{16}\.[a-z2-7]{32}")
SIGN_IN = re.compile(r"(?<=/signin/link/)[A-Za-z0-9_-]{43}")
STOP = re.compile(r"(?<=/mail/stop/)[A-Za-z0-9_-]{48}")
LONGEST_SHOWN = 300  # characters


@dataclass(frozen=True, order=True)
class Finding:
    """Something that is open to somebody who may not have it, or broken for somebody who may.

    Attributes:
        rule: its id on the conformance page, like P5.
        who: the visitor, or the place that was read: `active`, `anonymous`, `log`.
        where: an address, a key or a line of a file; never a token.
    """

    rule: str
    who: str
    where: str
    message: str


def redact(text: str) -> str:
    """Return text without tokens and mailed links, fit for a report."""
    for secret in (TOKEN, SIGN_IN, STOP):
        text = secret.sub("***", text)
    return text[:LONGEST_SHOWN]
