"""Events of membership sites over HTTP: what is stored, refused, limited and logged, and what follows."""

import hmac
import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from podcast_pipeline.audience.database.tables import jobs, membership_events
from podcast_pipeline.audience.jobs.queue import JobQueue
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.membership.events import (
    IGNORED,
    MembershipEvents,
    StoredEvent,
    membership_event_kind,
)
from podcast_pipeline.audience.membership.sources.generic import GenericHook
from podcast_pipeline.audience.membership.sources.memberful import Memberful
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi
from podcast_pipeline.web.routes.hooks import MAX_BODY_BYTES
from tests.support.fake_stripe import KEY, WEBHOOK_SECRET, FakeStripe
from tests.support.site import NOW, SHOW_ID, Site, flagship

on_each_database = pytest.mark.usefixtures("each_database")

SECRET = "whsec_" + b64encode(b"k" * 32).decode()
ADA = "ada@example.org"
HOOKS = ("stripe", "generic", "memberful")


class Hooks:
    """A site with three sources, and the hands of their senders."""

    def __init__(self, folder: Path) -> None:
        self.site = Site.make(folder)
        self.account = FakeStripe(now=NOW)
        stripe = Stripe(
            StripeApi(KEY, transport=self.account.transport), WEBHOOK_SECRET, {"price_month": "standard"}
        )
        generic, memberful = GenericHook(SECRET, ("standard", "student")), Memberful("m", {})
        sources = {source.name: source for source in (stripe, generic, memberful)}
        self.events = MembershipEvents(self.site.subscribers, sources, grace_days=7)
        self.client = TestClient(self.site.app(memberships=self.events), base_url="http://127.0.0.1:8080")

    def told(self, event: dict[str, Any]) -> int:
        """Deliver an event of Stripe and return the status of the answer."""
        headers, body = self.account.signed(event)
        return self.client.post("/hooks/stripe", content=body, headers=headers).status_code

    def generic(self, kind: str, *, event_id: str = "msg_1", **data: object) -> int:
        """Deliver an event of the generic hook and return the status of the answer."""
        told = {"type": kind, "timestamp": NOW.isoformat(), "data": {"id": "m-1"} | data}
        body = json.dumps(told)
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(self.site.clock.now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(event_id, self.site.clock.now, body),
        }
        return self.client.post("/hooks/generic", content=body, headers=headers).status_code

    def work(self) -> dict[str, int]:
        """Do the jobs that are due, and return how they ended."""
        kind = membership_event_kind(self.events, clock=self.site.clock)
        queue = JobQueue(self.site.subscribers.engine, show_id=SHOW_ID)
        return dict(Worker(queue, (kind,), self.site.clock).run_due())

    def last(self) -> StoredEvent:
        """Return the newest stored event."""
        return self.events.last()[-1]


@pytest.fixture
def hooks(tmp_path: Path) -> Iterator[Hooks]:
    """A site with three sources."""
    hooks = Hooks(tmp_path)
    yield hooks
    hooks.client.close()
    hooks.site.close()


@on_each_database
def test_somebody_who_joins_reads_the_transcript(hooks: Hooks) -> None:
    """The event is stored and answered; the job makes the subscriber, whose feed has the words."""
    flagship(hooks.site)
    hooks.account.subscribe(ADA)
    assert [hooks.told(event) for event in hooks.account.events] == [202, 202, 202]
    assert list(hooks.site.subscribers.list_all()) == []
    assert hooks.work() == {"done": 3}
    ada = hooks.site.subscribers.get(ADA)
    assert ada.state(NOW) == "active"
    assert ada.paid_until == NOW + timedelta(days=37)
    feed = hooks.client.get(f"/feeds/{hooks.site.subscribers.feed_token(ADA)}/feed.xml")
    assert feed.text.count("<podcast:transcript ") == 3


def test_each_event_of_a_life_without_a_command(hooks: Hooks) -> None:
    """Renewal, failure, change of address, refund and dispute arrive; the private link stays the same."""
    account, site = hooks.account, hooks.site
    subscription = account.subscribe(ADA)
    sent = 0

    def arrive() -> None:
        nonlocal sent
        while sent < len(account.events):
            assert hooks.told(account.events[sent]) == 202
            sent += 1
        assert set(hooks.work()) == {"done"}

    def state() -> str:
        return site.subscribers.get(address).state(site.clock.now)

    def wait(days: int) -> None:
        account.now += timedelta(days=days)
        site.clock.now = account.now

    address = ADA
    arrive()
    token = site.subscribers.feed_token(ADA)
    wait(30)
    account.renew(subscription, pays=False)
    arrive()
    assert state() == "active"
    wait(7)
    assert state() == "lapsed"
    account.pay_late(subscription)
    arrive()
    assert state() == "active"
    account.change_email(subscription, "ada.lovelace@example.org")
    address = "ada.lovelace@example.org"
    arrive()
    account.refund(subscription)
    arrive()
    assert state() == "lapsed"
    wait(23)
    account.renew(subscription)
    arrive()
    assert state() == "active"
    account.dispute(subscription)
    arrive()
    assert state() == "lapsed"
    assert site.subscribers.feed_token(address) == token


