"""An entitlement: a plan that one source gives a subscriber for a time."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from podcast_pipeline.model.fields import FrozenModel, Instant, NonEmptyStr

Plan = NonEmptyStr
"""The id of a plan: `standard`, `student` or one of [[plans]] in show.toml."""

Period = Literal["monthly", "yearly"]

MANUAL = "manual"
"""The source of what the newsroom enters itself, by a command or from a CSV file."""

NEVER = datetime.max.replace(tzinfo=UTC)


class Entitlement(FrozenModel):
    """What one source says of one subscription. It gives access while it holds.

    Attributes:
        source: `manual`, or the membership site: `stripe`.
        foreign_id: of the subscription at the source; of `manual`, the subscriber's id.
        starts_at: None: it has begun.
        ends_at: the first instant without access; None never ends.
        cancelled_at: when its renewal was cancelled; it holds until `ends_at` all the same.
        suspended_at: from when on the source suspends it.
        observed_at: the source's own time of these facts; of two, the newer ones count.
        observed_id: orders what was observed in one second, as the id of the source's event does.
    """

    id: UUID
    subscriber_id: UUID
    source: NonEmptyStr
    foreign_id: NonEmptyStr
    plan: Plan = "standard"
    period: Period = "yearly"
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    cancelled_at: Instant | None = None
    suspended_at: Instant | None = None
    observed_at: Instant
    observed_id: str = ""

    @property
    def holds_until(self) -> datetime:
        """The first instant at which it holds no longer; `NEVER` without an end."""
        return min(self.ends_at or NEVER, self.suspended_at or NEVER)

    def holds(self, now: datetime) -> bool:
        """Return whether it gives access now; the same in SQL is `entitlement_rows.is_active`."""
        return (self.starts_at is None or self.starts_at <= now) and now < self.holds_until
