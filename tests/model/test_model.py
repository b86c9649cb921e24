"""The values of the model: validation, rounding, computed properties."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from podcast_pipeline.model import (
    Chapter,
    DroppedWord,
    Enclosure,
    Insert,
    Instant,
    Progress,
    Receipt,
    Seconds,
    Segment,
    Speaker,
    Subscriber,
    SubscriberState,
    Timeline,
    Transcript,
    Word,
)
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from tests.support.subscriptions import entitlement, paid
from tests.support.transcripts import spoken

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECONDS: TypeAdapter[float] = TypeAdapter(Seconds)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@given(st.integers(0, 10**9))
def test_seconds_keep_their_milliseconds(ms: int) -> None:
    """A time in whole milliseconds is kept exactly."""
    assert SECONDS.validate_python(ms / 1000) == ms / 1000


@pytest.mark.parametrize(("said", "kept"), [(1.0004, 1.0), (1.0006, 1.001), (-0.0, 0.0)])
def test_seconds_are_rounded(said: float, kept: float) -> None:
    """A time is rounded to the millisecond, and -0 is 0: equal times have equal bytes."""
    assert str(SECONDS.validate_python(said)) == str(kept)


@pytest.mark.parametrize("said", [-0.001, float("nan"), float("inf")])
def test_seconds_are_a_time(said: float) -> None:
    """A negative time, NaN and infinity are refused."""
    with pytest.raises(ValidationError):
        SECONDS.validate_python(said)


def test_instants_are_utc_and_whole_seconds() -> None:
    """One moment has one form in UTC, in any time zone."""
    berlin = datetime(2026, 3, 1, 13, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))
    assert INSTANT.validate_python(berlin).isoformat() == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize("said", ["2026-03-01T12:00:00", "0001-01-01T00:00:00+05:00", "today"])
def test_instants_are_moments(said: str) -> None:
    """A time without a zone, or without a date in UTC, is refused."""
    with pytest.raises(ValidationError):
        INSTANT.validate_python(said)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (Word, {"text": "a", "start_s": 2, "end_s": 1}),
        (Word, {"text": "", "start_s": 1, "end_s": 1}),
        (Word, {"text": "a", "start_s": 1, "end_s": 1, "confidence": 1.1}),
        (Segment, {"words": ()}),
        (Chapter, {"start_s": 0, "title": ""}),
        (Enclosure, {"size_bytes": 1, "type": "audio/mpeg", "duration_s": 1}),
        (
            Enclosure,
            {"key": "a", "external_url": "b", "size_bytes": 1, "type": "audio/mpeg", "duration_s": 1},
        ),
        (Enclosure, {"key": "a", "size_bytes": 0, "type": "audio/mpeg", "duration_s": 1}),
        (Progress, {"step": "a", "done": 0, "total": 1, "units": "a typo"}),
    ],
)
def test_nouns_refuse(kind: type[Any], facts: dict[str, object]) -> None:
    """Impossible values and unknown fields are refused."""
    with pytest.raises(ValidationError):
        kind.model_validate(facts)


def test_a_moment_at_an_insert_comes_after_it() -> None:
    """The recording's 0 follows the intro."""
    timeline = Timeline(inserts=(Insert(at_s=0, duration_s=4), Insert(at_s=10, duration_s=6)))
    assert [timeline.to_media(moment) for moment in (0, 9.999, 10)] == [4, 13.999, 20]


def test_tables_are_in_order() -> None:
    """Equal receipts have equal bytes, for any order of the engine's options."""
    facts = {
        "engine": "e",
        "engine_version": "1",
        "model": "m",
        "weights_sha256": "0" * 64,
        "audio_sha256": "0" * 64,
    }
    one = Receipt.model_validate({**facts, "options": {"b": 1, "a": 2.5}})
    other = Receipt.model_validate({**facts, "options": {"a": 2.5, "b": 1}})
    assert one.model_dump_json() == other.model_dump_json()


def test_a_transcript_is_its_words() -> None:
    """Words and text go over all segments; a segment's text has no space at its ends."""
    transcript = spoken(("a", "Good morning."), ("b", "Hello you."))
    assert transcript.text == "Good morning. Hello you."
    assert [word.text for word in transcript.words] == [" Good", " morning.", " Hello", " you."]
    assert (transcript.segments[0].start_s, transcript.segments[0].end_s) == (0.5, 1.05)


@pytest.mark.parametrize(("id_", "shown"), [("a", "Ann"), ("b", "Speaker 2"), ("c", None), (None, None)])
def test_speakers_are_shown_by_name_or_number(id_: str | None, shown: str | None) -> None:
    """An unconfirmed speaker has a number, in the order of the speakers; an unknown one has no name."""
    transcript = Transcript(
        language="en", duration_s=1, speakers=(Speaker(id="a", name="Ann"), Speaker(id="b", name=None))
    )
    assert transcript.speaker_name(id_) == shown


