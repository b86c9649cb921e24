"""The show's weekly slots: find the next free one. Pure; daylight saving follows the show's time zone."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from podcast_pipeline.errors import ConfigError
from podcast_pipeline.model import Episode

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
HORIZON_DAYS = 3 * 365


def next_free_slot(
    slots: Collection[tuple[str, time]],
    *,
    zone: ZoneInfo,
    occupied: Collection[datetime],
    after: datetime,
) -> datetime:
    """Return the first free slot after an instant, in UTC.

    A slot is a time on the clock of `zone`: 06:00 stays 06:00 when summer time begins or ends. A slot in
    the hour that spring skips is an hour later; of a slot that autumn repeats the first counts.

    Args:
        slots: (weekday, time of day).
        occupied: publication times of scheduled and published episodes, aware.

    Raises:
        ConfigError: the show has no slots, or none is free within three years.
    """
    if not slots:
        raise ConfigError(
            "show.toml [schedule.slots]", 'is empty; name slots like "TU 06:00", or give --at TIME'
        )
    start = after.astimezone(zone).date()
    days = (start + timedelta(days=number) for number in range(HORIZON_DAYS))
    instants = (
        datetime.combine(day, at, zone).astimezone(UTC)
        for day in days
        for weekday, at in sorted(slots, key=lambda slot: slot[1])
        if WEEKDAYS[day.weekday()] == weekday
    )
    taken = {instant.astimezone(UTC) for instant in occupied}
    free = next((instant for instant in instants if instant > after and instant not in taken), None)
    if free is None:
        raise ConfigError("show.toml [schedule.slots]", "has no free slot for three years; give --at TIME")
    return free


def scheduled_together(episodes: Iterable[Episode], episode: Episode) -> tuple[Episode, ...]:
    """Return the other episodes that are scheduled for the time at which a scheduled one goes out."""
    return tuple(
        other
        for other in episodes
        if other.state == episode.state == "scheduled"
        and other.id != episode.id
        and other.publish_at == episode.publish_at
    )
