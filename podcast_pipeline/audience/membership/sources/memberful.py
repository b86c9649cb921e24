"""Memberful: a table of events and field names over the same machinery; by its documentation only.

An event has no time of its own and no id: the later delivery counts, and equal bodies are one event.

Source: https://memberful.com/help/custom-development-and-api/webhook-event-reference
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import SourceEvent
from podcast_pipeline.audience.membership.sources.payloads import (
    Payload,
    find,
    find_id,
    find_items,
    find_kind,
    find_unix_time,
    parse_object,
)
from podcast_pipeline.audience.membership.sources.signatures import check_signature, hex_hmac
from podcast_pipeline.errors import EventUnusable
from podcast_pipeline.model import Period

Meaning = Literal["as it says", "deleted", "refund", "suspended"]

MEANINGS: Mapping[str, Meaning] = {
    "member_signup": "as it says",
    "member_updated": "as it says",
    "member.deleted": "deleted",
    "subscription.created": "as it says",
    "subscription.updated": "as it says",
    "subscription.renewed": "as it says",
    "subscription.activated": "as it says",
    "subscription.deactivated": "deleted",
    "subscription.deleted": "deleted",
    "order.purchased": "as it says",
    "order.completed": "as it says",
    "order.refunded": "refund",
    "order.suspended": "suspended",
}
"""Kind of an event -> what it does to the subscriptions in it; all other kinds are kept and counted."""

MEMBERS = (("member",), ("subscription", "member"), ("order", "member"))
LISTS = (("subscriptions",), ("order", "subscriptions"), ("member", "subscriptions"))
PLANS = ("subscription_plan", "subscription", "plan")
PERIODS: Mapping[str, Period] = {"month": "monthly", "year": "yearly"}


@dataclass(frozen=True)
class Memberful:
    """The source `memberful`.

    Attributes:
        secret: PODCAST_MEMBERFUL_SECRET, the webhook's.
        plans: title of a plan of show.toml, which is Memberful's name of it -> its id.
    """

    secret: str = field(repr=False)
    plans: Mapping[str, str]
    name: str = "memberful"

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:  # noqa: ARG002
        """Check `X-Memberful-Webhook-Signature`, which has no time."""
        given = headers.get("x-memberful-webhook-signature", "")
        check_signature(hex_hmac(self.secret, body), [given])

    def parse(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> SourceEvent:  # noqa: ARG002
        """Return the event; its id is the hash of its body, its time that of the delivery."""
        payload = parse_object(body)
        first = next(iter(_subscriptions(payload)), None)
        event_id = sha256(body).hexdigest()
        return SourceEvent(event_id, find_kind(payload, "event"), find_id(first, "id"), now, body.decode())

    def look(self, event: SourceEvent, *, now: datetime) -> tuple[Membership, ...]:  # noqa: ARG002 (protocol)
        """Return the subscriptions as the event has them."""
        meaning, payload = MEANINGS.get(event.kind), parse_object(event.body.encode())
        if meaning is None:
            return ()
        email = next(filter(None, (find(payload, *path, "email") for path in MEMBERS)), None)
        return tuple(self._membership(each, email, meaning, event) for each in _subscriptions(payload))

    def list_all(self, *, now: datetime) -> Iterator[Membership] | None:  # noqa: ARG002 (protocol)
        """Return None: the GraphQL API is not read."""
        return None

    def _membership(
        self, subscription: object, email: str | None, meaning: Meaning, event: SourceEvent
    ) -> Membership:
        plan = next(filter(None, (find(subscription, name) for name in PLANS)), None)
        subscription_id = find_id(subscription, "id")
        starts_at = find_unix_time(subscription, "activated_at") or find_unix_time(subscription, "created_at")
        expires_at, never_ends = (
            find_unix_time(subscription, "expires_at"),
            find(subscription, "expires") is False,
        )
        if not (subscription_id and starts_at and (expires_at or never_ends)):
            raise EventUnusable(f"event {event.id[:12]}", "has a subscription without id, start or end")
        is_over = meaning in ("deleted", "refund")
        return Membership(
            source=self.name,
            foreign_id=subscription_id,
            email=email if isinstance(email, str) else None,
            plan=self.plans.get(str(find(plan, "name")), "standard"),
            period=PERIODS.get(str(find(plan, "interval_unit")), "yearly"),
            starts_at=starts_at,
            period_ends_at=None if never_ends else expires_at,
            renews=find(subscription, "autorenew") is not False,
            suspended_at=event.occurred_at if meaning == "suspended" else None,
            ended_at=event.occurred_at if is_over else None,
            ended_because=meaning if is_over else None,
            observed_at=event.occurred_at,
            observed_id=event.id,
        )


def _subscriptions(payload: Payload) -> list[Any]:
    """Return the subscriptions of an event: its own one, or those of its member or order."""
    one = find(payload, "subscription")
    if isinstance(one, dict):
        return [one]
    return next(filter(None, (find_items(payload, *path) for path in LISTS)), [])
