"""E-mail addresses: one spelling for each mailbox."""

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from podcast_pipeline.errors import SubscriberError


@dataclass(frozen=True)
class EmailAddress:
    """An address as its owner writes it, and the normalized spelling, unique in a show."""

    email: str
    normalized: str


def parse_email(text: str) -> EmailAddress:
    """Return the address in `text`, without a DNS lookup.

    Raises:
        SubscriberError: not a valid address.
    """
    try:
        email = validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        line = str(error).rstrip(".")
        raise SubscriberError(text.strip()[:100], f"is not an e-mail address: {line}") from error
    return EmailAddress(email=email, normalized=normalize_email(email))


def normalize_email(email: str) -> str:
    """Return the spelling under which an address is looked up: NFC, folded case, no spaces around.

    Mailboxes that differ in case alone are one in practice (RFC 5321 2.4 lets them differ). Any text is
    safe to look up: characters that no database accepts (NUL, half a surrogate pair) are replaced.
    """
    text = email.strip().casefold().encode("utf-8", "replace").decode().replace("\0", "?")
    return unicodedata.normalize("NFC", text)
