"""Dates of feeds, read as apps read them; every right value is written out here."""

from datetime import UTC, datetime, timedelta

import pytest

from podcast_pipeline.feed.untrusted.dates import is_far, neighbouring_dates, places_of_equal_dates, read_date
from podcast_pipeline.feed.untrusted.month_names import MONTHS, NAMES, without_accents

CLEAR = {
    "Tue, 03 Mar 2026 06:00:00 +0000": "2026-03-03T06:00:00+00:00",
    "Tue, 03 Mar 2026 06:00:00 -0000": "2026-03-03T06:00:00+00:00",
    "Tue, 3 Mar 26 6:00 GMT": "2026-03-03T06:00:00+00:00",
    "Sun, 04 Oct 1998 06:00 EST": "1998-10-04T06:00:00-05:00",
    "Tue, 03 Mar 2026 06:00:00 PDT": "2026-03-03T06:00:00-07:00",
    "Tue, 03 Mar 2026 06:00:00 CET": "2026-03-03T06:00:00+01:00",
    "Tue, 03 Mar 2026 06:00:00 cest": "2026-03-03T06:00:00+02:00",
    "Tue, 03 Mar 2026 06:00:00 JST": "2026-03-03T06:00:00+09:00",
    "Tue, 03 Mar 2026 06:00:00 MSK": "2026-03-03T06:00:00+03:00",
    "Tue, 03 Mar 2026 06:00:00 WET": "2026-03-03T06:00:00+00:00",
    "Tue, 03 Mar 2026 06:00:00 AEST": "2026-03-03T06:00:00+10:00",
    "Tue, 03 Mar 2026 06:00:00 ACST": "2026-03-03T06:00:00+09:30",
    "Tue, 03 Mar 2026 06:00:00 NZST": "2026-03-03T06:00:00+12:00",
    "Tue, 03 Mar 2026 06:00:00 HST": "2026-03-03T06:00:00-10:00",
    "Tue, 03 Mar 2026 06:00:00 AKST": "2026-03-03T06:00:00-09:00",
    "Tue, 03 Mar 2026 06:00:00 NPT": "2026-03-03T06:00:00+05:45",
    "Tue, 03 Mar 2026 06:00:00 +01:00": "2026-03-03T06:00:00+01:00",
    "Tue, 03 Mar 2026 06:00:00 UTC+01:00": "2026-03-03T06:00:00+01:00",
    "Tue, 03 Mar 2026 06:00:00 GMT+1": "2026-03-03T06:00:00+01:00",
    "Tue Mar 03 2026 06:00:00 GMT-0400 (EDT)": "2026-03-03T06:00:00-04:00",
    "Tue, 03 Mar 2026 06:00:00 (CET)": "2026-03-03T06:00:00+01:00",
    "Tue, 03 Mar 2026 06:00:00 \u22120330": "2026-03-03T06:00:00-03:30",
    "Tuesday, 03-Mar-26 06:00:00 GMT": "2026-03-03T06:00:00+00:00",
    "Tue Mar  3 06:00:00 EST 2026": "2026-03-03T06:00:00-05:00",
    "2026-03-03T06:00:00Z": "2026-03-03T06:00:00+00:00",
    "2026-03-03T06:00:00.123+05:30": "2026-03-03T06:00:00+05:30",
    "20260303T060000-0500": "2026-03-03T06:00:00-05:00",
    "2026-03-03T24:00:00Z": "2026-03-04T00:00:00+00:00",
    "Tue, 31 Dec 2024 24:00:00 GMT": "2025-01-01T00:00:00+00:00",
    "Sat, 31 Dec 2016 23:59:60 GMT": "2016-12-31T23:59:59+00:00",
    "Tue, 03 Mar 2026 12:05 AM PST": "2026-03-03T00:05:00-08:00",
    "March 3rd, 2026 at 12:05 p.m. PST": "2026-03-03T12:05:00-08:00",
    "Tue, 03 Mar 2026 17:00:00 PM PST": "2026-03-03T17:00:00-08:00",
    "March 3, 2026 6 PM ET": "2026-03-03T18:00:00-05:00",
    "July 3, 2026 6 PM ET": "2026-07-03T18:00:00-04:00",
    "2026-07-03 06:00 Europe/Berlin": "2026-07-03T06:00:00+02:00",
    "Di, 03 Mrz 2026 06:00:00 MEZ": "2026-03-03T06:00:00+01:00",
    "mar., 03 févr. 2026 18h30 CET": "2026-02-03T18:30:00+01:00",
    "Вт, 03 мая 2026 06:00:00 MSK": "2026-05-03T06:00:00+03:00",
    "3 de agosto de 2026, 06:00 CLT": "2026-08-03T06:00:00-04:00",
    "3. července 2026 6.00 +0200": "2026-07-03T06:00:00+02:00",
    "2026年3月3日(火) 午後6:00 JST": "2026-03-03T18:00:00+09:00",
    "2026년 3월 3일 오전 6:00 KST": "2026-03-03T06:00:00+09:00",
}


