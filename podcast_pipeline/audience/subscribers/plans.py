"""The terms of a subscription: plan, billing period and end of the paid time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self, TypeVar, get_args
from zoneinfo import ZoneInfo

from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Period, Plan, Subscriber

PLANS: tuple[Plan, ...] = ("standard", "student")
"""The plans of every show, beside [[plans]] in show.toml."""

PERIODS: tuple[Period, ...] = get_args(Period)
FIRST_YEAR = 1970
YEAR_OF_NEVER = 9999
"""The year that membership exports write for no end, mostly as 9999-12-31; UTC has not all of its hours."""

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class SubscriptionTerms:
    """The terms of a manual entitlement: plan, billing period, end of the paid time; None never ends."""

    plan: Plan = "standard"
    period: Period = "yearly"
    paid_until: datetime | None = None

    @classmethod
    def of(cls, subscriber: Subscriber) -> Self:
        """Return the terms of a subscriber's manual entitlement; where there is none, of the longest one."""
        manual = subscriber.manual
        if manual is None:
            return cls(subscriber.plan, subscriber.period, subscriber.paid_until)
        return cls(manual.plan, manual.period, manual.ends_at)

    def to_details(self) -> dict[str, str | None]:
        """Return the terms as details of an audit log entry."""
        until = self.paid_until
        return {"plan": self.plan, "period": self.period, "paid_until": until.isoformat() if until else None}


def parse_plan(text: str, plans: tuple[Plan, ...]) -> Plan:
    """Return the plan of an id, case-insensitively; SubscriberError where it is none of `plans`."""
    return _one_of(text, plans, "plan")


def parse_period(text: str) -> Period:
    """Return the billing period of a name, case-insensitively."""
    return _one_of(text, PERIODS, "period")


def parse_paid_until(text: str, zone: ZoneInfo) -> datetime | None:
    """Parse the end of the paid time from `--until` or a CSV, into UTC; None never ends.

    Args:
        text: a date like 2027-01-31, the end of that day in `zone`; or an instant like
            2027-01-31T23:00:00+01:00. Both never end in the year 9999.

    Raises:
        SubscriberError: `text` is neither, or lies before 1970.
    """
    try:
        day = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid_end(text) from error
    if day.year < FIRST_YEAR:
        raise SubscriberError(text, f"lies before {FIRST_YEAR}; write a date like 2027-01-31")
    if day.year == YEAR_OF_NEVER:
        return None
    instant = day if isinstance(day, datetime) else datetime.combine(day + timedelta(days=1), time(), zone)
    if instant.tzinfo is None:
        raise _invalid_end(text)
    return instant.astimezone(UTC).replace(microsecond=0)


def _invalid_end(text: str) -> SubscriberError:
    return SubscriberError(text[:40], "is not a date like 2027-01-31; write 9999-12-31 for no end")


def _one_of(text: str, names: tuple[Name, ...], noun: str) -> Name:
    matches = [name for name in names if name == text.strip().lower()]
    if not matches:
        raise SubscriberError(text.strip()[:40], f"is not a {noun}; known are {', '.join(names)}")
    return matches[0]
