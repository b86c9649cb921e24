"""kill -9 while an episode is published to a real S3 server, at every request and at any time."""

import random
import signal

import pytest

from tests.support.bucket_show import soak_amounts
from tests.support.disturbed_publication import Scenario
from tests.support.faults import kill_at


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """The scenario with the fixture name in the parameter."""
    named: Scenario = request.getfixturevalue(request.param)
    return named


@soak_amounts(share=2, full=75)
@pytest.mark.parametrize("scenario", ["first", "corrected"], indirect=True)
def test_killed_at_a_request(scenario: Scenario, amount: int) -> None:
    """A kill before or after any request of the store loses nothing and leaves no intermediate state."""
    moments = [(number, after) for number in range(1, scenario.requests + 1) for after in (False, True)]
    for number, after in random.Random(5).sample(moments, amount):
        scenario.set_up()
        process, pid = scenario.show.publisher(), [0]
        fault = kill_at(number, pid, after=after)
        scenario.proxy.inject_everywhere(fault)
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
