"""A mailer that keeps the messages instead of sending them."""

import re
from collections.abc import Callable
from email.message import EmailMessage

from podcast_pipeline.audience.mail import Message, do_nothing


class Outbox:
    """A mailer that keeps the messages.

    Attributes:
        work: does the jobs that are due; called before the messages are read.
    """

    def __init__(self) -> None:
        self.work: Callable[[], object] = do_nothing
        self._sent: list[Message] = []
        self.composed: list[Message] = []

    def compose(self, message: Message) -> EmailMessage:
        """Keep a message that is composed and not sent."""
        self.composed.append(message)
        return EmailMessage()

    def send(self, message: Message, *, before_handover: Callable[[], None] = do_nothing) -> None:
        """Keep a message."""
        before_handover()
        self._sent.append(message)

    @property
    def messages(self) -> list[Message]:
        """The messages of all requests so far."""
        self.work()
        return self._sent

    @property
    def link(self) -> str:
        """The path of the newest link."""
        return str(re.findall(r"/signin/link/\S+", self.messages[-1].text)[0])

    @property
    def code(self) -> str:
        """The newest code."""
        return str(re.findall(r"\b\d{6}\b", self.messages[-1].text)[-1])
