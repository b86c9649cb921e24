"""Stripe's events and subscriptions; pure.

An event only says which object changed, in any version of the API. The facts are the subscription itself, as
the API has it in `API_VERSION`.

Source: Stripe's OpenAPI document (github.com/stripe/openapi) and https://docs.stripe.com/webhooks.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import Details, NotAnEvent, SourceEvent
from podcast_pipeline.audience.membership.sources.payloads import (
    PRINTABLE,
    Payload,
    find,
    find_id,
    find_items,
    find_kind,
    find_unix_time,
)
from podcast_pipeline.audience.membership.sources.signatures import check_signature, check_time, hex_hmac
from podcast_pipeline.errors import EventUnusable
from podcast_pipeline.model import Period

NAME = "stripe"
API_VERSION = "2025-02-24.acacia"
"""The last version in which an invoice names its charge: one read has the payment and its refunds."""

EXPANDED = ("customer", "latest_invoice.charge.refunds")
"""What an answer has beside the subscription itself."""

OF_INVOICE = (("subscription",), ("parent", "subscription_details", "subscription"))
"""Where an invoice names its subscription, in older and in newer versions of the API."""

LOOKED_AT: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "checkout.session.completed": (("subscription",),),
    "customer.subscription.": (("id",),),
    "customer.updated": (("id",),),
    "invoice.paid": OF_INVOICE,
    "invoice.payment_succeeded": OF_INVOICE,
    "invoice.payment_failed": OF_INVOICE,
    "charge.refunded": (("id",),),
    "charge.dispute.": (("charge",),),
}
"""Kind of an event, or how it begins -> where its object may name what is to be looked at."""

KEPT_DETAILS = ("customer", "subscription", "invoice", "charge", "amount", "amount_refunded", "currency")
PERIODS: Mapping[str, Period] = {"month": "monthly", "year": "yearly"}
PAID, UNPAID = ("active", "trialing"), ("past_due", "unpaid")
WON_DISPUTES = ("won", "warning_closed")


def check_stripe_signature(header: str, body: bytes, *, secret: str, now: datetime) -> None:
    """Check `Stripe-Signature`: `t=<time>,v1=<hex>`, the HMAC of `<time>.<body>`; one v1 for each secret.

    Raises:
        SignatureRefused: it is not right, or not of now.
    """
    parts = [part.strip().partition("=") for part in header.split(",")[:20]]
    signed_at = check_time(next((value for name, _, value in parts if name == "t"), ""), now=now)
    expected = hex_hmac(secret, b"%d." % signed_at + body)
    check_signature(expected, (value for name, _, value in parts if name == "v1"))


def to_event(payload: Payload, body: bytes, *, now: datetime) -> SourceEvent:
    """Return an event of any kind; raises NotAnEvent without an id and a kind."""
    event_id = find(payload, "id")
    if not isinstance(event_id, str) or not PRINTABLE.fullmatch(event_id):
        raise NotAnEvent("has no id")
    kind, changed = find_kind(payload, "type"), find(payload, "data", "object")
    return SourceEvent(
        event_id,
        kind,
        _looked_at(kind, changed),
        find_unix_time(payload, "created") or now,
        body.decode(),
        _details(changed),
    )


def _looked_at(kind: str, changed: object) -> str | None:
    paths = next((p for known, p in LOOKED_AT.items() if kind == known or _begins(kind, known)), ())
    return next(filter(None, (find_id(changed, *path) for path in paths)), None)


def _begins(kind: str, known: str) -> bool:
    return known.endswith(".") and kind.startswith(known)


def _details(changed: object) -> Details:
    found = ((name, find(changed, name), find_id(changed, name)) for name in KEPT_DETAILS)
    return {
        name: value if isinstance(value, int) and text == str(value) else text
        for name, value, text in found
        if text
    }


def to_membership(
    subscription: Payload,
    *,
    plans: Mapping[str, str],
    disputes: list[Any],
    observed_at: datetime,
) -> Membership | None:
    """Return what a subscription of the API is; None for one of a price that is no plan of the show.

    Args:
        plans: Stripe's price -> the id of the plan.
        disputes: those of the latest invoice's charge.

    Raises:
        EventUnusable: the answer lacks what a subscription has.
    """
    subscription_id = find_id(subscription, "id")
    item = next(iter(find_items(subscription, "items", "data")), None)
    plan = plans.get(find_id(item, "plan") or "")
    if plan is None:
        return None
    starts_at, period = find_unix_time(subscription, "start_date"), find(item, "plan", "interval")
    begins, ends = (find_unix_time(subscription, f"current_period_{side}") for side in ("start", "end"))
    if not (subscription_id and starts_at and begins and ends and period in PERIODS):
        raise EventUnusable(
            f"stripe: {subscription_id}",
            "has no start, no period or an interval that is neither month nor year; see it in Stripe's"
            " dashboard",
        )
    status, cancel_at = find(subscription, "status"), find_unix_time(subscription, "cancel_at")
    is_paid = status in PAID or find(subscription, "latest_invoice", "status") == "paid"
    is_cancelled = bool(find(subscription, "cancel_at_period_end") or (cancel_at and cancel_at <= ends))
    paid_until = min(ends, cancel_at or ends) if is_paid else begins
    ended_at, because = min(_ends(subscription, disputes), default=(None, None))
    return Membership(
        source=NAME,
        foreign_id=subscription_id,
        email=find(subscription, "customer", "email") or None,
        plan=plan,
        period=PERIODS[period],
        starts_at=starts_at,
        period_ends_at=paid_until,
        renews=status in (*PAID, *UNPAID) and not is_cancelled,
        cancelled_at=find_unix_time(subscription, "canceled_at"),
        ended_at=ended_at,
        ended_because=because,
        observed_at=observed_at,
        observed_id=observed_at.isoformat(timespec="microseconds"),
    )


def _ends(subscription: Payload, disputes: list[Any]) -> Iterator[tuple[datetime, str]]:
    """Yield when something ended the subscription at once, and what."""
    charge = find(subscription, "latest_invoice", "charge")
    refunds = find_items(charge, "refunds", "data") if find(charge, "refunded") is True else []
    refunded = (find_unix_time(refund, "created") for refund in refunds)
    disputed = (find_unix_time(each, "created") for each in disputes if _is_open_or_lost(each))
    yield from ((at, "dispute") for at in disputed if at)
    if last := max(filter(None, refunded), default=None):  # the one that made it a full refund
        yield last, "refund"
    if find(subscription, "status") == "canceled" and (at := find_unix_time(subscription, "ended_at")):
        yield at, "deleted"


def _is_open_or_lost(dispute: object) -> bool:
    """Return whether a dispute holds the money back."""
    return find(dispute, "status") not in WON_DISPUTES
