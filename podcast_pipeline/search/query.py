"""Parses the query of the search box; no text is an error. Pure.

flood memo          both words, in any order          speaker:Robin   spoken by a person of this name
"two memos"         a phrase                          guest:"Ines M"  in episodes with this guest
flood*              words with this prefix            after:2026-03   from:, before:, to: as well
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import regex

from podcast_pipeline.search.normalize import folded_words, normalize_text

LONGEST_QUERY = 200  # characters; the rest is ignored
MAX_TERMS = 12
SHORTEST_PREFIX = 3  # characters; `a*` would match half of the language

PART = regex.compile(r'(?:(?P<field>\w+):)?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))  # as phones type them
DAY = regex.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", regex.ASCII)


@dataclass(frozen=True)
class QueryTerm:
    """Words that must follow one another; with `is_prefix` the last is a prefix."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True)
class Query:
    """The criteria of a search; a result must meet all of them.

    Attributes:
        terms: in the transcript, title, guests or notes.
        speakers, guests: words of names.
        since, until: aware; episodes published from `since` up to, not including, `until`.
    """

    terms: tuple[QueryTerm, ...] = ()
    speakers: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the query has no criteria."""
        return self == Query()

    @property
    def has_passage_criteria(self) -> bool:
        """Whether the query has criteria that passages of a transcript can meet."""
        return bool(self.terms or self.speakers)


def parse_query(text: str, zone: ZoneInfo) -> Query:
    """Parse a query; text that is no field, date or phrase is plain words.

    Args:
        zone: time zone of the dates.
    """
    parser = _QueryParser(zone)
    for part in PART.finditer(normalize_text(text[:LONGEST_QUERY]).translate(QUOTES)):
        parser.add(part)
    return Query(
        terms=tuple(dict.fromkeys(parser.terms))[:MAX_TERMS],
        speakers=tuple(dict.fromkeys(parser.names["speaker"]))[:MAX_TERMS],
        guests=tuple(dict.fromkeys(parser.names["guest"]))[:MAX_TERMS],
        since=max(parser.since, default=None),
        until=min(parser.until, default=None),
    )


class _QueryParser:
    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.terms: list[QueryTerm] = []
        self.names: dict[str, list[str]] = {"speaker": [], "guest": []}
        self.since: list[datetime] = []
        self.until: list[datetime] = []

    def add(self, part: "regex.Match[str]") -> None:
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
            self._add_term(part[0], is_phrase=part["phrase"] is not None)

    def _add_term(self, text: str, *, is_phrase: bool) -> None:
        words = tuple(folded_words(text))
        if words:
            is_prefix = not is_phrase and text.endswith("*") and len(words[-1]) >= SHORTEST_PREFIX
            self.terms.append(QueryTerm(words, is_prefix))

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)


def _days(text: str) -> tuple[date, date] | None:
    """Return the first day of a year, month or day, and the day after its last; None for no date."""
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
