"""A real SMTP server that keeps the messages it receives."""
# ruff: noqa: ARG002, N802  (aiosmtpd calls its handlers by name and with everything)

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from queue import Queue

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "late", "right"


class Mailbox:
    """Accepts mail, from clients with the password, for every address except nobody@….

    Attributes:
        received: (recipient, message) of each mail.
        wire: the bytes of each mail.
    """

    def __init__(self) -> None:
        self.received: Queue[tuple[str, EmailMessage]] = Queue()
        self.wire: Queue[bytes] = Queue()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or reject a recipient."""
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a message."""
        content = envelope.content
        assert isinstance(content, bytes)
        self.wire.put(content)
        self.received.put((envelope.rcpt_tos[0], message_from_bytes(content, policy=default)))
        return "250 OK"


@contextmanager
def running_mail_server(mailbox: Mailbox, *, takes_utf8: bool = True) -> Iterator[int]:
    """Run a server for the mailbox and yield its port on 127.0.0.1.

    Args:
        takes_utf8: whether to accept addresses beyond ASCII (SMTPUTF8).
    """

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=check,
        auth_required=True,
        auth_require_tls=False,
        enable_SMTPUTF8=takes_utf8,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
