"""`podcast subscribers welcome`: send the mails about subscriptions that are due, or those in doubt again."""

from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import MailError
from podcast_pipeline.model import Progress

if TYPE_CHECKING:
    from podcast_pipeline.audience.account_mails.queue import AccountMailQueue, DueMail

LISTED = 1000
"""Maximum number of mails in doubt that are listed; their count is complete."""


def welcome(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the mails; send none.")] = False,
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="Send the mails in doubt once more, and no others.")
    ] = False,
) -> None:
    """Send the welcome mails that are due, and what else [mail] tells; `podcast serve` does it all the time.

    Who joined since the day `welcome` in [mail] gets one, with the private link; nobody gets it twice. After
    an interruption run the command again. A mail whose run ended before the mail server had answered is in
    doubt: it is counted, and sent again only by --in-doubt. Exit code 3 if the mail server refused a mail.
    """
    from podcast_pipeline.audience.account_mails.queue import AccountMailQueue
    from podcast_pipeline.cli.mail_jobs import mail_choice

    session: CliSession = context.obj
    choice = mail_choice(session)
    queue = AccountMailQueue(session.subscribers, choice)
    if not (choice.welcome_since or choice.tells):
        session.output.warn("show.toml has no welcome and no tells in [mail]; no mail is due")
    now = session.clock()
    due = list(queue.in_doubt(now) if in_doubt else queue.due(now))
    refused = 0 if dry_run else _send(session, queue, due, again=in_doubt)
    _print(session, queue, count=len(due), refused=refused, dry_run=dry_run)
    if refused:
        raise typer.Exit(PROBLEMS)


def _send(session: CliSession, queue: "AccountMailQueue", due: "list[DueMail]", *, again: bool) -> int:
    """Send mails, a steady number in a minute, and return how many the mail server refused."""
    from podcast_pipeline.cli.mail_jobs import account_mailer, open_mailer

    pause_s = 60 / session.config.mail.per_minute
    mailer, smtp = account_mailer(session, queue, lambda: sleep(pause_s)), open_mailer(session)
    done, refused = 0, 0
    with smtp.open_connection() as connection:
        try:
            for done, result in enumerate(mailer.send(due, connection, again=again), start=1):
                session.output.report(Progress(step="mail", done=done, total=len(due)))
                if result.error:
                    refused += 1
                    session.output.warn(f"subscriber {result.mail.subscriber_id}: {result.error}")
        except MailError as error:
            message = f"{error.message}; {done - refused} sent, run the command again for the others"
            raise MailError(error.subject, message) from error
    return refused


def _print(
    session: CliSession, queue: "AccountMailQueue", *, count: int, refused: int, dry_run: bool
) -> None:
    doubtful = queue.in_doubt(session.clock())
    listed = [{"id": mail.subscriber_id, "kind": mail.kind} for mail in doubtful[:LISTED]]
    sent = 0 if dry_run else count - refused
    lines = [
        f"{format_count(count, 'mail')} to send (dry run, nothing was sent)" if dry_run else f"{sent} sent"
    ]
    if refused:
        lines.append(f"{refused} refused by the mail server; tried again every hour for a day")
    if doubtful:
        lines.append(f"{len(doubtful)} in doubt: a run ended before the mail server answered; see --in-doubt")
    session.output.result(
        {"dry_run": dry_run, "due": count, "sent": sent, "refused": refused, "in_doubt": listed}, lines
    )
