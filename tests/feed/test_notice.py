from datetime import UTC, datetime, timedelta, timezone
from typing import get_args
from uuid import UUID, uuid5

import pytest

from podcast_pipeline.access import Standing
from podcast_pipeline.feed.notice import MESSAGES, build_notice

SUBSCRIBER = UUID(int=7)
SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
RENEW = "https://news.example/subscribe"


def test_guid_is_a_constant_of_subscriber_standing_and_instant() -> None:
    """The guid is UUIDv5 of the subscriber's id and "<standing>:<ISO instant>"; apps show it once."""
    item = build_notice(SUBSCRIBER, "lapsed", SINCE, renew_url=RENEW)
    assert item.guid == uuid5(SUBSCRIBER, "lapsed:2026-03-01T12:00:00+00:00")
    assert item.published_at == SINCE


def test_same_instant_in_another_zone_is_the_same_notice() -> None:
    """Another time zone of the same instant makes no new item."""
    there = SINCE.astimezone(timezone(timedelta(hours=-5))).replace(microsecond=9)
    assert build_notice(SUBSCRIBER, "lapsed", there, renew_url=RENEW) == build_notice(
        SUBSCRIBER, "lapsed", SINCE, renew_url=RENEW
    )


def test_another_cause_or_instant_is_another_item() -> None:
    """A second lapse, or a suspension, makes a new notice."""
    guids = {
        build_notice(SUBSCRIBER, standing, at, renew_url=RENEW).guid
        for standing in ("lapsed", "suspended")
        for at in (SINCE, SINCE + timedelta(days=365))
    }
    assert len(guids) == 4


@pytest.mark.parametrize("standing", sorted(set(get_args(Standing)) - {"active", "anonymous"}))
def test_every_standing_that_gets_a_notice_has_a_message(standing: Standing) -> None:
    """Each message contains the renewal address."""
    assert RENEW in build_notice(SUBSCRIBER, standing, SINCE, renew_url=RENEW).text
    without = build_notice(SUBSCRIBER, standing, SINCE, renew_url=None)
    assert "ask the newsroom" in without.text.lower()
    assert "<" not in without.text


def test_no_other_standing_has_a_message() -> None:
    """The table holds exactly the standings that get a notice."""
    assert set(MESSAGES) == set(get_args(Standing)) - {"active", "anonymous"}
