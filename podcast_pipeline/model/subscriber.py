"""A subscriber and the token of a private feed."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from podcast_pipeline.model.entitlement import MANUAL, NEVER, Entitlement, Period, Plan
from podcast_pipeline.model.fields import FrozenModel, Instant, NonEmptyStr, Sha256

SubscriberState = Literal["active", "lapsed", "suspended", "removed"]


class Subscriber(FrozenModel):
    """A paying reader. The state is computed, never stored.

    Attributes:
        news_since: time of the opt-in to notifications of new transcripts; None without opt-in.
        entitlements: what each source gives them, oldest first.
    """

    id: UUID
    show_id: UUID
    email: NonEmptyStr
    email_normalized: NonEmptyStr
    suspended_at: Instant | None = None
    suspended_reason: str | None = None
    removed_at: Instant | None = None
    created_at: Instant
    updated_at: Instant
    is_canary: bool = False
    news_since: Instant | None = None
    entitlements: tuple[Entitlement, ...] = ()

    @property
    def manual(self) -> Entitlement | None:
        """The entitlement that the newsroom enters itself; None where only other sources gave any."""
        return next((each for each in self.entitlements if each.source == MANUAL), None)

    @property
    def longest(self) -> Entitlement | None:
        """The entitlement that holds longest; None without any."""
        return max(self.entitlements, key=lambda each: each.holds_until, default=None)

    @property
    def plan(self) -> Plan:
        """The plan of the entitlement that holds longest."""
        return self.longest.plan if self.longest else "standard"

    @property
    def period(self) -> Period:
        """The billing period of the entitlement that holds longest."""
        return self.longest.period if self.longest else "yearly"

    @property
    def paid_until(self) -> datetime | None:
        """The end of the paid time: of the entitlement that holds longest; None never ends."""
        if self.longest is None:
            return self.created_at
        return None if self.longest.holds_until == NEVER else self.longest.holds_until

    def state(self, now: datetime) -> SubscriberState:
        """Return the first state that holds: removed, suspended, active by any entitlement, lapsed."""
        if self.removed_at is not None:
            return "removed"
        if self.suspended_at is not None:
            return "suspended"
        return "active" if any(each.holds(now) for each in self.entitlements) else "lapsed"

    def state_since(self, now: datetime) -> datetime:
        """Return the instant in the field that caused the state; of an active subscriber the last change."""
        causes = {
            "removed": self.removed_at,
            "suspended": self.suspended_at,
            "lapsed": self._last_end(now),
        }
        return causes.get(self.state(now)) or self.updated_at

    @property
    def sources(self) -> tuple[str, ...]:
        """Who gives this subscriber access, or gave it, each once."""
        return tuple(dict.fromkeys(each.source for each in self.entitlements))

    def going_on(self, now: datetime) -> tuple[str, ...]:
        """Return the membership sites whose entitlements hold and were not cancelled there, each once."""
        running = (each for each in self.entitlements if each.holds(now) and each.cancelled_at is None)
        return tuple(dict.fromkeys(each.source for each in running if each.source != MANUAL))

    def _last_end(self, now: datetime) -> datetime | None:
        ends = (each.holds_until for each in self.entitlements)
        return max((end for end in ends if end <= now), default=None)


class FeedToken(FrozenModel):
    """The stored part of a feed token: a hash of the secret, not the secret."""

    selector: Annotated[str, Field(pattern=r"^[a-z2-7]{16}$")]
    secret_sha256: Sha256
    subscriber_id: UUID
    created_at: Instant
    rotated_at: Instant | None = None
