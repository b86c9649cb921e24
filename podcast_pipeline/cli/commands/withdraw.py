"""`podcast withdraw`: take back a version of the words, a passage or an episode."""

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.arguments import SlugArgument
from podcast_pipeline.cli.commands import search
from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import AlreadyWithdrawn, ConfigError, NothingToWithdraw

if TYPE_CHECKING:
    from podcast_pipeline.model import MediaSpan
    from podcast_pipeline.pipeline.withdraw.plan import Selection
    from podcast_pipeline.pipeline.withdraw.receipt import WithdrawalReceipt
    from podcast_pipeline.pipeline.withdraw.withdraw import PlannedWithdrawal

ONE_OF = "name one thing: --version, --quote, --from with --to, or --all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(withdraw)


def withdraw(
    context: typer.Context,
    slug: SlugArgument,
    version: Annotated[
        int | None, typer.Option(help="Take back this version of the transcript.", show_default=False)
    ] = None,
    quote: Annotated[
        str | None,
        typer.Option(
            help='Take back a passage, in every version: "its first words … its last words".',
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Take back a passage from this time of the audio, like 12:30.5."),
    ] = None,
    to: Annotated[str | None, typer.Option(help="The end of the passage, like 12:41.")] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Take back the episode with its audio, for ever.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; for your own records only.", show_default=False)] = "",
    public_reason: Annotated[str, typer.Option(help="Why; readers may see it.", show_default=False)] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Withdraw without asking for confirmation.")] = False,
) -> None:
    """Take back what was published: one version of the words, a passage with its sound, or an episode.

    Removes files from storage, which cannot be undone. Without anything to take back it finishes a withdrawal
    that was interrupted, and cleans this folder of words that were withdrawn elsewhere.
    """
    from podcast_pipeline.pipeline.withdraw import withdraw as pipeline

    session: CliSession = context.obj
    selection = _selection(version, quote, from_, to, whole=whole)
    options = WithdrawOptions(reason, public_reason, yes)
    _check_may_ask(session, yes=yes)
    receipt = pipeline.finish_withdrawal(session.context, slug, reason=reason)
    if not selection.is_empty:
        receipt = _withdraw(session, slug, selection, receipt, options)
    search.update_search_index(session, erase=True)
    receipt = replace(receipt, downloads=_downloads(session, receipt))
    session.output.result(receipt.to_json(), receipt.to_lines())
    if receipt.folder.failed or receipt.removal.not_removed:
        raise typer.Exit(PROBLEMS)


@dataclass(frozen=True)
class WithdrawOptions:
    """How to withdraw."""

    reason: str
    public_reason: str
    yes: bool


def _withdraw(
    session: CliSession,
    slug: str,
    selection: "Selection",
    finished: "WithdrawalReceipt",
    options: WithdrawOptions,
) -> "WithdrawalReceipt":
    """Withdraw what was selected; where a killed run had done that already, its receipt is the answer."""
    from podcast_pipeline.pipeline.withdraw import withdraw as pipeline

    try:
        planned = pipeline.plan_withdrawal(
            session.context, slug, selection, public_reason=options.public_reason
        )
        _ask(session, planned, yes=options.yes)
        return pipeline.withdraw(session.context, planned, reason=options.reason)
    except AlreadyWithdrawn as error:
        return replace(finished, remarks=(error.message,))
    except NothingToWithdraw:
        if finished.did_nothing:
            raise
        return finished


def _downloads(session: CliSession, receipt: "WithdrawalReceipt") -> int | None:
    """Return the number of complete downloads on record; None without a database, and for nothing done."""
    from podcast_pipeline.audience.subscribers.privacy.addresses_seen import DownloadLog

    catalog = session.context.catalog()
    episode = catalog.by_slug(receipt.slug) if catalog else None
    if episode is None or receipt.did_nothing or not search.has_database(session):
        return None
    return DownloadLog(session.database, show_id=session.config.show.id).count(episode.id)


def _selection(
    version: int | None, quote: str | None, from_: str | None, to: str | None, *, whole: bool
) -> "Selection":
    from podcast_pipeline.pipeline.withdraw.plan import Selection
    from podcast_pipeline.transcript.withdrawal.passages import parse_quote

    named = [version is not None, quote is not None, (from_ or to) is not None, whole]
    if sum(named) > 1:
        raise typer.BadParameter(ONE_OF)
    if quote is not None:
        parse_quote(quote)
    return Selection(version=version, quote=quote, span=_span(from_, to), whole=whole)


def _span(from_: str | None, to: str | None) -> "MediaSpan | None":
    from podcast_pipeline.model import MediaSpan

    if from_ is None and to is None:
        return None
    if from_ is None or to is None:
        raise typer.BadParameter("--from and --to belong together; give both times")
    start_s, end_s = _seconds("--from", from_), _seconds("--to", to)
    if end_s <= start_s:
        raise typer.BadParameter(f"--to {to} is not after --from {from_}")
    return MediaSpan(start_s=start_s, end_s=end_s)


def _seconds(option: str, text: str) -> float:
    from podcast_pipeline.transcript.text.clock import parse_clock

    seconds = parse_clock(text)
    if seconds is None:
        raise ConfigError(f"{option} {text}", "is no time of the audio; write it like 12:30.5 or 750.5")
    return seconds


def _check_may_ask(session: CliSession, *, yes: bool) -> None:
    if not yes and (session.output.as_json or not sys.stdin.isatty()):
        raise ConfigError("--yes", "is needed where nobody can be asked: what is withdrawn is gone for ever")


def _ask(session: CliSession, planned: "PlannedWithdrawal", *, yes: bool) -> None:
    if yes:
        return
    session.output.close()
    for line in planned.describe():
        print(line)
    typer.confirm("It cannot be undone. Withdraw it?", default=False, abort=True)
