"""The show's slots: which moment is the next free one. Pure; daylight saving is the zone's business."""

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from podcast_pipeline.errors import ConfigError

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
HORIZON_DAYS = 3 * 365


def next_free_slot(
    slots: Collection[tuple[str, time]],
    *,
    zone: ZoneInfo,
    occupied: Collection[datetime],
    after: datetime,
) -> datetime:
    """Return the first slot after a moment that no episode has, in UTC.

    A slot is a time on the clock of `zone`: 06:00 stays 06:00 when summer time begins or ends. One that
    the spring change skips moves on by the skipped hour; one that comes twice in autumn is its first.

    Args:
        slots: (weekday, time of day).
        taken: when scheduled and published episodes go or went out, aware.

    Raises:
        ConfigError: the show has no slots, or none is free within three years.
    """
    if not slots:
        raise ConfigError(
            "show.toml [schedule.slots]", 'is empty; name slots like "TU 06:00", or give --at TIME'
        )
    start = after.astimezone(zone).date()
    days = (start + timedelta(days=number) for number in range(HORIZON_DAYS))
    moments = (
        datetime.combine(day, at, zone).astimezone(UTC)
        for day in days
        for weekday, at in sorted(slots, key=lambda slot: slot[1])
        if WEEKDAYS[day.weekday()] == weekday
    )
    busy = {moment.astimezone(UTC) for moment in occupied}
    free = next((moment for moment in moments if moment > after and moment not in busy), None)
    if free is None:
        raise ConfigError("show.toml [schedule.slots]", "has no free slot for three years; give --at TIME")
    return free
