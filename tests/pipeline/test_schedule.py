"""Slots: the next free one on the show's own clock."""

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
    """From a Monday, Tuesday at six in the show's zone."""
    found = next_free_slot(SLOTS, zone=NEW_YORK, occupied=[], after=at("2026-11-23T21:00+00:00"))
    assert found == at("2026-11-24T06:00-05:00")


def test_a_taken_slot_is_passed_over() -> None:
    """With Tuesday taken it is Friday."""
    taken = [at("2026-11-24T06:00-05:00")]
    found = next_free_slot(SLOTS, zone=NEW_YORK, occupied=taken, after=at("2026-11-23T21:00+00:00"))
    assert found == at("2026-11-27T06:00-05:00")


def test_a_slot_that_is_now_is_not_next() -> None:
    """At the very moment of a slot the next one is meant."""
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
    """The Friday before and the Tuesday after a change have the same time on the wall."""
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
    """A skipped time comes an hour later, one that comes twice is its first."""
    assert next_free_slot([slot], zone=NEW_YORK, occupied=[], after=at(after)) == at(expected)


def test_a_show_without_slots_says_so() -> None:
    """Without slots the error names the key and the option."""
    with pytest.raises(ConfigError, match="--at TIME"):
        next_free_slot([], zone=NEW_YORK, occupied=[], after=at("2026-11-23T21:00+00:00"))
