"""What the REST API takes and answers; its OpenAPI document is made from these models."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from podcast_pipeline.audience.membership.events import StoredEvent
from podcast_pipeline.audience.subscribers.plans import FIRST_YEAR, YEAR_OF_NEVER
from podcast_pipeline.model import FrozenModel, Instant, Period, SingleLineStr, Subscriber, SubscriberState

LONGEST_PAGE = 200


def _sane(value: object) -> object:
    """Refuse what is no text, and years that are no subscription's."""
    if not isinstance(value, str):
        raise ValueError("is no text like 2027-01-31T00:00:00Z")  # noqa: TRY004, pydantic's error
    if not f"{FIRST_YEAR}" <= value[:4] < f"{YEAR_OF_NEVER}":
        raise ValueError(f"is not between {FIRST_YEAR} and {YEAR_OF_NEVER - 1}; write null for no end")
    return value


ApiInstant = Annotated[Instant, BeforeValidator(_sane)]
ForeignId = Annotated[SingleLineStr, Field(min_length=1, max_length=255)]
Email = Annotated[str, Field(min_length=3, max_length=320, json_schema_extra={"format": "email"})]


class WrongField(FrozenModel):
    """A field of a body or query that is wrong."""

    pointer: str
    """JSON Pointer to it in the body, or the name in the query."""
    detail: str


class Problem(FrozenModel):
    """Problem details, RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[WrongField, ...] = ()


class Subscription(FrozenModel):
    """A subscription as the program knows it now; the newest request counts."""

    foreign_id: ForeignId
    """Its id in the program; it finds the subscription again."""
    email: Email
    """Whose it is; a new address moves a subscriber who has nothing from elsewhere."""
    plan: SingleLineStr = "standard"
    """Id of a plan of the show."""
    period: Period = "yearly"
    starts_at: ApiInstant
    """From when on it counts."""
    period_ends_at: ApiInstant | None = None
    """The end of what was paid; null never ends."""
    cancelled_at: ApiInstant | None = None
    """When its renewal was cancelled; without it, it is active for some days after the period, too."""
    ended_at: ApiInstant | None = None
    """When a refund or something else ended it at once."""


class Lookup(FrozenModel):
    """Whom to look up: by the address, or by the id of a subscription of this key's program."""

    email: Email | None = None
    foreign_id: ForeignId | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.email is None) == (self.foreign_id is None):
            raise ValueError("give one of email and foreign_id")
        return self


class Suspension(FrozenModel):
    """Why somebody is suspended."""

    reason: Annotated[SingleLineStr, Field(max_length=500)] | None = None


class Nothing(FrozenModel):
    """An empty object, or no body."""


class SubscriberPage(FrozenModel):
    """Which page of subscribers."""

    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 50


class EventPage(FrozenModel):
    """Which page of events."""

    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 50


class EntitlementFacts(FrozenModel):
    """What one source gives a subscriber."""

    source: str
    foreign_id: str
    plan: str
    period: Period
    starts_at: datetime | None
    ends_at: datetime | None
    cancelled_at: datetime | None
    suspended_at: datetime | None


class SubscriberFacts(FrozenModel):
    """A subscriber; never their private link, which goes to them alone."""

    id: UUID
    email: str
    state: SubscriberState
    plan: str
    period: Period
    paid_until: datetime | None
    """null never ends."""
    created_at: datetime
    updated_at: datetime
    entitlements: tuple[EntitlementFacts, ...]

    @classmethod
    def of(cls, subscriber: Subscriber, now: datetime) -> Self:
        """Return the facts of a subscriber."""
        given = (
            EntitlementFacts(**{name: getattr(each, name) for name in EntitlementFacts.model_fields})
            for each in subscriber.entitlements
        )
        names = ("id", "email", "plan", "period", "paid_until", "created_at", "updated_at")
        return cls(
            **{name: getattr(subscriber, name) for name in names},
            state=subscriber.state(now),
            entitlements=tuple(given),
        )


class SubscriberList(FrozenModel):
    """A page of subscribers, oldest first."""

    subscribers: tuple[SubscriberFacts, ...]
    next: UUID | None
    """`after` of the next page; null where this is the last one."""


class MembershipEvent(FrozenModel):
    """An event of a membership site."""

    id: int
    source: str
    kind: str
    foreign_id: str | None
    occurred_at: datetime
    received_at: datetime
    outcome: str | None
    """null until it is applied."""

    @classmethod
    def of(cls, event: StoredEvent) -> Self:
        """Return what programs see of a stored event."""
        return cls.model_validate({name: getattr(event, name) for name in cls.model_fields})


class EventList(FrozenModel):
    """A page of events, oldest first."""

    events: tuple[MembershipEvent, ...]
    next: int | None
    """`after` of the next page; null where this is the last one."""
