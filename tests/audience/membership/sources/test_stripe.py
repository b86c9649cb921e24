"""Stripe: signatures, events of any version of the API, and what a subscription means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from podcast_pipeline.audience.membership.facts import Membership, entitlement_end
from podcast_pipeline.audience.membership.sources.events import NotAnEvent, SignatureRefused, SourceEvent
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.errors import MembershipError
from tests.support.fake_stripe import INTERVALS, KEY, WEBHOOK_SECRET, FakeStripe

MONTH = INTERVALS["month"]
GRACE = timedelta(days=7)
KINDS = (
    "invoice.paid",
    "customer.subscription.created",
    "checkout.session.completed",
    "invoice.payment_failed",
    "customer.subscription.updated",
    "customer.updated",
    "charge.refunded",
    "charge.dispute.created",
    "customer.subscription.deleted",
)


@pytest.fixture
def account() -> FakeStripe:
    """An account without customers."""
    return FakeStripe()


def source_of(account: FakeStripe, key: str = KEY) -> Stripe:
    """Return the source over an account, with two plans."""
    plans = {"price_month": "standard", "price_year": "standard", "price_student_year": "student"}
    return Stripe(StripeApi(key, transport=account.transport), WEBHOOK_SECRET, plans)


def delivered(account: FakeStripe, source: Stripe, event: dict[str, Any]) -> SourceEvent:
    """Return an event as it is after a delivery."""
    headers, body = account.signed(event)
    source.verify(headers, body, now=account.now)
    return source.parse(headers, body, now=account.now)


def look(account: FakeStripe) -> Membership:
    """Return what the last event of an account leads to."""
    source = source_of(account)
    (found,) = source.look(delivered(account, source, account.events[-1]), now=account.now)
    return found


def test_a_paid_subscription_is_a_membership_to_the_end_of_its_period(account: FakeStripe) -> None:
    """Address, plan, period and dates are those of the API's answer."""
    subscription_id = account.subscribe("Ada@Example.org", "price_student_year")
    assert look(account) == Membership(
        source="stripe",
        foreign_id=subscription_id,
        email="Ada@Example.org",
        plan="student",
        period="yearly",
        starts_at=account.now,
        period_ends_at=account.now + INTERVALS["year"],
        observed_at=account.now,
        observed_id="2026-03-10T12:00:00.000000+00:00",
    )


def test_every_event_of_a_life_leads_to_its_subscription(account: FakeStripe) -> None:
    """Each kind of event names what to look at, and one look finds the one subscription."""
    subscription_id = account.subscribe("ada@example.org")
    account.renew(subscription_id, pays=False)
    account.pay_late(subscription_id)
    account.change_email(subscription_id, "ada.lovelace@example.org")
    account.cancel(subscription_id)
    account.refund(subscription_id)
    account.dispute(subscription_id)
    account.end(subscription_id)
    source = source_of(account)
    looks = {
        event["type"]: [each.foreign_id for each in source.look(found, now=account.now)]
        for event in account.events
        for found in [delivered(account, source, event)]
    }
    assert sorted(looks) == sorted(KINDS)
    assert set(map(tuple, looks.values())) == {(subscription_id,)}


def test_an_invoice_of_a_newer_version_names_its_subscription(account: FakeStripe) -> None:
    """Since 2025-03-31 an invoice names its subscription in `parent`."""
    subscription_id = account.subscribe("ada@example.org")
    invoice = {"id": "in_1", "parent": {"subscription_details": {"subscription": subscription_id}}}
    event = {"id": "evt_1", "type": "invoice.paid", "created": 1, "data": {"object": invoice}}
    assert delivered(account, source_of(account), event).foreign_id == subscription_id


def test_a_failed_renewal_ends_seven_days_after_the_paid_period(account: FakeStripe) -> None:
    """Stripe moves the period on although nobody paid; what was paid for counts, and the grace days."""
    started = account.now
    subscription_id = account.subscribe("ada@example.org")
    account.now += MONTH
    account.renew(subscription_id, pays=False)
    assert entitlement_end(look(account), grace_days=7) == started + MONTH + GRACE
    account.pay_late(subscription_id)
    assert entitlement_end(look(account), grace_days=7) == started + 2 * MONTH + GRACE


def test_a_first_payment_that_fails_gives_nothing(account: FakeStripe) -> None:
    """An incomplete subscription ends when it begins, without grace days."""
    account.subscribe("ada@example.org", pays=False)
    assert entitlement_end(look(account), grace_days=7) == account.now


def test_a_cancelled_subscription_ends_with_its_period(account: FakeStripe) -> None:
    """Neither grace days nor the deletion at the end of the period change that."""
    started = account.now
    subscription_id = account.subscribe("ada@example.org")
    account.cancel(subscription_id)
    assert entitlement_end(look(account), grace_days=7) == started + MONTH
    account.now += MONTH
    account.end(subscription_id)
    assert entitlement_end(look(account), grace_days=7) == started + MONTH


def test_a_subscription_that_is_deleted_at_once_ends_at_once(account: FakeStripe) -> None:
    """The end that Stripe says counts."""
    subscription_id = account.subscribe("ada@example.org")
    account.now += timedelta(days=3)
    account.cancel(subscription_id, at_once=True)
    found = look(account)
    assert (found.ended_at, found.ended_because) == (account.now, "deleted")
    assert entitlement_end(found, grace_days=7) == account.now


def test_a_refund_ends_at_once_and_the_next_payment_begins_again(account: FakeStripe) -> None:
    """A full refund of the last payment counts until another payment."""
    subscription_id = account.subscribe("ada@example.org")
    account.now += timedelta(days=3)
    account.refund(subscription_id)
    refunded_at = account.now
    account.now += timedelta(days=1)
    found = look(account)
    assert (found.ended_at, found.ended_because) == (refunded_at, "refund")
    account.renew(subscription_id)
    assert look(account).ended_at is None