@pytest.mark.parametrize("text", CLEAR)
def test_a_date_is_read_as_apps_read_it(text: str) -> None:
    """Zone names, offsets with a colon, ISO 8601, 24:00, 12-hour clocks, months in other languages (c08)."""
    read = read_date(text)
    assert read
    assert (read.at.isoformat(), read.doubts) == (CLEAR[text], ())


DOUBTFUL = {
    "Tue, 03 Mar 2026 06:00:00 CST": ("2026-03-03T06:00:00-06:00", "says CST"),
    "Tue, 03 Mar 2026 06:00:00 IST": ("2026-03-03T06:00:00+05:30", "says IST"),
    "Tue, 03 Mar 2026 06:00:00 BST": ("2026-03-03T06:00:00+01:00", "says BST"),
    "Tue, 03 Mar 2026 06:00:00 AST": ("2026-03-03T06:00:00-04:00", "says AST"),
    "Tue, 03 Mar 2026 06:00:00 A": ("2026-03-03T06:00:00+00:00", "has the military zone A"),
    "Tue, 03 Mar 2026 06:00:00 XYZ": ("2026-03-03T06:00:00+00:00", "has the unknown time zone “XYZ”"),
    "2026-03-03 06:00 Nowhere/Land": ("2026-03-03T06:00:00+00:00", "has the unknown time zone “nowhere/"),
    "Tue, 03 Mar 2026 06:00:00": ("2026-03-03T06:00:00+00:00", "states no time zone"),
    "Sun, 02 Mar 2014": ("2014-03-02T00:00:00+00:00", "states no time and no time zone"),
    "2.3.2014": ("2014-03-02T00:00:00+00:00", "states no time and no time zone"),
    "03/04/2014 06:00 GMT": ("2014-03-04T06:00:00+00:00", "is read with the month first"),
    "3 Mar 1926 06:00:00 GMT": ("1926-03-03T06:00:00+00:00", "is in the year 1926; look whether"),
    "Thu, 01 Jan 1970 00:00:00 +0000": ("1970-01-01T00:00:00+00:00", "is 1 January 1970"),
}


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_is_assumed_is_named(text: str) -> None:
    """A name that two countries use, a missing zone or time: read as most apps do, and said."""
    at, doubt = DOUBTFUL[text]
    read = read_date(text)
    assert read
    assert read.at.isoformat() == at
    assert len(read.doubts) == 1
    assert read.doubts[0].startswith(doubt)


TWO_DOUBTS = {
    "03/04/2014 06:00 CST": ("2014-03-04T06:00:00-06:00", "is read with the month", "says CST"),
    "03/04/2014 06:00": ("2014-03-04T06:00:00+00:00", "is read with the month", "states no time zone"),
    "03/04/2014": ("2014-03-04T00:00:00+00:00", "is read with the month", "states no time and no time zone"),
    "4 Mar 2014 CST": ("2014-03-04T00:00:00-06:00", "says CST", "states no time; midnight is taken"),
    "Sun, 4 Mar 2014 06:00": ("2014-03-04T06:00:00+00:00", "names another day", "states no time zone"),
    "Fri, 4 Mar 1914 06:00 GMT": ("1914-03-04T06:00:00+00:00", "is in the year 1914", "names another day"),
}


