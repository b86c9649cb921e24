"""kill -9 while an episode is published to a real S3 server, at every request and at any time."""

import os
import random
import signal
import threading

import pytest

from tests.support.bucket_show import soak_amounts
from tests.support.disturbed_publication import Scenario
from tests.support.faults import Fault, ProxiedRequest

pytestmark = pytest.mark.xdist_group("kills")

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
EVERY_REQUEST = 1_000_000


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """The scenario with the fixture name in the parameter."""
    named: Scenario = request.getfixturevalue(request.param)
    return named


def kill_at(number: int, pid: list[int], *, after: bool) -> Fault:
    """Return a fault that kills the publisher at this request, before or after the server handles it."""
    turn = threading.Lock()
    numbers = iter(range(1, EVERY_REQUEST))

    def fault(exchange: ProxiedRequest) -> None:
        with turn:
            mine = next(numbers)
        if mine != number:
            return exchange.pass_through()
        if after:
            exchange.forward()
        os.kill(pid[0], signal.SIGKILL)
        return exchange.hang_up()

    return fault


@soak_amounts(share=2, full=75)
@pytest.mark.parametrize("scenario", ["first", "corrected"], indirect=True)
def test_killed_at_a_request(scenario: Scenario, amount: int) -> None:
    """A kill before or after any request of the store loses nothing and leaves no intermediate state."""
    moments = [(number, after) for number in range(1, scenario.requests + 1) for after in (False, True)]
    for number, after in random.Random(5).sample(moments, amount):
        scenario.set_up()
        process, pid = scenario.show.publisher(), [0]
        fault = kill_at(number, pid, after=after)
        for method in METHODS:
            scenario.proxy.inject(method, fault, times=EVERY_REQUEST)
        process.start()
        pid[0] = process.pid or 0
        process.join()
        assert process.exitcode == -signal.SIGKILL, (number, after)
        scenario.assert_outcome()


@soak_amounts(share=2, full=60)
def test_killed_at_any_time(mastered: Scenario, amount: int) -> None:
    """After a kill while reading, mastering, tagging or storing, the same command makes the same bytes."""
    chance = random.Random(6)
    for _ in range(amount):
        mastered.set_up()
        process = mastered.show.publisher()
        process.start()
        process.join(chance.uniform(0.05, mastered.seconds))
        process.kill()
        process.join()
        mastered.assert_outcome()
