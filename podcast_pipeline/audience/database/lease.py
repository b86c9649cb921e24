"""One publisher at a time, where the object store cannot decide who was first."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Engine, text

from podcast_pipeline.audience.database.engine import advisory_lock
from podcast_pipeline.errors import SubscriberError

LOCK_NOT_AVAILABLE = "55P03"
WAIT_S = 60  # a publisher holds it for the two swaps only, a few seconds


@contextmanager
def lease(engine: Engine, show_id: UUID, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the show's publish lease in PostgreSQL; a publisher that dies lets go by its connection.

    Raises:
        SubscriberError: somebody else kept it longer than `wait_s`, or the database cannot be reached.
    """
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{int(wait_s * 1000)}ms'"))
        try:
            advisory_lock(connection, b"P" + show_id.bytes[:7])
        except SubscriberError as error:
            if getattr(error.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
                message = f"somebody else has been publishing for {wait_s:.0f} s; run again"
                raise SubscriberError("the publish lease", message) from error
            raise
        yield
