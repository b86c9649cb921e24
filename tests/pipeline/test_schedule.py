"""The next free slot, in the show's time zone."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from podcast_pipeline.errors import ConfigError
from podcast_pipeline.pipeline.schedule import next_free_slot

NEW_YORK = ZoneInfo("America/New_York")
SLOTS = (("TU", time(6)), ("FR", time(6)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_the_next_slot_is_the_first_after_now() -> None:
    """The next slot after a Monday is Tuesday at six in the show's time zone."""
    found = next_free_slot(SLOTS, zone=NEW_YORK, occupied=[], after=at("2026-11-23T21:00+00:00"))
    assert found == at("2026-11-24T06:00-05:00")


def test_a_taken_slot_is_passed_over() -> None:
    """With Tuesday taken, the next slot is Friday."""
    taken = [at("2026-11-24T06:00-05:00")]
    found = next_free_slot(SLOTS, zone=NEW_YORK, occupied=taken, after=at("2026-11-23T21:00+00:00"))
    assert found == at("2026-11-27T06:00-05:00")


def test_a_slot_that_is_now_is_not_next() -> None:
    """At the exact time of a slot the next slot is returned."""
    found = next_free_slot(SLOTS, zone=NEW_YORK, occupied=[], after=at("2026-11-24T06:00-05:00"))
    assert found == at("2026-11-27T06:00-05:00")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-10-30T12:00-04:00", "2026-11-03T06:00-05:00"),
        ("2026-03-06T12:00-05:00", "2026-03-10T06:00-04:00"),
    ],
    ids=["autumn", "spring"],
)
def test_six_o_clock_stays_six_o_clock_over_a_change_of_clocks(after: str, expected: str) -> None:
    """The slots before and after a change of the clocks have the same local time."""
    assert next_free_slot(SLOTS, zone=NEW_YORK, occupied=[], after=at(after)) == at(expected)


@pytest.mark.parametrize(
    ("slot", "after", "expected"),
    [
        (("SU", time(2, 30)), "2026-03-07T12:00-05:00", "2026-03-08T03:30-04:00"),
        (("SU", time(1, 30)), "2026-10-31T12:00-04:00", "2026-11-01T01:30-04:00"),
    ],
    ids=["skipped", "twice"],
)
def test_the_two_sundays(slot: tuple[str, time], after: str, expected: str) -> None:
    """A skipped local time becomes an hour later; of a repeated local time the first is taken."""
    assert next_free_slot([slot], zone=NEW_YORK, occupied=[], after=at(after)) == at(expected)


def test_a_show_without_slots_says_so() -> None:
    """The error of a show without slots names the key and the option."""
    with pytest.raises(ConfigError, match="--at TIME"):
        next_free_slot([], zone=NEW_YORK, occupied=[], after=at("2026-11-23T21:00+00:00"))
