"""Dates of feeds as apps read them: RFC 822 and 2822, ISO 8601, a day alone, months in other languages.

What is assumed, because a text can be read in two ways, is named: nobody would see a wrong hour otherwise.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from podcast_pipeline.feed.untrusted.day_names import DAYS_OF_WEEK
from podcast_pipeline.feed.untrusted.month_names import month_of, without_accents
from podcast_pipeline.feed.untrusted.zone_names import AMBIGUOUS, LOCAL, OFFSETS_H, UTC_NAMES

LONGEST = 100  # characters
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FILLERS = frozenset({"at", "um", "uhr", "h", "hrs", "om", "kl", "de", "as", "le", "в", "t"})
"""Words beside a time that are no zone: “at 6 pm”, “um 6:00 Uhr”, “kl. 06.00”, ISO's T."""

NO_TIME = "states no time; midnight is taken"
NEITHER = "states no time and no time zone; midnight UTC is taken"
WRONG_DAY = "names another day of the week than it has; the day of the month counts"
NO_ZONE = "states no time zone; UTC is taken"
IS_EPOCH = "is 1 January 1970, which programs write for none"
FIRST_YEAR = 1990  # radio archives are older than podcasts, but hardly older than this

_HALF = r"(?:\s?([ap])\.?m\b\.?)"
_TIMES = (
    re.compile(rf"(?<![\d:+-])(\d{{1,2}})[:h](\d{{2}})(?::(\d{{2}})(?:[.,]\d{{1,9}})?)?(?!\d){_HALF}?"),
    re.compile(rf"(?<![\d:.])(\d{{1,2}})()(){_HALF}"),
    re.compile(r"(?<=t)(\d{2})(\d{2})(\d{2})?(?:[.,]\d{1,9})?(?!\d)()"),
    re.compile(r"(?<![\d:.+-])(\d{1,2})\s?(?:uhr|h|hrs?|heures?|hod)\b()()()"),
    re.compile(r"(?<!\d)(\d{1,2})\s?[時时点點시](?:\s?(\d{1,2})\s?[分분])?()()"),
    re.compile(r"\b(?:kl\.?|um)\s(\d{1,2})(?![\d.:h])()()()"),
)
_DOTTED_TIME = re.compile(rf"(?<![\d.])(\d{{1,2}})\.(\d{{2}})(?:\.(\d{{2}}))?(?![\d.]){_HALF}?")
_HALVES = re.compile("(午前|上午|오전)|(午後|下午|오후)")
_MINUTES_S, _HOURS_S = 60, 3600

_NAME = r"([^\W\d_]{3,12})\.?"
_ORDINAL = r"(?:st|nd|rd|th|er|º|ª|\.)?"
_DATES = (
    re.compile(
        r"(?<!\d)(?P<y>\d{4})(?:-|/|\.|\s?[年년]\s?)(?P<m>\d{1,2})(?:-|/|\.|\s?[月월]\s?)(?P<d>\d{1,2})(?!\d)[日일]?"
    ),
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?!\d)"),
    re.compile(
        rf"(?<!\d)(?P<d>\d{{1,2}}){_ORDINAL}[-\s]*(?:(?:de|of)\s)?(?P<name>{_NAME}),?[-\s]*(?:de\s)?(?P<y>\d{{2,4}})(?!\d)"
    ),
    re.compile(rf"(?P<name>{_NAME})\s(?P<d>\d{{1,2}}){_ORDINAL},?\s(?P<between>\D*)(?P<y>\d{{4}})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})(?!\d)"),
    re.compile(r"(?<!\d)(?P<a>\d{1,2})[/-](?P<b>\d{1,2})[/-](?P<y>\d{4})(?!\d)"),
)
_FIRST_WORD = re.compile(r"([^\W\d_]+)(\.?,)?")
_COMMENT = re.compile(r"\(([^()]*)\)")
_OFFSET = re.compile("(?:gmt|utc|ut)?\\s?([+\u2212-])\\s?(\\d{1,2}):?(\\d{2})?(?!\\d)")  # U+2212: minus sign
_PLACE = re.compile(r"[a-z]+/[a-z_]+(?:/[a-z_]+)?")
_WORD = re.compile(r"[^\W\d_]+")
_SECOND = timedelta(seconds=1)
_MARK = "|"
"""Stands where day and time were: what follows is the zone, what precedes is the day of the week."""