@on_each_database
def test_a_repeated_delivery_is_one_event(hooks: Hooks) -> None:
    """It gets the same answer, has one row and one job, and is applied once."""
    hooks.account.subscribe(ADA)
    event = hooks.account.events[1]
    assert [hooks.told(event) for _ in range(3)] == [202, 202, 202]
    with hooks.site.subscribers.engine.connect() as connection:
        counts = [connection.scalar(select(func.count()).select_from(t)) for t in (membership_events, jobs)]
    assert counts == [1, 1]
    assert hooks.work() == {"done": 1}
    assert hooks.told(event) == 202
    assert hooks.work() == {}


@on_each_database
def test_what_a_killed_worker_has_begun_is_done_by_the_next(hooks: Hooks) -> None:
    """The membership was applied and the event was not marked: applied again, it changes nothing."""
    hooks.account.subscribe(ADA)
    hooks.told(hooks.account.events[1])
    hooks.work()
    token = hooks.site.subscribers.feed_token(ADA)
    row = hooks.last()
    assert (row.outcome, row.attempts) == ("created", 1)
    assert hooks.events.apply(row.id, now=NOW) is None
    assert hooks.events.apply(row.id, now=NOW, again=True) == "unchanged"
    assert hooks.site.subscribers.feed_token(ADA) == token


def test_a_site_that_is_down_is_asked_later(hooks: Hooks) -> None:
    """The event waits with the reason, and is applied when the site answers."""
    hooks.account.subscribe(ADA)
    hooks.told(hooks.account.events[1])
    hooks.account.is_down = True
    assert hooks.work() == {"postponed": 1}
    assert hooks.last().outcome is None
    assert str(hooks.last().last_error).startswith("stripe: GET /v1/subscriptions/sub_")
    hooks.account.is_down = False
    hooks.site.clock.now += timedelta(seconds=10)
    assert hooks.work() == {"done": 1}
    assert (hooks.last().outcome, hooks.last().last_error) == ("created", None)


@on_each_database
def test_unknown_kinds_are_kept_and_counted(hooks: Hooks) -> None:
    """They have an outcome of their own."""
    for number in range(3):
        hooks.told({"id": f"evt_{number}", "type": "product.created", "created": 1, "data": {"object": {}}})
    hooks.work()
    assert hooks.events.counts() == {("stripe", "product.created", IGNORED): 3}


def test_an_event_of_an_unknown_person_is_kept(hooks: Hooks) -> None:
    """Without an address nobody can be made of it; with one, the address of a later event counts."""
    assert hooks.generic("subscriber.updated") == 202
    hooks.work()
    assert hooks.last().outcome == "unknown"
    assert hooks.generic("subscriber.updated", event_id="msg_2", email=ADA) == 202
    hooks.work()
    assert hooks.last().outcome == "created"


def test_an_address_that_is_none_is_told_in_one_line(hooks: Hooks) -> None:
    """The event has failed, and is not tried again by itself."""
    assert hooks.generic("subscriber.created", email="ada at example") == 202
    assert hooks.work() == {"done": 1}
    row = hooks.last()
    assert row.outcome == "failed"
    assert row.last_error == "generic: m-1: its address is no e-mail address; correct it at the site"
    assert hooks.work() == {}


