"""How many connections the server holds, and how often it logs that there are too many."""

import asyncio
import errno
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

LOG = logging.getLogger("uvicorn.error")

MAX_DESCRIPTORS = 65_536  # some systems give no limit, or one that the kernel refuses
MAX_CONNECTIONS = 4000  # one takes about 25 kB
RESERVED_DESCRIPTORS = 320  # files of downloads, the database, and connections that are being closed
REPEATED_AFTER_S = 60.0
NO_RESOURCE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit of descriptors to the hard one; return the limit."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return MAX_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS refuses more than its kernel has
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else soft


def connection_limit(descriptors: int) -> int:
    """Return how many connections fit into a number of descriptors, with some left for files."""
    return min(MAX_CONNECTIONS, max(descriptors - RESERVED_DESCRIPTORS, descriptors // 4))


def handle_accept_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop log a refused `accept` as one line; asyncio writes a traceback for each, thousands."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in NO_RESOURCE and "socket" in context:
            LOG.warning("no connection can be taken: %s; raise the limit (ulimit -n)", error.strerror)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


class OncePerMinute(logging.Filter):
    """Lets a warning through once a minute: clients choose how often the server meets what it says.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._logged_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record; tracebacks and plain information always are."""
        if record.levelno != logging.WARNING or record.exc_info:
            return True
        now, text = self._clock(), record.getMessage()
        if now - self._logged_at.get(text, -REPEATED_AFTER_S) < REPEATED_AFTER_S:
            return False
        self._logged_at[text] = now
        return True
