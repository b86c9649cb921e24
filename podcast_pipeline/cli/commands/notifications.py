"""`podcast subscribers notify`: tells who asked for it that a transcript is out, and says how many."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli import PROBLEMS
from podcast_pipeline.cli.session import Session
from podcast_pipeline.errors import ConfigError, MailError
from podcast_pipeline.model import Progress

if TYPE_CHECKING:
    from podcast_pipeline.audience.notify import Told
    from podcast_pipeline.audience.subscribers.notifications import News
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
    session: Session = context.obj
    episode, news = _find(session, slug)
    count = sum(1 for _ in news.waiting(episode, clock=session.clock))
    if dry_run:
        session.output.result(
            {"slug": slug, "id": episode.id, "dry_run": True, "would_tell": count},
            [f"{slug}: {count} would be told (dry run, nothing was sent)"],
        )
        return
    tally = Tally()
    _send(session, episode, news, tally, count)
    _print(session, episode, tally, news.in_doubt(episode.id))
    if tally.refused:
        raise typer.Exit(PROBLEMS)


@dataclass
class Tally:
    """What became of the mails so far; of those refused the first JSON_REFUSALS are named."""

    told: int = 0
    refused: int = 0
    named: list[dict[str, str]] = field(default_factory=list)

    def add(self, each: "Told") -> None:
        """Count one."""
        if each.error is None:
            self.told += 1
            return
        self.refused += 1
        if len(self.named) < JSON_REFUSALS:
            self.named.append({"id": str(each.subscriber_id), "error": str(each.error)})


def _find(session: Session, slug: str) -> "tuple[Episode, News]":
    """Return an episode that can be told of, and who knows who is to be told."""
    from podcast_pipeline.access import Policy
    from podcast_pipeline.audience.notify import find
    from podcast_pipeline.audience.subscribers.notifications import News
    from podcast_pipeline.storage.published import read_catalog

    episode = find(read_catalog(session.store)[0], slug, now=session.clock())
    return episode, News(session.subscribers, Policy(renew_url=session.config.renew_url))


def _send(session: Session, episode: "Episode", news: "News", tally: Tally, count: int) -> None:
    from podcast_pipeline.audience.mail import Smtp
    from podcast_pipeline.audience.notify import notify as tell

    smtp = Smtp.from_config(session.config)
    if smtp is None:
        raise ConfigError(f"{session.config.folder / 'show.toml'} [mail]", "names no host to send mail by")
    show, stop_key = session.config.to_show(artwork_key=None), session.subscribers.secret_key
    report = session.output.report
    with smtp.connected() as connection:
        report(Progress(step="mail", done=0, total=count))
        mails = tell(
            episode, show=show, news=news, connection=connection, stop_key=stop_key, clock=session.clock
        )
        try:
            for each in mails:
                tally.add(each)
                if each.error:
                    session.output.warn(f"subscriber {each.subscriber_id}: {each.error}")
                report(Progress(step="mail", done=min(tally.told + tally.refused, count), total=count))
        except MailError as error:
            line = f"{error.message}; {tally.told} were told, run it again for the others"
            raise MailError(error.subject, line) from error
        report(Progress(step="mail", done=count, total=count))


def _print(session: Session, episode: "Episode", tally: Tally, in_doubt: int) -> None:
    lines = [f"{episode.slug}: {tally.told} told"]
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
            "told": tally.told,
            "refused": tally.refused,
            "refusals": tally.named,
            "in_doubt": in_doubt,
        },
        lines,
    )
