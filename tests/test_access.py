"""The access table, cell by cell."""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

import pytest

from podcast_pipeline.access import (
    ANONYMOUS,
    NOT_FOUND,
    TOKEN_GRACE,
    AccessPolicy,
    Allow,
    Decision,
    Deny,
    FeedWithNotice,
    Resource,
    Standing,
    Teaser,
    Visitor,
    decide,
    denial_message,
)
from podcast_pipeline.model import (
    Enclosure,
    Episode,
    EpisodeState,
    FeedToken,
    Subscriber,
    TranscriptVersion,
)
from tests.support.subscriptions import paid

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAST = NOW - timedelta(days=3)
LONG_AGO = NOW - TOKEN_GRACE - timedelta(seconds=1)
RENEW = "https://example.com/renew"
POLICY = AccessPolicy(renew_url=RENEW)
ID = UUID(int=7)
RESOURCES: tuple[Resource, ...] = get_args(Resource)


def subscriber(*, paid_until: datetime | None = NOW + timedelta(days=9), **facts: datetime) -> Subscriber:
    paying = Subscriber(
        id=ID,
        show_id=ID,
        email="reader@example.com",
        email_normalized="reader@example.com",
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    return paid(paying, paid_until).model_copy(update=facts)


def token(rotated_at: datetime | None = None) -> FeedToken:
    return FeedToken(
        selector="a" * 16,
        secret_sha256="0" * 64,
        subscriber_id=ID,
        created_at=LONG_AGO,
        rotated_at=rotated_at,
    )


def episode(
    state: EpisodeState = "published", access: Literal["public", "subscribers"] = "public"
) -> Episode:
    return Episode(
        id=ID,
        guid="g",
        slug="s",
        title="t",
        language="en",
        access=access,
        state=state,
        publish_at=PAST,
        content_changed_at=PAST,
        enclosure=Enclosure(key="public/audio/s.mp3", size_bytes=1, type="audio/mpeg", duration_s=1),
    )


VISITORS = {
    "anonymous": ANONYMOUS,
    "erased": Visitor(token=token()),
    "active": Visitor(subscriber(), token()),
    "forever": Visitor(subscriber(paid_until=None), token()),
    "session": Visitor(subscriber()),
    "lapsed": Visitor(subscriber(paid_until=PAST), token()),
    "lapsing now": Visitor(subscriber(paid_until=NOW), token()),
    "suspended": Visitor(subscriber(suspended_at=PAST, paid_until=LONG_AGO), token()),
    "rotated": Visitor(subscriber(), token(PAST)),
    "rotated, lapsed": Visitor(subscriber(paid_until=LONG_AGO), token(PAST)),
    "rotated long ago": Visitor(subscriber(), token(LONG_AGO)),
    "removed": Visitor(subscriber(removed_at=PAST, suspended_at=LONG_AGO), token()),
    "removed in the second of a rotation": Visitor(subscriber(removed_at=PAST), token(PAST)),
    "removed long ago": Visitor(subscriber(removed_at=LONG_AGO), token()),
    "rotated long ago, removed": Visitor(subscriber(removed_at=PAST), token(LONG_AGO)),
    "removed long ago, rotated": Visitor(subscriber(removed_at=LONG_AGO), token(PAST)),
}

GONE = ("rotated long ago", "removed long ago", "rotated long ago, removed", "removed long ago, rotated")
STRANGERS = ("anonymous", "erased", *GONE)
PAYING = ("active", "forever", "session")
LINES = {
    "lapsed": "your subscription has ended; renew it at",
    "suspended": "your subscription is suspended; see",
    "rotated": "this private link was replaced; ask for the new one at",
    "removed": "this subscription was ended; subscribe again at",
}
INACTIVE: dict[str, tuple[Standing, datetime]] = {
    "lapsed": ("lapsed", PAST),
    "lapsing now": ("lapsed", NOW),
    "suspended": ("suspended", PAST),
    "rotated": ("rotated", PAST),
    "rotated, lapsed": ("rotated", PAST),
    "removed": ("removed", PAST),
    "removed in the second of a rotation": ("removed", PAST),
}


def expected(name: str, resource: Resource) -> Decision:
    """Return the cell of the table in docs/explanation/access.md, written down a second time."""
    if resource == "episode_link" and name in ("anonymous", "erased"):
        return NOT_FOUND
    if resource == "public" or name in PAYING:
        return Allow()
    if name in GONE and resource == "episode_link":
        return Teaser("anonymous")
    if name in STRANGERS:
        return Teaser("anonymous") if resource in ("page", "search") else NOT_FOUND
    standing, since = INACTIVE[name]
    cells: dict[Resource, Decision] = {
        "private_feed": FeedWithNotice(standing, since),
        "file": Deny(403, f"{LINES[standing]} {RENEW}", standing),
        "page": Teaser(standing),
        "search": Teaser(standing),
        "episode_link": Teaser(standing),
    }
    return cells[resource]


def decided(name: str, resource: Resource, about: Episode | None = None) -> Decision:
    return decide(VISITORS[name], about, resource, policy=POLICY, now=NOW)


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", VISITORS)
def test_the_table(name: str, resource: Resource) -> None:
    """Every cell of the table holds, for the show and for a public episode."""
    assert decided(name, resource) == expected(name, resource)
    assert decided(name, resource, episode()) == expected(name, resource)


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", VISITORS)
def test_a_subscriber_only_episode(name: str, resource: Resource) -> None:
    """A subscriber-only episode has no public object; its file, feed item and page follow the table."""
    found = decided(name, resource, episode(access="subscribers"))
    assert found == (NOT_FOUND if resource == "public" else expected(name, resource))


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", VISITORS)
def test_a_public_transcript(name: str, resource: Resource) -> None:
    """Its page and its files are everybody's; the private feed and the show's search stay as they are."""
    about = episode().model_copy(update={"transcript_is_public": True})
    is_open = resource in ("page", "file")
    assert decided(name, resource, about) == (Allow() if is_open else expected(name, resource))


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("state", ["scheduled", "unpublished"])
def test_a_public_transcript_of_an_episode_that_is_not_out(state: EpisodeState, resource: Resource) -> None:
    """Before its time and after it was taken down nothing is open, whatever the catalog says of its words."""
    about = episode(state).model_copy(update={"transcript_is_public": True})
    for name in VISITORS:
        assert decided(name, resource, about) == decided(name, resource, episode(state))


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", VISITORS)
def test_a_scheduled_episode_is_not_there(name: str, resource: Resource) -> None:
    """Nobody gets anything of an episode before its time, subscribers neither."""
    assert decided(name, resource, episode("scheduled")) == NOT_FOUND


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("name", VISITORS)
def test_an_unpublished_episode_is_gone(name: str, resource: Resource) -> None:
    """Its page says 410 to everybody, its link to who has a genuine one; elsewhere it is absent."""
    found = decided(name, resource, episode("unpublished"))
    has_link = resource == "episode_link" and name not in ("anonymous", "erased")
    assert isinstance(found, Deny)
    assert found.status == (410 if resource == "page" or has_link else 404)


@pytest.mark.parametrize("cause", ["rotated_at", "removed_at"])
@pytest.mark.parametrize(("days", "kind"), [(0, FeedWithNotice), (30, FeedWithNotice), (31, Deny)])
def test_a_token_is_told_for_thirty_days(cause: str, days: int, kind: type) -> None:
    """A replaced or removed token gets the notice feed for thirty days, the last included, then 404."""
    at = NOW - timedelta(days=days)
    visitor = (
        Visitor(subscriber(), token(at))
        if cause == "rotated_at"
        else Visitor(subscriber(removed_at=at), token())
    )
    assert isinstance(decide(visitor, None, "private_feed", policy=POLICY, now=NOW), kind)


@pytest.mark.parametrize("name", ["lapsed", "suspended"])
def test_a_lapsed_feed_never_ends(name: str) -> None:
    """An app that polls for years after the last payment still gets the notice feed, never an error."""
    later = NOW + timedelta(days=3650)
    assert isinstance(decide(VISITORS[name], None, "private_feed", policy=POLICY, now=later), FeedWithNotice)


@pytest.mark.parametrize("name", VISITORS)
def test_no_file_without_paying(name: str) -> None:
    """Only an active subscriber gets a transcript; everybody else gets an error, never 200."""
    found = decided(name, "file", episode())
    assert (found == Allow()) is (name in PAYING)
    assert isinstance(found, Allow | Deny)


WITHDRAWN = TranscriptVersion(
    version=1,
    document_key="private/documents/s.0123456789abcdef.json",
    file_keys={},
    language="en",
    word_count=3,
    published_at=PAST,
    withdrawn_at=NOW,
)
TAKEN_BACK = Deny(410, "this version of the transcript was withdrawn on 2026-03-01", is_withdrawn=True)


@pytest.mark.parametrize("resource", ["file", "page"])
@pytest.mark.parametrize("state", ["published", "unpublished"])
@pytest.mark.parametrize("who", list(VISITORS))
def test_a_withdrawn_version(who: str, state: EpisodeState, resource: Resource) -> None:
    """410 with the date for an active subscriber, 403 for a lapsed one, else as a version that never was."""
    visitor, one = VISITORS[who], episode(state)
    decision = decide(visitor, one, resource, policy=POLICY, now=NOW, withdrawn=WITHDRAWN)
    standing = visitor.standing(NOW)
    if standing == "active":
        assert decision == TAKEN_BACK
    elif standing in ("lapsed", "suspended"):
        assert isinstance(decision, Deny)
        assert (decision.status, RENEW in decision.message) == (403, True)
    else:
        assert decision == decide(visitor, one, resource, policy=POLICY, now=NOW)
        assert not isinstance(decision, Allow)


def test_a_public_page_stays_after_its_only_words_were_withdrawn() -> None:
    """It is the page without words; with other words left, the version is one that never was; files go."""
    taken = episode().model_copy(update={"transcript_is_public": True, "transcripts": (WITHDRAWN,)})
    rest = WITHDRAWN.model_copy(update={"version": 2, "withdrawn_at": None})
    corrected = taken.model_copy(update={"transcripts": (WITHDRAWN, rest)})
    nobody = Visitor()
    cases: tuple[tuple[Episode, Resource, Decision], ...] = (
        (taken, "page", Teaser("anonymous")),
        (corrected, "page", NOT_FOUND),
        (taken, "file", NOT_FOUND),
    )
    for one, resource, expected in cases:
        assert decide(nobody, one, resource, policy=POLICY, now=NOW, withdrawn=WITHDRAWN) == expected


@pytest.mark.parametrize("who", list(VISITORS))
def test_a_withdrawn_version_of_a_scheduled_episode(who: str) -> None:
    """Nobody learns of a scheduled episode by a version that was withdrawn."""
    asked = decide(VISITORS[who], episode("scheduled"), "file", policy=POLICY, now=NOW, withdrawn=WITHDRAWN)
    assert asked == NOT_FOUND


def test_a_withdrawal_gives_the_public_reason() -> None:
    """What readers may know of the reason stands in the answer."""
    reasoned = WITHDRAWN.model_copy(update={"withdrawal_reason": "a source asked."})
    decision = decide(VISITORS["active"], episode(), "file", policy=POLICY, now=NOW, withdrawn=reasoned)
    assert isinstance(decision, Deny)
    assert decision.message.endswith("withdrawn on 2026-03-01: a source asked")


@pytest.mark.parametrize("standing", get_args(Standing))
def test_without_a_page_to_subscribe_at_no_line_leads_anywhere(standing: Standing) -> None:
    """Where show.toml has no renew_url, a line says whom to ask instead of where to go."""
    line = denial_message(standing, AccessPolicy(renew_url=None))
    assert "http" not in line
    assert "None" not in line
    assert ("ask the newsroom" in line) == (standing not in ("anonymous", "active"))
