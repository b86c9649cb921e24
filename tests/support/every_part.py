"""A site with every optional part: Stripe, a provider of accounts, prices for students."""

from dataclasses import replace

from starlette.applications import Starlette

from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.audience.oidc.matching import AccountMatching
from podcast_pipeline.audience.oidc.provider import Client, Provider
from podcast_pipeline.audience.students.proofs import StudentProofs
from podcast_pipeline.config import PlanTable
from podcast_pipeline.web.routes.oidc import OidcSignIn
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.oidc_providers import BACK, CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.support.outbox import Outbox
from tests.support.site import NOW, SHOW_ID, Site

PAGES_OF_PARTS = (
    *("/students", "/students/sent", "/students/link/x"),
    *("/subscribe", "/subscribe/done", "/signin", "/signin/account/back"),
)
"""The pages that these parts add, or add to."""


def app_with_every_part(
    site: Site,
    outbox: Outbox | None = None,
    *,
    plan_title: str = "Monthly",
    account_title: str = "your Example account",
) -> Starlette:
    """Return the web app.

    Args:
        plan_title, account_title: words of the newsroom's.
    """
    engine, secret_key = site.subscribers.engine, site.subscribers.secret_key
    provider = FakeProvider(site.clock)
    plans = (
        PlanTable(
            id="standard", title=plan_title, period="monthly", price=5, currency="EUR", stripe_price="price_m"
        ),
    )
    selling = site.config.model_copy(update={"plans": plans, "stripe_key": KEY})
    account = FakeStripe(now=NOW)
    return replace(site, config=selling).app(
        outbox or Outbox(),
        oidc=OidcSignIn(
            Provider(Client(provider.issuer, CLIENT_ID, CLIENT_SECRET, BACK), provider.fetch),
            AccountMatching(engine, show_id=SHOW_ID, secret_key=secret_key),
            account_title,
            secret_key,
        ),
        students=StudentProofs(engine, show_id=SHOW_ID, secret_key=secret_key),
        shop=Stripe(StripeApi(KEY, transport=account.transport), WEBHOOK_SECRET, {"price_m": "standard"}),
    )
