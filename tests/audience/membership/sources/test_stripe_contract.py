"""What the show needs of Stripe, seen against localstripe and against our fake alike."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Empty

import httpx
import pytest

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import SourceEvent
from podcast_pipeline.audience.membership.sources.stripe_api import API_URL, Stripe, StripeApi
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.local_stripe import Delivery, client_of, running_local_stripe
from tests.support.parts import PATH, needs

CARD = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12"} | {
    "card[exp_year]": "30",
    "card[cvc]": "123",
}
DELIVERY_S = 15


@dataclass
class Site:
    """A membership site: the source that reads it, and the client that acts as its customers."""

    source: Stripe
    client: httpx.Client
    clock: Callable[[], datetime]
    next_delivery: Callable[[], Delivery]
    _seen: list[SourceEvent] = field(default_factory=list)

    def post(self, path: str, **form: str) -> str:
        """Send a form to the API and return the id of what it made or changed."""
        answer = self.client.post(f"/v1/{path}", data=form)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def subscribe(self, email: str) -> tuple[str, str]:
        """Have somebody subscribe, and return the ids of customer and subscription."""
        self.post("plans", id="price_month", amount="500", currency="eur", interval="month", name="Monthly")
        customer, card = self.post("customers", email=email), self.post("payment_methods", **CARD)
        self.post(f"payment_methods/{card}/attach", customer=customer)
        self.post(f"customers/{customer}", **{"invoice_settings[default_payment_method]": card})
        subscription = self.post("subscriptions", customer=customer, **{"items[0][plan]": "price_month"})
        return customer, subscription

    def look(self, foreign_id: str) -> Membership:
        """Return what is read of a subscription, a charge or a customer."""
        event = SourceEvent("evt", "customer.subscription.updated", foreign_id, self.clock(), "{}")
        (found,) = self.source.look(event, now=self.clock())
        return found

    def wait_for(self, kind: str) -> SourceEvent:
        """Return the first event of a kind; every delivery on the way has a right signature."""
        while not (found := [event for event in self._seen if event.kind == kind]):
            headers, body = self.next_delivery()
            self.source.verify(headers, body, now=self.clock())
            self._seen.append(self.source.parse(headers, body, now=self.clock()))
        return found[0]


@pytest.fixture(params=["fake", pytest.param("localstripe", marks=needs("localstripe"))])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Our fake, and localstripe in a process of its own."""
    with ExitStack() as stack:
        if request.param == "fake":
            account = FakeStripe(now=datetime.now(UTC).replace(microsecond=0))
            url, transport = API_URL, account.transport
            told = iter(range(10_000))

            def next_delivery() -> Delivery:
                return account.signed(account.events[next(told)])

        else:
            program = shutil.which("localstripe", path=PATH)
            assert program is not None
            server = stack.enter_context(running_local_stripe(program))
            url, transport = server.url, None

            def next_delivery() -> Delivery:
                try:
                    return server.deliveries.get(timeout=DELIVERY_S)
                except Empty as error:
                    raise AssertionError("localstripe has sent no such event") from error

        api = StripeApi(KEY, url=url, transport=transport)
        stack.callback(api.close)
        client = stack.enter_context(client_of(url, transport))
        plans = {"price_month": "standard"}
        yield Site(Stripe(api, WEBHOOK_SECRET, plans), client, lambda: datetime.now(UTC), next_delivery)


def test_the_life_of_a_subscription(site: Site) -> None:
    """Joining, a change of address, a refund, cancelling and deletion are read as they are."""
    began = site.clock() - timedelta(seconds=1)
    customer, subscription = site.subscribe("ada@example.org")
    joined = site.look(subscription)
    assert (joined.foreign_id, joined.email, joined.plan, joined.period, joined.renews) == (
        subscription,
        "ada@example.org",
        "standard",
        "monthly",
        True,
    )
    assert began <= joined.starts_at <= site.clock()
    assert joined.period_ends_at is not None
    assert timedelta(days=28) <= joined.period_ends_at - joined.starts_at <= timedelta(days=31)
    assert joined.ended_at is None
    assert site.wait_for("customer.subscription.created").foreign_id == subscription

    site.post(f"customers/{customer}", email="ada.lovelace@example.org")
    changed = site.wait_for("customer.updated")
    assert changed.foreign_id == customer
    assert site.look(customer).email == "ada.lovelace@example.org"

    invoice = site.client.get(f"/v1/subscriptions/{subscription}", params={"expand[0]": "latest_invoice"})
    charge = invoice.json()["latest_invoice"]["charge"]
    charge_id = charge["id"] if isinstance(charge, dict) else charge
    site.post("refunds", charge=charge_id)
    refunded = site.look(subscription)
    assert refunded.ended_because == "refund"
    assert refunded.ended_at is not None
    assert began <= refunded.ended_at <= site.clock()

    site.post(f"subscriptions/{subscription}", cancel_at_period_end="true")
    assert site.look(subscription).renews is False
    site.client.delete(f"/v1/subscriptions/{subscription}").raise_for_status()
    assert site.wait_for("customer.subscription.deleted").foreign_id == subscription
    assert [each.foreign_id for each in site.source.list_all(now=site.clock())] == [subscription]
    assert site.look(subscription).renews is False
