"""The terms of a subscription: plan, billing period and end of the paid time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar, get_args
from zoneinfo import ZoneInfo

from podcast_pipeline.errors import SubscriberError
from podcast_pipeline.model import Period, Plan

PLANS: tuple[Plan, ...] = get_args(Plan)
PERIODS: tuple[Period, ...] = get_args(Period)
YEARS = range(1970, 9999)

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class SubscriptionTerms:
    """A plan, its billing period, and the end of the paid time; paid_until None never ends."""

    plan: Plan = "standard"
    period: Period = "yearly"
    paid_until: datetime | None = None

    def to_details(self) -> dict[str, str | None]:
        """Return the terms as details of an audit log entry."""
        until = self.paid_until
        return {"plan": self.plan, "period": self.period, "paid_until": until.isoformat() if until else None}


def parse_plan(text: str) -> Plan:
    """Return the plan of a name, case-insensitively."""
    return _one_of(text, PLANS, "plan")


def parse_period(text: str) -> Period:
    """Return the billing period of a name, case-insensitively."""
    return _one_of(text, PERIODS, "period")


def parse_paid_until(text: str, zone: ZoneInfo) -> datetime:
    """Parse the end of the paid time from `--until` or a CSV, into UTC.

    Args:
        text: a date like 2027-01-31, the end of that day in `zone`; or an instant like
            2027-01-31T23:00:00+01:00.

    Raises:
        SubscriberError: `text` is neither, or outside of 1970 to 9998.
    """
    try:
        instant = _end_of_day(date.fromisoformat(text), zone) if len(text) <= 10 else _parse_instant(text)
    except ValueError as error:
        raise SubscriberError(
            text[:40], "is not a date like 2027-01-31; leave it empty for no end"
        ) from error
    return instant.astimezone(UTC).replace(microsecond=0)


def _end_of_day(day: date, zone: ZoneInfo) -> datetime:
    _check_year(day)
    return datetime.combine(day + timedelta(days=1), time(0), zone)


def _parse_instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    _check_year(instant)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return instant


def _check_year(day: date) -> None:
    if day.year not in YEARS:
        raise ValueError("out of range")


def _one_of(text: str, names: tuple[Name, ...], noun: str) -> Name:
    matches = [name for name in names if name == text.strip().lower()]
    if not matches:
        raise SubscriberError(text.strip()[:40], f"is not a {noun}; known are {', '.join(names)}")
    return matches[0]
