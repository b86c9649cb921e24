"""`podcast subscribers notify`: tells who asked for it that a transcript is out, and says how many."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError, MailError
from podcast_pipeline.model import Progress

if TYPE_CHECKING:
    from podcast_pipeline.audience.notify import NotificationResult
    from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
    from podcast_pipeline.model import Episode

JSON_REFUSALS = 1000
"""No more refusals than this stand in `notify --json`; their number is whole."""


def notify(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="A published episode.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many would be told.")] = False,
) -> None:
    """Tell who asked for it, by mail, that a transcript is out; nobody is told twice.

    Told is who has paid and wanted such mail before the transcript came out. Interrupted, run it again: it
    goes on with who is left. An address that the server refuses is named by its id, and tried by the next
    run; then the exit code is 3.
    """
    session: CliSession = context.obj
    episode, news = _find(session, slug)
    count = sum(1 for _ in news.pending(episode, clock=session.clock))
    if dry_run:
        session.output.result(
            {"slug": slug, "id": episode.id, "dry_run": True, "would_tell": count},
            [f"{slug}: {count} would be told (dry run, nothing was sent)"],
        )
        return
    tally = NotificationTally()
    _send(session, episode, news, tally, count)
    _print(session, episode, tally, news.count_unconfirmed(episode.id))
    if tally.refused:
        raise typer.Exit(PROBLEMS)


@dataclass
class NotificationTally:
    """What became of the mails so far; of those refused the first JSON_REFUSALS are named."""

    sent: int = 0
    refused: int = 0
    refusals: list[dict[str, str]] = field(default_factory=list)

    def add(self, each: "NotificationResult") -> None:
        """Count one."""
        if each.error is None:
            self.sent += 1
            return
        self.refused += 1
        if len(self.refusals) < JSON_REFUSALS:
            self.refusals.append({"id": str(each.subscriber_id), "error": str(each.error)})


def _find(session: CliSession, slug: str) -> "tuple[Episode, NotificationQueue]":
    """Return an episode that can be told of, and who knows who is to be told."""
    from podcast_pipeline.access import AccessPolicy
    from podcast_pipeline.audience.notify import find_notifiable_episode
    from podcast_pipeline.audience.subscribers.notifications import NotificationQueue
    from podcast_pipeline.storage.published import read_catalog

    episode = find_notifiable_episode(read_catalog(session.store)[0], slug, now=session.clock())
    return episode, NotificationQueue(session.subscribers, AccessPolicy(renew_url=session.config.renew_url))


def _send(
    session: CliSession, episode: "Episode", news: "NotificationQueue", tally: NotificationTally, count: int
) -> None:
    from podcast_pipeline.audience.mail import SmtpMailer
    from podcast_pipeline.audience.notify import send_notifications as tell

    smtp = SmtpMailer.from_config(session.config)
    if smtp is None:
        raise ConfigError(f"{session.config.folder / 'show.toml'} [mail]", "names no host to send mail by")
    show, stop_key = session.config.to_show(artwork_key=None), session.subscribers.secret_key
    report = session.output.report
    with smtp.open_connection() as connection:
        report(Progress(step="mail", done=0, total=count))
        mails = tell(
            episode,
            show=show,
            notifications=news,
            connection=connection,
            unsubscribe_key=stop_key,
            clock=session.clock,
        )
        try:
            for each in mails:
                tally.add(each)
                if each.error:
                    session.output.warn(f"subscriber {each.subscriber_id}: {each.error}")
                report(Progress(step="mail", done=min(tally.sent + tally.refused, count), total=count))
        except MailError as error:
            line = f"{error.message}; {tally.sent} were told, run it again for the others"
            raise MailError(error.subject, line) from error
        report(Progress(step="mail", done=count, total=count))


def _print(session: CliSession, episode: "Episode", tally: NotificationTally, in_doubt: int) -> None:
    lines = [f"{episode.slug}: {tally.sent} told"]
    if tally.refused:
        lines.append(f"{tally.refused} refused by the mail server; the next run tries them again")
    if in_doubt:
        lines.append(
            f"{in_doubt} in doubt: a run ended while the mail server had their mail; they are not told again"
        )
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
