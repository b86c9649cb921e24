"""A signed hook for any membership site, by Standard Webhooks; the events have the facts.

Source: https://www.standardwebhooks.com, docs/reference/hooks.md.
"""

from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks import Webhook

from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.membership.sources.events import NotAnEvent, SignatureRefused, SourceEvent
from podcast_pipeline.audience.membership.sources.payloads import (
    PRINTABLE,
    find_id,
    find_kind,
    parse_object,
)
from podcast_pipeline.audience.membership.sources.signatures import check_signature, check_time
from podcast_pipeline.errors import ConfigError, EventUnusable
from podcast_pipeline.model import Period

MIN_SECRET_BYTES = 24
"""As the standard has it."""

EventType = Literal["subscriber.created", "subscriber.updated", "subscriber.cancelled", "subscriber.ended"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


class HookSubscription(BaseModel):
    """`data` of an event: the whole state of one subscription; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=PRINTABLE.pattern.join("^$"))
    """Id of the subscription in the membership site; it never changes."""
    email: str | None = Field(default=None, max_length=320)
    """Address of the subscriber. It may be left out once the subscription is known."""
    plan: str = Field(default="standard", max_length=32)
    """Id of a plan of show.toml."""
    period: Period = "yearly"
    """How often is paid."""
    starts_at: AwareDatetime | None = None
    """When the subscription began; without it the time of the event."""
    period_ends_at: AwareDatetime | None = None
    """End of the time that is paid for; without it the subscription never ends."""
    renews: bool = True
    """Whether another period follows. One that does has `[membership] grace_days` after its end."""
    suspended_at: AwareDatetime | None = None
    """When the subscription was suspended; null once it is no longer."""
    ended_at: AwareDatetime | None = None
    """When the subscription ended at once, as after a refund."""
    ended_because: Literal["refund", "dispute", "deleted"] | None = None
    """Why it ended at once."""


class HookEvent(BaseModel):
    """The JSON of an event; its id is the header `webhook-id`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: EventType
    """What happened. `cancelled`: no other period follows. `ended`: at once, whatever is paid for."""
    timestamp: AwareDatetime
    """When it happened, by the site's clock; of two events of a subscription the later one counts."""
    data: HookSubscription
    """The subscription after it."""


@dataclass(frozen=True)
class GenericHook:
    """The hook `generic`.

    Attributes:
        secret: PODCAST_HOOK_SECRET: base64, after `whsec_` or alone.
        plans: the ids of the show's plans.
    """

    secret: str = field(repr=False)
    plans: Collection[str]
    name: str = "generic"

    def __post_init__(self) -> None:
        """Check the secret.

        Raises:
            ConfigError: it is no base64, or too short to be a secret.
        """
        try:
            key = b64decode(self.secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if len(key) < MIN_SECRET_BYTES:
            raise ConfigError(
                "PODCAST_HOOK_SECRET",
                f"is not `whsec_` and the base64 of {MIN_SECRET_BYTES} bytes or more; make one with `printf"
                " whsec_; openssl rand -base64 32`",
            )

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        """Check `webhook-signature`; see `MembershipSource`."""
        sent_at = check_time(headers.get("webhook-timestamp", ""), now=now)
        try:
            message = body.decode()
        except UnicodeDecodeError as error:
            raise SignatureRefused("is not UTF-8") from error
        instant = datetime.fromtimestamp(sent_at, UTC)
        expected = Webhook(self.secret).sign(headers.get("webhook-id", ""), instant, message)
        check_signature(expected, headers.get("webhook-signature", "").split(" "))

    def parse(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> SourceEvent:
        """Return the event; one of an unknown kind, or without the fields of its kind, is kept too."""
        payload = parse_object(body)
        event_id = headers.get("webhook-id", "")
        if not PRINTABLE.fullmatch(event_id):
            raise NotAnEvent("has no webhook-id")
        kind = find_kind(payload, "type")
        try:
            occurred_at = HookEvent.model_validate(payload).timestamp
        except ValidationError:  # told when the event is applied
            occurred_at = now
        return SourceEvent(event_id, kind, find_id(payload, "data", "id"), occurred_at, body.decode())

    def look(self, event: SourceEvent, *, now: datetime) -> tuple[Membership, ...]:  # noqa: ARG002 (protocol)
        """Return the subscription as the event has it."""
        if event.kind not in EVENT_TYPES:
            return ()
        try:
            told = HookEvent.model_validate_json(event.body)
            return (self._membership(told, event.id),)
        except ValidationError as error:
            raise EventUnusable(f"event {event.id}", _first_problem(error)) from error

    def list_all(self, *, now: datetime) -> Iterator[Membership] | None:  # noqa: ARG002 (protocol)
        """Return None: the site has no API that is known."""
        return None

    def _membership(self, told: HookEvent, event_id: str) -> Membership:
        data = told.data
        if data.plan not in self.plans:
            known = ", ".join(self.plans)
            raise EventUnusable(
                f"event {event_id}", f"has the plan {data.plan!a}, and show.toml has {known}; add it there"
            )
        is_cancelled, is_ended = told.type == "subscriber.cancelled", told.type == "subscriber.ended"
        return Membership(
            source=self.name,
            foreign_id=data.id,
            email=data.email or None,
            plan=data.plan,
            period=data.period,
            starts_at=data.starts_at or told.timestamp,
            period_ends_at=data.period_ends_at,
            renews=data.renews and not is_cancelled,
            cancelled_at=told.timestamp if is_cancelled else None,
            suspended_at=data.suspended_at,
            ended_at=data.ended_at or (told.timestamp if is_ended else None),
            ended_because=data.ended_because or ("deleted" if is_ended else None),
            observed_at=told.timestamp,
            observed_id=event_id,
        )


def _first_problem(error: ValidationError) -> str:
    """Return a line that names the first wrong field, without its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    return f"{place}: {first['msg']}"[:300]
