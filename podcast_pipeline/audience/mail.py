"""Send mail over SMTP, plain text and sometimes HTML. Subjects must never contain secrets."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import Any, Protocol, Self

from podcast_pipeline.audience.mail_headers import (
    ascii_domain,
    mail_policy,
    mailbox,
    subject_text,
)
from podcast_pipeline.config import Config, MailTable
from podcast_pipeline.errors import MailError, MailInDoubt, MailRejected
from podcast_pipeline.feed.untrusted.addresses import web_address

TIMEOUT_S = 20.0
ACCEPTED = 250  # RFC 5321, 4.2.3
CLOSING = 421  # RFC 5321, 3.8: the server closes the connection, for example after a maximum of messages


@dataclass(frozen=True)
class Message:
    """A message to one recipient.

    Attributes:
        html: the same as the text, for mail programs that show HTML.
        unsubscribe_url: for the List-Unsubscribe header; an https URL allows one-click unsubscribe.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    unsubscribe_url: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)


def do_nothing() -> None:
    """Record nothing before a message is handed over."""


class Mailer(Protocol):
    """Sends messages."""

    def compose(self, message: Message) -> EmailMessage:
        """Return a message with all its headers."""

    def send(self, message: Message, *, before_handover: Callable[[], None] = do_nothing) -> None:
        """Send a message now; see `SmtpMailer`."""


class _PlainSmtp(smtplib.SMTP):
    """SMTP client that records whether the server may have the message that it was given last."""

    may_have_message = False
    before_handover: Callable[[], None] = staticmethod(do_nothing)

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the message with the DATA command."""
        self.before_handover()
        self.may_have_message = True
        try:
            code, text = super().data(msg)
        except smtplib.SMTPDataError:  # the server refused to take a message
            self.may_have_message = False
            raise
        self.may_have_message = code == ACCEPTED
        return code, text


class _TlsSmtp(_PlainSmtp, smtplib.SMTP_SSL):
    """The same with TLS from the start (SMTPS)."""


class SmtpConnection:
    """A connection to a mail server for many messages; reconnects if the server closes the connection."""

    def __init__(self, smtp: "SmtpMailer", before_handover: Callable[[], None] = do_nothing) -> None:
        self._smtp = smtp
        self._before_handover = before_handover
        self._server: _PlainSmtp | None = None

    @property
    def may_have_message(self) -> bool:
        """Whether the server may have accepted the last message, even if `send` raised."""
        return self._server is not None and self._server.may_have_message

    def send(self, message: Message) -> None:
        """Send a message; retry once on a new connection if the server closed the old one.

        Raises:
            MailRejected: the server refuses this recipient or message; other messages may succeed.
            MailError: the server is unreachable, closed the connection, or accepts no mail. No error
                contains the recipient's address.
        """
        composed = self._smtp.compose(message)
        with self._smtp.translate_errors():
            is_new = self._server is None
            try:
                self._transmit(composed)
            except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
                is_closed = getattr(error, "smtp_code", CLOSING) == CLOSING
                if is_new or self.may_have_message or not is_closed:
                    raise
                self.close()
                self._transmit(composed)

    def close(self) -> None:
        """Close the connection, if open."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
            self._server = None

    def _transmit(self, composed: EmailMessage) -> None:
        if self._server is None:
            self._server = self._smtp.connect()
            self._server.before_handover = self._before_handover
        self._server.may_have_message = False
        try:
            self._server.send_message(composed)
        except smtplib.SMTPNotSupportedError as error:
            raise MailRejected(self._smtp.server_label, "takes ASCII addresses only") from error


class SmtpMailer:
    """A mail server.

    Args:
        sender: the From address.
        name: the display name of the sender, the show's title.
        password: for `table.username`; None without authentication.
    """

    def __init__(self, table: MailTable, *, sender: str, name: str, password: str | None = None) -> None:
        self._table = table
        self._sender = sender
        self._name = name
        self._password = password

    @classmethod
    def from_config(cls, config: Config) -> Self | None:
        """Return the show's mail server; None if [mail] in show.toml has no host."""
        if not config.mail.host:
            return None
        password = config.mail_password.get_secret_value() if config.mail_password else None
        sender = config.mail.sender or config.show.owner_email
        return cls(config.mail, sender=sender, name=config.show.title, password=password)

    def send(self, message: Message, *, before_handover: Callable[[], None] = do_nothing) -> None:
        """Send a single message.

        Args:
            before_handover: called before the server may have the message; what it raises stops the message.

        Raises:
            MailInDoubt: the server may have the message.
            MailError: it has not, as for `SmtpConnection.send`.
        """
        with self.open_connection(before_handover) as connection:
            try:
                connection.send(message)
            except MailError as error:
                if connection.may_have_message:
                    raise MailInDoubt(error.subject, "ended the connection before it had answered") from error
                raise

    def check(self) -> None:
        """Connect and authenticate without sending a message; raises MailError."""
        with self.translate_errors():
            self.connect().quit()

    @contextmanager
    def open_connection(self, before_handover: Callable[[], None] = do_nothing) -> Iterator[SmtpConnection]:
        """Yield a connection for many messages; the first message connects."""
        connection = SmtpConnection(self, before_handover)
        try:
            yield connection
        finally:
            connection.close()

    def connect(self) -> _PlainSmtp:
        """Connect, start TLS and authenticate; return the SMTP client."""
        table = self._table
        if table.security == "tls":
            context = ssl.create_default_context()
            server: _PlainSmtp = _TlsSmtp(table.host, table.port, timeout=TIMEOUT_S, context=context)
        else:
            server = _PlainSmtp(table.host, table.port, timeout=TIMEOUT_S)
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
        """Return a message with all its headers."""
        composed = EmailMessage(policy=mail_policy())
        composed["From"] = mailbox(self._name, self._sender)
        composed["To"] = message.to
        composed["Subject"] = subject_text(message.subject)
        composed["Date"] = localtime()
        composed["Message-ID"] = make_msgid(domain=ascii_domain(self._sender))
        composed["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents out-of-office replies
        if message.unsubscribe_url and (link := web_address(message.unsubscribe_url)):
            composed["List-Unsubscribe"] = f"<{link}>"
            if link.startswith("https://"):  # RFC 8058, 3.1
                composed["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        composed.set_content(message.text)
        if message.html is not None:
            composed.add_alternative(message.html, subtype="html")
        return composed

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Translate SMTP errors into a MailError of one line, without the recipient's address."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise self._error(
                "refuses the user name or the password; check username in [mail] and PODCAST_MAIL_PASSWORD"
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            line = "offers no STARTTLS or no login; check security and username in [mail]"
            raise self._error(line) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise MailRejected(self.server_label, "refuses the recipient") from error
        except smtplib.SMTPDataError as error:
            raise MailRejected(self.server_label, f"refuses the message ({error.smtp_code})") from error
        except (smtplib.SMTPException, OSError) as error:
            raise self._error(
                f"cannot be used ({type(error).__name__}); check [mail] in show.toml"
            ) from error

    @property
    def server_label(self) -> str:
        """The subject of errors: `mail server host:port`."""
        return f"mail server {self._table.host}:{self._table.port}"

    def _error(self, line: str) -> MailError:
        return MailError(self.server_label, line)
