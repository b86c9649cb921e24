"""One name for all spellings of a mailbox, so that nobody is two persons by a tag or a capital letter."""

from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.keyed_hash import keyed_hash
from podcast_pipeline.feed.untrusted.addresses import ascii_host


def mailbox_key(address: EmailAddress) -> str:
    """Return one text for all spellings of a mailbox: case, the tag behind `+`, the domain's ASCII form.

    A provider may hand the mail of `ann+podcast@x.edu` to Ann, who so has any number of addresses.
    """
    local = address.normalized.rpartition("@")[0]
    return f"{local.partition('+')[0] or local}@{ascii_domain(address.email)}"


def mailbox_hmac(address: EmailAddress, secret_key: bytes) -> str:
    """Return the hex HMAC of a mailbox, by which a proof is found; the address is not stored."""
    return keyed_hash(secret_key, "mailbox", mailbox_key(address))


def ascii_domain(email: str) -> str:
    """Return the domain of a valid address, in ASCII and lower case."""
    return ascii_name(email.rpartition("@")[2])


def ascii_name(domain: str) -> str:
    """Return a domain in ASCII and lower case, without a dot at its ends."""
    return ascii_host(domain.strip()).lower().strip(".")
