"""Retention: deletes personal data that is no longer needed, and jobs that have ended; a daily job."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, exists, insert, select, update

from podcast_pipeline.audience.database import truncate_wal, write_transaction
from podcast_pipeline.audience.database.tables import (
    api_requests,
    audit_log,
    audit_purges,
    jobs,
    membership_events,
    network_addresses,
    news_mails,
    proofs,
    sessions,
    signin_requests,
)
from podcast_pipeline.audience.subscribers import notifications

SIGNIN_KEPT = timedelta(hours=24)  # longer than any rate limit's window
JOBS_KEPT = timedelta(days=7)
UNDONE_JOBS_KEPT = timedelta(days=30)
API_REQUESTS_KEPT = timedelta(hours=24)
BODIES_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class PurgeCounts:
    """The number of deleted rows, by table; of membership_events, of deleted bodies."""

    network_addresses: int
    audit_log: int
    sessions: int
    signin_requests: int
    news_mails: int
    jobs: int
    membership_events: int
    proofs: int


def purge(
    engine: Engine, *, show_id: UUID, network_kept: timedelta, audit_kept: timedelta, now: datetime
) -> PurgeCounts:
    """Delete what is older than show.toml's [retention], ended sessions and jobs, old sign-ins and mails.

    The bodies of membership sites' events go after 30 days, the events with the audit log.
    """
    with write_transaction(engine) as connection:
        _delete(connection, api_requests, show_id, api_requests.c.claimed_at < now - API_REQUESTS_KEPT)
        purged = PurgeCounts(
            network_addresses=_delete(
                connection, network_addresses, show_id, network_addresses.c.seen_at < now - network_kept
            ),
            audit_log=_purge_audit_log(connection, show_id, before=now - audit_kept, now=now),
            sessions=_delete(connection, sessions, show_id, sessions.c.expires_at <= now),
            signin_requests=_delete(
                connection, signin_requests, show_id, signin_requests.c.created_at < now - SIGNIN_KEPT
            ),
            news_mails=_delete(
                connection,
                news_mails,
                show_id,
                news_mails.c.claimed_at < now - notifications.NOTIFICATION_WINDOW,
            ),
            jobs=_delete(
                connection,
                jobs,
                show_id,
                (jobs.c.outcome.is_not(None) & (jobs.c.finished_at < now - JOBS_KEPT))
                | (jobs.c.run_after < now - UNDONE_JOBS_KEPT),
            ),
            membership_events=_purge_events(connection, show_id, before=now - audit_kept, now=now),
            proofs=_delete(connection, proofs, show_id, proofs.c.expires_at < now),
        )
    truncate_wal(engine)
    return purged


def _purge_audit_log(connection: Connection, show_id: UUID, *, before: datetime, now: datetime) -> int:
    """Delete old entries; a row in audit_purges must release them first, or the trigger refuses."""
    is_old = (audit_log.c.show_id == show_id) & (audit_log.c.at < before)
    if not connection.scalar(select(exists(select(audit_log.c.id).where(is_old)))):
        return 0
    connection.execute(insert(audit_purges).values(show_id=show_id, purged_before=before, at=now))
    return _delete(connection, audit_log, show_id, audit_log.c.at < before)


def _purge_events(connection: Connection, show_id: UUID, *, before: datetime, now: datetime) -> int:
    """Delete old events, and the bodies of all but the newest; return the number of bodies."""
    _delete(connection, membership_events, show_id, membership_events.c.received_at < before)
    has_old_body = (
        (membership_events.c.show_id == show_id)
        & (membership_events.c.received_at < now - BODIES_KEPT)
        & membership_events.c.body.is_not(None)
    )
    return connection.execute(
        update(membership_events).where(has_old_body).values(body=None, last_error=None)
    ).rowcount


def _delete(connection: Connection, table: Table, show_id: UUID, is_old: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(table.c.show_id == show_id, is_old)).rowcount
