"""`podcast subscribers notify`: mail a new transcript to the subscribers who opted in, and print counts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.arguments import SlugArgument
from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import MailError
from podcast_pipeline.model import Progress

if TYPE_CHECKING:
    from podcast_pipeline.audience.notify import NotificationResult
    from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
    from podcast_pipeline.model import Episode

JSON_REFUSALS = 1000
"""Maximum number of refusals that `notify --json` lists; their count is complete."""


def notify(
    context: typer.Context,
    slug: SlugArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the mails; send none.")] = False,
) -> None:
    """Mail the subscribers who opted in that a transcript was published; nobody gets the mail twice.

    Mails go to active subscribers who had opted in before the transcript was published. After an
    interruption run the command again: it continues with the remaining subscribers. A subscriber whose
    address the mail server refuses is listed by id, and the next run tries again; the exit code is then 3.
    """
    session: CliSession = context.obj
    episode, queue = _open_queue(session, slug)
    count = sum(1 for _ in queue.pending(episode, clock=session.clock))
    if dry_run:
        session.output.result(
            {"slug": slug, "id": episode.id, "dry_run": True, "would_tell": count},
            [f"{slug}: {count} to notify (dry run, nothing was sent)"],
        )
        return
    tally = NotificationTally()
    _send(session, episode, queue, tally, count)
    _print(session, episode, tally, queue.count_unconfirmed(episode.id))
    if tally.refused:
        raise typer.Exit(PROBLEMS)


@dataclass
class NotificationTally:
    """Counts of the mails of one run, and the first JSON_REFUSALS refusals."""

    sent: int = 0
    refused: int = 0
    refusals: list[dict[str, str]] = field(default_factory=list)

    def add(self, result: "NotificationResult") -> None:
        """Count one mail."""
        if result.error is None:
            self.sent += 1
            return
        self.refused += 1
        if len(self.refusals) < JSON_REFUSALS:
            self.refusals.append({"id": str(result.subscriber_id), "error": str(result.error)})


def _open_queue(session: CliSession, slug: str) -> "tuple[Episode, NotificationQueue]":
    """Return an episode whose transcript may be announced, and the queue of its notifications."""
    from podcast_pipeline.access import AccessPolicy
    from podcast_pipeline.audience.notify import find_notifiable_episode
    from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
    from podcast_pipeline.storage.published import read_catalog

    episode = find_notifiable_episode(read_catalog(session.store)[0], slug, now=session.clock())
    return episode, NotificationQueue(session.subscribers, AccessPolicy(renew_url=None))


def _send(
    session: CliSession, episode: "Episode", queue: "NotificationQueue", tally: NotificationTally, count: int
) -> None:
    from podcast_pipeline.audience.notify import send_notifications
    from podcast_pipeline.cli.mail_jobs import open_mailer

    smtp = open_mailer(session)
    show, report = session.config.to_show(artwork_key=None), session.output.report
    with smtp.open_connection() as connection:
        report(Progress(step="mail", done=0, total=count))
        results = send_notifications(
            episode,
            show=show,
            notifications=queue,
            connection=connection,
            secret_key=session.subscribers.secret_key,
            clock=session.clock,
        )
        try:
            for result in results:
                tally.add(result)
                if result.error:
                    session.output.warn(f"subscriber {result.subscriber_id}: {result.error}")
                report(Progress(step="mail", done=min(tally.sent + tally.refused, count), total=count))
        except MailError as error:
            message = f"{error.message}; {tally.sent} notified, run the command again for the others"
            raise MailError(error.subject, message) from error
        report(Progress(step="mail", done=count, total=count))


def _print(session: CliSession, episode: "Episode", tally: NotificationTally, in_doubt: int) -> None:
    lines = [f"{episode.slug}: {tally.sent} notified"]
    if tally.refused:
        lines.append(f"{tally.refused} refused by the mail server; the next run tries them again")
    if in_doubt:
        lines.append(f"{in_doubt} in doubt: a run ended before the mail server answered; not sent again")
    session.output.result(
        {
            "slug": episode.slug,
            "id": episode.id,
            "dry_run": False,
            "told": tally.sent,
            "refused": tally.refused,
            "refusals": tally.refusals,
            "in_doubt": in_doubt,
        },
        lines,
    )