@dataclass(frozen=True)
class FeedDate:
    """An instant, and what had to be assumed to read it.

    Attributes:
        at: aware.
        doubts: predicates of the date; empty where its text can be read in one way only.
    """

    at: datetime
    doubts: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def read_date(text: str) -> FeedDate | None:
    """Read a date; None for what is none, a month without a day too.

    A date without a zone is in UTC, one without a time at midnight; both are named as a doubt, as are zone
    names that several countries use, a day and a month that can be exchanged, and a wrong day of the week.
    Military letters are UTC. Source: RFC 5322, section 4.3.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).lower().split()).replace(_MARK, " ")
    if not plain or len(plain) > LONGEST:
        return None
    try:
        return _read(plain)
    except (ValueError, OverflowError):  # no such day, hour or offset, or beyond the year 9999
        return None


def is_far(at: datetime, now: datetime) -> bool:
    """Return whether a date is after next year, which is a slip of the pen and no plan."""
    return at.astimezone(UTC).year > now.astimezone(UTC).year + 1


def neighbouring_dates(
    dates: Sequence[datetime | None], *, first_at: datetime | None
) -> list[datetime | None]:
    """Return dates in which each missing one is a second from its neighbour's, in the direction of the feed.

    Args:
        dates: of a feed's items, in its order.
        first_at: of the first item where none has a date; None: they stay without.
    """
    filled = list(dates)
    known = [at for at in dates if at is not None]
    if not known and filled:
        filled[0] = first_at
    step = _SECOND if known and known[0] < known[-1] else -_SECOND
    for order, shift in ((range(1, len(filled)), step), (range(len(filled) - 2, -1, -1), -step)):
        for n in order:
            neighbour = filled[n - 1 if shift == step else n + 1]
            if filled[n] is None and neighbour is not None:
                filled[n] = neighbour + shift
    return filled


def places_of_equal_dates(dates: Sequence[datetime | None]) -> list[int]:
    """Return for each item of a feed how many of its date stand below it.

    They count from the last item, so that a feed that grows at its beginning gives the same ones again.
    """
    below: Counter[datetime | None] = Counter()
    places = []
    for at in reversed(dates):
        places.append(below[at])
        below[at] += 1
    return places[::-1]


def _read(text: str) -> FeedDate | None:
    comment = _COMMENT.search(text)
    clock, words = _clock(_COMMENT.sub(" ", text), _TIMES)
    day, words, day_doubt = _day(words)
    if day is None:
        return None
    if clock is None:
        clock, words = _clock(words, (_DOTTED_TIME,))
    zone, zone_doubt = _zone(words.partition(_MARK)[2], comment[1] if comment else "")
    at = datetime.combine(day, time(), UTC if zone is None else zone) + (clock or timedelta())
    at.astimezone(UTC)  # the last hours of the year 9999 are none there
    early = f"is in the year {at.year}; look whether it is right" if at.year < FIRST_YEAR else None
    wrong_day = WRONG_DAY if day.weekday() not in _days_of_week(text, day) else None
    missing = _missing(has_time=clock is not None, has_zone=zone is not None or zone_doubt is not None)
    doubts = (IS_EPOCH,) if at == EPOCH else (early, wrong_day, day_doubt, zone_doubt, missing)
    return FeedDate(at, tuple(doubt for doubt in doubts if doubt))


def _missing(*, has_time: bool, has_zone: bool) -> str | None:
    if has_time:
        return None if has_zone else NO_ZONE
    return NO_TIME if has_zone else NEITHER


def _days_of_week(text: str, day: date) -> frozenset[int]:
    """Return the days that the word at the beginning of a date can mean, 0 for Monday; `day`'s for none."""
    found = _FIRST_WORD.match(text)
    name = without_accents(found[1]) if found else ""
    is_month = found is not None and not found[2] and month_of(name) is not None
    return frozenset({day.weekday()}) if is_month else DAYS_OF_WEEK.get(name, frozenset({day.weekday()}))


