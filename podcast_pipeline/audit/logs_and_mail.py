"""Log files and mails that the audit is pointed at: what should not be in them."""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from itertools import islice
from pathlib import Path

from podcast_pipeline.audit.finding import (
    SIGNIN_LINK_PATTERN,
    TOKEN_PATTERN,
    UNSUBSCRIBE_LINK_PATTERN,
    AuditFinding,
)
from podcast_pipeline.audit.secrets import RestrictedText, check_public_data, leak_message
from podcast_pipeline.errors import ConfigError

LINES_AT_ONCE = 1000
LONGEST_LINE_BYTES = 1 << 16
"""A longer one is read, and counted, as several."""

ADDRESS = re.compile(r"[^\s<>,;:()\"]{1,64}@[^\s<>,;:()\"@]{1,255}")
UNSUBSCRIBE = "list-unsubscribe"
"""The header that mail programs stop mail by, and the only one that may hold a secret (RFC 8058)."""
RECIPIENTS = ("To", "Cc", "Bcc", "Delivered-To")


def check_log_file(path: Path, secrets: RestrictedText) -> Iterator[AuditFinding]:
    """Find secrets in a log, of whatever program; rule P8.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = 1
            while lines := list(islice(iter(lambda: file.readline(LONGEST_LINE_BYTES), b""), LINES_AT_ONCE)):
                found = check_public_data(secrets, b"".join(lines), who="log", where="", rule="P8")
                yield from (_in_line(path, each, lines, first, secrets) for each in found)
                first += len(lines)
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error


def _in_line(
    path: Path, found: AuditFinding, lines: list[bytes], first: int, secrets: RestrictedText
) -> AuditFinding:
    """Return a finding with the number of its first line; text may go over several."""
    for number, line in enumerate(lines, start=first):
        for here in check_public_data(secrets, line, who="log", where="", rule="P8"):
            if here.message == found.message:
                return AuditFinding(found.rule, "log", f"{path}:{number}", found.message)
    return AuditFinding(found.rule, "log", f"{path}:{first}", found.message)


def check_mail_folder(
    folder: Path, secrets: RestrictedText, may_read: Callable[[str], bool]
) -> Iterator[AuditFinding]:
    """Find in each mail of a folder (a Maildir, a spool) what its recipients may not have.

    Args:
        may_read: whether somebody with this address has paid.

    Raises:
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(folder, "is not a folder of mails")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            # Python's newer policy reads headers recursively, and a deep comment in one stops it
            yield from _mail(path, message_from_bytes(path.read_bytes()), secrets, may_read)


def _mail(
    path: Path, mail: Message, secrets: RestrictedText, may_read: Callable[[str], bool]
) -> Iterator[AuditFinding]:
    where = str(path)
    said = [(name, _decoded(str(value))) for name, value in mail.items()]
    headers = "\n".join(f"{name}: {value}" for name, value in said)
    open_headers = "\n".join(value for name, value in said if name.lower() != UNSUBSCRIBE)
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    body = b"\n".join(part for part in parts if isinstance(part, bytes))
    to = [str(each) for name in RECIPIENTS for each in mail.get_all(name, [])]
    recipients = ADDRESS.findall("\n".join(to))
    is_active = bool(recipients) and all(may_read(address) for address in recipients)
    run = secrets.find_leak(headers.encode("utf-8", "replace") + b"\n\n" + body, is_active=is_active)
    if run is not None:
        yield AuditFinding("P5", "mail", where, leak_message(run))
    if (
        TOKEN_PATTERN.search(headers)
        or SIGNIN_LINK_PATTERN.search(headers)
        or UNSUBSCRIBE_LINK_PATTERN.search(open_headers)
    ):
        yield AuditFinding("P8", "mail", where, "holds a secret in its headers")
    text = body.decode("latin-1")
    if TOKEN_PATTERN.search(text):
        yield AuditFinding("P8", "mail", where, "holds the token of a private feed")
    if len(set(recipients)) > 1 and UNSUBSCRIBE_LINK_PATTERN.search(f"{headers}\n{text}"):
        yield AuditFinding("P8", "mail", where, "holds a link of one person, and goes to several")


def _decoded(value: str) -> str:
    """Return a header's text, as it stands where its encoding is broken or nobody's."""
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError, MessageError):
        return value
