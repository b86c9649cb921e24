"""Commands on what membership sites tell: events, reconcile."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.membership import open_events
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import MembershipError

if TYPE_CHECKING:
    from podcast_pipeline.audience.membership.events import MembershipEvents, StoredEvent

COLUMNS = ("id", "source", "received", "kind", "outcome", "remark")


def events(
    context: typer.Context,
    undone: Annotated[
        bool, typer.Option("--undone", help="Only events that wait, or that could not be applied.")
    ] = False,
    apply: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="Apply this event again; may be given repeatedly.")
    ] = None,
) -> None:
    """List the last thousand events of membership sites, newest last, and count them by kind and outcome.

    Applied again, an event changes nothing where a newer one is known.
    """
    session: CliSession = context.obj
    stored = open_events(session.config, session.subscribers)
    applied = {row_id: _apply(stored, row_id, session) for row_id in apply or ()}
    rows = stored.last(only_undone=undone)
    session.output.table("", (_cells(session, row) for row in rows), columns=COLUMNS)
    counts = [
        {"source": source, "kind": kind, "outcome": outcome or "waits", "number": number}
        for (source, kind, outcome), number in stored.counts().items()
    ]
    lines = [f"{row_id}: {outcome}" for row_id, outcome in applied.items()]
    lines += ["{source} {kind}: {number} {outcome}".format(**count) for count in counts]
    facts: dict[str, Any] = {"events": [vars(row) for row in rows], "counts": counts, "applied": applied}
    session.output.result(facts, lines)


def _apply(stored: "MembershipEvents", row_id: int, session: CliSession) -> str:
    outcome = stored.apply(row_id, now=session.clock(), again=True)
    if outcome is None:
        raise MembershipError(f"event {row_id}", "is not stored; see `podcast subscribers events`")
    return outcome


def _cells(session: CliSession, row: "StoredEvent") -> tuple[str, ...]:
    received = session.format_local(row.received_at)
    return (str(row.id), row.source, received, row.kind, row.outcome or "waits", row.last_error or "")


def reconcile(
    context: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="Mend the differences.")] = False,
) -> None:
    """Compare all subscriptions of the sites that have an API with what is known; the servers do it daily.

    Exit code 3 if there are differences that were not mended.
    """
    from podcast_pipeline.audience.membership.reconcile import reconcile as compare

    session: CliSession = context.obj
    stored = open_events(session.config, session.subscribers)
    found = list(compare(stored, now=session.clock(), is_applied=apply))
    mended = sum(each.outcome in ("created", "changed") for each in found) if apply else 0
    lines = [*map(str, found), f"{format_count(len(found), 'difference')}, {mended} mended"]
    session.output.result({"differences": [vars(each) for each in found], "mended": mended}, lines)
    if len(found) > mended:
        raise typer.Exit(PROBLEMS)
