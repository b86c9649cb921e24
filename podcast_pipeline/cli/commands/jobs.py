"""Commands on the background work of the servers: run, list."""

from typing import TYPE_CHECKING, Annotated

import typer

from podcast_pipeline.cli.exit_codes import PROBLEMS
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession

if TYPE_CHECKING:
    from podcast_pipeline.audience.jobs.queue import JobRow

SUCCESSES = ("done", "dropped")
COLUMNS = ("kind", "state", "due", "attempts", "last error")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(no_args_is_help=True, help="Do or list the background work of the servers.")
    group.command()(run)
    group.command(name="list")(list_)
    app.add_typer(group, name="jobs")


def run(
    context: typer.Context,
    release: Annotated[
        bool, typer.Option("--release", help="Also publish the scheduled episodes that are due.")
    ] = False,
) -> None:
    """Do the background work that is due, and end; `podcast serve` does it all the time.

    Safe at any time, on any number of machines, beside servers: each job is done once. A mail whose delivery
    is unknown is not sent again. Exit code 3 if a job failed; it is tried again by a later run.
    """
    from podcast_pipeline.cli.jobs import build_worker, open_signin
    from podcast_pipeline.cli.membership import open_events

    session: CliSession = context.obj
    signin = open_signin(session, session.subscribers)
    memberships = open_events(session.config, session.subscribers)
    worker = build_worker(session, signin=signin, memberships=memberships, releases=release)
    results = worker.run_due()
    done = sum(results[success] for success in SUCCESSES)
    not_done = results.total() - done
    lines = [f"{format_count(done, 'job')} done"]
    if not_done:
        lines.append(f"{format_count(not_done, 'job')} not done; see `podcast jobs list`")
    session.output.result({"results": dict(results)}, lines)
    if not_done:
        raise typer.Exit(PROBLEMS)


def list_(context: typer.Context) -> None:
    """List what is due, what fails, and what was given up in the last seven days; --json lists all.

    No line has an address or a link: a sign-in mail is one more job of its kind.
    """
    from podcast_pipeline.audience.jobs.queue import JobQueue

    session: CliSession = context.obj
    jobs = JobQueue(session.database, show_id=session.config.show.id).rows()
    session.output.table("", (_cells(session, job) for job in jobs if not _is_done(job)), columns=COLUMNS)
    done = sum(map(_is_done, jobs))
    lines = [f"{format_count(done, 'more job')} done in the last seven days"] if done else []
    session.output.result({"jobs": [vars(job) for job in jobs]}, lines)


def _is_done(job: "JobRow") -> bool:
    return job.outcome in SUCCESSES


def _cells(session: CliSession, job: "JobRow") -> tuple[str, ...]:
    due = "" if job.outcome else session.format_local(job.run_after)
    return (job.kind, _state(session, job), due, str(job.attempts), job.last_error or "")


def _state(session: CliSession, job: "JobRow") -> str:
    if job.outcome:
        return job.outcome
    now = session.clock()
    if job.claimed_until and job.claimed_until > now:
        return "running"
    return "failing" if job.last_error else ("due" if job.run_after <= now else "waiting")
