"""Browser sessions have the rights of their token, and expire."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select

from podcast_pipeline.audience.database.tables import sessions as table
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.sessions import (
    ACCOUNT_SCOPE_LIFETIME,
    MAX_SESSIONS,
    SESSION_LIFETIME,
    BrowserSessions,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOW = UUID("5f3a1c0e-9d2b-4e6f-8a7c-1b2d3e4f5a6b")
ANN = "ann@example.com"


@pytest.fixture
def subscribers(engine: Engine) -> Subscribers:
    """A show with one subscriber."""
    made = Subscribers(engine, show_id=SHOW, secret_key=b"k" * 64)
    made.add(ANN, now=NOW, origin="cli")
    return made


@pytest.fixture
def sessions(engine: Engine) -> BrowserSessions:
    """The show's sessions."""
    return BrowserSessions(engine, show_id=SHOW)


def read_with_token(subscribers: Subscribers, sessions: BrowserSessions) -> str:
    """Open a reading session as /feeds/<token>/ does."""
    selector = subscribers.feed_token(ANN).partition(".")[0]
    return sessions.open(subscribers.get(ANN).id, scope="reading", selector=selector, now=NOW)


def standing(sessions: BrowserSessions, cookie: str, now: datetime = NOW) -> str | None:
    """Return the standing of a session's visitor."""
    found = sessions.visitor(cookie, now=now)
    return found[0].standing(now) if found else None


def test_session_of_a_token_reads(subscribers: Subscribers, sessions: BrowserSessions) -> None:
    """The visitor of a reading session is the subscriber with the token that opened it."""
    found = sessions.visitor(read_with_token(subscribers, sessions), now=NOW)
    assert found is not None
    visitor, scope = found
    assert visitor == subscribers.visitor(subscribers.feed_token(ANN))
    assert scope == "reading"


def test_session_ends_after_its_time(subscribers: Subscribers, sessions: BrowserSessions) -> None:
    """A session lasts 30 days."""
    cookie = read_with_token(subscribers, sessions)
    assert standing(sessions, cookie, NOW + SESSION_LIFETIME - timedelta(seconds=1)) == "active"
    assert sessions.visitor(cookie, now=NOW + SESSION_LIFETIME) is None


def test_rotation_reaches_sessions_of_the_old_token(
    subscribers: Subscribers, sessions: BrowserSessions
) -> None:
    """Whoever came in with a leaked link is out when it is rotated; a mailed link's session stays."""
    by_token = read_with_token(subscribers, sessions)
    by_mail = sessions.open(subscribers.get(ANN).id, scope="account", selector=None, now=NOW)
    subscribers.rotate(ANN, now=NOW, origin="web")
    assert standing(sessions, by_token) == "rotated"
    assert standing(sessions, by_mail) == "active"


def test_removal_and_erasure_reach_sessions(subscribers: Subscribers, sessions: BrowserSessions) -> None:
    """A removed subscriber's session has a removed visitor, an erased subscriber's session is gone."""
    cookie = read_with_token(subscribers, sessions)
    subscribers.remove(ANN, now=NOW, origin="cli")
    assert standing(sessions, cookie) == "removed"
    subscribers.erase(ANN, now=NOW, origin="cli")
    assert sessions.visitor(cookie, now=NOW) is None


def test_account_scope_is_short(subscribers: Subscribers, sessions: BrowserSessions) -> None:
    """After an hour a session from a mailed link still reads and changes nothing any more."""
    cookie = sessions.open(subscribers.get(ANN).id, scope="account", selector=None, now=NOW)
    scopes = [sessions.visitor(cookie, now=NOW + after) for after in (timedelta(0), ACCOUNT_SCOPE_LIFETIME)]
    assert [found[1] for found in scopes if found] == ["account", "reading"]


