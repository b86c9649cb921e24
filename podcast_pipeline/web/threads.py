"""Threads of their own for requests that need the database, so that a locked one holds up no others.

Public objects, static files and the pages of a visitor run in Starlette's threads. Those of a reader, and
private feeds, have a few threads for reading; what writes has a few others. SQLite reads while another
program holds its write lock, so private feeds go on then.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from typing import Literal, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread
from anyio.lowlevel import RunVar
from starlette.requests import Request
from starlette.responses import Response

from podcast_pipeline.audience.database.patience import patience, remaining_s
from podcast_pipeline.errors import SubscriberError

Endpoint = Callable[[Request], Response]
AsyncEndpoint = Callable[[Request], Awaitable[Response]]
Purpose = Literal["read", "write"]
Result = TypeVar("Result")

PATIENCE_S = 3.0
"""Seconds that a request waits for the database in sum; then it gets 503 with Retry-After."""

ASIDE_THREADS = 4
"""Threads that ask another site; they use no database."""

THREADS: dict[Purpose, int] = {"read": 9, "write": 4}
"""Threads by purpose; together fewer than the connections of the pool, so that none waits for one."""

_LIMITERS: RunVar[dict[Purpose, CapacityLimiter]] = RunVar("database_threads")
_ASIDE: RunVar[CapacityLimiter] = RunVar("aside_threads")


async def run_with_database(purpose: Purpose, work: Callable[..., Result], *arguments: object) -> Result:
    """Run work that needs the database in a thread of its purpose.

    Raises:
        SubscriberError: the database, or a thread for it, was not free in time.
    """
    limiter, turn = _limiter(purpose), object()
    with patience(PATIENCE_S):
        try:
            with fail_after(remaining_s()):
                await limiter.acquire_on_behalf_of(turn)
        except TimeoutError as error:
            raise SubscriberError("database", f"was busy for {PATIENCE_S:g} s") from error
        try:
            return await to_thread.run_sync(partial(work, *arguments), limiter=CapacityLimiter(inf))
        finally:
            limiter.release_on_behalf_of(turn)


async def run_aside(work: Callable[[], Result]) -> Result:
    """Run work that asks another site in one of a few threads of its own."""
    try:
        limiter = _ASIDE.get()
    except LookupError:
        limiter = CapacityLimiter(ASIDE_THREADS)
        _ASIDE.set(limiter)
    return await to_thread.run_sync(work, limiter=limiter)


def reads(endpoint: Endpoint) -> AsyncEndpoint:
    """Return an endpoint that runs in the threads for reading."""

    async def run(request: Request) -> Response:
        return await run_with_database("read", endpoint, request)

    return run


def reads_if(needs_database: Callable[[Request], bool], endpoint: Endpoint) -> AsyncEndpoint:
    """Return an endpoint that runs in the threads for reading only for some requests."""

    async def run(request: Request) -> Response:
        if needs_database(request):
            return await run_with_database("read", endpoint, request)
        return await to_thread.run_sync(endpoint, request)

    return run


def _limiter(purpose: Purpose) -> CapacityLimiter:
    """Return the limiter of this event loop."""
    try:
        return _LIMITERS.get()[purpose]
    except LookupError:
        _LIMITERS.set({purpose: CapacityLimiter(count) for purpose, count in THREADS.items()})
        return _LIMITERS.get()[purpose]
