"""A fake of Stripe's API in the shapes of its OpenAPI document: customers, subscriptions, payments, events.

It passes the same contract test as localstripe. Beside the API it has the hand of the membership's life:
time, failed payments, refunds, disputes. Events are signed as Stripe signs them.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx

from podcast_pipeline.audience.membership.sources.signatures import hex_hmac

WEBHOOK_SECRET = "whsec_of_the_fake"
KEY = "sk_test_of_the_fake"
INTERVALS = {"month": timedelta(days=30), "year": timedelta(days=365)}

Record = dict[str, Any]


@dataclass
class FakeStripe:
    """One account. `now` is its clock, which moves by hand.

    Attributes:
        events: every event that was made, oldest first.
        is_down: whether every request is answered with 503.
    """

    now: datetime = datetime(2026, 3, 10, 12, tzinfo=UTC)
    customers: dict[str, Record] = field(default_factory=dict)
    subscriptions: dict[str, Record] = field(default_factory=dict)
    invoices: dict[str, Record] = field(default_factory=dict)
    charges: dict[str, Record] = field(default_factory=dict)
    disputes: list[Record] = field(default_factory=list)
    plans: dict[str, Record] = field(default_factory=dict)
    sessions: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    is_down: bool = False
    _answers: dict[str | None, Record] = field(default_factory=dict)
    _count: int = 0

    @property
    def transport(self) -> httpx.MockTransport:
        """What an httpx client sends its requests through to reach this account."""
        return httpx.MockTransport(self.handle)

    # -- the life of a subscription

    def subscribe(self, email: str, price: str = "price_month", *, pays: bool = True) -> str:
        """Return the id of a new customer's subscription."""
        customer_id = self._create_customer({"email": email})["id"]
        return str(self._subscribe(customer_id, price, pays=pays)["id"])

    def renew(self, subscription_id: str, *, pays: bool = True) -> None:
        """Begin the next period at the end of this one, and try to take the money for it."""
        subscription = self.subscriptions[subscription_id]
        self._start_period(subscription, subscription["current_period_end"], pays=pays)
        self._tell("customer.subscription.updated", subscription)

    def pay_late(self, subscription_id: str) -> None:
        """Take the money that could not be taken when the period began."""
        subscription = self.subscriptions[subscription_id]
        self._settle(subscription, self.invoices[subscription["latest_invoice"]], pays=True)
        self._tell("customer.subscription.updated", subscription)

    def refund(self, subscription_id: str) -> None:
        """Give the last payment back."""
        charge = self._last_charge(subscription_id)
        charge["refunded"], charge["amount_refunded"] = True, charge["amount"]
        charge["refunds"]["data"].append({"id": self._id("re"), "object": "refund", "created": self._time()})
        self._tell("charge.refunded", charge)

    def dispute(self, subscription_id: str, status: str = "needs_response") -> None:
        """Have the card's owner dispute the last payment."""
        charge = self._last_charge(subscription_id)
        charge["disputed"] = True
        dispute = {
            "id": self._id("dp"),
            "object": "dispute",
            "charge": charge["id"],
            "status": status,
            "created": self._time(),
        }
        self.disputes.append(dispute)
        self._tell("charge.dispute.created", dispute)

    def win_dispute(self, subscription_id: str) -> None:
        """Have the bank decide for the newsroom."""
        charge = self._last_charge(subscription_id)
        for dispute in self.disputes:
            if dispute["charge"] == charge["id"]:
                dispute["status"] = "won"
                self._tell("charge.dispute.closed", dispute)

    def cancel(self, subscription_id: str, *, at_once: bool = False) -> None:
        """Cancel to the period's end, or at once."""
        subscription = self.subscriptions[subscription_id]
        subscription["canceled_at"] = self._time()
        if at_once:
            subscription |= {"status": "canceled", "ended_at": self._time()}
            self._tell("customer.subscription.deleted", subscription)
        else:
            subscription["cancel_at_period_end"] = True
            self._tell("customer.subscription.updated", subscription)

    def end(self, subscription_id: str) -> None:
        """End a cancelled subscription, as Stripe does when its period ends."""
        self.subscriptions[subscription_id] |= {"status": "canceled", "ended_at": self._time()}
        self._tell("customer.subscription.deleted", self.subscriptions[subscription_id])

    def change_email(self, subscription_id: str, email: str) -> None:
        """Change the customer's address."""
        customer = self.customers[self.subscriptions[subscription_id]["customer"]]
        customer["email"] = email
        self._tell("customer.updated", customer)

    def signed(self, event: Record, *, secret: str = WEBHOOK_SECRET) -> tuple[dict[str, str], bytes]:
        """Return headers and body of the delivery of an event, signed now."""
        body = json.dumps(event, indent=2).encode()
        signature = hex_hmac(secret, b"%d." % self._time() + body)
        header = f"t={self._time()},v1={signature},v0=6ffbb59b2300"
        return {"stripe-signature": header, "content-type": "application/json"}, body

    # -- the API

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(f"{request.method} {request.url.path}")
        if self.is_down:
            return httpx.Response(503, json={"error": {"type": "api_error"}})
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return httpx.Response(401, json={"error": {"type": "invalid_request_error"}})
        query = dict(request.url.params)
        form = dict(parse_qsl(request.content.decode()))
        once = request.headers.get("idempotency-key")
        if once in self._answers:
            return httpx.Response(200, json=self._answers[once])
        route = [request.method, *request.url.path.strip("/").split("/")[1:]]
        expand = [value for name, value in (query | form).items() if name.startswith("expand[")]
        found = self._route(route, query, form)
        if found is None:
            return httpx.Response(404, json={"error": {"code": "resource_missing"}})
        told = self._expanded(found, expand)
        if once:
            self._answers[once] = told
        return httpx.Response(200, json=told)

    def _route(self, route: list[str], query: Record, form: Record) -> Record | None:
        if route[0] == "GET":
            return self._read(route[1:], query)
        return self._write(route, form) or self._open(route[1:], form)

    def _read(self, route: list[str], query: Record) -> Record | None:
        match route:
            case ["subscriptions"]:
                return self._page(query)
            case ["subscriptions", subscription_id]:
                return self.subscriptions.get(subscription_id)
            case ["charges", charge_id]:
                return self.charges.get(charge_id)
            case ["disputes"]:
                return _list([each for each in self.disputes if each["charge"] == query["charge"]])
        return None

    def _write(self, route: list[str], form: Record) -> Record | None:
        match route:
            case ["POST", "plans"]:
                self.plans[form["id"]] = {"id": form["id"], "object": "plan", "interval": form["interval"]}
                return self.plans[form["id"]]
            case ["POST", "customers"]:
                return self._create_customer(form)
            case ["POST", "customers", customer_id]:
                customer = self.customers[customer_id]
                customer["email"] = form.get("email", customer["email"])
                self._tell("customer.updated", customer)
                return customer
            case ["POST", "subscriptions"]:
                return self._subscribe(form["customer"], form["items[0][plan]"])
            case ["POST", "subscriptions", subscription_id]:
                self.cancel(subscription_id)
                return self.subscriptions[subscription_id]
            case ["POST", "refunds"]:
                (paid,) = (row for row in self.invoices.values() if row["charge"] == form["charge"])
                self.refund(paid["subscription"])
                refunds: list[Record] = self.charges[form["charge"]]["refunds"]["data"]
                return refunds[-1]
            case ["DELETE", "subscriptions", subscription_id]:
                self.cancel(subscription_id, at_once=True)
                return self.subscriptions[subscription_id]
        return None

    def _open(self, route: list[str], form: Record) -> Record | None:
        match route:
            case ["payment_methods"]:
                return {"id": self._id("pm"), "object": "payment_method"}
            case ["payment_methods", method, "attach"]:
                return {"id": method, "object": "payment_method", "customer": form["customer"]}
            case ["promotion_codes"]:
                code_id = self._id("promo")
                return {"id": code_id, "object": "promotion_code", "code": f"HALF{code_id[-4:]}"}
            case ["checkout", "sessions"]:
                return self._session("checkout.session", "https://checkout.stripe.com/c/pay/", form)
            case ["billing_portal", "sessions"]:
                return self._session("billing_portal.session", "https://billing.stripe.com/p/", form)
        return None

    def _page(self, query: Record) -> Record:
        rows = list(self.subscriptions.values())
        if "customer" in query:
            rows = [row for row in rows if row["customer"] == query["customer"]]
        ids = [row["id"] for row in rows]
        start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        limit = int(query.get("limit", 10))
        return _list(rows[start : start + limit]) | {"has_more": len(rows) > start + limit}

    def _session(self, kind: str, address: str, form: Record) -> Record:
        session = {"id": self._id("cs"), "object": kind, "form": form}
        self.sessions.append(session)
        return session | {"url": address + str(session["id"])}

    def _create_customer(self, form: Record) -> Record:
        customer: Record = {"id": self._id("cus"), "object": "customer", "email": form.get("email")}
        self.customers[customer["id"]] = customer
        return customer

    def _subscribe(self, customer_id: str, price: str, *, pays: bool = True) -> Record:
        plan = self.plans.setdefault(
            price, {"id": price, "object": "plan", "interval": "year" if "year" in price else "month"}
        )
        subscription_id = self._id("sub")
        subscription: Record = {
            "id": subscription_id,
            "object": "subscription",
            "customer": customer_id,
            "status": "incomplete",
            "start_date": self._time(),
            "created": self._time(),
            "cancel_at_period_end": False,
            "cancel_at": None,
            "canceled_at": None,
            "ended_at": None,
            "items": _list([{"id": self._id("si"), "object": "subscription_item", "plan": plan}]),
        }
        self.subscriptions[subscription_id] = subscription
        self._start_period(subscription, self._time(), pays=pays)
        self._tell("customer.subscription.created", subscription)
        session = {"id": self._id("cs"), "object": "checkout.session", "subscription": subscription_id}
        self._tell("checkout.session.completed", session | {"customer": customer_id})
        return subscription

    def _start_period(self, subscription: Record, begins: int, *, pays: bool) -> None:
        length = INTERVALS[subscription["items"]["data"][0]["plan"]["interval"]]
        subscription |= {
            "current_period_start": begins,
            "current_period_end": begins + int(length.total_seconds()),
        }
        invoice: Record = {
            "id": self._id("in"),
            "object": "invoice",
            "subscription": subscription["id"],
            "customer": subscription["customer"],
            "status": "open",
            "charge": None,
        }
        self.invoices[invoice["id"]] = invoice
        subscription["latest_invoice"] = invoice["id"]
        self._settle(subscription, invoice, pays=pays)

    def _settle(self, subscription: Record, invoice: Record, *, pays: bool) -> None:
        if not pays:
            if subscription["status"] == "active":
                subscription["status"] = "past_due"
            self._tell("invoice.payment_failed", invoice)
            return
        charge = {
            "id": self._id("ch"),
            "object": "charge",
            "amount": 500,
            "amount_refunded": 0,
            "currency": "eur",
            "customer": subscription["customer"],
            "invoice": invoice["id"],
            "refunded": False,
            "disputed": False,
            "refunds": _list([]),
        }
        self.charges[str(charge["id"])] = charge
        invoice |= {"status": "paid", "charge": charge["id"]}
        subscription["status"] = "active"
        self._tell("invoice.paid", invoice)

    def _last_charge(self, subscription_id: str) -> Record:
        invoice = self.invoices[self.subscriptions[subscription_id]["latest_invoice"]]
        return self.charges[invoice["charge"]]

    def _tell(self, kind: str, thing: Record) -> None:
        self.events.append(
            {
                "id": self._id("evt"),
                "object": "event",
                "type": kind,
                "created": self._time(),
                "data": {"object": json.loads(json.dumps(thing))},
            }
        )

    def _expanded(self, thing: Record, paths: list[str]) -> Record:
        copy: Record = json.loads(json.dumps(thing))
        for path in paths:
            for holder, key in _holders(copy, path.split("."), self._get):
                holder[key] = self._get(holder[key])
        if "refunds.data" not in " ".join(paths):
            copy.pop("refunds", None)
        return copy

    def _get(self, value: Any) -> Any:
        tables = (self.customers, self.invoices, self.charges)
        found = next((table[value] for table in tables if isinstance(value, str) and value in table), value)
        return json.loads(json.dumps(found))

    def _id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count:08d}"

    def _time(self) -> int:
        return int(self.now.timestamp())


def _list(rows: list[Any]) -> Record:
    return {"object": "list", "data": rows, "has_more": False}


def _holders(thing: Any, path: list[str], get: Callable[[Any], Any]) -> Iterator[tuple[Record, str]]:
    """Yield (object, key) of each place that a path of `expand` names, from the outside in."""
    if isinstance(thing, list):
        for each in thing:
            yield from _holders(each, path, get)
    elif isinstance(thing, dict) and thing.get(path[0]) is not None:
        yield thing, path[0]
        if path[1:]:
            yield from _holders(thing[path[0]], path[1:], get)
