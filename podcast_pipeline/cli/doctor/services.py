"""Checks of `podcast doctor`: database, key, mail, background work, memberships, store and schedule."""

from collections.abc import Iterator
from datetime import timedelta

from podcast_pipeline.cli.doctor.finding import Check, DoctorFinding
from podcast_pipeline.cli.output import format_count
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import SubscriberError

RELEASE_GRACE = timedelta(minutes=3)
"""A timer that runs `podcast release` every minute or so is never later than this."""
PUBLICATION_GRACE = timedelta(hours=1)
"""No publication takes longer from its first upload to the catalog."""


def _check_database(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out whether the database is there and is the one that the subscribers' links are from."""
    is_elsewhere = _has_audience_elsewhere(session)
    session.guard.read_mark()
    try:
        name = session.database.dialect.name
    except SubscriberError as error:
        yield DoctorFinding("database", None if is_elsewhere else False, str(error))
        return
    problem = session.guard.database_problem()
    yield DoctorFinding("database", not problem, str(problem or name))


def _check_secret_key(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out whether the key is there, and made the links that are out."""
    from podcast_pipeline.audience.subscribers.tokens import KEY_FILE, load_secret_key
    from podcast_pipeline.cli.audience import load_subscribers

    configured, path = session.configured_key, session.config.state_folder / KEY_FILE
    try:
        load_secret_key(configured, session.config.state_folder, create=False)
    except SubscriberError as error:
        yield DoctorFinding("secret key", None if _has_audience_elsewhere(session) else False, str(error))
        return
    try:
        problem = session.guard.key_problem(load_subscribers(session))
    except SubscriberError:  # no database, which has a finding of its own
        problem = None
    said = str(problem or ("PODCAST_SECRET_KEY" if configured else path))
    yield DoctorFinding("secret key", not problem, said)
    if configured is None and path.stat().st_mode & 0o077:
        yield DoctorFinding("secret key", None, f"other users can read the file; run `chmod 600 {path}`")


def _has_audience_elsewhere(session: CliSession) -> bool:
    """Tell whether this machine may be a producer's laptop, whose subscribers are on a server."""
    from podcast_pipeline.audience.database.engine import DATABASE_FILE_NAME

    has_file = (session.config.state_folder / DATABASE_FILE_NAME).exists()
    return session.config.storage.kind == "s3" and session.database_url is None and not has_file


def _check_mail(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audience.mail import SmtpMailer

    smtp = SmtpMailer.from_config(session.config)
    if smtp is None:
        yield DoctorFinding("mail", None, "no [mail] settings, so no sign-in links and no notifications")
        return
    smtp.check()
    yield DoctorFinding("mail", True, f"{smtp.server_label} accepts the login")


def _check_jobs(session: CliSession) -> Iterator[DoctorFinding]:
    """Report background work that failed, or that nothing does."""
    from podcast_pipeline.audience.jobs.queue import JobQueue
    from podcast_pipeline.cli.jobs import find_job_problems

    try:
        database = session.database
    except SubscriberError:  # a finding of its own
        return
    rows = JobQueue(database, show_id=session.config.show.id).rows()
    problems = find_job_problems(rows, now=session.clock())
    if not problems:
        yield DoctorFinding("jobs", True, "nothing is overdue, and nothing was given up")
    for problem in problems:
        yield DoctorFinding("jobs", None, problem)


def _check_memberships(session: CliSession) -> Iterator[DoctorFinding]:
    """Report the membership sites whose secrets are there, and their events that could not be applied."""
    from podcast_pipeline.audience.membership.events import FAILED
    from podcast_pipeline.cli.audience import load_subscribers
    from podcast_pipeline.cli.membership import open_events, open_sources

    names = ", ".join(open_sources(session.config))
    if not names:
        return
    try:
        events = open_events(session.config, load_subscribers(session))
    except SubscriberError:  # a finding of its own
        return
    failed = sum(number for (*_, outcome), number in events.counts().items() if outcome == FAILED)
    if failed:
        line = (
            f"{format_count(failed, 'event')} could not be applied; see `podcast subscribers events --undone`"
        )
        yield DoctorFinding("memberships", None, line)
    else:
        yield DoctorFinding("memberships", True, f"{names}; every event could be applied")


def _check_store(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.storage.self_test import run_self_test

    for check in run_self_test(session.store):
        yield DoctorFinding(f"store: {check.name}", check.ok, check.advice or "works")


def _check_schedule(session: CliSession) -> Iterator[DoctorFinding]:
    """Find the episodes that nobody has released; one that is due this minute may be on its way."""
    from podcast_pipeline.cli.commands.episodes import overdue_lines

    catalog, latest = session.context.catalog(), session.clock() - RELEASE_GRACE
    for slug, line in overdue_lines(session).items():
        episode = catalog.by_slug(slug) if catalog else None
        yield DoctorFinding("schedule", False if episode and episode.publish_at <= latest else None, line)


def _check_public_transcripts(session: CliSession) -> Iterator[DoctorFinding]:
    """Find transcripts for everybody that a killed run has left; one that runs now has some too."""
    from podcast_pipeline.pipeline.public_transcripts import unnamed_public_files

    before = session.clock() - PUBLICATION_GRACE
    keys = unnamed_public_files(session.context.catalog(), session.store, before=before)
    if keys:
        yield DoctorFinding(
            "public transcripts",
            False,
            f"{', '.join(keys)}: everybody can read what no episode names; run `podcast publish` of the"
            " episode again, `podcast unpublish` where it was taken down, or `podcast gc --yes`",
        )


def _check_publisher(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out how two publishers at once are kept apart: conditional writes, a setting or a lease."""
    from podcast_pipeline.storage.s3.presets import has_conditional_writes

    _ = session.context.publisher_lock
    if has_conditional_writes(session.config):
        yield DoctorFinding("two publishers", True, "the store decides by conditional writes")
    elif session.config.storage.single_publisher:
        message = "show.toml sets single_publisher; a second publisher would undo the first one's changes"
        yield DoctorFinding("two publishers", None, message)
    else:
        with session.context.publisher_lock():
            yield DoctorFinding("two publishers", True, "a lease in PostgreSQL decides")


CHECKS: dict[str, Check] = {
    "database": _check_database,
    "secret key": _check_secret_key,
    "mail": _check_mail,
    "jobs": _check_jobs,
    "memberships": _check_memberships,
    "store": _check_store,
    "schedule": _check_schedule,
    "public transcripts": _check_public_transcripts,
    "two publishers": _check_publisher,
}
"""Name of a check, for a finding of what it raises -> the check; in this order."""
