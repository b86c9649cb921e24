"""Checks log files and folders of mail for secrets and restricted text."""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from itertools import islice
from pathlib import Path

from podcast_pipeline.audit.finding import (
    EPISODE_LINK_PATTERN,
    SIGNIN_LINK_PATTERN,
    STUDENT_LINK_PATTERN,
    TOKEN_PATTERN,
    UNSUBSCRIBE_LINK_PATTERN,
    AuditFinding,
)
from podcast_pipeline.audit.secrets import RestrictedText, check_public_data, leak_message
from podcast_pipeline.errors import ConfigError

BATCH_LINES = 1000
LONGEST_LINE_BYTES = 1 << 16
"""A longer line is read and counted as several."""

ADDRESS = re.compile(r"[^\s<>,;:()\"]{1,64}@[^\s<>,;:()\"@]{1,255}")
UNSUBSCRIBE_HEADER = "list-unsubscribe"
"""The header for one-click unsubscribe (RFC 8058), the only one that may contain a secret."""
RECIPIENTS = ("To", "Cc", "Bcc", "Delivered-To")


def check_log_file(path: Path, secrets: RestrictedText) -> Iterator[AuditFinding]:
    """Find secrets in a log file of any program; rule P8.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = 1
            while lines := list(islice(iter(lambda: file.readline(LONGEST_LINE_BYTES), b""), BATCH_LINES)):
                findings = check_public_data(secrets, b"".join(lines), who="log", where="", rule="P8")
                yield from (_with_line_number(path, each, lines, first, secrets) for each in findings)
                first += len(lines)
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error


def _with_line_number(
    path: Path, finding: AuditFinding, lines: list[bytes], first: int, secrets: RestrictedText
) -> AuditFinding:
    """Return a finding with its line number, or `first` for text that spans several lines."""
    for number, line in enumerate(lines, start=first):
        for in_line in check_public_data(secrets, line, who="log", where="", rule="P8"):
            if in_line.message == finding.message:
                return AuditFinding(finding.rule, "log", f"{path}:{number}", finding.message)
    return AuditFinding(finding.rule, "log", f"{path}:{first}", finding.message)


def check_mail_folder(
    folder: Path, secrets: RestrictedText, may_read: Callable[[str], bool]
) -> Iterator[AuditFinding]:
    """Find restricted text and misplaced secrets in each mail of a folder (a Maildir, a spool).

    Args:
        may_read: whether the subscriber with an address has paid.

    Raises:
        ConfigError: the folder does not exist.
    """
    if not folder.is_dir():
        raise ConfigError(folder, "is not a folder of mails")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            # Python's newer policy parses headers recursively and fails for a deeply nested comment
            yield from _check_mail(path, message_from_bytes(path.read_bytes()), secrets, may_read)


def _check_mail(
    path: Path, mail: Message, secrets: RestrictedText, may_read: Callable[[str], bool]
) -> Iterator[AuditFinding]:
    where = str(path)
    fields = [(name, _decode_header(str(value))) for name, value in mail.items()]
    headers = "\n".join(f"{name}: {value}" for name, value in fields)
    other_headers = "\n".join(value for name, value in fields if name.lower() != UNSUBSCRIBE_HEADER)
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
        or EPISODE_LINK_PATTERN.search(headers)
        or SIGNIN_LINK_PATTERN.search(headers)
        or STUDENT_LINK_PATTERN.search(headers)
        or UNSUBSCRIBE_LINK_PATTERN.search(other_headers)
    ):
        yield AuditFinding("P8", "mail", where, "contains a secret in its headers")
    text = body.decode("latin-1")
    is_news = any(name.lower() == UNSUBSCRIBE_HEADER for name, _ in fields)
    if TOKEN_PATTERN.search(text) and (is_news or len(set(recipients)) != 1):  # a welcome has its owner's
        yield AuditFinding("P8", "mail", where, "contains the token of a private feed")
    for link, pattern in (("unsubscribe", UNSUBSCRIBE_LINK_PATTERN), ("one-episode", EPISODE_LINK_PATTERN)):
        if len(set(recipients)) > 1 and pattern.search(f"{headers}\n{text}"):
            message = f"contains one person's {link} link, but has several recipients"
            yield AuditFinding("P8", "mail", where, message)


def _decode_header(value: str) -> str:
    """Return a header's decoded text; unchanged if its encoding is broken or unknown."""
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError, MessageError):
        return value
