"""What a membership site says of one subscription, and when its entitlement ends; pure."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from podcast_pipeline.audience.subscribers.plans import YEAR_OF_NEVER
from podcast_pipeline.model import Period
from podcast_pipeline.model.fields import FrozenModel, Instant, NonEmptyStr, SingleLineStr

Order = tuple[datetime, str]


class Membership(FrozenModel):
    """One subscription of a source at one instant.

    Attributes:
        source: stripe, memberful, generic; its name in `/hooks/<source>` and in the table of entitlements.
        foreign_id: of the subscription in the source.
        email: as the source has it, not normalized; an address that is none is a SubscriberError later. None
            where the source does not tell it any more, as of a deleted customer.
        plan: the id of a plan of show.toml.
        period_ends_at: the end of the time that was paid for; None never ends.
        renews: whether another period follows, paid or tried to be paid; False once cancelled.
        cancelled_at: when the subscription was cancelled to its period's end.
        suspended_at: when the source stopped the subscription for a while.
        ended_at: when a refund, a dispute or a deletion ended it at once, whatever was paid for.
        ended_because: `refund`, `dispute`, `deleted`; for the person's mail and the audit log.
        observed_at: the source's own time of this state, or that of the answer of its API.
        observed_id: orders what was observed in one second: the event's id, or the time of the API's answer
            with microseconds.
    """

    source: NonEmptyStr
    foreign_id: Annotated[SingleLineStr, Field(max_length=255)]
    email: NonEmptyStr | None
    plan: NonEmptyStr = "standard"
    period: Period = "yearly"
    starts_at: Instant
    period_ends_at: Instant | None = None
    renews: bool = True
    cancelled_at: Instant | None = None
    suspended_at: Instant | None = None
    ended_at: Instant | None = None
    ended_because: str | None = None
    observed_at: Instant
    observed_id: str = ""

    @property
    def order(self) -> Order:
        """The place of this observation among those of its subscription: the greatest one is the newest."""
        return (self.observed_at, self.observed_id)


def entitlement_end(membership: Membership, *, grace_days: int) -> datetime | None:
    """Return when a membership's entitlement ends; None never ends.

    A subscription that renews has `grace_days` after its period: a failed payment may be tried again, and the
    event of a payment may be lost. A cancelled one ends with its period. What was ended at once (a refund)
    ends then, or before where nothing was paid for any more.

    Args:
        grace_days: `[membership] grace_days` of show.toml, at least 0.
    """
    ends = [membership.ended_at] if membership.ended_at else []
    if membership.period_ends_at and membership.period_ends_at.year < YEAR_OF_NEVER:
        grace = timedelta(days=grace_days if membership.renews else 0)
        ends.append(membership.period_ends_at + grace)
    return min(ends, default=None)
