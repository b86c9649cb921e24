"""Log files and mails that the audit is pointed at: what should not be in them."""

from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path

from podcast_pipeline.audit.finding import SIGN_IN, TOKEN, Finding
from podcast_pipeline.audit.secrets import Secrets, in_public, says_text
from podcast_pipeline.errors import ConfigError

LINES_AT_ONCE_BYTES = 1 << 18


def read_log(path: Path, secrets: Secrets) -> Iterator[Finding]:
    """Find secrets in a log, of whatever program; rule P8.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = 1
            while lines := file.readlines(LINES_AT_ONCE_BYTES):
                found = in_public(secrets, b"".join(lines), who="log", where="", rule="P8")
                yield from (_in_line(path, each, lines, first, secrets) for each in found)
                first += len(lines)
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error


def _in_line(path: Path, found: Finding, lines: list[bytes], first: int, secrets: Secrets) -> Finding:
    """Return a finding with the number of its first line; text may go over several."""
    for number, line in enumerate(lines, start=first):
        for here in in_public(secrets, line, who="log", where="", rule="P8"):
            if here.message == found.message:
                return Finding(found.rule, "log", f"{path}:{number}", found.message)
    return Finding(found.rule, "log", f"{path}:{first}", found.message)


def read_mails(folder: Path, secrets: Secrets, may_read: Callable[[str], bool]) -> Iterator[Finding]:
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
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            yield from _mail(path, mail, secrets, may_read)


def _mail(
    path: Path, mail: EmailMessage, secrets: Secrets, may_read: Callable[[str], bool]
) -> Iterator[Finding]:
    where = str(path)
    headers = "\n".join(f"{name}: {value}" for name, value in mail.items())
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    body = b"\n".join(part for part in parts if isinstance(part, bytes))
    to = [mail.get_all(name, []) for name in ("To", "Cc", "Bcc", "Delivered-To")]
    recipients = [address for _, address in getaddresses([str(each) for some in to for each in some])]
    is_active = bool(recipients) and all(may_read(address) for address in recipients)
    run = secrets.in_text(headers.encode() + b"\n\n" + body, is_active=is_active)
    if run is not None:
        yield Finding("P5", "mail", where, says_text(run))
    if TOKEN.search(headers) or SIGN_IN.search(headers):
        yield Finding("P8", "mail", where, "holds a secret in its headers")
    if TOKEN.search(body.decode("latin-1")):
        yield Finding("P8", "mail", where, "holds the token of a private feed")
