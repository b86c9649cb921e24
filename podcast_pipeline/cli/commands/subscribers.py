"""Commands on subscribers; only add, rotate and link print private feed links."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.commands.memberships import events, reconcile
from podcast_pipeline.cli.commands.notifications import notify
from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.model import Period

if TYPE_CHECKING:
    from podcast_pipeline.audience.subscribers.csv.rows import CsvRowResult
    from podcast_pipeline.model import Subscriber

JSON_LINES = 1000
"""Maximum number of lines that `import --json` lists, so that any file is read in bounded memory."""

REPORTED = ("number", "outcome", "text", "message")
"""The fields of a line in the result of `import --json`."""

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The subscriber's e-mail address.")]
Until = Annotated[
    str | None, typer.Option(metavar="DATE", help="Paid until the end of this day.", show_default="for ever")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Manage subscribers and their private feeds.", no_args_is_help=True)
    for command in COMMANDS:
        group.command(name=command.__name__.rstrip("_").replace("_", "-"))(command)
    dossier_help = "Print a person's data export; the same command as `data-export`."
    group.command(name="dossier", help=dossier_help)(data_export)
    app.add_typer(group, name="subscribers")


def add(
    context: typer.Context,
    email: Email,
    plan: Annotated[str, typer.Option(metavar="PLAN", help="Id of the plan.")] = "standard",
    period: Annotated[Period, typer.Option(help="Payment period.")] = "yearly",
    until: Until = None,
) -> None:
    """Add a subscriber and print their private feed; an existing subscriber is not changed."""
    from podcast_pipeline.audience.subscribers.plans import SubscriptionTerms, parse_plan

    session: CliSession = context.obj
    plan = parse_plan(plan, session.config.plan_ids)
    paid_until = session.parse_end_of_day(until) if until else None
    subscriber, token = session.subscribers.add(
        email, plan=plan, period=period, paid_until=paid_until, now=session.clock(), origin="cli"
    )
    terms = _format_terms(session, subscriber)
    if SubscriptionTerms.of(subscriber) != SubscriptionTerms(plan, period, paid_until):
        advice = "`renew` changes the end, `import` the plan and the period"
        session.output.warn(f"{email}: already exists and stays {terms}; {advice}")
    elif subscriber.state(session.clock()) != "active":
        session.output.warn(f"{email}: is {terms}")
    _print_link(session, email, token)


def renew(context: typer.Context, email: Email, until: Until = None) -> None:
    """Set the day until which a subscriber has paid; only what was entered by hand is changed."""
    session: CliSession = context.obj
    paid_until = session.parse_end_of_day(until) if until else None
    _print_state(session, session.subscribers.renew(email, paid_until, now=session.clock(), origin="cli"))


def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="CSV", help="A CSV file with a column email.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the outcome of each line; change nothing.")
    ] = False,
) -> None:
    """Add and change subscribers from a CSV file; importing the same file again changes nothing.

    Columns: email, and optionally plan, period, paid_until. A line that is bad or repeats an address is
    reported and skipped; the other lines are imported. Exit code 3 if a line was bad. A paid_until that is
    empty, or 9999-12-31, never ends.
    """
    from podcast_pipeline.audience.subscribers.csv.importer import import_csv

    session: CliSession = context.obj
    counts: dict[str, int] = {}
    ended, endless = 0, 0
    reported: list[dict[str, object]] = []
    config = session.config
    results = import_csv(
        session.subscribers,
        path,
        zone=config.zone,
        now=session.clock(),
        plans=config.plan_ids,
        dry_run=dry_run,
    )
    for result in results:
        if result.outcome != "ignored":  # a remark on columns, not on a subscriber
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
        ended += result.has_ended
        endless += result.never_ends
        if result.message:
            _print_result(session, path, result)
            fields = {name: value for name, value in vars(result).items() if name in REPORTED}
            reported += [fields] if len(reported) < JSON_LINES else []
    summary = ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) or "no lines"
    if ended:
        session.output.warn(f"{path}: {ended} of the added and changed have a paid_until that is past")
    if endless:
        session.output.warn(f"{path}: {endless} of the added and changed get access without an end")
    session.output.result(
        {"dry_run": dry_run, "counts": counts, "ended": ended, "endless": endless, "lines": reported},
        [f"{path}: {summary}{' (dry run, nothing was changed)' if dry_run else ''}"],
    )
    if counts.get("bad"):
        raise typer.Exit(PROBLEMS)


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
) -> None:
    """Write all subscribers to a CSV file, for `import` and spreadsheets, that only you can read."""
    from podcast_pipeline.audience.subscribers.csv.exporter import export_csv
    from podcast_pipeline.files import atomic_path

    session: CliSession = context.obj
    subscribers = session.subscribers
    with atomic_path(path, mode=0o600) as part, part.open("w", encoding="utf-8", newline="") as file:
        written = export_csv(subscribers, file, now=session.clock())
    session.output.result(
        {"file": str(path), "subscribers": written}, [f"{path}: {format_count(written, 'subscriber')}"]
    )


def data_export(context: typer.Context, email: Email) -> None:
    """Print all data that is stored about a person, as JSON, for that person."""
    from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data

    session: CliSession = context.obj
    export = export_personal_data(session.subscribers, email)
    session.output.result(export, [json.dumps(export, ensure_ascii=False, indent=1)])


def list_(context: typer.Context) -> None:
    """List the subscribers with their states."""
    session: CliSession = context.obj
    people = list(session.subscribers.list_all())
    rows = [
        (
            p.email,
            p.state(session.clock()),
            p.plan,
            p.period,
            _format_paid_until(session, p),
            " ".join(p.sources),
        )
        for p in people
    ]
    session.output.table("", rows, columns=("email", "state", "plan", "period", "paid until", "sources"))
    if session.output.as_json:
        session.output.result({"subscribers": [{"id": p.id, **_facts(session, p)} for p in people]})


def suspend(
    context: typer.Context,
    email: Email,
    reason: Annotated[str | None, typer.Option(help="The reason, for you only.")] = None,
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
    erase: Annotated[bool, typer.Option("--erase", help="Erase the personal data too.")] = False,
) -> None:
    """End a subscription; the private feed shows a notice for 30 days."""
    session: CliSession = context.obj
    going_on = session.subscribers.get(email).going_on(session.clock())
    if erase:
        session.subscribers.erase(email, now=session.clock(), origin="cli")
        session.output.result({"email": email, "state": "erased"}, [f"{email}: erased"])
    else:
        _print_state(session, session.subscribers.remove(email, now=session.clock(), origin="cli"))
    for source in going_on:
        session.output.warn(f"{email}: the subscription at {source} goes on, and is paid; end it there too")


def _print_link(session: CliSession, email: str, token: str) -> None:
    site = session.config.urls.site
    feed_url, page_url = f"{site}/feeds/{token}/feed.xml", f"{site}/feeds/{token}/"
    lines = [
        f"{email}: private feed, for this person only",
        f"feed: {feed_url}",
        f"add:  {page_url}add  (to an app, by one tap or a QR code)",
        f"read: {page_url}",
    ]
    session.output.result({"email": email, "feed_url": feed_url}, lines)


def _print_result(session: CliSession, path: Path, result: "CsvRowResult") -> None:
    if not (session.output.as_json or session.output.quiet):
        text = f"{result.text}: " if result.text and not result.message.startswith(result.text) else ""
        typer.echo(f"{path}:{result.number}: {result.outcome}: {text}{result.message}")


def _print_state(session: CliSession, subscriber: "Subscriber") -> None:
    until, state = _format_paid_until(session, subscriber), subscriber.state(session.clock())
    terms = f", paid until {until}" if until else ", for ever" if state == "active" else ""
    session.output.result(_facts(session, subscriber), [f"{subscriber.email}: {state}{terms}"])


def _format_terms(session: CliSession, subscriber: "Subscriber") -> str:
    until = _format_paid_until(session, subscriber)
    terms = (subscriber.state(session.clock()), subscriber.plan, subscriber.period)
    return ", ".join((*terms, f"paid until {until}" if until else "for ever"))


def _format_paid_until(session: CliSession, subscriber: "Subscriber") -> str:
    """Return the end of the paid time as `--until` accepts it, a day or an instant; "" without an end."""
    return session.format_last_day(subscriber.paid_until) if subscriber.paid_until else ""


def _facts(session: CliSession, subscriber: "Subscriber") -> dict[str, object]:
    until = subscriber.paid_until
    return {
        "email": subscriber.email,
        "state": subscriber.state(session.clock()),
        "plan": subscriber.plan,
        "period": subscriber.period,
        "paid_until": session.format_local(until) if until else None,
        "sources": list(subscriber.sources),
    }


COMMANDS = (
    add,
    renew,
    import_,
    export,
    list_,
    suspend,
    resume,
    rotate,
    link,
    remove,
    data_export,
    notify,
    events,
    reconcile,
)
