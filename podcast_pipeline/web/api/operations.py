"""The operations of the REST API: one table for the routes, the OpenAPI document and the reference."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from podcast_pipeline.audience.api.keys import ApiKey, Scope
from podcast_pipeline.audience.api.people import People
from podcast_pipeline.audience.api.requests import Outcome
from podcast_pipeline.audience.database import retry_on_integrity_error
from podcast_pipeline.audience.membership.entitlements import apply
from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.email import parse_email
from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Subscriber
from podcast_pipeline.web.api.models import (
    EventList,
    EventPage,
    Lookup,
    MembershipEvent,
    Nothing,
    SubscriberFacts,
    SubscriberList,
    SubscriberPage,
    Subscription,
    Suspension,
    WrongField,
)
from podcast_pipeline.web.api.problems import ApiProblem

NO_SUCH_SUBSCRIBER = "there is no such subscriber"


@dataclass(frozen=True)
class ApiCall:
    """A request of a key, at one instant, and the parts that answer it.

    Attributes:
        given: the body, or the query of a GET; a model of the operation.
        subscriber_id: in the path; None where the path has none.
    """

    subscribers: Subscribers
    plan_ids: tuple[str, ...]
    grace_days: int
    key: ApiKey
    now: datetime
    given: Any
    subscriber_id: UUID | None = None

    @property
    def people(self) -> People:
        """The subscribers to look up."""
        return People(self.subscribers.engine, self.subscribers.show_id)

    @property
    def changed(self) -> Subscribers:
        """The subscribers, changed by this key."""
        return self.subscribers.by(self.key.actor)

    def subscriber(self) -> Subscriber:
        """Return the subscriber of the path; 404 where there is none."""
        found = self.people.get(self.subscriber_id) if self.subscriber_id else None
        return _known(found)


Handler = Callable[[ApiCall], BaseModel | Outcome]


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        path: below /api/v1; `{id}` is a subscriber's.
        takes: the model of the body, or of the query of a GET.
        answers: the model of the answer; None: 204, without a body.
        statuses: of answers that do not refuse.
    """

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    scope: Scope
    summary: str
    handler: Handler
    takes: type[BaseModel] = Nothing
    answers: type[BaseModel] | None = SubscriberFacts
    statuses: tuple[int, ...] = (200,)

    @property
    def has_id(self) -> bool:
        """Whether the path has a subscriber's id."""
        return "{id}" in self.path

    @property
    def has_body(self) -> bool:
        """Whether a body is read."""
        return self.method == "POST"


def list_subscribers(call: ApiCall) -> SubscriberList:
    """Return a page."""
    query: SubscriberPage = call.given
    found = call.people.page(query.after, limit=query.limit + 1)
    page = found[: query.limit]
    following = page[-1].id if len(found) > len(page) else None
    return SubscriberList(
        subscribers=tuple(SubscriberFacts.of(each, call.now) for each in page), next=following
    )


def get_subscriber(call: ApiCall) -> Outcome:
    """Return one."""
    return Outcome(200, call.subscriber().id)


def find_subscriber(call: ApiCall) -> Outcome:
    """Look one up."""
    asked: Lookup = call.given
    if asked.email is not None:
        return Outcome(200, _known(call.people.with_address(asked.email)).id)
    return Outcome(200, _known(call.people.with_subscription(call.key.source, asked.foreign_id or "")).id)


def put_subscription(call: ApiCall) -> Outcome:
    """Create or change what this key's program gives somebody."""
    told: Subscription = call.given
    if told.plan not in call.plan_ids:
        raise _wrong_field("#/plan", f"is no plan; known are {', '.join(call.plan_ids)}")
    try:
        parse_email(told.email)
    except SubscriberError as error:
        raise _wrong_field("#/email", "is not an e-mail address") from error
    membership = Membership(
        **told.model_dump(),
        source=call.key.source,
        renews=told.cancelled_at is None,
        observed_at=call.now,
        observed_id=call.now.isoformat(),
    )

    def work() -> Outcome:
        with call.changed.transaction(call.now, "api") as change:
            applied = apply(change, membership, grace_days=call.grace_days)
        if applied.subscriber_id is None:
            raise ApiProblem(
                409, "this subscription was of somebody who was erased; give it another foreign_id"
            )
        return Outcome(201 if applied.outcome == "created" else 200, applied.subscriber_id)

    return retry_on_integrity_error(work)


