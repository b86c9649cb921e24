"""Messages to SMTP. What is in them is somebody else's business; secrets never stand in a subject."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import Any, Protocol, Self

from podcast_pipeline.config import Config, MailTable
from podcast_pipeline.errors import MailError, MailRejected

TIMEOUT_S = 20.0
CLOSING = 421  # RFC 5321, 3.8: the server ends the connection, say after so many messages


@dataclass(frozen=True)
class Message:
    """A plain-text message to one person.

    Attributes:
        stop_url: where they stop such messages; behind https a mail program may do it in one click.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    unsubscribe_url: str | None = field(default=None, repr=False)


class Mailer(Protocol):
    """Hands messages over."""

    def send(self, message: Message) -> None:
        """Send now; raises MailError."""


class _Plain(smtplib.SMTP):
    """Knows whether the server may have a message that it did not answer for."""

    is_in_doubt = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand the message itself over."""
        self.is_in_doubt = True
        try:
            answered = super().data(msg)
        except smtplib.SMTPDataError:  # it said no before it had the message
            self.is_in_doubt = False
            raise
        self.is_in_doubt = False
        return answered


class _Tls(_Plain, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


class SmtpConnection:
    """A connection to a mail server, for any number of messages; made again where the server ends it."""

    def __init__(self, smtp: "SmtpMailer") -> None:
        self._smtp = smtp
        self._server: _Plain | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Whether the server may have taken the last message although `send` did not return."""
        return self._server is not None and self._server.is_in_doubt

    def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            MailRefused: the server refuses this recipient or message; the next may do.
            MailError: the server cannot be reached, ended the connection, or takes nothing from us. No line
                has the address in it.
        """
        composed = self._smtp.compose(message)
        with self._smtp.translate_errors():
            is_new = self._server is None
            try:
                self._hand_over(composed)
            except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
                has_ended = getattr(error, "smtp_code", CLOSING) == CLOSING
                if is_new or self.is_in_doubt or not has_ended:
                    raise
                self.close()
                self._hand_over(composed)

    def close(self) -> None:
        """Take leave of the server, if it is still there."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
            self._server = None

    def _hand_over(self, composed: EmailMessage) -> None:
        if self._server is None:
            self._server = self._smtp.connect()
        try:
            self._server.send_message(composed)
        except smtplib.SMTPNotSupportedError as error:
            raise MailRejected(self._smtp.server_label, "takes ASCII addresses only") from error


class SmtpMailer:
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
        """Hand a single message over; raises MailError as `Connection.send` does."""
        with self.open_connection() as connection:
            connection.send(message)

    def check(self) -> None:
        """See that the server lets us in; no message is sent. Raises MailError."""
        with self.translate_errors():
            self.connect().quit()

    @contextmanager
    def open_connection(self) -> Iterator[SmtpConnection]:
        """Yield a connection for many messages; the server is asked when the first is sent."""
        connection = SmtpConnection(self)
        try:
            yield connection
        finally:
            connection.close()

    def connect(self) -> _Plain:
        """Return a connection over which messages may be sent."""
        table = self._table
        if table.security == "tls":
            context = ssl.create_default_context()
            server: _Plain = _Tls(table.host, table.port, timeout=TIMEOUT_S, context=context)
        else:
            server = _Plain(table.host, table.port, timeout=TIMEOUT_S)
        try:
            if table.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if table.username:
                server.login(table.username, self._password or "")
        except BaseException:
            server.close()
            raise
        return server

    def compose(self, message: Message) -> EmailMessage:
        """Return a message as it goes out."""
        composed = EmailMessage()
        composed["From"] = Address(self._name, addr_spec=self._sender)
        composed["To"] = message.to
        composed["Subject"] = message.subject
        composed["Date"] = localtime()
        composed["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        composed["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        if message.unsubscribe_url:
            composed["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            if message.unsubscribe_url.startswith("https://"):  # RFC 8058, 3.1
                composed["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        composed.set_content(message.text)
        return composed

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Turn what a mail server says into one line without the address."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise self._failed("refuses the name or the password; see PODCAST_MAIL_PASSWORD") from error
        except smtplib.SMTPNotSupportedError as error:
            line = "offers no STARTTLS, or no login; see security and username in [mail]"
            raise self._failed(line) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise MailRejected(self.server_label, "refuses the recipient") from error
        except smtplib.SMTPDataError as error:
            raise MailRejected(self.server_label, f"refuses the message ({error.smtp_code})") from error
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed(f"did not take a message ({type(error).__name__}); see [mail]") from error

    @property
    def server_label(self) -> str:
        """What an error is about."""
        return f"mail server {self._table.host}:{self._table.port}"

    def _failed(self, line: str) -> MailError:
        return MailError(self.server_label, line)
