"""Commands on subscribers. Private feed links are printed by add, rotate and link, by nothing else."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli import PROBLEMS
from podcast_pipeline.cli.commands.notifications import notify
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.model import Period, Plan

if TYPE_CHECKING:
    from podcast_pipeline.audience.subscribers.csv.rows import CsvRowResult
    from podcast_pipeline.model import Subscriber

JSON_LINES = 1000
"""No more lines than this stand in `import --json`, so that any file is read in bounded memory."""

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The subscriber's address.")]
Until = Annotated[
    str | None, typer.Option(metavar="DATE", help="Paid until the end of this day.", show_default="for ever")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Who may read transcripts, and their private feeds.", no_args_is_help=True)
    for command in COMMANDS:
        group.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="subscribers")


def add(
    context: typer.Context,
    email: Email,
    plan: Annotated[Plan, typer.Option(help="What they pay for.")] = "standard",
    period: Annotated[Period, typer.Option(help="How often they pay.")] = "yearly",
    until: Until = None,
) -> None:
    """Add a subscriber and print their private feed; one who is there stays as they are."""
    session: CliSession = context.obj
    paid_until = session.parse_end_of_day(until) if until else None
    subscriber, token = session.subscribers.add(
        email, plan=plan, period=period, paid_until=paid_until, now=session.clock(), origin="cli"
    )
    is_as_asked = (subscriber.plan, subscriber.period, subscriber.paid_until) == (plan, period, paid_until)
    if not is_as_asked:
        told = f"{_told(session, subscriber)}; `renew` sets the end, `import` plan and period"
        session.output.warn(f"{email}: was there before and stays {told}")
    elif subscriber.state(session.clock()) != "active":
        session.output.warn(f"{email}: is {_told(session, subscriber)}")
    _print_link(session, email, token)


def renew(context: typer.Context, email: Email, until: Until = None) -> None:
    """Set until when a subscriber has paid."""
    session: CliSession = context.obj
    paid_until = session.parse_end_of_day(until) if until else None
    _print_state(session, session.subscribers.renew(email, paid_until, now=session.clock(), origin="cli"))


def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="CSV", help="A CSV with a column email.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of it.")] = False,
) -> None:
    """Add and change subscribers from a CSV; the same file twice changes nothing.

    Columns: email, and plan, period, paid_until where they are to be set. A line that is bad, or that
    repeats an address, is reported and left out; the others are done. Exit code 3 when there was a bad one.
    """
    from podcast_pipeline.audience.subscribers.csv.importer import import_csv

    session: CliSession = context.obj
    counts: dict[str, int] = {}
    ended = 0
    noted: list[dict[str, object]] = []
    config = session.config
    lines = import_csv(session.subscribers, path, zone=config.zone, now=session.clock(), dry_run=dry_run)
    for line in lines:
        if line.outcome != "ignored":  # it is about columns, and nobody's
            counts[line.outcome] = counts.get(line.outcome, 0) + 1
        ended += line.has_ended
        if line.message:
            _say_line(session, path, line)
            fields = {name: value for name, value in vars(line).items() if name != "has_ended"}
            noted += [fields] if len(noted) < JSON_LINES else []
    summary = ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) or "no lines"
    if ended:
        session.output.warn(f"{path}: {ended} of the added and changed have a paid_until that is past")
    session.output.result(
        {"dry_run": dry_run, "counts": counts, "ended": ended, "lines": noted},
        [f"{path}: {summary}{' (dry run, nothing was changed)' if dry_run else ''}"],
    )
    if counts.get("bad"):
        raise typer.Exit(PROBLEMS)


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV, for `import` and spreadsheets.")],
) -> None:
    """Write every subscriber to a CSV that only you may read."""
    from podcast_pipeline.audience.subscribers.csv.exporter import export_csv
    from podcast_pipeline.files import atomic_path

    session: CliSession = context.obj
    try:
        with atomic_path(path, mode=0o600) as part, part.open("w", encoding="utf-8", newline="") as file:
            written = export_csv(session.subscribers, file, now=session.clock())
    except OSError as error:  # under the name that the person gave
        raise OSError(error.errno, error.strerror, str(path)) from error
    session.output.result({"file": str(path), "subscribers": written}, [f"{path}: {written} subscribers"])


def dossier(context: typer.Context, email: Email) -> None:
    """Print all that is held on a person, as JSON, for that person."""
    from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data as held_on

    session: CliSession = context.obj
    held = held_on(session.subscribers, email)
    session.output.result(held, [json.dumps(held, ensure_ascii=False, indent=1)])


def list_(context: typer.Context) -> None:
    """List the subscribers with their states."""
    session: CliSession = context.obj
    found = list(session.subscribers.list_all())
    rows = [
        (str(each.email), each.state(session.clock()), each.plan, each.period, _until(session, each))
        for each in found
    ]
    session.output.table("", rows, columns=("email", "state", "plan", "period", "paid until"))
    if session.output.as_json:
        session.output.result({"subscribers": [{"id": each.id, **_facts(session, each)} for each in found]})


def suspend(
    context: typer.Context,
    email: Email,
    reason: Annotated[str | None, typer.Option(help="Why; for you only.")] = None,
) -> None:
    """Stop a subscriber's access until `resume`."""
    session: CliSession = context.obj
    _print_state(session, session.subscribers.suspend(email, reason, now=session.clock(), origin="cli"))


