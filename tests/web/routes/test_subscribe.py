"""Selling by Stripe's hosted checkout, and the customer portal."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.audience.membership.entitlements import apply_membership
from podcast_pipeline.audience.membership.sources.events import SourceEvent
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.config import PlanTable
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.outbox import Outbox
from tests.support.site import NOW, Site

SITE = "http://127.0.0.1:8080"
ADA = "ada@example.org"
PLANS = (
    PlanTable(
        id="month", title="Monthly", period="monthly", price=5, currency="EUR", stripe_price="price_month"
    ),
    PlanTable(id="standard", title="Yearly", price=50, currency="EUR", stripe_price="price_year"),
    PlanTable(id="student", title="Students", stripe_price="price_half", audience="students"),
)


class Shop:
    """A site that sells, and a browser."""

    def __init__(self, folder: Path) -> None:
        self.account = FakeStripe(now=NOW)
        self.site = Site.make(folder)
        changes = {"plans": PLANS, "stripe_key": KEY}
        self.site.config = self.site.config.model_copy(update=changes)
        prices = {plan.stripe_price or "": plan.id for plan in PLANS}
        self.stripe = Stripe(StripeApi(KEY, transport=self.account.transport), WEBHOOK_SECRET, prices)
        self.outbox = Outbox()
        app = self.site.app(self.outbox, shop=self.stripe)
        self.client = TestClient(app, base_url=SITE, follow_redirects=False)

    def seal(self, path: str) -> str:
        """Return the CSRF token of a page."""
        found = re.search(r'name="seal" value="(\w+)"', self.client.get(path).text)
        assert found
        return found[1]

    def sign_in(self, email: str) -> None:
        """Sign in by the mailed link."""
        seal = self.seal("/signin")
        self.client.post("/signin", data={"seal": seal, "email": email})
        (message,) = self.outbox.messages
        found = re.search(r"/signin/link/[\w-]+", message.text)
        assert found
        self.client.post(found[0], data={"seal": self.seal(found[0])})

    def joins(self, email: str) -> str:
        """Have somebody buy a subscription, and return its id."""
        bought = self.account.subscribe(email)
        event = SourceEvent("evt", "customer.subscription.created", bought, NOW, "{}")
        (membership,) = self.stripe.look(event, now=NOW)
        apply_membership(self.site.subscribers, membership, grace_days=7, now=NOW, origin="hook")
        return bought


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A site that sells."""
    shop = Shop(tmp_path)
    yield shop
    shop.client.close()
    shop.site.close()


def test_the_page_offers_what_everybody_may_buy(shop: Shop) -> None:
    """Title, price and period of each plan with a price in Stripe; plans of students are not sold here."""
    page = shop.client.get("/subscribe")
    assert re.findall(r'name="plan" value="(\w+)"><bdi>([^<]+)</bdi><', page.text) == [
        ("month", "Monthly"),
        ("standard", "Yearly"),
    ]
    assert re.findall(r'aside">([\d.]+ EUR a \w+)<', page.text) == ["5.00 EUR a month", "50.00 EUR a year"]
    assert "form-action 'self' https:;" in page.headers["content-security-policy"]


def test_a_plan_opens_the_hosted_checkout(shop: Shop) -> None:
    """The price, the addresses to come back to, and codes that a reader may type; no address, no card."""
    answer = shop.client.post("/subscribe", data={"seal": shop.seal("/subscribe"), "plan": "month"})
    (session,) = shop.account.sessions
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://checkout.stripe.com/c/pay/{session['id']}"
    assert session["form"] == {
        "mode": "subscription",
        "line_items[0][price]": "price_month",
        "line_items[0][quantity]": "1",
        "success_url": f"{SITE}/subscribe/done",
        "cancel_url": f"{SITE}/subscribe",
        "allow_promotion_codes": "true",
    }
    assert "Thank you" in shop.client.get("/subscribe/done").text


@pytest.mark.parametrize("plan", ["student", "gold", ""])
def test_a_plan_that_is_not_for_sale_opens_nothing(shop: Shop, plan: str) -> None:
    """Half price is for proven students; nobody gets it by a changed form."""
    answer = shop.client.post("/subscribe", data={"seal": shop.seal("/subscribe"), "plan": plan})
    assert answer.status_code == 404
    assert shop.account.sessions == []


