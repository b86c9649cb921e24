"""The kinds of background work of a show: each is one entry of `job_kinds`."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from podcast_pipeline.cli.mail_jobs import mail_kinds
from podcast_pipeline.errors import GateClosed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from podcast_pipeline.audience.jobs.kinds import ClaimedJob, JobKind, Outcome
    from podcast_pipeline.audience.jobs.queue import JobRow
    from podcast_pipeline.audience.jobs.worker import Worker
    from podcast_pipeline.audience.membership.events import MembershipEvents
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.audience.subscribers.signin import SignIn
    from podcast_pipeline.cli.session import CliSession

LOG = logging.getLogger("podcast_pipeline.cli.jobs")
RELEASE_EVERY = timedelta(minutes=1)
RELEASE_LEASE = timedelta(minutes=2)  # after a kill; two releases at once do no harm
RETENTION_EVERY = timedelta(days=1)
RECONCILIATION_EVERY = timedelta(days=1)
RECONCILIATION_LEASE = timedelta(hours=2)  # ten thousand subscriptions are a hundred requests
GIVEN_UP = ("failed", "in doubt", "expired")
FAILURES_IN_A_ROW = 3
OVERDUE = timedelta(minutes=10)


def build_worker(
    session: "CliSession", *, signin: "SignIn | None", memberships: "MembershipEvents", releases: bool
) -> "Worker":
    """Return what does the show's background work.

    Args:
        signin: None without a mail server.
        memberships: the events of membership sites.
        releases: whether scheduled episodes are released.
    """
    from podcast_pipeline.audience.jobs.queue import JobQueue
    from podcast_pipeline.audience.jobs.worker import Worker

    kinds = [_retention(session)]
    if releases:
        kinds.append(_release(session))
    if signin:
        kinds.append(_signin_mail(session, signin))
        kinds += mail_kinds(session, session.subscribers)
    if memberships.sources:
        kinds += _memberships(session, memberships)
    return Worker(JobQueue(session.database, show_id=session.config.show.id), tuple(kinds), session.clock)


def open_signin(session: "CliSession", subscribers: "Subscribers") -> "SignIn | None":
    """Return the sign-in of the show; None where show.toml has no mail server."""
    from podcast_pipeline.audience.subscribers.signin import SignIn

    if not session.config.mail.host:
        return None
    return SignIn(subscribers.engine, show_id=subscribers.show_id, secret_key=subscribers.secret_key)


def _signin_mail(session: "CliSession", signin: "SignIn") -> "JobKind":
    from podcast_pipeline.audience.mail import SmtpMailer
    from podcast_pipeline.audience.signin_mail import signin_mail_kind

    mailer = SmtpMailer.from_config(session.config)
    assert mailer is not None, "`open_signin` returns None without a mail server"
    return signin_mail_kind(signin, mailer, session.config.to_show(artwork_key=None), clock=session.clock)


def _memberships(session: "CliSession", memberships: "MembershipEvents") -> "list[JobKind]":
    from podcast_pipeline.audience.jobs.kinds import JobKind
    from podcast_pipeline.audience.membership.events import membership_event_kind
    from podcast_pipeline.audience.membership.reconcile import reconcile

    def mend(_: "ClaimedJob") -> "Outcome":
        for difference in reconcile(memberships, now=session.clock(), is_applied=True):
            LOG.warning("%s", difference)
        return "done"

    return [
        membership_event_kind(memberships, clock=session.clock),
        JobKind("reconciliation", mend, every=RECONCILIATION_EVERY, lease=RECONCILIATION_LEASE),
    ]


def _retention(session: "CliSession") -> "JobKind":
    from podcast_pipeline.audience.jobs.kinds import JobKind
    from podcast_pipeline.audience.subscribers.privacy.retention import purge

    kept = session.config.retention

    def delete_expired(_: "ClaimedJob") -> "Outcome":
        purge(
            session.database,
            show_id=session.config.show.id,
            network_kept=timedelta(days=kept.network_addresses_days),
            audit_kept=timedelta(days=kept.audit_log_days),
            now=session.clock(),
        )
        return "done"

    return JobKind("retention", delete_expired, every=RETENTION_EVERY)


def _release(session: "CliSession") -> "JobKind":
    from podcast_pipeline.audience.jobs.kinds import JobKind
    from podcast_pipeline.cli.commands.episodes import OPENED, PUBLISHED, open_due, publish_due
    from podcast_pipeline.pipeline.context import ignore

    context = replace(session.context, report=ignore, warn=LOG.warning)  # parts of its own: a thread uses it

    def release(_: "ClaimedJob") -> "Outcome":
        if context.catalog() is None:  # nothing was ever published
            return "dropped"
        for slug in publish_due(session, context, frozenset()):
            LOG.info(PUBLISHED, slug)
        try:
            for slug in open_due(session, context, frozenset()):
                LOG.info(OPENED, slug)
        except GateClosed as closed:  # a person has to allow it; what is scheduled is published all the same
            LOG.warning("%s", closed)
        return "done"

    return JobKind("release", release, every=RELEASE_EVERY, lease=RELEASE_LEASE)


def find_job_problems(rows: "Iterable[JobRow]", *, now: datetime) -> list[str]:
    """Return a line for each kind of job that was given up, fails again and again, or that nothing does."""
    kinds: dict[str, list[JobRow]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    return [line for kind in sorted(kinds) for line in _problems_of_kind(kind, kinds[kind], now)]


def _problems_of_kind(kind: str, rows: "list[JobRow]", now: datetime) -> "Iterator[str]":
    for outcome in GIVEN_UP:
        if ended := [row for row in rows if row.outcome == outcome]:
            reason = f"; the last one: {ended[-1].last_error}" if ended[-1].last_error else ""
            yield f"{kind}: {len(ended)} {outcome} in the last seven days{reason}; see `podcast jobs list`"
    undone = [row for row in rows if row.outcome is None]
    for row in undone:
        if row.is_periodic and row.attempts >= FAILURES_IN_A_ROW:
            error = row.last_error or "see the log of the server"
            yield f"{kind}: failed {row.attempts} times in a row: {error}"
    late = [row for row in undone if row.run_after < now - OVERDUE and not row.claimed_until]
    if late:
        yield f"{kind}: {len(late)} overdue; is `podcast serve` or `podcast jobs run` running?"