def resume(context: typer.Context, email: Email) -> None:
    """End a suspension."""
    session: CliSession = context.obj
    _print_state(session, session.subscribers.resume(email, now=session.clock(), origin="cli"))


def rotate(context: typer.Context, email: Email) -> None:
    """Give a subscriber a new private feed; the old one shows a notice for 30 days."""
    session: CliSession = context.obj
    token = session.subscribers.rotate(email, now=session.clock(), origin="cli")
    _print_link(session, email, token)


def link(context: typer.Context, email: Email) -> None:
    """Print a subscriber's private feed again."""
    session: CliSession = context.obj
    _print_link(session, email, session.subscribers.feed_token(email))


def remove(
    context: typer.Context,
    email: Email,
    erase: Annotated[bool, typer.Option("--erase", help="Forget the person as well.")] = False,
) -> None:
    """End a subscription; their feed shows a notice for 30 days."""
    session: CliSession = context.obj
    if erase:
        session.subscribers.erase(email, now=session.clock(), origin="cli")
        session.output.result({"email": email, "state": "erased"}, [f"{email}: erased"])
        return
    _print_state(session, session.subscribers.remove(email, now=session.clock(), origin="cli"))


def _print_link(session: CliSession, email: str, token: str) -> None:
    site = session.config.urls.site
    feed_url, page_url = f"{site}/feeds/{token}/feed.xml", f"{site}/feeds/{token}/"
    names = (f"add:  {page_url}add  (to an app, by one tap or a QR code)", f"read: {page_url}")
    session.output.result(
        {"email": email, "feed_url": feed_url},
        [f"{email}: private feed, for this person only", f"feed: {feed_url}", *names],
    )


def _say_line(session: CliSession, path: Path, line: "CsvRowResult") -> None:
    if not (session.output.as_json or session.output.quiet):
        shown = f"{line.text}: " if line.text and not line.message.startswith(line.text) else ""
        typer.echo(f"{path}:{line.number}: {line.outcome}: {shown}{line.message}")


def _print_state(session: CliSession, subscriber: "Subscriber") -> None:
    until = _until(session, subscriber)
    told = f"{subscriber.state(session.clock())}{', paid until ' if until else ''}{until}"
    session.output.result(_facts(session, subscriber), [f"{subscriber.email}: {told}"])


def _told(session: CliSession, subscriber: "Subscriber") -> str:
    until = _until(session, subscriber)
    terms = (subscriber.state(session.clock()), subscriber.plan, subscriber.period)
    return ", ".join((*terms, f"paid until {until}" if until else "for ever"))


def _until(session: CliSession, subscriber: "Subscriber") -> str:
    """Return until when it is paid as `--until` takes it: a day, or an instant inside of one."""
    return session.format_last_day(subscriber.paid_until) if subscriber.paid_until else ""


def _facts(session: CliSession, subscriber: "Subscriber") -> dict[str, str | None]:
    until = subscriber.paid_until
    return {
        "email": subscriber.email,
        "state": subscriber.state(session.clock()),
        "plan": subscriber.plan,
        "period": subscriber.period,
        "paid_until": session.format_local(until) if until else None,
    }


COMMANDS = (add, renew, import_, export, list_, suspend, resume, rotate, link, remove, dossier, notify)