@pytest.mark.parametrize("text", TWO_DOUBTS)
def test_every_assumption_is_named(text: str) -> None:
    """One doubt hides no other."""
    at, *doubts = TWO_DOUBTS[text]
    read = read_date(text)
    assert read
    assert read.at.isoformat() == at
    assert [said.startswith(doubt) for said, doubt in zip(read.doubts, doubts, strict=True)] == [True, True]


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        *(("Mo., 03.03.2026 06:00 MEZ", True), ("Di., 03.03.2026 06:00 MEZ", False)),
        *(("so, 1. 3. 2026 06:00 MEZ", False), ("so, 28. 2. 2026 06:00 MEZ", False)),  # Sonntag, sobota
        *(("mar. 5, 2026 06:00 GMT", False), ("mar., 5 mar 2026 06:00 GMT", True)),
        *(("Monday March 3 2026 06:00 GMT", True), ("Xyz, 3 March 2026 06:00 GMT", False)),
    ],
)
def test_a_wrong_day_of_the_week_is_named(text: str, is_wrong: bool) -> None:
    """In the usual languages; a word that is a month, or no day that is known, is none."""
    read = read_date(text)
    assert read
    assert bool(read.doubts) == is_wrong


@pytest.mark.parametrize(
    ("text", "time"),
    [
        *(("3. März 2026, 18 Uhr MEZ", "18:00"), ("3. März 2026 um 18 MEZ", "18:00")),
        *(("3 mars 2026 à 18 h CET", "18:00"), ("3. marts 2026 kl. 18 CET", "18:00")),
        *(("2026年3月3日 18時30分 JST", "18:30"), ("2026年3月3日 午後6時 JST", "18:00")),
        *(("3. März 2026 18.30 Uhr MEZ", "18:30"), ("2026년 3월 3일 오전 6시 KST", "06:00")),
    ],
)
def test_an_hour_alone_is_a_time(text: str, time: str) -> None:
    """“18 Uhr” is no midnight."""
    read = read_date(text)
    assert read
    assert (f"{read.at:%H:%M}", read.doubts) == (time, ())


def test_a_date_after_next_year_is_far() -> None:
    """The last second of next year is a plan, the first one after it a slip."""
    now = datetime(2026, 12, 1, tzinfo=UTC)
    far = datetime(2028, 1, 1, tzinfo=UTC)
    assert (is_far(far - timedelta(seconds=1), now), is_far(far, now)) == (False, True)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "12", "2014-03", "1393826400", "0000-00-00 00:00:00"),
        *("Tue, 31 Feb 2026 06:00:00 GMT", "Tue, 03 Mar 2026 25:00:00 GMT", "Tue, 03 Mrs 2026 06:00:00 GMT"),
        *("Tue, 03 Mar 2026 06:00:00 +99:99", "Sat, 31 Dec 9999 23:59:59 -1200", "3 Mar 2026 " * 20),
    ],
)
def test_no_date_is_made_of_what_is_none(text: str) -> None:
    """Neither today's date nor 1970 stands in; the last hours of 9999 in the west are no date in UTC."""
    assert read_date(text) is None


def test_no_name_means_two_months() -> None:
    """A name of one language is another month in none of the others, with or without its accents."""
    found: dict[str, set[int]] = {}
    for line in NAMES.replace("\n    |", " |").strip().splitlines():
        for number, names in enumerate(line.partition(":")[2].split("|"), start=1):
            for name in names.split():
                found.setdefault(without_accents(name), set()).add(number)
    assert {name: numbers for name, numbers in found.items() if len(numbers) > 1} == {}
    assert {name: {number} for name, number in MONTHS.items()} == found


def test_equal_dates_keep_the_order_of_the_feed() -> None:
    """The last is the oldest, and all places stay when the feed grows at its beginning (c11)."""
    at, later = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    assert places_of_equal_dates([at, later, at, at]) == [2, 0, 1, 0]
    assert places_of_equal_dates([at, at, later, at, at])[1:] == [2, 0, 1, 0]


def test_a_missing_date_is_a_second_from_its_neighbours() -> None:
    """In the direction of the feed, before the first too; a feed without any date has none to give."""
    at, second = datetime(2026, 3, 3, tzinfo=UTC), timedelta(seconds=1)
    day = timedelta(days=1)
    newest_first = neighbouring_dates([None, at + day, None, at, None], first_at=None)
    assert newest_first == [at + day + second, at + day, at + day - second, at, at - second]
    oldest_first = neighbouring_dates([None, at, None, at + day], first_at=None)
    assert oldest_first == [at - second, at, at + second, at + day]
    assert neighbouring_dates([None, None], first_at=None) == [None, None]
    assert neighbouring_dates([None, None], first_at=at) == [at, at - second]
    assert neighbouring_dates([], first_at=at) == []
