"""The signed hook for any site: Standard Webhooks."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import NotAnEvent, SignatureRefused, SourceEvent
from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.errors import ConfigError, EventUnusable

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = "whsec_" + b64encode(b"k" * 32).decode()
HOOK = GenericHook(SECRET, ("standard", "student"))
DATA = {"id": "m-17", "email": "ada@example.org"}


def signed(body: bytes, *, event_id: str = "msg_1", at: datetime = NOW) -> dict[str, str]:
    """Return the headers of a delivery, signed by the standard's own library."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": "v1a,AAAA " + Webhook(SECRET).sign(event_id, at, body.decode()),
    }


def event_of(kind: str, **data: object) -> SourceEvent:
    """Return a delivered event."""
    told = {"type": kind, "timestamp": "2026-03-10T13:00:00+02:00", "data": DATA | data}
    body = json.dumps(told).encode()
    headers = signed(body)
    HOOK.verify(headers, body, now=NOW)
    return HOOK.parse(headers, body, now=NOW)


def look(kind: str, **data: object) -> Membership:
    """Return what an event says."""
    (found,) = HOOK.look(event_of(kind, **data), now=NOW)
    return found


def test_the_smallest_event_makes_a_subscription_without_an_end() -> None:
    """Id and address are enough; the rest has defaults."""
    assert look("subscriber.created") == Membership(
        source="generic",
        foreign_id="m-17",
        email="ada@example.org",
        starts_at=datetime(2026, 3, 10, 11, tzinfo=UTC),
        observed_at=datetime(2026, 3, 10, 11, tzinfo=UTC),
        observed_id="msg_1",
    )


def test_an_event_has_the_whole_state() -> None:
    """Each field of the schema arrives."""
    told = {
        "plan": "student",
        "period": "monthly",
        "starts_at": "2026-03-01T00:00:00Z",
        "period_ends_at": "2026-04-01T00:00:00Z",
        "renews": False,
        "suspended_at": "2026-03-09T00:00:00Z",
        "a_field_of_their_own": [1],
    }
    found = look("subscriber.updated", **told)
    assert (found.plan, found.period, found.renews) == ("student", "monthly", False)
    assert found.starts_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert found.period_ends_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert found.suspended_at == datetime(2026, 3, 9, tzinfo=UTC)


def test_cancelled_and_ended_say_so_by_their_kind() -> None:
    """A cancelled subscription does not renew; an ended one ends with the event."""
    cancelled, ended = look("subscriber.cancelled"), look("subscriber.ended", ended_because="refund")
    assert (cancelled.renews, cancelled.cancelled_at) == (False, cancelled.observed_at)
    assert (ended.ended_at, ended.ended_because) == (ended.observed_at, "refund")
    assert look("subscriber.ended").ended_because == "deleted"


def test_an_unknown_kind_is_kept_and_says_nothing() -> None:
    """The event has its id and its kind."""
    event = event_of("subscriber.moved_house")
    assert (event.id, event.kind, event.foreign_id) == ("msg_1", "subscriber.moved_house", "m-17")
    assert HOOK.look(event, now=NOW) == ()


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"plan": "gold"}, "has the plan 'gold', and show.toml has standard, student; add it there"),
        ({"period": "weekly"}, "data.period: Input should be 'monthly' or 'yearly'"),
        ({"id": 17}, "data.id: Input should be a valid string"),
        ({"period_ends_at": "2026-04-01T00:00:00"}, "data.period_ends_at: Input should have timezone info"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at: Value error, has no date in UTC"),
    ],
    ids=["plan", "period", "id", "zone", "year"],
)
def test_a_wrong_field_is_named(data: dict[str, object], line: str) -> None:
    """The event is kept, and one line names the field."""
    with pytest.raises(EventUnusable) as told:
        look("subscriber.created", **data)
    assert str(told.value) == f"event msg_1: {line}"


def test_a_value_is_never_quoted_from_a_body() -> None:
    """The line about a wrong address does not have it."""
    with pytest.raises(EventUnusable) as told:
        look("subscriber.created", email="x" * 321)
    assert "xxx" not in str(told.value)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_delivery_is_refused(minutes: int) -> None:
    """A signature counts for five minutes, in both directions."""
    with pytest.raises(SignatureRefused):
        HOOK.verify(signed(b"{}", at=NOW + timedelta(minutes=minutes)), b"{}", now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "1773144001"},
        {"webhook-timestamp": "1773144000.0"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1a,AAAA"},
    ],
    ids=str,
)
def test_what_is_not_signed_is_refused(changes: dict[str, str]) -> None:
    """Id, time and body are signed."""
    with pytest.raises(SignatureRefused):
        HOOK.verify(signed(b"{}") | changes, b"{}", now=NOW)
    for body in (b"{} ", b"\xff"):
        with pytest.raises(SignatureRefused):
            HOOK.verify(signed(b"{}"), body, now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type": 1}', b'{"type": "' + b"x" * 65 + b'"}'])
def test_what_is_no_event_is_told(body: bytes) -> None:
    """A signed body that is no JSON object with a type is refused."""
    with pytest.raises(NotAnEvent):
        HOOK.parse(signed(body), body, now=NOW)


@pytest.mark.parametrize("secret", ["whsec_", "swordfish", "whsec_c2hvcnQ=", "é"])
def test_a_weak_secret_is_refused(secret: str) -> None:
    """The line says what a secret is and how to make one, without the value."""
    with pytest.raises(ConfigError, match=r"^PODCAST_HOOK_SECRET: is not `whsec_` and") as told:
        GenericHook(secret, ())
    assert secret == "whsec_" or secret not in str(told.value)