def test_close_list_and_revoke(subscribers: Subscribers, sessions: BrowserSessions) -> None:
    """A person sees their open sessions and ends each, and nobody else's."""
    first, second = read_with_token(subscribers, sessions), read_with_token(subscribers, sessions)
    owner = subscribers.get(ANN).id
    assert sorted(each.is_this for each in sessions.list_of(owner, cookie=first, now=NOW)) == [False, True]
    sessions.close(first)
    (left,) = sessions.list_of(owner, cookie="", now=NOW)
    sessions.revoke(uuid4(), left.id)
    assert standing(sessions, second) == "active"
    sessions.revoke(owner, left.id)
    assert sessions.visitor(second, now=NOW) is None
    sessions.close(second)


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "\ud800" * 43, "a" * 10_000, "ä" * 43])
def test_made_up_cookies_open_no_session(sessions: BrowserSessions, cookie: str) -> None:
    """Any text is accepted as a cookie, and finds no session."""
    assert sessions.visitor(cookie, now=NOW) is None
    sessions.close(cookie)


def test_a_cookie_of_another_show_opens_no_session(
    subscribers: Subscribers, sessions: BrowserSessions
) -> None:
    """A session cookie is valid for its show alone."""
    cookie = read_with_token(subscribers, sessions)
    assert BrowserSessions(sessions.engine, show_id=uuid4()).visitor(cookie, now=NOW) is None


def test_cookie_is_not_in_the_database(subscribers: Subscribers, sessions: BrowserSessions) -> None:
    """A stolen database opens no session."""
    cookie = read_with_token(subscribers, sessions)
    with sessions.engine.connect() as connection:
        assert cookie not in repr(connection.execute(select(table)).all())


@pytest.mark.parametrize("seconds", [0, 1], ids=["in-one-second", "apart"])
def test_the_oldest_session_gives_way(
    subscribers: Subscribers, sessions: BrowserSessions, seconds: int
) -> None:
    """A link opens at most MAX_SESSIONS at a time; the newest works, and nobody else loses one."""
    bob = subscribers.add("bob@example.com", now=NOW, origin="cli")[0]
    theirs = sessions.open(bob.id, scope="account", selector=None, now=NOW)
    ann, later = subscribers.get(ANN), NOW + timedelta(hours=1)
    first = sessions.open(ann.id, scope="account", selector=None, now=NOW)
    for number in range(MAX_SESSIONS + 1):
        at = later + number * timedelta(seconds=seconds)
        newest = sessions.open(ann.id, scope="reading", selector=None, now=at)
        assert standing(sessions, newest, at) == "active"
    assert len(sessions.list_of(ann.id, cookie=newest, now=later)) == MAX_SESSIONS
    assert standing(sessions, first, later) is None
    assert standing(sessions, theirs, later) == "active"


def test_sessions_opened_at_once_keep_the_limit(
    subscribers: Subscribers, sessions: BrowserSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight threads that open sessions at the same moment none leaves one too many."""
    monkeypatch.setattr("podcast_pipeline.audience.subscribers.sessions.MAX_SESSIONS", 3)
    ann = subscribers.get(ANN)
    with ThreadPoolExecutor(8) as pool:
        opened = pool.map(lambda _: sessions.open(ann.id, scope="reading", selector=None, now=NOW), range(16))
    cookies = list(opened)
    assert len(sessions.list_of(ann.id, cookie="", now=NOW)) == 3
    assert sum(standing(sessions, cookie) == "active" for cookie in cookies) == 3


def test_a_session_lasts_if_it_is_theirs_current_and_young(
    subscribers: Subscribers, sessions: BrowserSessions
) -> None:
    """Half its life, another subscriber or a replaced link ends that; a session by mail lasts, too."""
    cookie, ann = read_with_token(subscribers, sessions), subscribers.get(ANN)
    mailed = sessions.open(ann.id, scope="account", selector=None, now=NOW)
    assert sessions.lasts(cookie, ann.id, now=NOW)
    assert not sessions.lasts(cookie, uuid4(), now=NOW)
    assert not sessions.lasts("", ann.id, now=NOW)
    assert not sessions.lasts(cookie, ann.id, now=NOW + SESSION_LIFETIME / 2)
    subscribers.rotate(ANN, now=NOW, origin="cli")
    assert [sessions.lasts(each, ann.id, now=NOW) for each in (cookie, mailed)] == [False, True]
