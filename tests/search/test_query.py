"""Any text in the search box is a valid query; words are folded the same everywhere."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podcast_pipeline.search.normalize import (
    LONGEST_WORD,
    fold_word,
    folded_words,
    normalize_text,
    split_words,
)
from podcast_pipeline.search.query import MAX_TERMS, Query, QueryTerm, parse_query

ZONE = ZoneInfo("America/New_York")
ALPHABET = st.one_of(st.characters(), st.sampled_from('"*:-() \x00“”speakrguotbfn09'))


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café crème, naïve Æsop", ["cafe", "creme", "naive", "aesop"]),
        ("cafe\u0301", ["cafe"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("Łódź Bjørn Đặng İstanbul", ["lodz", "bjorn", "dang", "istanbul"]),
        ("Marchetti’s don't e-mail", ["marchetti", "s", "don", "t", "e", "mail"]),
        ("Ёлка ΆΝΟΔΟΣ", ["елка", "ανοδοσ"]),
        ("洪水警報", ["洪", "水", "警", "報"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("11.5 m in 2026", ["11", "5", "m", "in", "2026"]),
    ],
)
def test_words_are_folded(text: str, folded: list[str]) -> None:
    """Case and accents go; what carries meaning in other scripts stays."""
    assert list(folded_words(normalize_text(text))) == folded


@given(st.text(ALPHABET))
def test_words_and_their_places_belong_together(text: str) -> None:
    """The joined pieces are the text; no word is empty, has a space, or is too long for a database."""
    kept = normalize_text(text)
    found = list(folded_words(kept))
    assert "".join(split_words(kept)) == kept
    assert list(map(fold_word, split_words(kept)[1::2])) == found
    assert " ".join(found).split() == found
    assert all(0 < len(word) <= LONGEST_WORD and "§" not in word for word in found)


@given(st.text(ALPHABET), st.text(st.characters(categories=["L", "N", "M"]), max_size=20))
def test_a_neighbour_without_spaces_changes_no_word(text: str, word: str) -> None:
    """Text has the same words alone and beside a Chinese character, which takes the general pattern."""
    kept = normalize_text(f"{text} {word}")
    assert split_words(f"{kept} 水")[1::2] == [*split_words(kept)[1::2], "水"]


@given(st.text(st.characters(categories=["L", "N"]), max_size=40))
def test_folding_is_the_same_in_either_case(text: str) -> None:
    """A word and its upper case fold alike wherever Python's own case mapping is reversible."""
    for word in folded_words(normalize_text(text)):
        if word.upper().casefold() == word:
            assert fold_word(word.upper()) == fold_word(word)


@given(st.text(ALPHABET, max_size=300))
def test_anything_parses(text: str) -> None:
    """No text makes the parser raise, and the number of terms is bounded."""
    query = parse_query(text, ZONE)
    assert len(query.terms) <= MAX_TERMS
    assert all(word and " " not in word for term in query.terms for word in term.words)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ('?! "" : * -', Query()),
        ("flood memo flood", Query(terms=(QueryTerm(("flood",)), QueryTerm(("memo",))))),
        ('"Two Memos" x', Query(terms=(QueryTerm(("two", "memos")), QueryTerm(("x",))))),
        ("“two memos”", Query(terms=(QueryTerm(("two", "memos")),))),
        ('"never closed', Query(terms=(QueryTerm(("never", "closed")),))),
        ("flo*", Query(terms=(QueryTerm(("flo",), is_prefix=True),))),
        ("f*", Query(terms=(QueryTerm(("f",)),))),
        ("don't", Query(terms=(QueryTerm(("don", "t")),))),
        ("speaker:Robin", Query(speakers=("robin",))),
        ('GUEST:"Inés Marchetti"', Query(guests=("ines", "marchetti"))),
        ("speaker:", Query(terms=(QueryTerm(("speaker",)),))),
        ("http://a.example/b", Query(terms=(QueryTerm(("http", "a", "example", "b")),))),
        ("after:2026-03-01", Query(since=_day(2026, 3, 1))),
        ("from:2026 to:2026", Query(since=_day(2026, 1, 1), until=_day(2027, 1, 1))),
        ("to:2026-12", Query(until=_day(2027, 1, 1))),
        ("before:2026-03-02 to:2026-03-05", Query(until=_day(2026, 3, 2))),
        ("after:yesterday", Query(terms=(QueryTerm(("after", "yesterday")),))),
        ("to:2026-02-31", Query(terms=(QueryTerm(("to", "2026", "02", "31")),))),
        ("to:9999", Query(terms=(QueryTerm(("to", "9999")),))),
    ],
)
def test_query_language(text: str, query: Query) -> None:
    """Fields, phrases, prefixes and dates are parsed; all other text is plain words."""
    assert parse_query(text, ZONE) == query


def test_days_begin_in_the_shows_zone() -> None:
    """A date begins at midnight in the show's time zone."""
    assert parse_query("after:2026-03-01", ZONE).since == datetime(2026, 3, 1, 5, tzinfo=UTC)


@given(st.sampled_from(["speaker", "guest"]), st.text(ALPHABET, max_size=60))
def test_a_quoted_name_is_that_name(field: str, name: str) -> None:
    """A quoted name after a field is searched word by word."""
    plain = name.translate(dict.fromkeys(map(ord, '"“”„«»')))
    asked = parse_query(f'{field}:"{plain}"', ZONE)
    assert {"speaker": asked.speakers, "guest": asked.guests}[field] == tuple(
        dict.fromkeys(folded_words(normalize_text(plain)))
    )[:MAX_TERMS]
