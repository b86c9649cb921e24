"""Buying in a real browser: it leaves for Stripe's checkout and comes back; what is between is Stripe's."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.config import PlanTable
from podcast_pipeline.web import server
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.site import NOW, Site

PLAN = PlanTable(id="standard", title="Yearly", price=50, currency="EUR", stripe_price="price_year")


@pytest.fixture(scope="module")
def account() -> FakeStripe:
    """The newsroom's account at Stripe."""
    return FakeStripe(now=NOW)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, account: FakeStripe) -> Iterator[Site]:
    """A show that sells a plan, on a free port."""
    listener = server.listen("127.0.0.1", 0)
    folder: Path = tmp_path_factory.mktemp("site")
    site = Site.make(folder, site_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    site.config = site.config.model_copy(update={"plans": (PLAN,), "stripe_key": KEY})
    shop = Stripe(StripeApi(KEY, transport=account.transport), WEBHOOK_SECRET, {"price_year": "standard"})
    running = server.build_server(site.app(shop=shop))
    thread = Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield site
    running.should_exit = True
    thread.join()
    site.close()


def test_the_button_leads_to_the_checkout_and_back(site: Site, page: Page, account: FakeStripe) -> None:
    """The page's policy lets its form lead to Stripe; the address to come back to has a page."""

    def checkout(route: Route) -> None:
        back = account.sessions[-1]["form"]["success_url"]
        route.fulfill(body=f'<a href="{back}">Pay</a>', content_type="text/html")

    page.route("https://checkout.stripe.com/**", checkout)
    page.goto("/subscribe")
    expect(page.get_by_text("50.00 EUR a year")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Yearly").click()
    page.wait_for_url(f"https://checkout.stripe.com/c/pay/{account.sessions[-1]['id']}")
    page.get_by_role("link", name="Pay").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Axe().run(page).violations_count == 0
