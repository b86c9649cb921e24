"""The number of connections, and what is logged when there are too many."""

import asyncio
import errno
import logging
import resource

import pytest

from podcast_pipeline.web.connections import limits


def test_the_soft_limit_becomes_the_hard_one() -> None:
    """`serve` takes all descriptors that it may have."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[0] - 1, before[1]))
        got = limits.raise_descriptor_limit()
        assert got == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert got == min(before[1], limits.MAX_DESCRIPTORS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(256, 64), (1024, 704), (2000, 1680), (65_536, 4000), (8, 2)]
)
def test_some_descriptors_are_left_for_files(descriptors: int, connections: int) -> None:
    """A server whose connections took all descriptors could open no file and no database."""
    assert limits.connection_limit(descriptors) == connections


def test_a_shortage_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The loop reports each refused connection; the log has one line, and the next one after a minute."""
    seconds = [0.0]
    rare = limits.OncePerMinute(lambda: seconds[0])
    limits.LOG.addFilter(rare)
    loop = asyncio.new_event_loop()
    limits.handle_accept_errors(loop)
    error = OSError(errno.EMFILE, "Too many open files")
    context = {"message": "socket.accept() out of system resource", "exception": error, "socket": object()}
    try:
        with caplog.at_level(logging.INFO):
            for second in (0.0, 1.0, 59.9, 60.0):
                seconds[0] = second
                for _ in range(100):
                    loop.call_exception_handler(context)
    finally:
        limits.LOG.removeFilter(rare)
        loop.close()
    line = "no connection can be taken: Too many open files; raise the limit (ulimit -n)"
    assert [record.getMessage() for record in caplog.records] == [line, line]
    assert not any(record.exc_info for record in caplog.records)


def test_other_errors_of_the_loop_keep_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """Only a refused connection is shortened, as anything else is a bug of ours."""
    loop = asyncio.new_event_loop()
    limits.handle_accept_errors(loop)
    try:
        loop.call_exception_handler({"message": "broken", "exception": OSError(errno.EMFILE, "a file")})
    finally:
        loop.close()
    (record,) = caplog.records
    assert record.exc_info
    assert limits.OncePerMinute().filter(record)
