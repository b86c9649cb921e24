"""How long a request of the web site waits for the database: in sum, however often it waits.

A command waits longer: nobody else waits for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_DEADLINE: ContextVar[float | None] = ContextVar("database_deadline", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Limit what this task, and the threads that it starts meanwhile, wait for the database in sum.

    Within another limit the earlier end counts.
    """
    earlier, end = _DEADLINE.get(), monotonic() + seconds
    token = _DEADLINE.set(end if earlier is None else min(earlier, end))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def remaining_s() -> float | None:
    """Return for how many seconds there is patience left, at least 0; None without a limit."""
    deadline = _DEADLINE.get()
    return None if deadline is None else max(0.0, deadline - monotonic())
