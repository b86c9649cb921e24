"""A subscriber and the token of a private feed."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from podcast_pipeline.model.fields import FrozenModel, Instant, NonEmptyStr, Sha256

SubscriberState = Literal["active", "lapsed", "suspended", "removed"]
Plan = Literal["standard", "student"]
Period = Literal["monthly", "yearly"]


class Subscriber(FrozenModel):
    """A paying reader. The state is computed, never stored.

    Attributes:
        news_since: time of the opt-in to notifications of new transcripts; None without opt-in.
    """

    id: UUID
    show_id: UUID
    email: NonEmptyStr
    email_normalized: NonEmptyStr
    plan: Plan = "standard"
    period: Period = "yearly"
    paid_until: Instant | None = None
    suspended_at: Instant | None = None
    suspended_reason: str | None = None
    removed_at: Instant | None = None
    created_at: Instant
    updated_at: Instant
    is_canary: bool = False
    news_since: Instant | None = None

    def state(self, now: datetime) -> SubscriberState:
        """Return the first state that holds: removed, suspended, lapsed (paid_until has come), active."""
        if self.removed_at is not None:
            return "removed"
        if self.suspended_at is not None:
            return "suspended"
        if self.paid_until is not None and self.paid_until <= now:
            return "lapsed"
        return "active"

    def state_since(self, now: datetime) -> datetime:
        """Return the instant in the field that caused the state; of an active subscriber the last change."""
        causes = {
            "removed": self.removed_at,
            "suspended": self.suspended_at,
            "lapsed": self.paid_until,
        }
        return causes.get(self.state(now)) or self.updated_at


class FeedToken(FrozenModel):
    """The stored part of a feed token: a hash of the secret, not the secret."""

    selector: Annotated[str, Field(pattern=r"^[a-z2-7]{16}$")]
    secret_sha256: Sha256
    subscriber_id: UUID
    created_at: Instant
    rotated_at: Instant | None = None