def test_a_form_of_another_site_opens_nothing(shop: Shop) -> None:
    """Without the CSRF token of this browser."""
    shop.client.get("/subscribe")
    assert shop.client.post("/subscribe", data={"plan": "month", "seal": "x"}).status_code == 403
    assert shop.account.sessions == []


def test_checkouts_are_limited(shop: Shop) -> None:
    """Each is a request to Stripe."""
    form = {"seal": shop.seal("/subscribe"), "plan": "month"}
    statuses = [shop.client.post("/subscribe", data=form).status_code for _ in range(21)]
    assert statuses == [303] * 20 + [429]


def test_stripe_being_down_is_told(shop: Shop) -> None:
    """A page that says to try again, and no detail."""
    shop.account.is_down = True
    answer = shop.client.post("/subscribe", data={"seal": shop.seal("/subscribe"), "plan": "month"})
    assert answer.status_code == 503
    assert "/v1/" not in answer.text


def test_who_is_signed_in_need_not_type_the_address(shop: Shop) -> None:
    """The checkout knows the address of who signed in by mail; a private link gives it away to nobody."""
    token = shop.site.subscribe(ADA)
    shop.client.get(f"/feeds/{token}/")
    shop.client.post("/subscribe", data={"seal": shop.seal("/subscribe"), "plan": "month"})
    assert "customer_email" not in shop.account.sessions[0]["form"]
    shop.client.cookies.clear()
    shop.sign_in(ADA)
    assert "You have a subscription already" in shop.client.get("/subscribe").text
    shop.client.post("/subscribe", data={"seal": shop.seal("/subscribe"), "plan": "month"})
    assert shop.account.sessions[1]["form"]["customer_email"] == ADA


def test_the_account_leads_to_the_customer_portal(shop: Shop) -> None:
    """Of the customer whose subscription it is, and back to the account."""
    bought = shop.joins(ADA)
    shop.sign_in(ADA)
    assert 'action="/account/billing"' in shop.client.get("/account").text
    answer = shop.client.post("/account/billing", data={"seal": shop.seal("/account")})
    (session,) = shop.account.sessions
    assert answer.headers["location"] == f"https://billing.stripe.com/p/{session['id']}"
    customer = shop.account.subscriptions[bought]["customer"]
    assert session["form"] == {"customer": customer, "return_url": f"{SITE}/account"}


def test_the_account_says_that_deleting_it_ends_no_payment(shop: Shop) -> None:
    """While the subscription goes on at the site; the plan has its title, not its id."""
    bought = shop.joins(ADA)
    shop.sign_in(ADA)
    page = shop.client.get("/account").text
    assert "does not end your subscription at Stripe, which goes on charging you" in page
    assert "<bdi>Monthly</bdi>, monthly" in page
    shop.account.cancel(bought)
    event = SourceEvent("evt2", "customer.subscription.updated", bought, NOW, "{}")
    (membership,) = shop.stripe.look(event, now=NOW)
    apply_membership(shop.site.subscribers, membership, grace_days=7, now=NOW, origin="hook")
    assert "goes on charging" not in shop.client.get("/account").text


def test_who_bought_nothing_in_stripe_has_no_portal(shop: Shop) -> None:
    """Neither a button nor an answer; nor has who is not signed in, or posts without the CSRF token."""
    assert shop.client.post("/account/billing").headers["location"] == "/signin"
    shop.site.subscribe(ADA)
    shop.sign_in(ADA)
    assert "/account/billing" not in shop.client.get("/account").text
    assert shop.client.post("/account/billing", data={"seal": "x"}).status_code == 403
    assert shop.client.post("/account/billing", data={"seal": shop.seal("/account")}).status_code == 404
    assert shop.account.sessions == []


def test_without_a_key_there_is_no_such_page(shop: Shop) -> None:
    """And pages lead to the newsroom's own page."""
    with TestClient(shop.site.app(shop.outbox), base_url=SITE) as plain:
        assert plain.get("/subscribe").status_code == 404
        assert plain.post("/account/billing").status_code == 404


def test_pages_lead_to_the_shop_where_there_is_no_other_page(shop: Shop) -> None:
    """`[access] renew_url` counts; without it, the site's own page, where something is for sale."""
    config = shop.site.config
    assert config.renew_url == "https://harrowstreet.example/subscribe"
    bare = config.access.model_copy(update={"renew_url": None})
    assert config.model_copy(update={"access": bare}).renew_url == f"{SITE}/subscribe"
    assert config.model_copy(update={"access": bare, "plans": ()}).renew_url == SITE