def _clock(text: str, patterns: tuple[re.Pattern[str], ...]) -> tuple[timedelta | None, str]:
    """Return the time since midnight, None if there is none, and the text without it."""
    found = next((match for pattern in patterns if (match := pattern.search(text))), None)
    if found is None:
        return None, text
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    halves = _HALVES.search(text)
    half = found[4] or (halves and ("a" if halves[1] else "p"))
    if half:
        hour = hour if hour > 12 else hour % 12 + (12 if half == "p" else 0)  # some write 17:00 PM
    seconds = hour * _HOURS_S + minute * _MINUTES_S + min(second, 59)  # a leap second is :60
    if minute > 59 or second > 60 or seconds > 24 * _HOURS_S:
        raise ValueError(text)
    return timedelta(seconds=seconds), _HALVES.sub(" ", _marked(text, found))


def _day(text: str) -> tuple[date | None, str, str | None]:
    """Return the day, None if there is none, the text without it, and a doubt."""
    for pattern in _DATES:
        for found in pattern.finditer(text):
            groups = found.groupdict()
            month, day, doubt = _month_and_day(groups)
            if month is not None:
                between = groups.get("between") or ""
                return date(_year(groups["y"]), month, day), _marked(text, found, between), doubt
    return None, text, None


def _month_and_day(groups: dict[str, str | None]) -> tuple[int | None, int, str | None]:
    if groups.get("name"):
        return month_of(str(groups["name"])), int(groups["d"] or 0), None
    if groups.get("m"):
        return int(groups["m"] or 0), int(groups["d"] or 0), None
    first, second = int(groups["a"] or 0), int(groups["b"] or 0)
    if first > 12:
        return second, first, None
    doubt = None if second > 12 or first == second else "is read with the month first, as in the USA"
    return first, second, doubt


def _year(text: str) -> int:
    """Return a year; of two or three digits as RFC 5322, section 4.3, reads it."""
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if len(text) == 2 and year < 50 else 1900)


def _zone(text: str, comment: str) -> tuple[tzinfo | None, str | None]:
    """Return the zone of the text behind day and time, None where it names none, and a doubt."""
    offset = _OFFSET.search(text)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes)), None
    place = _PLACE.search(text)
    if place:
        return _place(place[0])
    names = [word for word in _WORD.findall(text) if word not in FILLERS]
    for name in (*names, *_WORD.findall(comment)):
        zone, doubt = _named(name)
        if zone is not None:
            return zone, doubt
    return None, f"has the unknown time zone “{names[0].upper()}”; UTC is taken" if names else None


def _place(name: str) -> tuple[tzinfo | None, str | None]:
    try:
        return ZoneInfo("/".join(part.title().replace("_Of_", "_of_") for part in name.split("/"))), None
    except (ZoneInfoNotFoundError, ValueError):
        return None, f"has the unknown time zone “{name}”; UTC is taken"


def _named(name: str) -> tuple[tzinfo | None, str | None]:
    if name in UTC_NAMES:
        return UTC, None
    if name in LOCAL:
        return ZoneInfo(LOCAL[name]), None
    if name in OFFSETS_H:
        hours = OFFSETS_H[name]
        doubt = AMBIGUOUS.get(name)
        said = f"{'+' if hours >= 0 else '−'}{int(abs(hours)):02}:{round(abs(hours) % 1 * 60):02}"
        about = f"says {name.upper()}, which is read as {said}, {doubt}" if doubt else None
        return timezone(timedelta(hours=hours)), about
    if len(name) == 1 and name.isascii():
        return UTC, f"has the military zone {name.upper()}; UTC is taken, as RFC 5322 has it"
    return None, None


def _marked(text: str, found: re.Match[str], between: str = "") -> str:
    return f"{text[: found.start()]}{_MARK} {between} {text[found.end() :]}"