@pytest.mark.parametrize("name", HOOKS)
def test_an_unsigned_request_is_refused_with_a_line_in_the_log(
    hooks: Hooks, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """401 without detail; the log has source and reason, and nothing of the body; nothing is stored."""
    with caplog.at_level(logging.WARNING, "podcast_pipeline.web"):
        answer = hooks.client.post(f"/hooks/{name}", content=b'{"id": "a secret word"}')
    assert (answer.status_code, answer.text) == (401, "not taken\n")
    assert [record.getMessage() for record in caplog.records if record.name == "podcast_pipeline.web"] == [
        f"hook {name}: refused with 401: "
        + ("no signature is right" if name == "memberful" else "has no time")
    ]
    assert hooks.events.last() == []


def test_a_replay_is_refused(hooks: Hooks) -> None:
    """Five minutes after it was signed."""
    hooks.account.subscribe(ADA)
    headers, body = hooks.account.signed(hooks.account.events[0])
    hooks.site.clock.now += timedelta(minutes=5, seconds=1)
    assert hooks.client.post("/hooks/stripe", content=body, headers=headers).status_code == 401


def test_what_is_no_event_gets_400(hooks: Hooks) -> None:
    """Signed, but no JSON."""
    body = b"not JSON"
    headers = {"x-memberful-webhook-signature": "x"}
    assert hooks.client.post("/hooks/memberful", content=body, headers=headers).status_code == 401
    headers = {"x-memberful-webhook-signature": _memberful(body)}
    answer = hooks.client.post("/hooks/memberful", content=body, headers=headers)
    assert (answer.status_code, answer.text) == (400, "not taken\n")


def test_a_large_body_gets_413(hooks: Hooks) -> None:
    """256 kB are read, and one byte more is not."""
    answers = [
        hooks.client.post("/hooks/stripe", content=b"x" * size).status_code
        for size in (MAX_BODY_BYTES, MAX_BODY_BYTES + 1)
    ]
    assert answers == [401, 413]


def test_a_source_without_a_secret_is_not_found(hooks: Hooks) -> None:
    """No source of that name, a source that is not set up, and GET are no hooks."""
    assert hooks.client.post("/hooks/ghost").status_code == 404
    assert hooks.client.get("/hooks/stripe").status_code == 405
    with TestClient(hooks.site.app(), base_url="http://127.0.0.1:8080") as plain:
        assert plain.post("/hooks/stripe").status_code == 404


def test_a_flood_of_unsigned_requests_is_limited_by_network(hooks: Hooks) -> None:
    """The sixty-first is not read; signed ones of the same network wait too, of others they go on."""
    statuses = [hooks.client.post("/hooks/stripe", content=b"{}").status_code for _ in range(62)]
    assert statuses == [401] * 60 + [429] * 2
    answer = hooks.client.post("/hooks/stripe", content=b"{}")
    assert int(answer.headers["retry-after"]) > 0
    hooks.account.subscribe(ADA)
    headers, body = hooks.account.signed(hooks.account.events[0])
    other = TestClient(hooks.client.app, base_url="http://127.0.0.1:8080", client=("203.0.113.9", 1))
    assert other.post("/hooks/stripe", content=body, headers=headers).status_code == 202


def test_signed_events_are_never_limited(hooks: Hooks) -> None:
    """A newsroom's import may send hundreds in a moment."""
    for number in range(70):
        event = {"id": f"evt_{number}", "type": "product.created", "created": 1, "data": {"object": {}}}
        assert hooks.told(event) == 202


def test_the_access_log_and_the_headers_of_a_hook(hooks: Hooks) -> None:
    """No search engine lists it, no other site reads it, no cache keeps it."""
    answer = hooks.client.post("/hooks/stripe", content=b"{}")
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
KINDS = st.sampled_from(
    ["customer.subscription.updated", "charge.refunded", "subscriber.ended", "order.refunded", "x"]
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "type": KINDS | JSON,
        "event": KINDS | JSON,
        "created": JSON,
        "timestamp": st.just("2026-03-10T12:00:00Z") | JSON,
        "data": JSON | st.fixed_dictionaries({}, optional={"object": JSON, "id": JSON, "email": JSON}),
        "subscription": JSON | st.fixed_dictionaries({}, optional={"id": JSON, "created_at": JSON}),
        "order": JSON,
    },
)
BODIES = st.binary(max_size=60) | EVENTS.map(lambda event: json.dumps(event).encode())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(HOOKS), body=BODIES, event_id=st.text(max_size=9), is_signed=st.booleans())
def test_no_body_and_no_signature_breaks_anything(
    hooks: Hooks, name: str, body: bytes, event_id: str, is_signed: bool
) -> None:
    """Whatever is sent, signed or not, the answer is 202, 400, 401 or 429, and every job ends."""
    hooks.site.clock.now += timedelta(minutes=20)
    at_s = int(hooks.site.clock.now.timestamp())
    headers = _signed(name, body, event_id, at_s) if is_signed else {"stripe-signature": f"t={at_s},v1=é"}
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    answer = hooks.client.post(f"/hooks/{name}", content=body, headers=raw)
    assert answer.status_code in ((202, 400, 401) if is_signed else (401, 429))
    assert set(hooks.work()) <= {"done"}


def _signed(name: str, body: bytes, event_id: str, at_s: int) -> dict[str, str]:
    if name == "memberful":
        return {"x-memberful-webhook-signature": _memberful(body)}
    if name == "stripe":
        return {"stripe-signature": f"t={at_s},v1={_hmac(WEBHOOK_SECRET, b'%d.' % at_s + body)}"}
    visible = "".join(letter for letter in event_id if "!" <= letter <= "~")
    message = f"{visible}.{at_s}.".encode() + body
    return {
        "webhook-id": visible,
        "webhook-timestamp": str(at_s),
        "webhook-signature": "v1," + b64encode(_digest(b"k" * 32, message)).decode(),
    }


def _memberful(body: bytes) -> str:
    return _hmac("m", body)


def _hmac(secret: str, message: bytes) -> str:
    return _digest(secret.encode(), message).hex()


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
