"""Stripe's API: reads subscriptions, and opens its checkout and its customer portal.

Four reads and two writes over httpx, in one version of the API: see docs/decisions.md, 2026-12-01.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources import stripe
from podcast_pipeline.audience.membership.sources.events import NotAnEvent, SourceEvent
from podcast_pipeline.audience.membership.sources.payloads import (
    Payload,
    find,
    find_id,
    find_items,
    parse_object,
)
from podcast_pipeline.errors import MembershipError

API_URL = "https://api.stripe.com"
TIMEOUT_S = 20
PAGE_SIZE = 100
EXPAND = {f"expand[{n}]": name for n, name in enumerate(stripe.EXPANDED)}
EXPAND_LIST = {name: f"data.{path}" for name, path in EXPAND.items()}


@dataclass(frozen=True)
class StripeApi:
    """The calls of Stripe's API that the show needs.

    Attributes:
        key: PODCAST_STRIPE_KEY, a secret or restricted key.
        transport: of tests; None for the network.
    """

    key: str = field(repr=False)
    url: str = API_URL
    transport: httpx.BaseTransport | None = None

    @cached_property
    def _client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.key}", "stripe-version": stripe.API_VERSION}
        return httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=TIMEOUT_S,
            transport=self.transport,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def subscription(self, subscription_id: str) -> Payload | None:
        """Return a subscription with its customer and its latest invoice; None where there is none."""
        return self._get(f"/v1/subscriptions/{quote(subscription_id, safe='')}", EXPAND)

    def subscriptions(self, customer_id: str | None = None) -> Iterator[Payload]:
        """Yield the subscriptions of a customer or of everybody, ended ones included."""
        query = {**EXPAND_LIST, "status": "all", "limit": str(PAGE_SIZE)}
        if customer_id:
            query["customer"] = customer_id
        while page := self._get("/v1/subscriptions", query):
            found = find_items(page, "data")
            yield from found
            if not found or find(page, "has_more") is not True:
                return
            query["starting_after"] = str(find_id(found[-1], "id"))

    def subscription_of_charge(self, charge_id: str) -> str | None:
        """Return the id of the subscription that a charge paid for; None for another purchase."""
        charge = self._get(f"/v1/charges/{quote(charge_id, safe='')}", {"expand[0]": "invoice"})
        return find_id(charge, "invoice", "subscription")

    def disputes(self, charge_id: str) -> list[Any]:
        """Return the disputes of a charge."""
        return find_items(self._get("/v1/disputes", {"charge": charge_id}), "data")

    def open_checkout(
        self,
        *,
        price: str,
        done_url: str,
        back_url: str,
        email: str | None = None,
        promotion_code: str | None = None,
    ) -> str:
        """Return the address of a hosted checkout for one subscription.

        Args:
            email: of a reader who is signed in; None asks for it.
            promotion_code: the id of one that is taken off; None lets the reader type one.
        """
        form = {
            "mode": "subscription",
            "line_items[0][price]": price,
            "line_items[0][quantity]": "1",
            "success_url": done_url,
            "cancel_url": back_url,
        }
        if email:
            form["customer_email"] = email
        if promotion_code:
            form["discounts[0][promotion_code]"] = promotion_code
        else:
            form["allow_promotion_codes"] = "true"
        return self._post_for_address("/v1/checkout/sessions", form)

    def open_portal(self, *, customer_id: str, back_url: str) -> str:
        """Return the address of the customer portal, where cards are changed and subscriptions cancelled."""
        form = {"customer": customer_id, "return_url": back_url}
        return self._post_for_address("/v1/billing_portal/sessions", form)

    def make_promotion_code(self, *, coupon: str, once: str) -> tuple[str, str]:
        """Return id and text of a code that takes a coupon off one checkout.

        Args:
            once: a name for this making; tried again within a day, it gives the same code.
        """
        form = {"coupon": coupon, "max_redemptions": "1"}
        made = self._answer("POST", "/v1/promotion_codes", data=form, headers={"idempotency-key": once})
        code_id, code = find_id(made, "id"), find_id(made, "code")
        if code_id is None or code is None:
            raise MembershipError("stripe", "/v1/promotion_codes answers without a code")
        return code_id, code

    def _post_for_address(self, path: str, form: Mapping[str, str]) -> str:
        answer = self._answer("POST", path, data=form)
        address = find(answer, "url")
        if not isinstance(address, str) or not address.startswith("https://"):
            raise MembershipError("stripe", f"{path} answers without an address")
        return address

    def _get(self, path: str, query: Mapping[str, str]) -> Payload | None:
        return self._answer("GET", path, params=query)

    def _answer(self, method: str, path: str, **content: Any) -> Payload | None:
        """Return the answer to a request; None for 404.

        Raises:
            MembershipError: no answer, a refusal, or no JSON.
        """
        try:
            response = self._client.request(method, path, **content)
        except httpx.HTTPError as error:
            raise MembershipError("stripe", f"does not answer: {type(error).__name__}") from error
        if response.status_code == 404 and method == "GET":
            return None
        if response.status_code in (401, 403):
            raise MembershipError(
                "stripe",
                f"refuses PODCAST_STRIPE_KEY for {path}; make a key that may read customers, subscriptions,"
                " invoices, charges and disputes, and write checkout and portal sessions",
            )
        if not response.is_success:
            code = find(_json(response), "error", "code")
            raise MembershipError(
                "stripe", f"{method} {path} answers {response.status_code} {code or ''}".strip()
            )
        return _json(response)


def _json(response: httpx.Response) -> Payload:
    try:
        return parse_object(response.content)
    except NotAnEvent as error:
        raise MembershipError("stripe", "answers with something else than JSON") from error


@dataclass(frozen=True)
class Stripe:
    """The source `stripe`: events say what to look at, and the API has the facts.

    Attributes:
        webhook_secret: PODCAST_STRIPE_WEBHOOK_SECRET.
        plans: Stripe's price -> the id of the plan; other prices are no business of the show.
    """

    api: StripeApi
    webhook_secret: str = field(repr=False)
    plans: Mapping[str, str]
    name: str = stripe.NAME

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        """Check `Stripe-Signature`; see `MembershipSource`."""
        header = headers.get("stripe-signature", "")
        stripe.check_stripe_signature(header, body, secret=self.webhook_secret, now=now)

    def parse(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> SourceEvent:  # noqa: ARG002
        """Return the event of a verified delivery; raises NotAnEvent."""
        return stripe.to_event(parse_object(body), body, now=now)

    def look(self, event: SourceEvent, *, now: datetime) -> tuple[Membership, ...]:
        """Read the subscriptions of what an event names: a subscription, a charge, a customer."""
        target = event.foreign_id
        if target and target.startswith("ch_"):
            target = self.api.subscription_of_charge(target)
        if not target:
            return ()
        if target.startswith("cus_"):
            found = list(self.api.subscriptions(target))
        else:
            one = self.api.subscription(target)
            found = [one] if one else []
        return tuple(filter(None, (self._membership(each, now) for each in found)))

    def list_all(self, *, now: datetime) -> Iterator[Membership]:
        """Yield every subscription of a price of the show."""
        for subscription in self.api.subscriptions():
            if membership := self._membership(subscription, now):
                yield membership

    def customer_of(self, subscription_id: str) -> str | None:
        """Return the customer of a subscription, for the portal; None where there is none any more."""
        return find_id(self.api.subscription(subscription_id), "customer")

    def _membership(self, subscription: Payload, now: datetime) -> Membership | None:
        charge = find(subscription, "latest_invoice", "charge")
        charge_id = find_id(charge, "id") if find(charge, "disputed") is True else None
        disputes = self.api.disputes(charge_id) if charge_id else []
        return stripe.to_membership(subscription, plans=self.plans, disputes=disputes, observed_at=now)
