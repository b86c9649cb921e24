"""A mailer that keeps the messages instead of sending them."""

import re

from podcast_pipeline.audience.mail import Message


class Outbox:
    """A mailer that keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        """Keep a message."""
        self.messages.append(message)

    @property
    def link(self) -> str:
        """The path of the newest link."""
        return str(re.findall(r"/signin/link/\S+", self.messages[-1].text)[0])

    @property
    def code(self) -> str:
        """The newest code."""
        return str(re.findall(r"\b\d{6}\b", self.messages[-1].text)[-1])