def test_a_part_of_the_money_back_ends_nothing(account: FakeStripe) -> None:
    """A charge that is not refunded in full pays for its period."""
    subscription_id = account.subscribe("ada@example.org")
    account.refund(subscription_id)
    next(iter(account.charges.values()))["refunded"] = False
    assert look(account).ended_at is None


@pytest.mark.parametrize(
    ("status", "ends"),
    [("needs_response", True), ("under_review", True), ("lost", True), ("won", False)],
)
def test_a_dispute_ends_at_once_unless_it_is_won(account: FakeStripe, status: str, ends: bool) -> None:
    """A dispute counts from its beginning; one that was won counts no longer."""
    subscription_id = account.subscribe("ada@example.org")
    account.now += timedelta(days=3)
    account.dispute(subscription_id, status)
    found = look(account)
    assert (found.ended_at, found.ended_because) == ((account.now, "dispute") if ends else (None, None))


def test_a_change_of_address_is_found_by_the_customer(account: FakeStripe) -> None:
    """The event names the customer; the subscription has the new address."""
    account.change_email(account.subscribe("ada@example.org"), "ada.lovelace@example.org")
    assert look(account).email == "ada.lovelace@example.org"


def test_another_product_of_the_account_is_no_business_of_the_show(account: FakeStripe) -> None:
    """A price that no plan of show.toml has gives nothing, in events and in the list."""
    account.subscribe("ada@example.org", "price_of_mugs")
    source = source_of(account)
    assert source.look(delivered(account, source, account.events[-1]), now=account.now) == ()
    assert list(source.list_all(now=account.now)) == []


def test_the_list_has_all_pages(account: FakeStripe) -> None:
    """Every subscription is listed, ended ones included, whatever fits on a page."""
    ids = [account.subscribe(f"reader{n}@example.org") for n in range(201)]
    account.cancel(ids[7], at_once=True)
    assert [each.foreign_id for each in source_of(account).list_all(now=account.now)] == ids
    assert account.requests == ["GET /v1/subscriptions"] * 3


def test_what_is_gone_is_nothing(account: FakeStripe) -> None:
    """An event of a subscription that the API does not know leads to nothing."""
    event = {"id": "evt_1", "type": "customer.subscription.updated", "data": {"object": {"id": "sub_gone"}}}
    source = source_of(account)
    assert source.look(delivered(account, source, event), now=account.now) == ()


def test_an_unknown_kind_is_an_event_that_leads_to_nothing(account: FakeStripe) -> None:
    """It is kept and counted; the API is not asked."""
    event = {"id": "evt_1", "type": "product.created", "created": 1773144000, "data": {"object": {"id": "p"}}}
    source = source_of(account)
    found = delivered(account, source, event)
    assert (found.id, found.kind, found.foreign_id) == ("evt_1", "product.created", None)
    assert found.occurred_at == datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert source.look(found, now=account.now) == ()
    assert account.requests == []


def test_a_refused_key_is_told_with_what_it_must_allow(account: FakeStripe) -> None:
    """The line names the environment's variable, not the key."""
    source = source_of(account, key="sk_test_wrong")
    with pytest.raises(MembershipError, match=r"^stripe: refuses PODCAST_STRIPE_KEY .*; make a key") as told:
        list(source.list_all(now=account.now))
    assert "sk_test_wrong" not in str(told.value)


def test_a_site_that_is_down_is_told(account: FakeStripe) -> None:
    """The event is applied later."""
    account.is_down = True
    with pytest.raises(MembershipError, match=r"^stripe: GET /v1/subscriptions answers 503$"):
        list(source_of(account).list_all(now=account.now))


@pytest.mark.parametrize(
    "header", ["", "t=,v1=", "t=1773144000", "v1=aa", "t=x,v1=aa", "t=9999999999999,v1=a"]
)
def test_what_is_not_signed_is_refused(account: FakeStripe, header: str) -> None:
    """A missing, malformed or wrong signature is refused."""
    with pytest.raises(SignatureRefused):
        source_of(account).verify({"stripe-signature": header}, b"{}", now=account.now)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_delivery_is_refused(account: FakeStripe, minutes: int) -> None:
    """A signature counts for five minutes, in both directions."""
    account.subscribe("ada@example.org")
    headers, body = account.signed(account.events[0])
    source = source_of(account)
    source.verify(headers, body, now=account.now)
    with pytest.raises(SignatureRefused):
        source.verify(headers, body, now=account.now + timedelta(minutes=minutes))
    with pytest.raises(SignatureRefused):
        source.verify(headers, body + b" ", now=account.now)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", b"{}", b'{"id": "a b", "type": "x"}', b'{"id": "evt_1"}', b"[" * 250_000],
)
def test_what_is_no_event_is_told(account: FakeStripe, body: bytes) -> None:
    """A signed body that is no JSON object with an id and a type is refused."""
    with pytest.raises(NotAnEvent):
        source_of(account).parse({}, body, now=account.now)


def test_a_promotion_code_is_made_once(account: FakeStripe) -> None:
    """Tried again under the same name, it is the same code; a checkout can be opened with it."""
    api = source_of(account).api
    made = api.make_promotion_code(coupon="half", once="proof-7")
    assert api.make_promotion_code(coupon="half", once="proof-7") == made
    assert api.make_promotion_code(coupon="half", once="proof-8") != made
    api.open_checkout(
        price="price_year", done_url="https://a.example", back_url="https://a.example", promotion_code=made[0]
    )
    form = account.sessions[0]["form"]
    assert form["discounts[0][promotion_code]"] == made[0]
    assert "allow_promotion_codes" not in form
