"""Who is due for which mail about a subscription, and claims that let none be sent twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from podcast_pipeline.audience.account_mails.queue import (
    AGAIN_AFTER,
    DOUBTFUL_AFTER,
    TOLD_WINDOW,
    TRIED_FOR,
    WELCOME_WINDOW,
    AccountMailQueue,
    DueMail,
    MailChoice,
)
from podcast_pipeline.audience.membership.entitlements import apply_membership
from podcast_pipeline.audience.membership.facts import Membership
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.canaries import ensure_canaries
from podcast_pipeline.audience.subscribers.csv.importer import import_csv
from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data

SHOW, KEY = UUID(int=7), b"k" * 64
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANN, BOB, CARL = "ann@example.org", "bob@example.org", "carl@example.org"
ALL = MailChoice(NOW - DAY, frozenset(("rotated", "suspended", "lapsed")))


@pytest.fixture
def people(engine: Engine) -> Subscribers:
    """The subscribers of a show."""
    return Subscribers(engine, show_id=SHOW, secret_key=KEY)


def due(people: Subscribers, choice: MailChoice = ALL, *, now: datetime = NOW) -> list[tuple[str, str]]:
    """Return (address, name of the mail) of each mail that is due."""
    addresses = {person.id: person.email for person in people.list_all()}
    return [(addresses[mail.subscriber_id], mail.name) for mail in AccountMailQueue(people, choice).due(now)]


def test_whoever_joins_is_welcomed(people: Subscribers, tmp_path: Path) -> None:
    """By a command, from a CSV file and from a membership site; from the chosen day on, and no canary."""
    people.add("early@example.org", now=NOW - 2 * DAY, origin="cli")
    people.add(ANN, now=NOW, origin="cli")
    csv = tmp_path / "people.csv"
    csv.write_text(f"email\n{BOB}\n", encoding="utf-8")
    assert list(import_csv(people, csv, zone=ZoneInfo("UTC"), now=NOW))
    membership = Membership(
        source="stripe", foreign_id="sub_1", email=CARL, plan="standard", period="yearly",
        starts_at=NOW, period_ends_at=NOW + 30 * DAY, observed_at=NOW,
    )  # fmt: skip
    apply_membership(people, membership, grace_days=7, now=NOW, origin="hook")
    ensure_canaries(people, now=NOW)
    assert due(people) == [(ANN, "welcome"), (BOB, "welcome"), (CARL, "welcome")]
    assert due(people, MailChoice()) == []
    assert due(people, MailChoice(NOW - 3 * DAY), now=NOW + WELCOME_WINDOW - DAY) == due(people)
    assert due(people, MailChoice(NOW - 3 * DAY), now=NOW + WELCOME_WINDOW + DAY) == []


def test_a_change_is_told_of_while_it_is_true_and_news(people: Subscribers) -> None:
    """The newest of its sort, within a week, where show.toml has chosen it."""
    for email in (ANN, BOB):
        people.add(email, now=NOW - 9 * DAY, origin="cli")
    people.rotate(ANN, now=NOW - DAY, origin="web")
    people.rotate(ANN, now=NOW, origin="web")
    people.suspend(BOB, None, now=NOW, origin="cli")
    assert due(people) == [(ANN, "rotated"), (BOB, "suspended")]
    assert due(people, MailChoice(tells=frozenset(("rotated",)))) == [(ANN, "rotated")]
    assert due(people, now=NOW + TOLD_WINDOW + DAY) == []
    people.resume(BOB, now=NOW, origin="cli")
    people.remove(ANN, now=NOW, origin="cli")
    assert due(people) == []


def test_the_end_of_the_paid_time_is_told_of_once(people: Subscribers) -> None:
    """When it has come, for a week; who renews and lapses again is told again."""
    people.add(ANN, paid_until=NOW, now=NOW - 9 * DAY, origin="cli")
    people.add(BOB, now=NOW - 9 * DAY, origin="cli")
    assert due(people, now=NOW - timedelta(seconds=1)) == []
    assert due(people) == [(ANN, "lapsed")]
    assert due(people, now=NOW + TOLD_WINDOW) == []
    queue = AccountMailQueue(people, ALL)
    (mail,) = queue.due(NOW)
    assert queue.claim(mail, now=NOW) is not None
    queue.confirm(mail, now=NOW)
    assert due(people) == []
    people.renew(ANN, NOW + DAY, now=NOW, origin="cli")
    assert due(people) == []
    assert due(people, now=NOW + DAY) == [(ANN, "lapsed")]


def test_a_mail_is_claimed_once(people: Subscribers) -> None:
    """Of many runs at once one gets it, with the address and the current link."""
    token = people.add(ANN, now=NOW, origin="cli")[1]
    queue = AccountMailQueue(people, ALL)
    (mail,) = queue.due(NOW)
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(lambda _: queue.claim(mail, now=NOW), range(6)))
    (recipient,) = [claim for claim in claims if claim]
    assert (recipient.email, recipient.token) == (ANN, token)
    assert token not in repr(recipient)
    assert list(queue.due(NOW)) == []
    assert export_personal_data(people, ANN)["welcome_mails"][0]["kind"] == mail.kind


def test_a_mail_that_is_no_longer_true_is_not_claimed(people: Subscribers) -> None:
    """What happened between the list and the claim counts."""
    people.add(ANN, now=NOW, origin="cli")
    queue = AccountMailQueue(people, ALL)
    (mail,) = queue.due(NOW)
    people.suspend(ANN, None, now=NOW, origin="cli")
    assert queue.claim(mail, now=NOW) is None
    people.resume(ANN, now=NOW, origin="cli")
    assert queue.claim(mail, now=NOW) is not None
    assert queue.claim(DueMail(UUID(int=99), "welcome 1"), now=NOW) is None
    people.erase(ANN, now=NOW, origin="cli")
    assert queue.claim(mail, now=NOW) is None


def test_a_refused_mail_is_tried_again_for_a_day(people: Subscribers) -> None:
    """Every hour; then it stays refused, and is counted."""
    people.add(ANN, now=NOW, origin="cli")
    queue, now = AccountMailQueue(people, ALL), NOW
    for waited in (AGAIN_AFTER, TRIED_FOR - 2 * AGAIN_AFTER, AGAIN_AFTER):
        (mail,) = queue.due(now)
        assert queue.claim(mail, now=now) is not None
        queue.refuse(mail, now=now)
        assert list(queue.due(now)) == []
        assert queue.count_refused() == 1
        now += waited
    assert list(queue.due(now)) == []
    assert queue.in_doubt(now) == ()


def test_a_released_mail_is_due_at_once(people: Subscribers) -> None:
    """The mail server certainly did not get it."""
    people.add(ANN, now=NOW, origin="cli")
    queue = AccountMailQueue(people, ALL)
    (mail,) = queue.due(NOW)
    queue.claim(mail, now=NOW)
    queue.release(mail)
    assert list(queue.due(NOW)) == [mail]


def test_a_mail_in_doubt_is_sent_again_only_when_a_person_says_so(people: Subscribers) -> None:
    """A claim that nobody confirmed is being sent for a quarter of an hour, and in doubt from then on."""
    people.add(ANN, now=NOW, origin="cli")
    queue, later = AccountMailQueue(people, ALL), NOW + DOUBTFUL_AFTER
    (mail,) = queue.due(NOW)
    queue.claim(mail, now=NOW)
    assert queue.in_doubt(later - timedelta(seconds=1)) == ()
    assert (queue.in_doubt(later), list(queue.due(later))) == ((mail,), [])
    assert queue.claim(mail, now=later) is None
    assert queue.claim(mail, now=later, again=True) is not None
    assert queue.claim(mail, now=later, again=True) is None  # another run has it now
    queue.confirm(mail, now=later)
    assert queue.in_doubt(later + DOUBTFUL_AFTER) == ()


def test_who_comes_back_is_welcomed_once_more(people: Subscribers) -> None:
    """Their old link has gone; the new one is in the mail."""
    people.add(ANN, now=NOW, origin="cli")
    queue = AccountMailQueue(people, ALL)
    (first,) = queue.due(NOW)
    queue.claim(first, now=NOW)
    people.remove(ANN, now=NOW, origin="cli")
    people.add(ANN, now=NOW, origin="cli")
    (second,) = queue.due(NOW)
    assert (second.name, second != first) == ("welcome", True)


def test_many_are_listed_in_bounded_pieces(people: Subscribers, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they joined, each once, also where a piece has nobody who is due."""
    monkeypatch.setattr("podcast_pipeline.audience.account_mails.queue.BATCH", 2)
    emails = [f"{number}@example.org" for number in range(7)]
    for email in emails:
        people.add(email, now=NOW, origin="cli")
    for email in emails[2:4]:
        people.suspend(email, None, now=NOW - 8 * DAY, origin="cli")
    assert due(people) == [(email, "welcome") for email in (*emails[:2], *emails[4:])]
