"""The headers of a mail as they go over the wire, where `email` would encode or break what must stay whole.

Python folds a long value without spaces into encoded words (RFC 2047), which no mail program reads in
List-Unsubscribe, drops the quotes of a long display name, so that its commas part addresses, and loses spaces
between the encoded words of a subject.
"""

import re
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import quote
from typing import Any, ClassVar, Literal

from podcast_pipeline.feed.untrusted.addresses import ascii_host

ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")  # RFC 5322, 3.2.3; words without quotes
ENCODED_WORD_CHARACTERS = 75  # RFC 2047, 2
LINE_CHARACTERS = 78  # RFC 5322, 2.1.1
SUBJECT_CHARACTERS = 900  # a line has at most 998
FOLD = re.compile(r"(?<!:) (?==\?|<\S+>$)")
"""The spaces before an encoded word and after a display name."""
WIRE_HEADERS = (
    "from",
    "to",
    "subject",
    "message-id",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
)


class WireHeader(BaseHeader):
    """A header whose value is the text of the wire, broken before encoded words and after a name only."""

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Keep the value as it is."""
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines."""
        line = f"{self.name}: {self}"
        if len(line) > LINE_CHARACTERS:
            line = FOLD.sub(f"{policy.linesep} ", line)
        return line + policy.linesep


def mail_policy() -> "EmailPolicy[EmailMessage]":
    """Return the policy of our mails: Python's default, but with whole addresses, ids and links."""
    registry = HeaderRegistry()
    for name in WIRE_HEADERS:
        registry.map_to_type(name, WireHeader)
    return EmailPolicy(header_factory=registry)


def mailbox(name: str, address: str) -> str:
    """Return a display name and an address, the name quoted or in encoded words where it needs that."""
    name = " ".join(name.split())
    if not name.isascii():
        return f"{_encoded_words(name, 'From')} <{address}>"
    phrase = name if ATOMS.fullmatch(name) else f'"{quote(name)}"'
    return f"{phrase} <{address}>".lstrip()


def subject_text(subject: str) -> str:
    """Return a subject, in encoded words where it is not plain ASCII.

    Raises:
        ValueError: it has a linefeed, which could add headers.
    """
    if set(subject) & {"\r", "\n"}:
        raise ValueError("a subject has no linefeed")
    is_plain = subject.isascii() and "=?" not in subject and len(subject) <= SUBJECT_CHARACTERS
    return subject if is_plain else _encoded_words(subject, "Subject")


def _encoded_words(text: str, header: str) -> str:
    words = Header(text, "utf-8", maxlinelen=ENCODED_WORD_CHARACTERS, header_name=header)
    return words.encode(linesep="")


def ascii_domain(address: str) -> str:
    """Return the domain of an address in ASCII, for a Message-ID; `localhost` for what is no host name."""
    try:
        return ascii_host(address.rpartition("@")[2])
    except ValueError:  # show.toml may have it all the same
        return "localhost"
