"""What a source says of a subscription, and when its entitlement ends."""

from datetime import UTC, datetime, timedelta

import pytest

from podcast_pipeline.audience.membership.facts import Membership, entitlement_end

START = datetime(2026, 11, 1, tzinfo=UTC)
PERIOD_END = START + timedelta(days=30)
GRACE = timedelta(days=7)

ENDS: dict[str, tuple[dict[str, object], datetime | None]] = {
    "a paid period has the grace days after it": ({}, PERIOD_END + GRACE),
    "a cancelled period has none": ({"renews": False, "cancelled_at": START}, PERIOD_END),
    "no end": ({"period_ends_at": None}, None),
    "an end in the year 9999 is none": ({"period_ends_at": datetime(9999, 12, 31, tzinfo=UTC)}, None),
    "a refund ends it at once": ({"ended_at": START + timedelta(days=3)}, START + timedelta(days=3)),
    "a gift without end that was deleted": ({"period_ends_at": None, "ended_at": START}, START),
    "an unpaid one that the source deletes weeks later ended with the grace days": (
        {"ended_at": PERIOD_END + timedelta(days=21)},
        PERIOD_END + GRACE,
    ),
}


def membership(**changes: object) -> Membership:
    """Return a paid month that renews, with some fields changed."""
    paid = {
        "source": "stripe",
        "foreign_id": "sub_1",
        "email": "ada@example.org",
        "starts_at": START,
        "period_ends_at": PERIOD_END,
        "observed_at": START,
    }
    return Membership.model_validate(paid | changes)


@pytest.mark.parametrize("case", ENDS)
def test_when_an_entitlement_ends(case: str) -> None:
    """The grace days follow a period that renews, and nothing else."""
    changes, end = ENDS[case]
    assert entitlement_end(membership(**changes), grace_days=7) == end


def test_observations_of_one_second_are_ordered_by_their_ids() -> None:
    """The source's own time orders observations, and the id those of one second."""
    first, second = membership(observed_id="evt_1"), membership(observed_id="evt_2")
    later = membership(observed_at=START + timedelta(seconds=1), observed_id="evt_0")
    assert sorted([later, second, first], key=lambda seen: seen.order) == [first, second, later]