def rotate(call: ApiCall) -> Outcome:
    """Replace the private link."""
    person = _subscribed(call.subscriber())
    call.changed.rotate(person.email, now=call.now, origin="api")
    return Outcome(200, person.id)


def suspend(call: ApiCall) -> Outcome:
    """Suspend."""
    person, told = _subscribed(call.subscriber()), call.given
    call.changed.suspend(person.email, told.reason, now=call.now, origin="api")
    return Outcome(200, person.id)


def resume(call: ApiCall) -> Outcome:
    """End a suspension."""
    person = _subscribed(call.subscriber())
    call.changed.resume(person.email, now=call.now, origin="api")
    return Outcome(200, person.id)


def erase(call: ApiCall) -> Outcome:
    """Erase."""
    call.changed.erase(call.subscriber().email, now=call.now, origin="api")
    return Outcome(204)


def list_events(call: ApiCall) -> EventList:
    """Return a page."""
    query: EventPage = call.given
    found = call.people.events(query.after, limit=query.limit + 1)
    page = found[: query.limit]
    following = page[-1].id if len(found) > len(page) else None
    return EventList(events=tuple(MembershipEvent.of(each) for each in page), next=following)


READ: Scope = "subscribers:read"
WRITE: Scope = "subscribers:write"
MANY, ONE = "/subscribers", "/subscribers/{id}"
OPERATIONS = (
    Operation(
        "listSubscribers",
        "GET",
        MANY,
        READ,
        "A page of all subscribers, oldest first",
        list_subscribers,
        SubscriberPage,
        SubscriberList,
    ),
    Operation(
        "putSubscription",
        "POST",
        MANY,
        WRITE,
        "Create or change a subscription by its id",
        put_subscription,
        Subscription,
        statuses=(200, 201),
    ),
    Operation(
        "findSubscriber",
        "POST",
        f"{MANY}/find",
        READ,
        "Look up by address or id of a subscription",
        find_subscriber,
        Lookup,
    ),
    Operation("getSubscriber", "GET", ONE, READ, "One subscriber", get_subscriber),
    Operation(
        "eraseSubscriber",
        "DELETE",
        ONE,
        WRITE,
        "Erase a person's data for ever; without a way back",
        erase,
        answers=None,
        statuses=(204,),
    ),
    Operation("rotateLink", "POST", f"{ONE}/rotate", WRITE, "Replace the private link", rotate),
    Operation("suspendSubscriber", "POST", f"{ONE}/suspend", WRITE, "Suspend", suspend, Suspension),
    Operation("resumeSubscriber", "POST", f"{ONE}/resume", WRITE, "End a suspension", resume),
    Operation(
        "listEvents",
        "GET",
        "/events",
        "events:read",
        "A page of membership sites' events, oldest first",
        list_events,
        EventPage,
        EventList,
    ),
)
"""All operations; a new one is a line."""


def _known(found: Subscriber | None) -> Subscriber:
    if found is None:
        raise ApiProblem(404, NO_SUCH_SUBSCRIBER)
    return found


def _subscribed(person: Subscriber) -> Subscriber:
    if person.removed_at is not None:
        raise ApiProblem(409, "the subscriber was removed; a new subscription brings them back")
    return person


def _wrong_field(pointer: str, detail: str) -> ApiProblem:
    return ApiProblem(422, "a field is wrong", errors=(WrongField(pointer=pointer, detail=detail),))
