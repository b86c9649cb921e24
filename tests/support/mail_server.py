"""A real SMTP server that keeps the messages it receives."""
# ruff: noqa: ARG002, N802  (aiosmtpd calls its handlers by name and with everything)

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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


@dataclass
class FaultyMailbox(Mailbox):
    """A mailbox whose server kills the sender, closes connections or breaks them at given messages.

    Attributes:
        pid: of the sender; killed at the `rcpt` or `data` whose number is in `kills`.
        closes_after: messages that one connection may carry; the next gets 421.
        breaks_at: numbers of the messages at which the connection breaks without an answer.
        carried: messages by connection.
    """

    kills: set[tuple[str, int]] = field(default_factory=set)
    pid: int = 0
    closes_after: int = 10**9
    breaks_at: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    carried: Counter[Session] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a sender until `closes_after` messages were sent on the connection."""
        self.carried[session] += 1
        if self.carried[session] > self.closes_after:
            return "421 enough for one connection"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or reject a recipient; kill the sender if `kills` says so."""
        self._count("rcpt")
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a message, or break the connection; kill the sender before the response if `kills` says so."""
        number = self.counts["data"] + 1
        answer = "250 OK"
        if number in self.breaks_at:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        else:
            answer = await super().handle_DATA(server, session, envelope)
        self._count("data")
        return answer

    def _count(self, what: str) -> None:
        self.counts[what] += 1
        if (what, self.counts[what]) in self.kills:
            os.kill(self.pid, signal.SIGKILL)

    def take_messages(self) -> dict[str, list[EmailMessage]]:
        """Return the messages since the last call, by recipient."""
        taken: dict[str, list[EmailMessage]] = {}
        while not self.received.empty():
            to, mail = self.received.get()
            taken.setdefault(to, []).append(mail)
        return taken


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