def test_a_voice_without_words_needs_no_name() -> None:
    """Only voices that say something are listed as unnamed, with their numbers."""
    words = spoken(("S2", "Hello."), ("S0", "Hi."), names={"S0": "Ann", "S1": None, "S2": None})
    assert words.unnamed_speakers == ("Speaker 3",)


def test_a_transcript_without_dropped_words_has_the_bytes_it_had() -> None:
    """The field is written only where it says something, so that no stored transcript gets another hash."""
    plain = spoken(("a", "Good morning."))
    assert b"dropped" not in to_json(plain)
    word = DroppedWord(word=plain.words[0], speaker="a")
    document = to_json(plain.model_copy(update={"dropped": (word,)}))
    assert transcript_from_json(document, "").dropped == (word,)
    assert transcript_from_json(to_json(plain), "") == plain


def subscriber(*, paid_until: datetime | None = None, **facts: datetime) -> Subscriber:
    plain = Subscriber(
        id=UUID(int=1),
        show_id=UUID(int=2),
        email="a@example.com",
        email_normalized="a@example.com",
        created_at=NOW - 99 * DAY,
        updated_at=NOW - 9 * DAY,
    )
    return paid(plain, paid_until).model_copy(update=facts)


@pytest.mark.parametrize(
    ("facts", "state", "since"),
    [
        ({}, "active", NOW - 9 * DAY),
        ({"paid_until": NOW + DAY}, "active", NOW - 9 * DAY),
        ({"paid_until": NOW}, "lapsed", NOW),
        ({"paid_until": NOW - DAY}, "lapsed", NOW - DAY),
        ({"paid_until": NOW - DAY, "suspended_at": NOW - 2 * DAY}, "suspended", NOW - 2 * DAY),
        ({"suspended_at": NOW - DAY, "removed_at": NOW - 3 * DAY}, "removed", NOW - 3 * DAY),
    ],
)
def test_a_subscriber_s_state(facts: dict[str, datetime], state: SubscriberState, since: datetime) -> None:
    """The first state that holds counts (removed, suspended, lapsed, active), since the time in its field."""
    somebody = subscriber(**facts)
    assert (somebody.state(NOW), somebody.state_since(NOW)) == (state, since)


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        ({}, True),
        ({"ends_at": NOW + DAY}, True),
        ({"ends_at": NOW}, False),
        ({"starts_at": NOW}, True),
        ({"starts_at": NOW + DAY}, False),
        ({"suspended_at": NOW}, False),
        ({"suspended_at": NOW + DAY}, True),
        ({"cancelled_at": NOW - DAY, "ends_at": NOW + DAY}, True),
    ],
)
def test_when_an_entitlement_holds(facts: dict[str, Any], holds: bool) -> None:
    """From its beginning to its end or suspension; one that was cancelled holds to its end."""
    assert entitlement(**facts).holds(NOW) is holds


def test_any_entitlement_that_holds_makes_a_subscriber_active() -> None:
    """Plan and end are those of the one that holds longest; a suspended one ends where it was suspended."""
    over = entitlement("manual", ends_at=NOW - DAY)
    paused = entitlement("stripe", plan="student", suspended_at=NOW - 2 * DAY)
    good = entitlement("memberful", plan="monthly", period="monthly", ends_at=NOW + DAY)
    everything = (over, paused, good)
    active = subscriber().model_copy(update={"entitlements": everything})
    assert (active.state(NOW), active.plan, active.period, active.paid_until) == (
        "active",
        "monthly",
        "monthly",
        NOW + DAY,
    )
    lapsed = subscriber().model_copy(update={"entitlements": (over, paused)})
    assert (lapsed.state(NOW), lapsed.state_since(NOW), lapsed.paid_until) == ("lapsed", NOW - DAY, NOW - DAY)
    nothing = subscriber().model_copy(update={"entitlements": ()})
    assert (nothing.state(NOW), nothing.paid_until) == ("lapsed", nothing.created_at)


def test_which_sources_go_on() -> None:
    """Those of subscriptions that hold and were not cancelled, each once; what was given by hand is none."""
    given = (
        entitlement("manual"),
        entitlement("stripe"),
        entitlement("stripe", foreign_id="2"),
        entitlement("memberful", cancelled_at=NOW, ends_at=NOW + DAY),
        entitlement("generic", ends_at=NOW),
    )
    assert subscriber().model_copy(update={"entitlements": given}).going_on(NOW) == ("stripe",)
