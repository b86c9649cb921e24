"""Parses the query of the search box; no text is an error. Pure.

flood memo          both words, in any order          speaker:Robin   spoken by a person of this name
"two memos"         a phrase                          guest:"Ines M"  in episodes with this guest
flood*              words with this prefix            after:2026-03   from:, before:, to: as well
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import regex

from podcast_pipeline.search.normalize import folded_words, normalize_text, split_words
from podcast_pipeline.search.stems import query_stems

LONGEST_QUERY = 200  # characters; the rest is ignored
MAX_TERMS = 12
SHORTEST_PREFIX = 3  # characters; `a*` would match half of the language

PART = regex.compile(r'(?:(?P<field>\w+):)?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))')
QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))  # as phones type them
DAY = regex.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", regex.ASCII)


@dataclass(frozen=True)
class QueryTerm:
    """Words that must follow one another.

    Attributes:
        words: folded.
        is_prefix: whether the last word is a prefix.
        typed: the word as it was typed, of a term that is one word without quotation marks; else empty.
        is_last: whether the query ends with this word, of which more may be typed: in titles, guests and
            topics it is a prefix too.
        stems: what finds other forms of the word; see `with_stems`.
    """

    words: tuple[str, ...]
    is_prefix: bool = False
    typed: str = field(default="", compare=False)
    is_last: bool = field(default=False, compare=False)
    stems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def has_forms(self) -> bool:
        """Whether other forms of the word are looked for."""
        return bool(self.typed) and not self.is_prefix


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

    @property
    def has_stems(self) -> bool:
        """Whether passages may match by another form of a word."""
        return any(term.stems for term in self.terms)

    @property
    def has_open_end(self) -> bool:
        """Whether titles, guests and topics may match by the beginning of a word."""
        return any(term.is_last for term in self.terms)

    def with_stems(self, languages: Iterable[str]) -> "Query":
        """Return the query with the stems of its words in these languages."""
        known = tuple(languages)
        terms = (
            replace(term, stems=query_stems(term.typed, known)) if term.has_forms else term
            for term in self.terms
        )
        return replace(self, terms=tuple(terms))


def parse_query(text: str, zone: ZoneInfo) -> Query:
    """Parse a query; text that is no field, date or phrase is plain words.

    Args:
        zone: time zone of the dates.
    """
    parser = _QueryParser(zone)
    for part in query_parts(text):
        parser.add(part)
    terms = tuple(dict.fromkeys(parser.terms))[:MAX_TERMS]
    return Query(
        terms=tuple(replace(term, is_last=parser.is_open_end(term)) for term in terms),
        speakers=tuple(dict.fromkeys(parser.names["speaker"]))[:MAX_TERMS],
        guests=tuple(dict.fromkeys(parser.names["guest"]))[:MAX_TERMS],
        since=max(parser.since, default=None),
        until=min(parser.until, default=None),
    )


def query_parts(text: str) -> "Iterable[regex.Match[str]]":
    """Return the parts of a query: words, phrases, fields with their values."""
    return PART.finditer(normalize_text(text[:LONGEST_QUERY]).translate(QUOTES))


class _QueryParser:
    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.terms: list[QueryTerm] = []
        self.names: dict[str, list[str]] = {"speaker": [], "guest": []}
        self.since: list[datetime] = []
        self.until: list[datetime] = []
        self._last: QueryTerm | None = None

    def is_open_end(self, term: QueryTerm) -> bool:
        """Tell whether the query ends with this term, and the term with a word that may go on."""
        return term == self._last and term.has_forms and len(term.words[0]) >= SHORTEST_PREFIX

    def add(self, part: "regex.Match[str]") -> None:
        field = (part["field"] or "").casefold()
        value = part["phrase"] if part["phrase"] is not None else part["word"]
        self._last = None
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
            typed = split_words(text)[1] if len(words) == 1 and not is_phrase else ""
            self._last = QueryTerm(words, is_prefix, typed)
            self.terms.append(self._last)

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
