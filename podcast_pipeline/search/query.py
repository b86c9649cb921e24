"""What a visitor typed into the search box, read so that nothing is ever an error. Pure.

flood memo          both words, in any order          speaker:Robin   said by somebody of this name
"two memos"         these words, one after another    guest:"Ines M"  in episodes with this guest
flood*              words that begin so               after:2026-03   from:, before:, to: as well
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import regex

from podcast_pipeline.search.normalize import folded_words, normalize_text

LONGEST_QUERY = 200  # characters; the rest is not looked at
MAX_TERMS = 12
SHORTEST_PREFIX = 3  # characters; `a*` would be half of the language

PART = regex.compile(r'(?:(?P<field>\w+):)?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))  # what a phone types
DAY = regex.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", regex.ASCII)


@dataclass(frozen=True)
class QueryTerm:
    """Words that must follow one another; with `is_prefix` the last may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True)
class Query:
    """What is asked for; everything must hold.

    Attributes:
        terms: in what is said or written.
        speakers, guests: words of names.
        since, until: aware; episodes that went out from `since` up to, not including, `until`.
    """

    terms: tuple[QueryTerm, ...] = ()
    speakers: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing at all."""
        return self == Query()

    @property
    def has_passage_criteria(self) -> bool:
        """Whether it asks for something that is said, so that passages can answer."""
        return bool(self.terms or self.speakers)


def parse_query(text: str, zone: ZoneInfo) -> Query:
    """Read a query; what is no field, date or phrase is plain words.

    Args:
        zone: in which days begin.
    """
    read = _QueryParser(zone)
    for part in PART.finditer(normalize_text(text[:LONGEST_QUERY]).translate(QUOTES)):
        read.take(part)
    return Query(
        terms=tuple(dict.fromkeys(read.terms))[:MAX_TERMS],
        speakers=tuple(dict.fromkeys(read.names["speaker"]))[:MAX_TERMS],
        guests=tuple(dict.fromkeys(read.names["guest"]))[:MAX_TERMS],
        since=max(read.since, default=None),
        until=min(read.until, default=None),
    )


class _QueryParser:
    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.terms: list[QueryTerm] = []
        self.names: dict[str, list[str]] = {"speaker": [], "guest": []}
        self.since: list[datetime] = []
        self.until: list[datetime] = []

    def take(self, part: "regex.Match[str]") -> None:
        field = (part["field"] or "").casefold()
        value = part["phrase"] if part["phrase"] is not None else part["word"]
        days = _days(value) if field in ("after", "from", "before", "to") else None
        if field in self.names:
            self.names[field] += folded_words(value)
        elif days and field in ("after", "from"):
            self.since.append(self._midnight(days[0]))
        elif days:
            self.until.append(self._midnight(days[0] if field == "before" else days[1]))
        else:
            self._take_words(part[0], is_phrase=part["phrase"] is not None)

    def _take_words(self, text: str, *, is_phrase: bool) -> None:
        said = tuple(folded_words(text))
        if said:
            is_prefix = not is_phrase and text.endswith("*") and len(said[-1]) >= SHORTEST_PREFIX
            self.terms.append(QueryTerm(said, is_prefix))

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)


def _days(text: str) -> tuple[date, date] | None:
    """Return the first day of a year, a month or a day, and the first after it; None for no date."""
    match = DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    try:
        first = date(year, month, day)
        if match[3]:
            return first, first + timedelta(days=1)
        return first, date(year + month // 12, month % 12 + 1, 1) if match[2] else date(year + 1, 1, 1)
    except (ValueError, OverflowError):  # the 31st of February, the year 9999
        return None
