"""Messages to SMTP. What is in them is somebody else's business; secrets never stand in a subject."""

import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import Protocol, Self

from podcast_pipeline.config import Config, MailTable
from podcast_pipeline.errors import MailError

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Message:
    """A plain-text message to one person."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Hands messages over."""

    def send(self, message: Message) -> None:
        """Send now; raises MailError."""


class Smtp:
    """A mail server.

    Args:
        sender: the From address.
        name: what stands before it, the show's title.
        password: for `table.username`, None without one.
    """

    def __init__(self, table: MailTable, *, sender: str, name: str, password: str | None = None) -> None:
        self._table = table
        self._sender = sender
        self._name = name
        self._password = password

    @classmethod
    def from_config(cls, config: Config) -> Self | None:
        """Return the show's mail server, None where show.toml names none."""
        if not config.mail.host:
            return None
        password = config.mail_password.get_secret_value() if config.mail_password else None
        sender = config.mail.sender or config.show.owner_email
        return cls(config.mail, sender=sender, name=config.show.title, password=password)

    def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            MailError: the server cannot be reached, or refuses; the address is not in the line.
        """
        try:
            with self._connect() as server:
                if self._table.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self._table.username:
                    server.login(self._table.username, self._password or "")
                server.send_message(self._compose(message))
        except smtplib.SMTPAuthenticationError as error:
            raise self._failed("refuses the name or the password; see PODCAST_MAIL_PASSWORD") from error
        except smtplib.SMTPRecipientsRefused as error:
            raise self._failed("refuses the recipient") from error
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed(f"did not take a message ({type(error).__name__}); see [mail]") from error

    def _connect(self) -> smtplib.SMTP:
        table = self._table
        if table.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(table.host, table.port, timeout=TIMEOUT_S, context=context)
        return smtplib.SMTP(table.host, table.port, timeout=TIMEOUT_S)

    def _compose(self, message: Message) -> EmailMessage:
        composed = EmailMessage()
        composed["From"] = Address(self._name, addr_spec=self._sender)
        composed["To"] = message.to
        composed["Subject"] = message.subject
        composed["Date"] = localtime()
        composed["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        composed["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        composed.set_content(message.text)
        return composed

    def _failed(self, line: str) -> MailError:
        return MailError(f"mail server {self._table.host}:{self._table.port}", line)
