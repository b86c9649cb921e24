"""Sends the mails about subscriptions that are due: paced, and none twice."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from podcast_pipeline.audience.account_mails.queue import AccountMailQueue, DueMail, MailRecipient
from podcast_pipeline.audience.account_mails.templates import MailTemplates
from podcast_pipeline.audience.mail import Message, SmtpConnection
from podcast_pipeline.errors import MailRejected, SubscriberError
from podcast_pipeline.model import Show

SAMPLE_TOKEN = f"{'a' * 16}.{'b' * 32}"


@dataclass(frozen=True)
class MailResult:
    """What became of one mail.

    Attributes:
        error: why it was not sent; None if the server accepted it.
    """

    mail: DueMail
    error: MailRejected | SubscriberError | None = None


@dataclass(frozen=True)
class AccountMailer:
    """Composes and sends mails about subscriptions.

    Attributes:
        pause: called before each mail but the first, and waits.
    """

    queue: AccountMailQueue
    templates: MailTemplates
    show: Show
    clock: Callable[[], datetime]
    pause: Callable[[], None]

    def send(
        self, due: Iterable[DueMail], connection: SmtpConnection, *, again: bool = False
    ) -> Iterator[MailResult]:
        """Send mails and yield what became of each; interrupted at any time, it can be run again.

        Args:
            again: the mails are in doubt, and a person wants them sent all the same.

        Raises:
            ConfigError: a template of the newsroom's is wrong; its mail is not sent.
            MailError: the server is unreachable or accepts no mail.
        """
        is_first = True
        for mail in due:
            self.compose(mail, MailRecipient("", SAMPLE_TOKEN))  # a wrong template stops before the claim
            if not is_first:
                self.pause()
            try:
                recipient = self.queue.claim(mail, now=self.clock(), again=again)
            except SubscriberError as error:
                yield MailResult(mail, error)
                continue
            if recipient is not None:
                is_first = False
                yield self._hand_over(mail, recipient, connection)

    def compose(self, mail: DueMail, recipient: MailRecipient) -> Message:
        """Return a mail to its recipient; raises ConfigError."""
        filled = self.templates.fill(mail.name, self._facts(recipient.token))
        return Message(recipient.email, filled.subject, filled.text, html=filled.html)

    def _hand_over(self, mail: DueMail, recipient: MailRecipient, connection: SmtpConnection) -> MailResult:
        try:
            connection.send(self.compose(mail, recipient))
        except MailRejected as error:
            self.queue.refuse(mail, now=self.clock())
            return MailResult(mail, error)
        except BaseException:
            if not connection.may_have_message:
                self.queue.release(mail)
            raise
        self.queue.confirm(mail, now=self.clock())
        return MailResult(mail)

    def _facts(self, token: str | None) -> dict[str, str]:
        """Return what a template may use; without a token there is no private link."""
        site = self.show.site_url
        private = f"{site}/feeds/{token}/" if token else ""
        return {
            "title": self.show.title,
            "author": self.show.author,
            "site_url": site,
            "account_url": f"{site}/account",
            "students_url": f"{site}/students",
            "renew_url": self.show.subscribe_url or site,
            **(
                {"feed_url": f"{private}feed.xml", "add_url": f"{private}add", "read_url": private}
                if token
                else {}
            ),
        }
