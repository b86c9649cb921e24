"""Selling subscriptions by Stripe's hosted checkout: no card data reaches this site.

    GET   /subscribe          the plans, with a button for each
    POST  /subscribe          opens the checkout of a plan
    GET   /subscribe/done     where the checkout leads back to
    POST  /account/billing    opens the customer portal: cards, invoices, cancelling

Every POST needs a CSRF token, and opening a checkout has a rate limit.
"""

import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from podcast_pipeline.access import Deny
from podcast_pipeline.audience.membership.sources import stripe
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe
from podcast_pipeline.config import PlanTable
from podcast_pipeline.model import Show, Subscriber
from podcast_pipeline.web.authorization import AccessDenied
from podcast_pipeline.web.csrf import FormFields, csrf_token, form_endpoint, verify_csrf_token
from podcast_pipeline.web.rate_limit import CHECKOUT_LIMIT, RateLimiter
from podcast_pipeline.web.session_cookie import SessionCookies
from podcast_pipeline.web.templating import Templates
from podcast_pipeline.web.threads import reads_if

BROWSER_BYTES = 32
NO_SUCH_PLAN = Deny(404, "this plan is not sold here; go back and choose another")
NO_SUBSCRIPTION = Deny(404, "there is no subscription here that the payment page knows; ask the newsroom")
NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True)
class SubscribeRoutes:
    """Endpoints under `/subscribe`, and the way from the account to the customer portal.

    Attributes:
        plans: those that are sold to everybody, in the order of show.toml; each has a price in Stripe.
        has_students: whether /students is there.
    """

    shop: Stripe
    plans: tuple[PlanTable, ...]
    cookies: SessionCookies
    rate_limiter: RateLimiter
    templates: Templates
    show: Show
    has_students: bool

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/subscribe", reads_if(self.cookies.needs_database, self.offer), methods=["GET"]),
            Route("/subscribe", form_endpoint(self.check_out), methods=["POST"]),
            Route("/subscribe/done", self.thank, methods=["GET"]),
            Route("/account/billing", form_endpoint(self.open_portal), methods=["POST"]),
        ]

    def offer(self, request: Request) -> Response:
        """Show the plans, in forms with the CSRF token of this browser's cookie."""
        browser = self._browser(request) or secrets.token_urlsafe(BROWSER_BYTES)
        response = self.templates.no_store_response(
            request,
            "offer.html",
            self.show,
            may_post_to="https:",
            plans=self.plans,
            has_students=self.has_students,
            is_active=self._is_active(request),
            seal=csrf_token(browser),
        )
        self.cookies.set_browser_cookie(response, browser)
        return response

    def check_out(self, request: Request, fields: FormFields) -> Response:
        """Lead to Stripe's checkout of a plan."""
        verify_csrf_token(fields, self._browser(request))
        self.rate_limiter.count(request, CHECKOUT_LIMIT)
        price = next((plan.stripe_price for plan in self.plans if plan.id == fields.get("plan")), None)
        if price is None:
            raise AccessDenied(NO_SUCH_PLAN)
        site = self.show.site_url
        address = self.shop.api.open_checkout(
            price=price,
            done_url=f"{site}/subscribe/done",
            back_url=f"{site}/subscribe",
            email=self._email(request),
        )
        return RedirectResponse(address, 303, NO_STORE)

    def thank(self, request: Request) -> Response:
        """Say what follows; anybody may open this page, and it changes nothing."""
        return self.templates.no_store_response(request, "bought.html", self.show)

    def open_portal(self, request: Request, fields: FormFields) -> Response:
        """Lead a subscriber who signed in to the customer portal of their newest subscription in Stripe."""
        owner = self.cookies.signed_in_subscriber(request)
        verify_csrf_token(fields, self.cookies.session_value(request))
        bought = newest_of_stripe(owner)
        customer_id = self.shop.customer_of(bought) if bought else None
        if customer_id is None:
            raise AccessDenied(NO_SUBSCRIPTION)
        back_url = f"{self.show.site_url}/account"
        address = self.shop.api.open_portal(customer_id=customer_id, back_url=back_url)
        return RedirectResponse(address, 303, NO_STORE)

    def _browser(self, request: Request) -> str:
        return request.cookies.get(self.cookies.browser_cookie_name, "")

    def _is_active(self, request: Request) -> bool:
        subscriber = self.cookies.visitor(request).subscriber
        return subscriber is not None and subscriber.state(self.cookies.clock()) == "active"

    def _email(self, request: Request) -> str | None:
        """Return the address of a reader who signed in by mail; who has only a link may not see it."""
        is_signed_in = self.cookies.scope(request) == "account"
        return self.cookies.signed_in_subscriber(request).email if is_signed_in else None


def newest_of_stripe(subscriber: Subscriber) -> str | None:
    """Return the id of the subscription that somebody bought last in Stripe; None without one."""
    bought = [each for each in subscriber.entitlements if each.source == stripe.NAME]
    return bought[-1].foreign_id if bought else None
