"""Sign-in by mail: once, soon, from the right browser, without revealing who is a subscriber."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select

from podcast_pipeline.audience.database.tables import jobs, signin_requests
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.signin import (
    MAILS_PER_WINDOW,
    MAX_CODE_ATTEMPTS,
    RATE_LIMIT_WINDOW,
    SIGNIN_LIFETIME,
    SignIn,
    SignInMail,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
KEY = b"k" * 64
ANN = "ann@example.com"


@pytest.fixture
def people(engine: Engine) -> Subscribers:
    """A show with one subscriber."""
    made = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    made.add(ANN, now=NOW, origin="cli")
    return made


@pytest.fixture
def signin(engine: Engine, people: Subscribers) -> SignIn:
    """The show's sign-in."""
    return SignIn(engine, show_id=SHOW, secret_key=KEY)


def mail(signin: SignIn, email: str = ANN, browser: str = "firefox", now: datetime = NOW) -> SignInMail:
    """Request a mail and return it as it is composed."""
    nonce = signin.request(email, browser=browser, now=now)
    assert nonce is not None
    composed = signin.mail(nonce, now=now)
    assert composed is not None
    return composed


def test_link_lets_in_once(people: Subscribers, signin: SignIn) -> None:
    """The link of a mail works in any browser, one time, and so does nothing of that mail after it."""
    asked = mail(signin, " ANN@example.com ")
    assert asked.email == ANN
    assert signin.spend_link(asked.link_secret, now=NOW) == people.get(ANN).id
    assert signin.spend_link(asked.link_secret, now=NOW) is None
    assert signin.spend_code(asked.code, browser="firefox", now=NOW) is None


def test_link_and_code_end_after_fifteen_minutes(people: Subscribers, signin: SignIn) -> None:
    """A second before the end they work, at the end they do not."""
    first, second = mail(signin), mail(signin)
    assert signin.spend_link(first.link_secret, now=NOW + SIGNIN_LIFETIME) is None
    assert signin.spend_code(second.code, browser="firefox", now=NOW + SIGNIN_LIFETIME) is None
    last = NOW + SIGNIN_LIFETIME - timedelta(seconds=1)
    assert signin.spend_code(second.code, browser="firefox", now=last) == people.get(ANN).id


def test_code_is_for_the_browser_that_asked(people: Subscribers, signin: SignIn) -> None:
    """Another browser cannot use the code; the right one can, once."""
    asked = mail(signin)
    mail(signin, browser="chrome")
    assert len(asked.code) == 6
    assert signin.spend_code(asked.code, browser="chrome", now=NOW) is None
    assert signin.spend_code(f" {asked.code} ", browser="firefox", now=NOW) == people.get(ANN).id
    assert signin.spend_code(asked.code, browser="firefox", now=NOW) is None


def test_another_show_lets_nobody_in(engine: Engine, people: Subscribers, signin: SignIn) -> None:
    """Another show in the same database, with the same key, accepts neither the link nor the code."""
    asked, other = mail(signin), SignIn(engine, show_id=uuid4(), secret_key=KEY)
    assert other.spend_link(asked.link_secret, now=NOW) is None
    assert other.spend_code(asked.code, browser="firefox", now=NOW) is None
    assert signin.spend_code(asked.code, browser="firefox", now=NOW) == people.get(ANN).id


def test_code_has_five_tries(signin: SignIn) -> None:
    """After five wrong codes the right one is refused as well; the link still works."""
    asked = mail(signin)
    wrong = "000000" if asked.code != "000000" else "000001"
    assert [signin.spend_code(wrong, browser="firefox", now=NOW) for _ in range(MAX_CODE_ATTEMPTS)] == [
        None
    ] * MAX_CODE_ATTEMPTS
    assert signin.spend_code(asked.code, browser="firefox", now=NOW) is None
    assert signin.spend_link(asked.link_secret, now=NOW) is not None


@pytest.mark.parametrize("email", [ANN, "nobody@example.com"])
def test_five_mails_an_hour(signin: SignIn, email: str) -> None:
    """The sixth request of an hour makes no mail and leaves no row, known address or not."""
    for number in range(MAILS_PER_WINDOW + 2):
        asked = signin.request(email, browser=f"b{number}", now=NOW)
        assert (asked is not None) == (number < MAILS_PER_WINDOW)
    with signin.engine.connect() as connection:
        assert len(connection.execute(select(signin_requests)).all()) == MAILS_PER_WINDOW
        assert len(connection.execute(select(jobs)).all()) == MAILS_PER_WINDOW
    assert mail(signin, email, now=NOW + RATE_LIMIT_WINDOW).email == (ANN if email == ANN else None)


def test_requests_at_once_keep_the_limit(signin: SignIn) -> None:
    """Twelve threads that ask at the same moment get five mails."""
    with ThreadPoolExecutor(6) as pool:
        asked = list(pool.map(lambda n: signin.request(ANN, browser=str(n), now=NOW), range(12)))
    assert len([each for each in asked if each]) == MAILS_PER_WINDOW


def test_link_spent_at_once_lets_one_in(signin: SignIn) -> None:
    """Of eight clicks at the same moment one is let in."""
    secret = mail(signin).link_secret
    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(lambda _: signin.spend_link(secret, now=NOW), range(8)))
    assert len([each for each in spent if each]) == 1


@pytest.mark.parametrize("email", ["", "nobody@example.com", "\x00", "\ud800", "x" * 5000])
def test_unknown_addresses_leave_the_same_row(signin: SignIn, email: str) -> None:
    """Any text costs the same work: one row, which does not contain the address, and a mail to nobody."""
    assert mail(signin, email, browser="\udfff").email is None
    with signin.engine.connect() as connection:
        (row,) = connection.execute(select(signin_requests)).mappings().all()
    assert row["subscriber_id"] is None
    assert not email or email not in str(dict(row))


def test_made_up_secrets_let_nobody_in(signin: SignIn) -> None:
    """Empty, foreign and malformed secrets are refused."""
    mail(signin)
    for text in ("", "x", "\x00", "\ud800", "1" * 100_000):
        assert signin.spend_link(text, now=NOW) is None
        assert signin.spend_code(text, browser=text, now=NOW) is None


def test_secrets_are_not_in_the_database_nor_in_repr(signin: SignIn) -> None:
    """Neither a stolen database nor a log of the mail gives the link or the code."""
    asked = mail(signin)
    with signin.engine.connect() as connection:
        rows = str([connection.execute(select(table)).all() for table in (signin_requests, jobs)])
    for secret in (asked.link_secret, asked.code):
        assert f"'{secret}'" not in rows
        assert secret not in repr(asked)


def test_erased_and_other_shows_get_no_mail(people: Subscribers, signin: SignIn) -> None:
    """A mail to an erased subscriber is void, queued or sent; another show does not know the address."""
    asked, queued = mail(signin), signin.request(ANN, browser="b", now=NOW)
    assert queued is not None
    people.erase(ANN, now=NOW, origin="web")
    assert signin.spend_link(asked.link_secret, now=NOW) is None
    assert signin.mail(queued, now=NOW) is None
    assert mail(signin).email is None
    assert mail(SignIn(signin.engine, show_id=uuid4(), secret_key=KEY)).email is None
