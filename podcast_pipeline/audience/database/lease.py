"""A publish lease, for object stores that cannot compare and swap: one publisher at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Engine, text

from podcast_pipeline.audience.database.engine import advisory_lock
from podcast_pipeline.errors import SubscriberError

LOCK_NOT_AVAILABLE = "55P03"
WAIT_S = 60  # a publisher holds the lease only while it writes catalog and feed, a few seconds


@contextmanager
def lease(engine: Engine, show_id: UUID, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the show's publish lease, an advisory lock in PostgreSQL; a lost connection releases it.

    Raises:
        SubscriberError: another publisher held the lease longer than `wait_s`, or the database is
            unreachable.
    """
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{int(wait_s * 1000)}ms'"))
        try:
            advisory_lock(connection, b"P" + show_id.bytes[:7])
        except SubscriberError as error:
            if getattr(error.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
                message = f"another process has been publishing for {wait_s:.0f} s; run again"
                raise SubscriberError("the publish lease", message) from error
            raise
        yield
