"""Memberful, by its documentation: signatures, and what its events say."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import SignatureRefused
from podcast_pipeline.audience.membership.sources.memberful import Memberful
from podcast_pipeline.audience.membership.sources.signatures import hex_hmac
from podcast_pipeline.errors import EventUnusable

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SOURCE = Memberful("the webhook's secret", {"Student yearly": "student"})
CREATED, EXPIRES = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
SUBSCRIPTION = {
    "active": True,
    "created_at": int(CREATED.timestamp()),
    "expires": True,
    "expires_at": int(EXPIRES.timestamp()),
    "id": 77,
    "in_trial_period": False,
    "subscription": {"id": 5, "name": "Student yearly", "interval_unit": "month", "interval_count": 1},
}
MEMBER = {"id": 12, "email": "john.doe@example.com", "full_name": "John Doe"}
SHAPES: dict[str, dict[str, Any]] = {
    "member": {"member": MEMBER, "products": [], "subscriptions": [SUBSCRIPTION]},
    "subscription": {"subscription": SUBSCRIPTION | {"member": MEMBER}},
    "order": {"order": {"uuid": "4DACB7B0", "member": MEMBER, "subscriptions": [SUBSCRIPTION]}},
}


def look(kind: str, payload: dict[str, Any]) -> tuple[Membership, ...]:
    """Return what a delivered event says."""
    body = json.dumps({"event": kind} | payload).encode()
    headers = {"x-memberful-webhook-signature": hex_hmac("the webhook's secret", body)}
    SOURCE.verify(headers, body, now=NOW)
    return SOURCE.look(SOURCE.parse(headers, body, now=NOW), now=NOW)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_an_event_has_the_subscription(shape: str) -> None:
    """Member, subscription and order events have the same fields in three places."""
    kind = {"member": "member_updated", "subscription": "subscription.renewed", "order": "order.purchased"}
    (found,) = look(kind[shape], SHAPES[shape])
    assert found.model_copy(update={"observed_id": ""}) == Membership(
        source="memberful",
        foreign_id="77",
        email="john.doe@example.com",
        plan="student",
        period="monthly",
        starts_at=CREATED,
        period_ends_at=EXPIRES,
        observed_at=NOW,
    )


def test_what_the_kinds_mean() -> None:
    """A deactivation and a refund end at once, a suspension suspends; autorenew off has no grace days."""
    (deactivated,) = look("subscription.deactivated", SHAPES["subscription"])
    (refunded,) = look("order.refunded", SHAPES["order"])
    (suspended,) = look("order.suspended", SHAPES["order"])
    (cancelled,) = look("subscription.updated", {"subscription": SUBSCRIPTION | {"autorenew": False}})
    assert (deactivated.ended_at, deactivated.ended_because) == (NOW, "deleted")
    assert (refunded.ended_at, refunded.ended_because) == (NOW, "refund")
    assert (suspended.suspended_at, suspended.ended_at) == (NOW, None)
    assert (cancelled.renews, cancelled.email) == (False, None)


def test_other_events_say_nothing() -> None:
    """Plans and downloads are kept and counted; a deleted member has no subscriptions."""
    assert look("subscription_plan.created", {"subscription": SUBSCRIPTION["subscription"]}) == ()
    assert look("member.deleted", {"member": {"id": 12, "deleted": True}, "subscriptions": []}) == ()


def test_equal_bodies_are_one_event() -> None:
    """The id is the hash of the body, for an event has none: a repeated delivery is no new event."""
    body = json.dumps({"event": "member_updated"} | SHAPES["member"]).encode()
    first, again = SOURCE.parse({}, body, now=NOW), SOURCE.parse({}, body, now=NOW + timedelta(hours=1))
    assert first.id == again.id


def test_a_subscription_without_dates_is_told() -> None:
    """One line, without what is in the event."""
    with pytest.raises(EventUnusable, match=r"^event [0-9a-f]{12}: has a subscription without id, start"):
        look("subscription.created", {"subscription": {"id": 77, "member": MEMBER}})


def test_a_wrong_signature_is_refused() -> None:
    """The signature is over the raw body."""
    for given in ("", hex_hmac("another secret", b"{}"), hex_hmac("the webhook's secret", b"{ }")):
        with pytest.raises(SignatureRefused):
            SOURCE.verify({"x-memberful-webhook-signature": given}, b"{}", now=NOW)
